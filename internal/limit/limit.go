// Package limit counts how often something is done and says when it is too
// often, by the generic cell rate algorithm: a quota is a number at once,
// which then comes back evenly. What to count, and how much is too much, is
// the business of package auth.
//
// Counts are kept in this process, in a bounded number of keys, or where all
// servers see them: in PostgreSQL, or in Redis. Those of a quota that is
// Local are always kept here. What may be relied on:
//
//   - [Limiter.Take] never fails. While the shared counts are out of reach
//     each server counts for itself, which the log and [Limiter.Outages] say.
//   - Memory is bounded: twice [places] keys. What makes room when all are in
//     use is said at memory.
//   - Keys are stored as they come: the caller makes them say nothing.
package limit

import (
	"context"
	"log/slog"
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

const (
	// places is how many keys are kept in each of the two memories, about 10
	// MiB when full.
	places = 1 << 16

	// retryAfter is how long shared counts that did not answer are left alone.
	retryAfter = 5 * time.Second
)

// Options are what a [Limiter] is made of.
type Options struct {
	Store    *store.Store     // where counts are shared, if it is PostgreSQL and there is no Redis
	RedisURL string           // redis:// or rediss://; empty: none
	Now      func() time.Time // nil: the clock of whoever counts, which is one for all servers where they share
	Timeout  time.Duration    // of the shared counts; 0: half a second
	Log      *slog.Logger
}

// Limiter counts. It is safe for concurrent use.
type Limiter struct {
	o      Options
	began  time.Time
	local  *memory                                                               // of quotas that are Local, so that these push out no others
	own    *memory                                                               // of the others: all where nothing is shared; else uses in an outage, and what was refused
	shared func(ctx context.Context, key string, q Quota) (time.Duration, error) // nil: this is the only server
	close  func() error

	outages   atomic.Uint64
	downUntil atomic.Int64 // the shared counts are not asked before; this and the next since it began
	warnedAt  atomic.Int64
}

// New makes a Limiter. It does not wait for Redis.
func New(o Options) (*Limiter, error) {
	if o.Timeout == 0 {
		o.Timeout = 500 * time.Millisecond
	}
	l := &Limiter{o: o, local: newMemory(places), own: newMemory(places), close: func() error { return nil }}
	l.began = l.now()
	l.warnedAt.Store(int64(-time.Minute))
	switch {
	case o.RedisURL != "":
		redis, closeRedis, err := newRedis(o.RedisURL, o.Timeout)
		if err != nil {
			return nil, err
		}
		l.shared, l.close = redis, closeRedis
	case o.Store != nil && o.Store.SharesLimits():
		l.shared = func(ctx context.Context, key string, q Quota) (time.Duration, error) {
			return o.Store.TakeLimit(ctx, key, l.given(), q.every(), q.burst())
		}
	}
	return l, nil
}

// given is the time that the maker of the limiter wants it to be; zero: let
// who counts have a clock.
func (l *Limiter) given() time.Time {
	if l.o.Now == nil {
		return time.Time{}
	}
	return l.o.Now()
}

func (l *Limiter) now() time.Time {
	if l.o.Now == nil {
		return time.Now()
	}
	return l.o.Now()
}

// Close ends the connections to Redis. A nil Limiter has none.
func (l *Limiter) Close() error {
	if l == nil {
		return nil
	}
	return l.close()
}

// Where says where counts are kept.
func (l *Limiter) Where() string {
	switch {
	case l.o.RedisURL != "":
		return "Redis"
	case l.shared != nil:
		return "PostgreSQL"
	}
	return "memory"
}

// Take counts one use of the quota by a key, and returns zero; or it counts
// nothing and returns how long to wait.
func (l *Limiter) Take(ctx context.Context, q Quota, key string) time.Duration {
	key = q.Name + ":" + key
	now := l.now().Sub(l.began)
	if q.Local {
		return l.local.take(key, q, now)
	}
	if l.shared == nil || int64(now) < l.downUntil.Load() {
		return l.own.take(key, q, now)
	}
	// What this server knows to be used up costs no query: a flood of refusals
	// stays here.
	if wait := l.own.wait(key, q, now); wait > 0 {
		return wait
	}
	// A client that leaves is no reason to take the counts for unreachable.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.o.Timeout)
	defer cancel()
	wait, err := l.shared(ctx, key, q)
	if err != nil {
		l.failed(now, err)
		return l.own.take(key, q, now)
	}
	if wait > 0 {
		l.own.refuse(key, q, now, wait)
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

// Sweep forgets shared counts that are whole again. Redis does it by itself,
// and a nil Limiter has none.
func (l *Limiter) Sweep(ctx context.Context) error {
	if l == nil || l.o.RedisURL != "" || l.shared == nil {
		return nil
	}
	return l.o.Store.DeleteLimits(ctx, l.given())
}
