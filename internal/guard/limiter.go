package guard

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/store"
)

// Quota is how often something may be done: Count times at once, and then
// again as Count times in the time Per.
type Quota struct {
	Name  string // keeps the keys of one quota from those of another
	Count int
	Per   time.Duration
	Local bool // counted by each server for itself, so that a use costs no query
}

// every is the time in which one use comes back.
func (q Quota) every() time.Duration { return q.Per / time.Duration(q.Count) }

// burst is how much of that time may be used ahead.
func (q Quota) burst() time.Duration { return q.every() * time.Duration(q.Count-1) }

// retryAfter is how long shared counts that did not answer are left alone.
const retryAfter = 5 * time.Second

// LimiterOptions are what a [Limiter] is made of.
type LimiterOptions struct {
	Store   *store.Store     // where counts are shared, if it is PostgreSQL; nil: nowhere
	Now     func() time.Time // nil: time.Now, and for shared counts the database's clock, so that servers need not agree
	Timeout time.Duration    // of the shared counts; 0: half a second
	Log     *slog.Logger
}

// Limiter counts how often something is done and says when it is too often, by
// the generic cell rate algorithm: a quota is a number at once, which then
// comes back evenly. Counts are kept in this process, in a bounded number of
// keys, or where all servers see them, in PostgreSQL. Those of a quota that is
// Local are always kept here. It is safe for concurrent use. What may be
// relied on:
//
//   - [Limiter.Take] never fails. While the shared counts are out of reach
//     each server counts for itself, which the log and [Limiter.Outages] say.
//   - Memory is bounded, for each quota by itself. What makes room when it is
//     full is said at memory.
//   - Keys are stored as they come: the caller makes them say nothing.
type Limiter struct {
	o        LimiterOptions
	shared   bool // counts are
	began    time.Time
	memories sync.Map // name of a quota → *memory; of shared counts it has uses in an outage, and what was refused

	outages   atomic.Uint64
	downUntil atomic.Int64 // the shared counts are not asked before; this and the next are times since it began
	warnedAt  atomic.Int64
}

// NewLimiter makes a Limiter.
func NewLimiter(o LimiterOptions) *Limiter {
	if o.Timeout == 0 {
		o.Timeout = 500 * time.Millisecond
	}
	l := &Limiter{o: o, shared: o.Store != nil && o.Store.SharesLimits()}
	l.began = l.now()
	l.warnedAt.Store(int64(-time.Minute))
	return l
}

func (l *Limiter) memory(q Quota) *memory {
	m, there := l.memories.Load(q.Name)
	if !there {
		m, _ = l.memories.LoadOrStore(q.Name, newMemory())
	}
	return m.(*memory)
}

func (l *Limiter) now() time.Time {
	if l.o.Now == nil {
		return time.Now()
	}
	return l.o.Now()
}

// sharedNow is the time for shared counts; zero: the database's.
func (l *Limiter) sharedNow() time.Time {
	if l.o.Now == nil {
		return time.Time{}
	}
	return l.o.Now()
}

// Where says where counts are kept.
func (l *Limiter) Where() string {
	if l.shared {
		return "PostgreSQL"
	}
	return "memory"
}

// Take counts one use of the quota by a key, and returns zero; or it counts
// nothing and returns how long to wait.
func (l *Limiter) Take(ctx context.Context, q Quota, key string) time.Duration {
	key = q.Name + ":" + key
	now, own := l.now().Sub(l.began), l.memory(q)
	if q.Local || !l.shared || int64(now) < l.downUntil.Load() {
		return own.take(key, q, now)
	}
	// What this server knows to be used up costs no query: a flood of refusals
	// stays here.
	if wait := own.wait(key, q, now); wait > 0 {
		return wait
	}
	// A client that leaves is no reason to take the counts for unreachable.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.o.Timeout)
	defer cancel()
	wait, err := l.o.Store.TakeLimit(ctx, key, l.sharedNow(), q.every(), q.burst())
	if err != nil {
		l.failed(now, err)
		return own.take(key, q, now)
	}
	if wait > 0 {
		own.refuse(key, q, now, wait)
	}
	return wait
}

// failed notes that the shared counts are out of reach, and warns at most
// once a minute.
func (l *Limiter) failed(now time.Duration, err error) {
	l.outages.Add(1)
	l.downUntil.Store(int64(now + retryAfter))
	if warned := l.warnedAt.Load(); int64(now)-warned >= int64(time.Minute) && l.warnedAt.CompareAndSwap(warned, int64(now)) {
		l.o.Log.Warn("rate limits cannot be shared; each server counts for itself", "where", l.Where(), "error", err.Error())
	}
}

// Outages is how often the shared counts could not be asked.
func (l *Limiter) Outages() uint64 { return l.outages.Load() }

// Sweep forgets shared counts that are whole again. A nil Limiter has none.
func (l *Limiter) Sweep(ctx context.Context) error {
	if l == nil || !l.shared {
		return nil
	}
	now := l.sharedNow()
	return l.o.Store.Sweep(ctx, "delete rate limits", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		return tx.DeleteLimits(ctx, now, most)
	})
}
