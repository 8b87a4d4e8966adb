package guard_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"path"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

var tenAMinute = guard.Quota{Name: "test", Count: 10, Per: time.Minute}

func newClock() *yoozaktest.Clock {
	return yoozaktest.NewClock(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC))
}

func newLimiter(t testing.TB, o guard.LimiterOptions) *guard.Limiter {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute // a busy machine is no outage
	}
	return guard.NewLimiter(o)
}

// taken is how many of n uses were let through.
func taken(t testing.TB, l *guard.Limiter, q guard.Quota, key string, n int) int {
	t.Helper()
	ok := 0
	for range n {
		if l.Take(t.Context(), q, key) == 0 {
			ok++
		}
	}
	return ok
}

// forEachPlace runs a test where the test can move the clock.
func forEachPlace(t *testing.T, test func(t *testing.T, c *yoozaktest.Clock, newLimiter func() *guard.Limiter)) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		test(t, c, func() *guard.Limiter { return newLimiter(t, guard.LimiterOptions{Now: c.Now}) })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		st := storetest.Open(t, storetest.Postgres(t))
		c := newClock()
		test(t, c, func() *guard.Limiter { return newLimiter(t, guard.LimiterOptions{Now: c.Now, Store: st}) })
	})
}

func TestQuotaIsAllAtOnceAndThenEven(t *testing.T) {
	t.Parallel()
	forEachPlace(t, func(t *testing.T, c *yoozaktest.Clock, newLimiter func() *guard.Limiter) {
		l := newLimiter()
		if got := taken(t, l, tenAMinute, "a", 15); got != 10 {
			t.Errorf("%d of 15 at once, want 10", got)
		}
		if wait := l.Take(t.Context(), tenAMinute, "a"); wait != 6*time.Second {
			t.Errorf("wait %v, want 6s", wait)
		}
		if got := taken(t, l, tenAMinute, "b", 1); got != 1 {
			t.Error("another key has to wait, too")
		}
		other := tenAMinute
		other.Name = "other"
		if got := taken(t, l, other, "a", 1); got != 1 {
			t.Error("another quota has to wait, too")
		}
		c.Advance(6 * time.Second)
		if got := taken(t, l, tenAMinute, "a", 3); got != 1 {
			t.Errorf("%d after six seconds, want 1", got)
		}
		c.Advance(time.Hour)
		if got := taken(t, l, tenAMinute, "a", 15); got != 10 {
			t.Errorf("%d after an hour, want 10", got)
		}
	})
}

func TestManyAtOnceGetNoMoreThanTheQuota(t *testing.T) {
	t.Parallel()
	forEachPlace(t, func(t *testing.T, _ *yoozaktest.Clock, newLimiter func() *guard.Limiter) {
		l := newLimiter()
		var ok atomic.Int64
		var wait sync.WaitGroup
		for range 50 {
			wait.Go(func() { ok.Add(int64(taken(t, l, tenAMinute, "a", 4))) })
		}
		wait.Wait()
		if ok.Load() != 10 || l.Outages() != 0 {
			t.Errorf("%d of 200, %d outages; want 10 and 0", ok.Load(), l.Outages())
		}
	})
}

func TestServersShareCountsInPostgreSQL(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t).NewDatabase(t)
	c := newClock()
	one := newLimiter(t, guard.LimiterOptions{Now: c.Now, Store: storetest.Open(t, url)})
	two := newLimiter(t, guard.LimiterOptions{Now: c.Now, Store: storetest.Open(t, url)})
	got := 0
	for range 10 {
		got += taken(t, one, tenAMinute, "a", 1) + taken(t, two, tenAMinute, "a", 1)
	}
	if got != 10 {
		t.Errorf("%d of 20, want 10", got)
	}
	c.Advance(2 * time.Minute)
	if err := one.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What each remembers is gone from the table; neither may trip over it.
	if got := taken(t, two, tenAMinute, "a", 6) + taken(t, one, tenAMinute, "a", 6); got != 10 {
		t.Errorf("%d of 12 after the sweep, want 10", got)
	}
}

// TestManyAtOnceOnTwoServers are counted by the database's clock, as in
// production, also where its default is that such changes fail.
func TestManyAtOnceOnTwoServers(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"read committed", "serializable"} {
		t.Run(isolation, func(t *testing.T) {
			t.Parallel()
			server := pgtest.Start(t)
			url := server.NewDatabase(t)
			name, _, _ := strings.Cut(path.Base(url), "?")
			server.Exec(t, fmt.Sprintf("ALTER DATABASE %s SET default_transaction_isolation = '%s'", name, isolation))
			one := newLimiter(t, guard.LimiterOptions{Store: storetest.Open(t, url)})
			two := newLimiter(t, guard.LimiterOptions{Store: storetest.Open(t, url)})
			atOnce := func(n int, q guard.Quota) {
				t.Helper()
				var ok atomic.Int64
				var all sync.WaitGroup
				for i := range n {
					l := []*guard.Limiter{one, two}[i%2]
					all.Go(func() {
						switch wait, every := l.Take(t.Context(), q, "a"), q.Per/time.Duration(q.Count); {
						case wait == 0:
							ok.Add(1)
						case wait < every/2 || wait > every+time.Minute: // by a transaction that began before the one that it waited for
							t.Errorf("wait %v, want almost %v", wait, every)
						}
					})
				}
				all.Wait()
				if ok.Load() != int64(q.Count) || one.Outages()+two.Outages() != 0 {
					t.Errorf("%d of %d, %d and %d outages; want %d and none", ok.Load(), n, one.Outages(), two.Outages(), q.Count)
				}
			}
			atOnce(60, guard.Quota{Name: "mailbox", Count: 10, Per: 1000 * time.Hour})
			atOnce(1000, guard.Quota{Name: "carrier", Count: 700, Per: 70_000 * time.Hour}) // many go together
		})
	}
}

// TestRefusalsAreKnownHere: the first asks the database, those after it do not
// until there may be a use again.
func TestRefusalsAreKnownHere(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, pgtest.Start(t).NewDatabase(t))
	c := newClock()
	one := newLimiter(t, guard.LimiterOptions{Now: c.Now, Store: st})
	two := newLimiter(t, guard.LimiterOptions{Now: c.Now, Store: st})
	taken(t, one, tenAMinute, "a", 10)
	c.Advance(time.Second)
	if wait := two.Take(t.Context(), tenAMinute, "a"); wait != 5*time.Second {
		t.Errorf("the other server waits %v, want 5s", wait)
	}
	if _, err := st.DeleteLimits(t.Context(), c.Now().Add(time.Hour), 100); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Second)
	if wait := two.Take(t.Context(), tenAMinute, "a"); wait != 4*time.Second {
		t.Errorf("waits %v without the database, want 4s", wait)
	}
	c.Advance(4 * time.Second)
	if got := taken(t, two, tenAMinute, "a", 12); got != 10 {
		t.Errorf("%d of 12 when the time has come, want the database's 10", got)
	}
}

// While the shared counts are away, each server counts for itself; and it
// comes back to them by itself.
func TestOutageLeavesEachServerItsOwnCounts(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), pgtest.Start(t).NewDatabase(t), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c := newClock()
	l := newLimiter(t, guard.LimiterOptions{Now: c.Now, Store: st, Log: slog.New(slog.NewTextHandler(&log, nil))})
	taken(t, l, tenAMinute, "a", 5)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if got := taken(t, l, tenAMinute, "a", 30); got != 10 {
		t.Errorf("%d of 30 in the outage, want 10", got)
	}
	if l.Outages() != 1 {
		t.Errorf("%d outages: the shared counts are asked again and again", l.Outages())
	}
	if n := strings.Count(log.String(), "cannot be shared"); n != 1 {
		t.Errorf("warned %d times:\n%s", n, log.String())
	}
	c.Advance(6 * time.Second)
	taken(t, l, tenAMinute, "a", 1)
	if l.Outages() != 2 || strings.Count(log.String(), "cannot be shared") != 1 {
		t.Errorf("%d outages, want 2 and one warning a minute:\n%s", l.Outages(), log.String())
	}
}

// TestSilentDatabaseIsAnOutage: it takes connections and answers nothing.
func TestSilentDatabaseIsAnOutage(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() //nolint:errcheck // the test's end
	st, err := store.Open(t.Context(), "postgres://yoozak@"+silent.Addr().String()+"/silent?sslmode=disable", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	l := newLimiter(t, guard.LimiterOptions{Now: newClock().Now, Store: st, Timeout: 20 * time.Millisecond})
	if got := taken(t, l, tenAMinute, "a", 15); got != 10 || l.Outages() != 1 {
		t.Errorf("%d of 15, %d outages; want 10 and 1", got, l.Outages())
	}
}

func TestClientThatLeftIsNoOutage(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, guard.LimiterOptions{Store: storetest.Open(t, storetest.Postgres(t))})
	gone, leave := context.WithCancel(t.Context())
	leave()
	l.Take(gone, tenAMinute, "a")
	if l.Outages() != 0 {
		t.Error("it is")
	}
}

// TestMemoryIsBounded has as many keys as an attacker likes. A key that is
// used up outlives them, though nobody asks for it meanwhile.
func TestMemoryIsBounded(t *testing.T) {
	c := newClock()
	l := newLimiter(t, guard.LimiterOptions{Now: c.Now})
	before := heap()
	hour := guard.Quota{Name: "hour", Count: 10, Per: time.Hour}
	taken(t, l, hour, "victim", 10)
	keys := yoozaktest.Long(200_000, 1_000_000) // more than 8 MiB, if they were kept
	for i := range keys {
		l.Take(t.Context(), hour, fmt.Sprintf("%024d", i))
	}
	grown := heap() - before
	t.Logf("%d keys: %.1f MiB", keys, float64(grown)/(1<<20))
	if grown > 8<<20 {
		t.Errorf("%d bytes for %d keys", grown, keys)
	}
	if got := taken(t, l, hour, "victim", 1); got != 0 {
		t.Error("a flood of others' keys gave back what was used up")
	}
	runtime.KeepAlive(l)
}

// places is how many keys are kept of a quota.
const places = 1 << 15

// TestToFreeACountCostsMoreThanItHolds: others' keys push it out only when
// all of them are used more than it is.
func TestToFreeACountCostsMoreThanItHolds(t *testing.T) {
	t.Parallel()
	for uses, left := range map[int]int{2: 7, 4: 10} {
		l := newLimiter(t, guard.LimiterOptions{Now: newClock().Now})
		taken(t, l, tenAMinute, "victim", 3)
		for i := range places {
			taken(t, l, tenAMinute, fmt.Sprint(i), uses)
		}
		if got := taken(t, l, tenAMinute, "victim", 15); got != left {
			t.Errorf("after others were used %d times each: %d more uses, want %d", uses, got, left)
		}
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkTake(b *testing.B) {
	l := newLimiter(b, guard.LimiterOptions{})
	q := guard.Quota{Name: "bench", Count: 1 << 20, Per: time.Second}
	b.ReportAllocs()
	for b.Loop() {
		l.Take(b.Context(), q, "a")
	}
}

// TestLocalQuotaAsksNobody: each server counts for itself, though it could
// share, and keys of such a quota push out none of the others.
func TestLocalQuotaAsksNobody(t *testing.T) {
	t.Parallel()
	gone, err := store.Open(t.Context(), "postgres://yoozak@127.0.0.1:1/gone", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gone.Close() })
	l := newLimiter(t, guard.LimiterOptions{Now: newClock().Now, Store: gone})
	local := tenAMinute
	local.Name, local.Local = "local", true
	if got := taken(t, l, local, "a", 15); got != 10 || l.Outages() != 0 {
		t.Errorf("%d of 15, %d outages; want 10 and 0", got, l.Outages())
	}
	alone := newLimiter(t, guard.LimiterOptions{Now: newClock().Now})
	if got := taken(t, alone, tenAMinute, "a", 15); got != 10 {
		t.Errorf("%d of 15, want 10", got)
	}
	for i := range places + 1 {
		alone.Take(t.Context(), local, fmt.Sprint(i))
	}
	if got := taken(t, alone, tenAMinute, "a", 1); got != 0 {
		t.Error("a count was pushed out by those of a local quota")
	}
}
