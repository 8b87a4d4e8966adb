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
//   - Memory is bounded: [localKeys] keys, of which the one that was used
//     longest ago makes room. That one is mostly full again by then.
//   - Keys are stored as they come: the caller makes them say nothing.
package limit

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/throttled/throttled/v2"
	"github.com/throttled/throttled/v2/store/memstore"

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

// localKeys is how many keys are kept in each of the two memories, about 20
// MiB when full.
const localKeys = 1 << 16

// Options are what a [Limiter] is made of.
type Options struct {
	Store    *store.Store     // where counts are shared, if it is PostgreSQL and there is no Redis
	RedisURL string           // redis:// or rediss://; empty: none
	Now      func() time.Time // nil: time.Now. Redis has a clock of its own
	Patience time.Duration    // with the shared counts: an answer that takes longer is none; 0: half a second
	Log      *slog.Logger
}

// Limiter counts. It is safe for concurrent use.
type Limiter struct {
	o      Options
	own    throttled.GCRAStoreCtx // of quotas that are Local, so that these push out no others
	local  throttled.GCRAStoreCtx
	shared throttled.GCRAStoreCtx // nil: this is the only server
	close  func() error
	rates  sync.Map // Quota → *rate

	outages  atomic.Uint64
	awayTill atomic.Int64 // the shared counts are not asked before, in nanoseconds
	saidAt   atomic.Int64
}

// rate is a quota on both sides.
type rate struct{ local, shared *throttled.GCRARateLimiterCtx }

// New makes a Limiter. It does not wait for Redis.
func New(o Options) (*Limiter, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Patience == 0 {
		o.Patience = 500 * time.Millisecond
	}
	l := &Limiter{o: o, close: func() error { return nil }}
	for _, memory := range []*throttled.GCRAStoreCtx{&l.own, &l.local} {
		m, err := memstore.New(localKeys)
		if err != nil {
			return nil, err
		}
		m.SetTimeNow(o.Now)
		*memory = throttled.WrapStoreWithContext(m)
	}
	switch {
	case o.RedisURL != "":
		redis, closeRedis, err := newRedis(o.RedisURL, o.Patience)
		if err != nil {
			return nil, err
		}
		l.shared, l.close = watched{redis, l}, closeRedis
	case o.Store != nil && o.Store.SharesLimits():
		l.shared = watched{&postgres{store: o.Store, now: o.Now}, l}
	}
	return l, nil
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

// pause is how long shared counts that did not answer are left alone.
const pause = 5 * time.Second

// Take counts one use of the quota by a key, and returns zero; or it counts
// nothing and returns how long to wait.
func (l *Limiter) Take(ctx context.Context, q Quota, key string) time.Duration {
	r := l.rate(q)
	key = q.Name + ":" + key
	if r.shared != nil && l.o.Now().UnixNano() >= l.awayTill.Load() {
		// A client that leaves is no reason to take the counts for unreachable.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.o.Patience)
		defer cancel()
		if limited, result, err := r.shared.RateLimitCtx(ctx, key, 1); err == nil {
			return wait(limited, result)
		}
	}
	limited, result, err := r.local.RateLimitCtx(ctx, key, 1)
	if err != nil { // so many at once that none could be counted: this one goes ahead
		return 0
	}
	return wait(limited, result)
}

func wait(limited bool, r throttled.RateLimitResult) time.Duration {
	if !limited {
		return 0
	}
	return max(r.RetryAfter, time.Millisecond)
}

// mostSwaps is how often a count is tried again that others changed at the
// same time.
const mostSwaps = 100

func (l *Limiter) rate(q Quota) *rate {
	if r, ok := l.rates.Load(q); ok {
		return r.(*rate)
	}
	quota := throttled.RateQuota{MaxRate: throttled.PerDuration(q.Count, q.Per), MaxBurst: q.Count - 1}
	made := func(s throttled.GCRAStoreCtx) *throttled.GCRARateLimiterCtx {
		g, err := throttled.NewGCRARateLimiterCtx(s, quota)
		if err != nil {
			panic(fmt.Sprintf("limit: quota %s: %v", q.Name, err)) // a constant of ours
		}
		g.SetMaxCASAttemptsLimit(mostSwaps)
		return g
	}
	r := &rate{}
	switch {
	case q.Local:
		r.local = made(l.own)
	case l.shared != nil:
		r.shared = made(l.shared)
		fallthrough
	default:
		r.local = made(l.local)
	}
	first, _ := l.rates.LoadOrStore(q, r)
	return first.(*rate)
}

// Outages is how often the shared counts could not be asked.
func (l *Limiter) Outages() uint64 { return l.outages.Load() }

// Sweep forgets shared counts that are full again. Redis does it by itself,
// and a nil Limiter has none.
func (l *Limiter) Sweep(ctx context.Context) error {
	if l == nil || l.o.RedisURL != "" || l.shared == nil {
		return nil
	}
	return l.o.Store.DeleteLimits(ctx, l.o.Now())
}

// failed notes that the shared counts are out of reach, and warns at most
// once a minute.
func (l *Limiter) failed(err error) {
	now := l.o.Now()
	l.outages.Add(1)
	l.awayTill.Store(now.Add(pause).UnixNano())
	if said := l.saidAt.Load(); now.UnixNano()-said >= int64(time.Minute) && l.saidAt.CompareAndSwap(said, now.UnixNano()) {
		l.o.Log.Warn("rate limits cannot be shared; each server counts for itself", "where", l.Where(), "error", err.Error())
	}
}

// watched tells the limiter of what a shared store could not do. (The
// algorithm's own error, too many changes at once, is no outage.)
type watched struct {
	throttled.GCRAStoreCtx
	l *Limiter
}

func (w watched) GetWithTime(ctx context.Context, key string) (int64, time.Time, error) {
	value, now, err := w.GCRAStoreCtx.GetWithTime(ctx, key)
	return value, now, w.note(err)
}

func (w watched) SetIfNotExistsWithTTL(ctx context.Context, key string, value int64, ttl time.Duration) (bool, error) {
	set, err := w.GCRAStoreCtx.SetIfNotExistsWithTTL(ctx, key, value, ttl)
	return set, w.note(err)
}

func (w watched) CompareAndSwapWithTTL(ctx context.Context, key string, old, value int64, ttl time.Duration) (bool, error) {
	swapped, err := w.GCRAStoreCtx.CompareAndSwapWithTTL(ctx, key, old, value, ttl)
	return swapped, w.note(err)
}

func (w watched) note(err error) error {
	if err != nil {
		w.l.failed(err)
	}
	return err
}
