package limit_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/limit"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

var tenAMinute = limit.Quota{Name: "test", Count: 10, Per: time.Minute}

// clock is a time that a test moves.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.nanos.Store(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

func newLimiter(t testing.TB, o limit.Options) *limit.Limiter {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute // a busy machine is no outage
	}
	l, err := limit.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return l
}

// taken is how many of n uses were let through.
func taken(t testing.TB, l *limit.Limiter, q limit.Quota, key string, n int) int {
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
func forEachPlace(t *testing.T, test func(t *testing.T, c *clock, newLimiter func() *limit.Limiter)) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		test(t, c, func() *limit.Limiter { return newLimiter(t, limit.Options{Now: c.now}) })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		st := storetest.Open(t, storetest.Postgres(t))
		c := newClock()
		test(t, c, func() *limit.Limiter { return newLimiter(t, limit.Options{Now: c.now, Store: st}) })
	})
}

func TestQuotaIsAllAtOnceAndThenEven(t *testing.T) {
	t.Parallel()
	forEachPlace(t, func(t *testing.T, c *clock, newLimiter func() *limit.Limiter) {
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
		c.advance(6 * time.Second)
		if got := taken(t, l, tenAMinute, "a", 3); got != 1 {
			t.Errorf("%d after six seconds, want 1", got)
		}
		c.advance(time.Hour)
		if got := taken(t, l, tenAMinute, "a", 15); got != 10 {
			t.Errorf("%d after an hour, want 10", got)
		}
	})
}

func TestManyAtOnceGetNoMoreThanTheQuota(t *testing.T) {
	t.Parallel()
	forEachPlace(t, func(t *testing.T, _ *clock, newLimiter func() *limit.Limiter) {
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
	one := newLimiter(t, limit.Options{Now: c.now, Store: storetest.Open(t, url)})
	two := newLimiter(t, limit.Options{Now: c.now, Store: storetest.Open(t, url)})
	got := 0
	for range 10 {
		got += taken(t, one, tenAMinute, "a", 1) + taken(t, two, tenAMinute, "a", 1)
	}
	if got != 10 {
		t.Errorf("%d of 20, want 10", got)
	}
	c.advance(2 * time.Minute)
	if err := one.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What each remembers is gone from the table; neither may trip over it.
	if got := taken(t, two, tenAMinute, "a", 6) + taken(t, one, tenAMinute, "a", 6); got != 10 {
		t.Errorf("%d of 12 after the sweep, want 10", got)
	}
}

func TestServersShareCountsInRedis(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	one := newLimiter(t, limit.Options{RedisURL: r.url})
	two := newLimiter(t, limit.Options{RedisURL: r.url})
	slow := limit.Quota{Name: "slow", Count: 10, Per: time.Hour}
	if got := taken(t, one, slow, "a", 7) + taken(t, two, slow, "a", 7); got != 10 {
		t.Errorf("%d of 14, want 10", got)
	}
	if one.Outages()+two.Outages() != 0 || one.Where() != "Redis" {
		t.Errorf("%d outages in %s", one.Outages(), one.Where())
	}
}

// While the shared counts are away, each server counts for itself; and it
// comes back to them by itself.
func TestOutageLeavesEachServerItsOwnCounts(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(t *testing.T) (limit.Options, func()){
		"postgres": func(t *testing.T) (limit.Options, func()) {
			st, err := store.Open(t.Context(), pgtest.Start(t).NewDatabase(t), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := st.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			return limit.Options{Store: st}, func() { _ = st.Close() }
		},
		"redis": func(t *testing.T) (limit.Options, func()) {
			r := startRedis(t)
			return limit.Options{RedisURL: r.url}, r.stop
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			c := newClock()
			o, lose := place(t)
			o.Now, o.Log = c.now, slog.New(slog.NewTextHandler(&log, nil))
			l := newLimiter(t, o)
			taken(t, l, tenAMinute, "a", 5)
			lose()
			if got := taken(t, l, tenAMinute, "a", 30); got != 10 {
				t.Errorf("%d of 30 in the outage, want 10", got)
			}
			if l.Outages() != 1 {
				t.Errorf("%d outages: the shared counts are asked again and again", l.Outages())
			}
			if n := strings.Count(log.String(), "cannot be shared"); n != 1 {
				t.Errorf("warned %d times:\n%s", n, log.String())
			}
			c.advance(6 * time.Second)
			taken(t, l, tenAMinute, "a", 1)
			if l.Outages() != 2 || strings.Count(log.String(), "cannot be shared") != 1 {
				t.Errorf("%d outages, want 2 and one warning a minute:\n%s", l.Outages(), log.String())
			}
		})
	}
}

// TestSilentRedisIsAnOutage: it takes connections and answers nothing.
func TestSilentRedisIsAnOutage(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() //nolint:errcheck // the test's end
	c := newClock()
	l := newLimiter(t, limit.Options{Now: c.now, RedisURL: "redis://" + silent.Addr().String(), Timeout: 20 * time.Millisecond})
	if got := taken(t, l, tenAMinute, "a", 15); got != 10 || l.Outages() != 1 {
		t.Errorf("%d of 15, %d outages; want 10 and 1", got, l.Outages())
	}
}

func TestClientThatLeftIsNoOutage(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, limit.Options{Store: storetest.Open(t, storetest.Postgres(t))})
	gone, leave := context.WithCancel(t.Context())
	leave()
	l.Take(gone, tenAMinute, "a")
	if l.Outages() != 0 {
		t.Error("it is")
	}
}

func TestBadRedisURLIsRefusedAndNotQuoted(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"redis://x:hunter2@[::1":             "']'",
		"redis://x:hunter2@h:6379/first":     "database number",
		"redis://x:hunter2@h:6379/0?color=1": "color",
	} {
		_, err := limit.New(limit.Options{RedisURL: url})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", url, err, want)
		}
	}
}

// TestMemoryIsBounded has as many keys as an attacker likes. A key in use
// outlives them.
func TestMemoryIsBounded(t *testing.T) {
	l := newLimiter(t, limit.Options{})
	before := heap()
	hour := limit.Quota{Name: "hour", Count: 10, Per: time.Hour}
	const keys = 1_000_000
	refused := 0
	for i := range keys {
		l.Take(t.Context(), hour, fmt.Sprintf("%024d", i))
		if i%1000 == 0 && l.Take(t.Context(), hour, "attacker") > 0 {
			refused++
		}
	}
	grown := heap() - before
	t.Logf("%d keys: %.1f MiB", keys, float64(grown)/(1<<20))
	if grown > 25<<20 {
		t.Errorf("%d bytes for %d keys", grown, keys)
	}
	if refused != keys/1000-10 {
		t.Errorf("the one in use was refused %d times of %d", refused, keys/1000)
	}
	runtime.KeepAlive(l)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkTake(b *testing.B) {
	l := newLimiter(b, limit.Options{})
	q := limit.Quota{Name: "bench", Count: 1 << 20, Per: time.Second}
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
	l := newLimiter(t, limit.Options{Now: newClock().now, Store: gone})
	local := tenAMinute
	local.Local = true
	if got := taken(t, l, local, "a", 15); got != 10 || l.Outages() != 0 {
		t.Errorf("%d of 15, %d outages; want 10 and 0", got, l.Outages())
	}
	alone := newLimiter(t, limit.Options{Now: newClock().now})
	if got := taken(t, alone, tenAMinute, "a", 15); got != 10 {
		t.Errorf("%d of 15, want 10", got)
	}
	for i := range 1<<16 + 1 {
		alone.Take(t.Context(), local, fmt.Sprint(i))
	}
	if got := taken(t, alone, tenAMinute, "a", 1); got != 0 {
		t.Error("a count was pushed out by those of a local quota")
	}
}
