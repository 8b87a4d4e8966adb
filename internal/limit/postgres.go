package limit

import (
	"context"
	"errors"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/store"
)

// postgres keeps counts in a table. It remembers what it last saw under a
// key: a count only grows until it is full again, so if what was seen is too
// much already, what is there is, and a flood is refused without a query;
// and if it is not, the compare-and-swap finds out what others did, so that
// a use costs one round trip rather than two.
type postgres struct {
	store *store.Store
	now   func() time.Time
	seen  [seenKeys]atomic.Pointer[seen]
}

// seenKeys is how many keys are remembered, in 100 bytes each.
const seenKeys = 1 << 14

type seen struct {
	key   string
	value int64
}

var seenSeed = maphash.MakeSeed()

func (p *postgres) slot(key string) *atomic.Pointer[seen] {
	return &p.seen[maphash.String(seenSeed, key)%seenKeys]
}

// GetWithTime returns the number under a key, -1 for none, and our time.
func (p *postgres) GetWithTime(ctx context.Context, key string) (int64, time.Time, error) {
	if s := p.slot(key).Load(); s != nil && s.key == key {
		return s.value, p.now(), nil
	}
	value, err := p.store.Limit(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return -1, p.now(), nil
	}
	if err == nil {
		p.slot(key).Store(&seen{key, value})
	}
	return value, p.now(), err
}

// SetIfNotExistsWithTTL reports whether it stored the first number.
func (p *postgres) SetIfNotExistsWithTTL(ctx context.Context, key string, value int64, ttl time.Duration) (bool, error) {
	return p.stored(key, value, p.store.CreateLimit(ctx, key, value, p.now().Add(ttl)))
}

// CompareAndSwapWithTTL reports whether the number was old.
func (p *postgres) CompareAndSwapWithTTL(ctx context.Context, key string, old, value int64, ttl time.Duration) (bool, error) {
	return p.stored(key, value, p.store.SwapLimit(ctx, key, old, value, p.now().Add(ttl)))
}

func (p *postgres) stored(key string, value int64, err error) (bool, error) {
	switch {
	case errors.Is(err, store.ErrNotFound): // changed, or swept: look again
		p.slot(key).Store(nil)
		return false, nil
	case err != nil:
		return false, err
	}
	p.slot(key).Store(&seen{key, value})
	return true, nil
}
