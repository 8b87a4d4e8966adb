package pulse_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/pulse"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// machine has a clock that can be set, and one that cannot.
type machine struct {
	clock *yoozaktest.Clock
	ran   time.Duration
	log   *yoozaktest.Buffer
}

func newMachine(clock *yoozaktest.Clock) *machine {
	return &machine{clock: clock, log: new(yoozaktest.Buffer)}
}

// start is a server on the machine that begins to run.
func (m *machine) start(t *testing.T, st *store.Store) *pulse.Pulse {
	t.Helper()
	p := pulse.New(st, pulse.Options{
		Now: m.clock.Now, Elapsed: func() time.Duration { return m.ran }, Log: slog.New(slog.NewTextHandler(m.log, nil)),
	})
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// runs lets time pass on both clocks, with a heartbeat at the end.
func (m *machine) runs(t *testing.T, p *pulse.Pulse, d time.Duration) {
	t.Helper()
	m.clock.Advance(d)
	m.ran += d
	if err := p.Beat(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// lags fails unless the believed time is so far behind the clock.
func (m *machine) lags(t *testing.T, p *pulse.Pulse, when string, want time.Duration) {
	t.Helper()
	if got := m.clock.Now().Sub(p.Believed()); got != want {
		t.Errorf("%s: %v behind, want %v", when, got, want)
	}
	if got := p.Lag(); got != want {
		t.Errorf("%s: a lag of %v, want %v", when, got, want)
	}
}

// TestClockSetForwardIsBelievedAsFastAsTheServerRuns, and the clock that is
// set right again at once.
func TestClockSetForwardIsBelievedAsFastAsTheServerRuns(t *testing.T) {
	t.Parallel()
	m := newMachine(yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)))
	st := storetest.Open(t, storetest.SQLite(t))
	p := m.start(t, st)
	m.lags(t, p, "at the start", 0)
	m.runs(t, p, time.Hour)
	m.lags(t, p, "after an hour", 0)

	month := 31 * 24 * time.Hour
	m.clock.Advance(month)
	m.lags(t, p, "set forward", month)
	m.runs(t, p, time.Hour)
	m.lags(t, p, "an hour later", month-time.Hour)
	for _, want := range []string{"the clock was set", "by=744h0m0s", "the clock is ahead", "behind=744h0m0s caught_up_in=744h0m0s"} {
		if !strings.Contains(m.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, m.log)
		}
	}
	m.clock.Advance(-month)
	m.lags(t, p, "set right", 0)
	m.runs(t, p, time.Hour)
	m.lags(t, p, "an hour after", 0)

	m.clock.Advance(-20 * 365 * 24 * time.Hour) // as a machine whose battery is empty begins
	m.lags(t, p, "set back", 0)
	m.clock.Advance(20 * 365 * 24 * time.Hour)
	m.lags(t, p, "set right again", 0)
}

// TestServerThatWasOffCatchesUp, over restarts, and not at once.
func TestServerThatWasOffCatchesUp(t *testing.T) {
	t.Parallel()
	m := newMachine(yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)))
	st := storetest.Open(t, storetest.SQLite(t))
	m.runs(t, m.start(t, st), time.Minute)

	m.clock.Advance(10 * time.Second)
	again := m.start(t, st)
	m.lags(t, again, "restarted", 10*time.Second)
	m.runs(t, again, time.Minute)
	m.lags(t, again, "and caught up", 0)

	week := 7 * 24 * time.Hour
	m.clock.Advance(week)
	later := m.start(t, st)
	m.lags(t, later, "off for a week", week)
	m.runs(t, later, 3*24*time.Hour)
	m.lags(t, later, "three days on", 4*24*time.Hour)
	last := m.start(t, st)
	m.lags(t, last, "restarted", 4*24*time.Hour)
	m.runs(t, last, 4*24*time.Hour)
	m.lags(t, last, "after a week", 0)
}

// TestServersShareWhatIsBelieved: a second one does not make it go faster.
func TestServersShareWhatIsBelieved(t *testing.T) {
	t.Parallel()
	m := newMachine(yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)))
	st := storetest.Open(t, storetest.SQLite(t))
	m.runs(t, m.start(t, st), time.Minute)
	m.clock.Advance(24 * time.Hour)
	one, two := m.start(t, st), m.start(t, st)
	m.runs(t, one, time.Hour)
	m.runs(t, two, 0)
	m.lags(t, one, "one", 23*time.Hour)
	m.lags(t, two, "two", 23*time.Hour)
	m.lags(t, m.start(t, st), "three", 23*time.Hour)
}

// TestDatabasesClockBoundsOurs: of two that differ the earlier is believed.
// The test's clock is by years behind PostgreSQL's, or before it.
func TestDatabasesClockBoundsOurs(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"right": 0, "ours is ahead": 24 * time.Hour, "ours is late": -24 * time.Hour} {
		st := storetest.Open(t, storetest.Postgres(t))
		log := new(yoozaktest.Buffer)
		p := pulse.New(st, pulse.Options{Now: func() time.Time { return time.Now().Add(ahead) }, Log: slog.New(slog.NewTextHandler(log, nil))})
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		lag := p.Lag()
		warned := strings.Contains(log.String(), "the clocks of this server and of PostgreSQL differ")
		if off := lag - max(0, ahead); off.Abs() > time.Minute || warned != (ahead != 0) {
			t.Errorf("%s: %v behind; warned: %v", name, lag, warned)
		}
		if off := p.DatabaseAhead() + ahead; off.Abs() > time.Minute {
			t.Errorf("%s: PostgreSQL is ahead by %v", name, p.DatabaseAhead())
		}
	}
}

// TestClockThatIsOffBySeconds is told of: codes of authenticator apps go by it.
// That the database took long to answer is no difference.
func TestClockThatIsOffBySeconds(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, storetest.Postgres(t))
	for name, test := range map[string]struct {
		ahead, slow time.Duration
		want        bool
	}{
		"right": {0, 0, false}, "four seconds": {4 * time.Second, 0, false}, "ahead": {8 * time.Second, 0, true}, "late": {-time.Minute, 0, true},
		"a slow answer": {20 * time.Second, 18 * time.Second, false}, "a slow answer, and late": {-30 * time.Second, 18 * time.Second, true},
	} {
		log, asked := new(yoozaktest.Buffer), 0
		p := pulse.New(st, pulse.Options{
			Now: func() time.Time { return time.Now().Add(test.ahead) },
			Elapsed: func() time.Duration { // as if the heartbeat had taken so long
				asked++
				return time.Duration(asked) * test.slow
			},
			Log: slog.New(slog.NewTextHandler(log, nil)),
		})
		if err := p.Beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		if warned := strings.Contains(log.String(), "the clocks of this server and of PostgreSQL differ"); warned != test.want {
			t.Errorf("%s: warned %v:\n%s", name, warned, log)
		}
	}
}

// TestClockSetForwardDeletesNothing: sessions, closed accounts, events and
// keys outlive a month that was a mistake; and what is over goes in the end.
func TestClockSetForwardDeletesNothing(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		amina := s.SignUp(t, "amina")
		badr := s.SignUp(t, "badr")
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, badr), account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		if err := s.Audit.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		m := newMachine(s.Clock)
		p := m.start(t, s.Store)
		sweep := func() {
			t.Helper()
			if err := s.App.Sweep(t.Context(), p.Believed()); err != nil {
				t.Fatal(err)
			}
		}
		events := func() int {
			t.Helper()
			all, err := s.Store.Events(t.Context(), store.EventFilter{}, 0)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		before := events()
		year := 400 * 24 * time.Hour
		s.Clock.Advance(year)
		for range 12 { // hours
			m.runs(t, p, time.Hour)
			sweep()
		}
		if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
			t.Errorf("a login meanwhile: %v", err)
		}
		s.Clock.Advance(-year)
		if n := events(); n < before {
			t.Errorf("%d of %d events are left", n, before)
		}
		if _, err := s.Renew(t, amina.Refresh); err != nil {
			t.Errorf("the session of before: %v", err)
		}
		if err := s.Staff.Restore(t.Context(), s.IDOf(t, "badr"), ""); err != nil {
			t.Errorf("the account that was closed: %v", err)
		}
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, must(t)(s.SignIn(t, "badr", authtest.Good))), account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		m.runs(t, p, 31*24*time.Hour)
		sweep()
		if _, err := s.Store.UserByUsername(t.Context(), "badr"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after a month that was one: %v, want the account erased", err)
		}
	}, authtest.EraseAfter30Days)
}

func must(t *testing.T) func(auth.LoginResult, error) auth.LoginResult {
	return func(g auth.LoginResult, err error) auth.LoginResult {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
}

// TestReadySaysWhy, and only that.
func TestReadySaysWhy(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		m := newMachine(yoozaktest.NewClock(time.Now()))
		p := pulse.New(st, pulse.Options{Log: slog.New(slog.NewTextHandler(m.log, nil))})
		reason := func() string {
			var why *account.NotReady
			if err := p.Ready(t.Context()); err != nil && !errors.As(err, &why) {
				t.Fatalf("%v does not say why", err)
			}
			if why == nil {
				return ""
			}
			return why.Reason
		}
		if got := reason(); !strings.HasPrefix(got, "the database has taken no change for ") {
			t.Errorf("before the first heartbeat: %q", got)
		}
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := reason(); got != "" {
			t.Errorf("after it: %q", got)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Ready(ended); st.Engine() == "postgres" && (err == nil || !strings.HasPrefix(err.Error(), "the database does not answer")) {
			t.Errorf("in no time: %v", err)
		}
	})
}
