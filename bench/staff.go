//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// staffQueries is how often each question is asked in a round.
const staffQueries = 40

// staff: pages, searches and counts of the staff among -clients clients, asked of the store, on the core of the
// server; and what GET me is like while four of them a second are asked.
func (b *bench) staff() error {
	for _, engine := range b.options.engines {
		if err := b.staffOf(engine); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return nil
}

func (b *bench) staffOf(engine string) error {
	database, err := b.newDatabase(engine, "staff")
	if err != nil {
		return err
	}
	s := setting{database: database, algorithm: "HS256", core: -1, fastHash: true}
	p := &population{database: database}
	if p.clients, err = b.registerAll(s, "client", min(b.options.users, 200)); err != nil {
		return fmt.Errorf("make users: %w", err)
	}
	if err := onCore(-1, func() error { return b.takeIn(engine, database) }); err != nil {
		return fmt.Errorf("take the clients in: %w", err)
	}
	s.core, s.debug = b.options.serverCore, true
	y, err := b.startYoozak(s)
	if err != nil {
		return err
	}
	defer y.end()
	st, err := store.Open(b.ctx, database, store.Options{})
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // it is only read
	for _, q := range questions() {
		var rounds []sample
		for range b.options.rounds {
			s, err := b.askOnCore(engine, y, func() error { return q.ask(b.ctx, st) }, staffQueries)
			if err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			rounds = append(rounds, s)
		}
		cpu := medianOf(rounds, func(s sample) float64 { return s.CPU.Server * s.Seconds / float64(s.Requests) * 1e9 })
		b.add(result{
			Operation: "staff: " + q.name, Engine: engine, Unit: "ms", Mark: markOf("staff", engine, ""), Measured: rounds,
			Figure:   spreadOf(perRound(rounds, func(s sample) float64 { return s.P99.Seconds() * 1000 })),
			Absolute: fmt.Sprintf("p50 %s, of the processor %s", milliseconds(medianOf(rounds, func(s sample) float64 { return float64(s.P50) })), milliseconds(cpu)),
		})
	}
	return b.meBeside(engine, y, p, st)
}

// askOnCore asks so often, one after the other, and measures each.
func (b *bench) askOnCore(engine string, y *yoozak, ask func() error, times int) (s sample, err error) {
	var pids []int
	if engine == postgres {
		pids = b.pids(engine, y.process)[1:]
	}
	err = onCore(b.options.serverCore, func() error {
		var h histogram
		meter := cpuMeter{core: b.options.serverCore, pids: pids}
		before, own, began := meter.read(), threadTime(), time.Now()
		for range times {
			at := time.Now()
			if err := ask(); err != nil {
				return err
			}
			h.record(time.Since(at))
		}
		s = newSample(&h, time.Since(began), meter.since(before))
		s.CPU.Server += (threadTime() - own).Seconds() / s.Seconds
		return nil
	})
	return s, err
}

// threadTime is the processor time of the calling thread: SQLite is in it.
func threadTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// meBeside: GET me at its pace, in turns alone and beside questions of the staff, four a second.
func (b *bench) meBeside(engine string, y *yoozak, p *population, st *store.Store) error {
	meter := cpuMeter{core: b.options.serverCore, pids: b.pids(engine, y.process)}
	all := questions()
	asked := 0
	calm, busy, err := b.inTurns(
		func() (sample, error) { return paced(b.ctx, y.addr, p.meRequests(), b.options.paced, meter) },
		func() (sample, error) {
			ctx, stop := context.WithCancel(b.ctx)
			failed := make(chan error, 1)
			go func() {
				failed <- onCore(b.options.serverCore, func() error {
					for ticks := time.NewTicker(time.Second / 4); ; {
						select {
						case <-ctx.Done():
							ticks.Stop()
							return nil
						case <-ticks.C:
							asked++
							if err := all[asked%len(all)].ask(b.ctx, st); err != nil {
								return err
							}
						}
					}
				})
			}()
			s, err := paced(b.ctx, y.addr, p.meRequests(), b.options.paced, meter)
			stop()
			return s, errors.Join(err, <-failed)
		})
	if err != nil {
		return y.explain(err)
	}
	p99 := func(s sample) float64 { return float64(s.P99) }
	b.add(result{
		Operation: "staff: p99 of GET me beside", Engine: engine, Algorithm: "HS256", Unit: "ratio", Mark: markOf("staff-me", engine, ""),
		Figure: spreadOf(ratios(perRound(busy, p99), perRound(calm, p99))), Baseline: calm, Measured: busy,
		Absolute: fmt.Sprintf("%s, alone %s", milliseconds(medianOf(busy, p99)), milliseconds(medianOf(calm, p99))),
	})
	return nil
}

// question is one that the staff ask.
type question struct {
	name string
	ask  func(ctx context.Context, st *store.Store) error
}

func questions() []question {
	yes, no := true, false
	noon := time.Date(2022, 3, 1, 12, 0, 0, 0, time.UTC)
	deep := map[store.UserOrdering]string{}
	list := func(name string, f store.UserFilter, orders ...store.UserOrdering) question {
		turn := 0
		return question{name, func(ctx context.Context, st *store.Store) error {
			turn++
			_, err := st.ListUsers(ctx, f, orders[turn%len(orders)], "", 50)
			return err
		}}
	}
	search := func(name string, words ...string) question {
		turn := 0
		orders := []store.UserOrdering{store.ByJoined.Down(), store.ByUsername, store.ByLastLogin.Down(), store.ByID, store.ByEmail}
		return question{name, func(ctx context.Context, st *store.Store) error {
			turn++
			_, err := st.ListUsers(ctx, store.UserFilter{Search: words[turn%len(words)]}, orders[turn%len(orders)], "", 50)
			return err
		}}
	}
	return []question{
		list("first page", store.UserFilter{}, store.Orderings()...),
		{"deep page", func(ctx context.Context, st *store.Store) error { // each goes on where the one before ended
			o := store.Orderings()[len(deep)%10]
			if len(deep) == 10 {
				for some := range deep {
					o = some
					break
				}
			}
			page, err := st.ListUsers(ctx, store.UserFilter{}, o, deep[o], store.MaxUserPage)
			deep[o] = page.Next
			return err
		}},
		search("a name that many have", "mohamed", "محمد", "fatima", "alaoui", "gmail"),
		search("two names that many have", "mohamed alaoui", "محمد العلوي", "amina tazi gmail"),
		search("two names that many have, together nobody", "mohamed fatima", "يوسف محمد", "bennani cherkaoui", "sara zineb alaoui"),
		search("one or two letters", "m", "mo", "ال", "06", "zz", "مي", "q"),
		search("a rare name", "laraki bou", "guessous hi", "m'hamed zouiten", "ⵎⵓⵃ", "slibou lla"),
		search("nobody", "mohammed benaoui", "xqzwv", "0712999999999", "alaouia@example", "kawtarr"),
		search("a number", "0612345678", "+212 6 12 34 56 78", "345678", "06 45"),
		search("an address", "alaoui@gmail", "mohamed.tazi12", "amina.alaoui@example.ma", "example.ma"),
		list("disabled, a rare name", store.UserFilter{State: account.UserDisabled, Search: "zouiten"}, store.ByJoined.Down(), store.ByUsername),
		list("closed, a name that many have", store.UserFilter{State: account.UserClosed, Search: "mohamed"}, store.ByJoined.Down(), store.ByUsername),
		list("not verified, in English, a name that many have", store.UserFilter{Verified: &no, Language: "en", Search: "mohamed"}, store.ByJoined.Down(), store.ByLastLogin),
		list("active, verified, in Arabic, a rare name", store.UserFilter{Active: &yes, Verified: &yes, Language: "ar", Search: "laraki"}, store.ByJoined.Down(), store.ByUsername),
		list("joined in a month, a name that many have", store.UserFilter{JoinedAfter: noon, JoinedBefore: noon.AddDate(0, 1, 0), Search: "alaoui"}, store.ByUsername, store.ByJoined, store.ByLastLogin.Down()),
		list("joined on a day, by name", store.UserFilter{JoinedAfter: noon, JoinedBefore: noon.AddDate(0, 0, 1)}, store.ByUsername, store.ByEmail.Down()),
		list("last login long ago, disabled", store.UserFilter{LastLoginBefore: noon.AddDate(-3, 0, 0), Active: &no}, store.ByEmail, store.ByLastLogin.Down()),
		exact("exactly", "#4821", "4821", "مي", "mohamed", "amina.alaoui@example.ma", "0612345678"),
		count("a count", "", "mohamed", "mohamed alaoui", "mohamed fatima", "zouiten", "xqzwv", "m"),
	}
}

func exact(name string, words ...string) question {
	turn := 0
	return question{name, func(ctx context.Context, st *store.Store) error {
		turn++
		_, err := st.ExactUsers(ctx, store.UserFilter{Search: words[turn%len(words)]})
		return err
	}}
}

func count(name string, words ...string) question {
	turn := 0
	return question{name, func(ctx context.Context, st *store.Store) error {
		turn++
		_, err := st.CountUsers(ctx, store.UserFilter{Search: words[turn%len(words)]})
		return err
	}}
}

const afterRegistered = 100_000 // ids of those who registered are smaller

// takeIn imports the clients, as a shop's come, and says how long that took.
func (b *bench) takeIn(engine, database string) error {
	st, err := store.Open(b.ctx, database, store.Options{})
	if err != nil {
		return err
	}
	p, begin := newPeople("!"), time.Now()
	const portion = 1000
	err = st.Import(b.ctx, func(ctx context.Context, i *store.Import) error {
		for first := 0; first < b.options.staffClients; first += portion {
			rows := make([]store.ImportRow, 0, portion)
			for n := first; n < min(first+portion, b.options.staffClients); n++ {
				u := p.next(int64(afterRegistered + n))
				rows = append(rows, store.ImportRow{User: u, Origin: store.Origin{Fields: []byte("bench"), PasswordAt: u.PasswordAt}})
			}
			if err := i.Insert(ctx, rows); err != nil {
				return err
			}
		}
		return i.ContinueIDs(ctx)
	})
	if err := errors.Join(err, st.Close()); err != nil { // what follows wants the file alone
		return err
	}
	took := time.Since(begin)
	b.log.Info("populated", "engine", engine, "clients", b.options.staffClients, "took", took.Round(time.Second))
	b.add(result{
		Operation: "staff: import", Engine: engine, Unit: "s", Figure: spreadOf([]float64{took.Seconds()}),
		Absolute: fmt.Sprintf("%d clients", b.options.staffClients),
	})
	db, err := openForFill(database)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // everything is committed
	statements := []string{fmt.Sprintf(`UPDATE users SET closed_at = joined_at, is_active = FALSE WHERE id %% 200 = 0 AND id >= %d`, afterRegistered)}
	if engine == postgres {
		statements = append(statements, `VACUUM ANALYZE users`, `VACUUM ANALYZE user_grams`, `CHECKPOINT`)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(b.ctx, statement); err != nil {
			return fmt.Errorf("%w in %s", err, statement)
		}
	}
	return nil
}
