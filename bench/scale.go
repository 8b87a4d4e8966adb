//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/fold"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

const sessionsPath = "/api/clients/auth/sessions/"

// scaleSample is how many tokens requests cycle through, of sessions at random; as many with few users, where several
// are of one session, so that the cache of verified tokens helps both alike.
const scaleSample = 20_000

// scale: each operation with many users and sessions, in turns with few. Both are made by SQL, not over the API; the
// sessions are a day's, opened in the order of their ids by users at random. What is searched is left empty: it would take
// longer than the rest, and a server that found it missing would fold it while it is measured.
func (b *bench) scale() error {
	for _, engine := range b.options.engines {
		if err := b.scaleOf(engine); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return nil
}

// crowd is a database with a server on it.
type crowd struct {
	database string
	users    int
	sample   []client
	server   *yoozak
}

func (b *bench) scaleOf(engine string) error {
	var crowds [2]*crowd
	for i, users := range []int{b.options.users, b.options.many} {
		c, err := b.gather(engine, users)
		if err != nil {
			return err
		}
		defer c.server.end()
		crowds[i] = c
	}
	if engine == sqlite { // two at a time fit on more disks
		defer func() { _ = os.Remove(strings.TrimPrefix(crowds[1].database, "sqlite:")) }()
	}
	for _, op := range []struct {
		name     string
		conns    int
		requests func(*population) [][]byte
	}{
		{"me", b.options.conns, (*population).meRequests},
		{"refresh", b.options.conns, (*population).refreshRequests},
		{"sessions", b.options.conns, (*population).sessionsRequests},
		{"login", 8, (*population).loginRequests},
	} {
		var sides [2]func() (sample, error)
		for i, c := range crowds {
			p := &population{database: c.database, clients: c.sample, shoppers: c.sample}
			if op.name == "me" {
				if err := p.proveMe(c.server.addr); err != nil {
					return err
				}
			}
			requests := op.requests(p)
			s := side{
				name: fmt.Sprintf("%s with %d", op.name, c.users), addr: c.server.addr, pids: b.pids(engine, c.server.process),
				conns: op.conns, next: cycle(requests), status: 200,
			}
			sides[i] = func() (sample, error) { return b.play(s, b.options.window) }
		}
		few, many, err := b.inTurns(sides[0], sides[1])
		if err != nil {
			return err
		}
		b.add(ratioResult("scale-"+op.name, engine, "HS256", few, many))
		err = b.profile("scale-"+op.name+"-"+engine, crowds[1].server, func(time.Duration) error { _, err := sides[1](); return err })
		if err != nil {
			return err
		}
	}
	few, many, err := b.inTurns(
		func() (sample, error) { return b.sweepOnce(crowds[0]) },
		func() (sample, error) { return b.sweepOnce(crowds[1]) },
	)
	if err != nil {
		return err
	}
	r := ratioResult("scale-sweep", engine, "", few, many)
	r.PerCPU = nil // this process does it
	b.add(r)
	return nil
}

// gather makes a database of so many users with a session each, and starts a server on it.
func (b *bench) gather(engine string, users int) (*crowd, error) {
	c := &crowd{users: users}
	var err error
	if c.database, err = b.newDatabase(engine, fmt.Sprintf("scale_%d", users)); err != nil {
		return nil, err
	}
	// Everybody has the password of the first, who registers.
	s := setting{database: c.database, algorithm: "HS256", core: -1}
	y, err := b.startYoozak(s)
	if err != nil {
		return nil, err
	}
	err = expect(y.addr, registration("first"), 201)
	y.end()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	day := begin.Add(-20 * time.Hour).Truncate(time.Second)
	if err := onCore(-1, func() error { return fill(b.ctx, engine, c.database, users, day) }); err != nil {
		return nil, fmt.Errorf("make users: %w", err)
	}
	b.log.Info("populated", "engine", engine, "users", users, "took", time.Since(begin).Round(time.Second))
	if c.sample, err = b.sampleOf(users, day); err != nil {
		return nil, err
	}
	s.core, s.debug = b.options.serverCore, true
	c.server, err = b.startYoozak(s)
	return c, err
}

// The n-th session of a database, by the same arithmetic in SQL and here: a multiplication that meets every 32-bit
// number once makes names and owners without an order.
const (
	scatter = 2654435761
	stride  = 7_368_787 // a prime: every user has one session
)

func scattered(n int64) int64                { return n * scatter & 0xffffffff }
func nameOf(user int64) string               { return fmt.Sprintf("client-%08x", scattered(user)) }
func ownerOf(session int64, users int) int64 { return 2 + session*stride%int64(users) }

func openedAt(session int64, users int, day time.Time) time.Time {
	return day.Add(time.Duration(session*20*3_600_000/int64(users)) * time.Millisecond)
}

func sessionID(session int64, users int, day time.Time) string {
	return fmt.Sprintf("%012x%08x%012x", openedAt(session, users, day).UnixMilli(), scattered(session), session)
}

// sampleOf signs tokens for sessions at random.
func (b *bench) sampleOf(users int, day time.Time) ([]client, error) {
	tokens := token.New(token.Options{Algorithm: "HS256", Secret: secret.NewBytes([]byte(b.secret)), Issuer: "yoozak", AccessLifetime: time.Hour, RefreshLifetime: 24 * time.Hour})
	random := rand.New(rand.NewPCG(1, 2))
	clients := make([]client, scaleSample)
	for i := range clients {
		session := random.Int64N(int64(users))
		id, user := sessionID(session, users, day), ownerOf(session, users)
		c := client{username: nameOf(user)}
		var err error
		if c.access, _, err = tokens.Issue(token.Access, user, id, token.NewID(), time.Now()); err != nil {
			return nil, err
		}
		if c.refresh, _, err = tokens.Issue(token.Refresh, user, id, fmt.Sprintf("%032x", session), openedAt(session, users, day)); err != nil {
			return nil, err
		}
		clients[i] = c
	}
	return clients, nil
}

// words are what the engines say differently.
type words struct{ series, hex, at string }

var wordsOf = map[string]words{
	sqlite: {
		series: `(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < %d) SELECT n FROM s)`,
		hex:    `printf('%%0%dx', %s)`,
		at:     `((%s) * 1000)`,
	},
	postgres: {
		series: `(SELECT n FROM generate_series(0::bigint, %d - 1) AS n)`,
		hex:    `lpad(to_hex(%[2]s), %[1]d, '0')`,
		at:     `to_timestamp((%s) / 1000.0)`,
	},
}

// fill adds users with a session each. Indexes are made after the rows.
func fill(ctx context.Context, engine, database string, users int, day time.Time) error {
	db, err := openForFill(database)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // everything is committed
	w := wordsOf[engine]
	series := fmt.Sprintf(w.series, users)
	hex := func(digits int, n string) string { return fmt.Sprintf(w.hex, digits, n) }
	at := func(millis string) string { return fmt.Sprintf(w.at, millis) }
	name := "'client-' || " + hex(8, fmt.Sprintf("((n + 2) * %d) & 4294967295", scatter))
	opened := fmt.Sprintf("%d + n * %d / %d", day.UnixMilli(), 20*3_600_000, users)
	// Used tomorrow, too, or the first refresh in five minutes would write that down.
	tomorrow := at(opened + " + 86400000")
	statements, again, err := dropIndexes(ctx, db, engine)
	if err != nil {
		return err
	}
	statements = append(statements, `
		INSERT INTO users (id, username, email, email_key, first_name, last_name, password_hash, is_active, is_staff, is_superuser,
		                   language, joined_at, password_at, email_key_version, search, search_version)
		SELECT n + 2, `+name+`, `+name+` || '@example.com', `+name+` || '@example.com', 'Amina', 'El Idrissi', f.password_hash, TRUE, FALSE, FALSE,
		       'fr', f.joined_at, f.password_at, 2, '', `+strconv.Itoa(fold.Version)+`
		FROM `+series+` AS s CROSS JOIN (SELECT * FROM users WHERE username = 'first') AS f`, `
		INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at, ip, user_agent, refresh_id, refresh_at, previous_id)
		SELECT `+hex(12, opened)+` || `+hex(8, fmt.Sprintf("(n * %d) & 4294967295", scatter))+` || `+hex(12, "n")+`,
		       2 + n * `+fmt.Sprintf("%d %% %d", stride, users)+`, `+at(opened)+`, `+tomorrow+`, `+tomorrow+`,
		       '203.0.113.7', 'Mozilla/5.0 (Linux; Android 14; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
		       `+hex(32, "n")+`, `+at(opened)+`, ''
		FROM `+series+` AS s`)
	statements = append(statements, again...)
	if engine == postgres {
		statements = append([]string{`SET session_replication_role = replica`, `SET maintenance_work_mem = '512MB'`}, statements...)
		statements = append(statements, `VACUUM ANALYZE users`, `VACUUM ANALYZE sessions`, `CHECKPOINT`)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%w in %s", err, strings.Join(strings.Fields(statement), " "))
		}
	}
	return nil
}

// openForFill opens a database on one connection, to be made anew if that fails in the middle.
func openForFill(database string) (*sql.DB, error) {
	driver, where := "pgx", database
	if path, is := strings.CutPrefix(database, "sqlite:"); is {
		driver = "sqlite"
		where = "file:" + path + "?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-262144)&_pragma=temp_store_directory('" + filepath.Dir(path) + "')"
	}
	db, err := sql.Open(driver, where)
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// dropIndexes returns the statements that drop what may be dropped, and those that make it again.
func dropIndexes(ctx context.Context, db *sql.DB, engine string) (drop, again []string, err error) {
	query := `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('users', 'sessions') AND sql IS NOT NULL`
	if engine == postgres {
		query = `
			SELECT indexname, indexdef
			FROM pg_indexes
			WHERE tablename IN ('users', 'sessions') AND indexname NOT IN (SELECT conname FROM pg_constraint)`
	}
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var name, create string
		if err := rows.Scan(&name, &create); err != nil {
			return nil, nil, err
		}
		drop, again = append(drop, "DROP INDEX "+name), append(again, create)
	}
	return drop, again, rows.Err()
}

// sweepDue is how many sessions one sweep deletes.
const sweepDue = 5000

// sweepOnce makes sessions of the day before yesterday, of users at random, and measures how fast a sweep deletes them.
func (b *bench) sweepOnce(c *crowd) (sample, error) {
	st, err := store.Open(b.ctx, c.database, store.Options{})
	if err != nil {
		return sample{}, err
	}
	defer st.Close() //nolint:errcheck // everything is committed
	before := time.Now().Add(-48 * time.Hour)
	for first := int64(0); first < sweepDue; first += 500 { // PostgreSQL has ten seconds for a transaction
		err := st.Tx(b.ctx, func(ctx context.Context, tx *store.Store) error {
			for due := first; due < first+500; due++ {
				at := before.Add(time.Duration(due) * time.Second / 10)
				err := tx.CreateSession(ctx, account.Session{
					ID: fmt.Sprintf("%012x%020x", at.UnixMilli(), scattered(due)), UserID: ownerOf(due*997, c.users),
					CreatedAt: at, LastUsedAt: at, RefreshAt: at, ExpiresAt: at.Add(time.Hour),
					IP: "203.0.113.7", UserAgent: "Mozilla/5.0 (Linux; Android 14)", RefreshID: fmt.Sprintf("%032x", due),
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return sample{}, err
		}
	}
	begin := time.Now()
	var deleted int64
	err = st.Sweep(b.ctx, "delete sessions that have ended", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		n, err := tx.DeleteSessions(ctx, time.Now().Add(-25*time.Hour), most)
		deleted += n
		return n, err
	})
	if err != nil {
		return sample{}, err
	}
	if deleted != sweepDue {
		return sample{}, errors.New("a sweep deleted other sessions than those that were due")
	}
	took := time.Since(begin).Seconds()
	s := sample{Requests: sweepDue, Seconds: took, Rate: sweepDue / took}
	b.log.Info("measured", "side", fmt.Sprintf("sweep with %d", c.users), "rate", int(s.Rate))
	return s, nil
}
