package keys

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Load takes the keys from the database and makes those that are
// missing. Two servers that start at once make one key.
//
// Where one cannot be read, no key is made or changed, and that is the error; a server that runs goes on with what it has of the keys
// that are still there, so that a damaged key does not keep it from hearing
// that another was revoked.
func (m *Manager) Load(ctx context.Context) error {
	if m.purposes() == nil {
		m.tokens.SetKeys(nil, m.o.Now())
		return nil
	}
	m.loads.mu.Lock()
	defer m.loads.mu.Unlock()
	before, err := m.everSealed(ctx, m.store)
	if err != nil {
		return err
	}
	keys, err := m.store.Keys(ctx)
	if err != nil {
		return err
	}
	private, unreadable := m.open(keys, m.believesClear(keys, before))
	if unreadable == nil {
		if keys, private, err = m.complete(ctx, keys, private, before); err != nil {
			return err
		}
	}
	loaded := make([]*token.Key, 0, len(keys))
	for _, k := range keys {
		key := &token.Key{ID: k.ID, Algorithm: k.Algorithm, Use: token.KeyUse(k.TokenType)}
		if plain, readable := private[k.ID]; readable {
			if err := key.Load(plain); err != nil {
				return err
			}
		} else if known := m.tokens.Key(k.ID); known != nil {
			key = known
		} else {
			continue
		}
		key.ActiveAt, key.RetiresAt = k.ActiveAt, m.retires(keys, k)
		loaded = append(loaded, key)
	}
	m.tokens.SetKeys(loaded, m.o.Now())
	var newest time.Time
	for _, k := range keys {
		if k.CreatedAt.After(newest) {
			newest = k.CreatedAt
		}
	}
	m.loads.newest.Store(&newest)
	firstLoad := !m.loads.loaded.Load()
	if !firstLoad || unreadable == nil { // also while somebody's keys are refused, so that the next start refuses them
		err = m.noteSealed(ctx, firstLoad)
	}
	if unreadable == nil && err == nil {
		m.loads.loaded.Store(true)
	}
	if unreadable != nil {
		return unreadable
	}
	return err
}

// complete makes the keys that are missing and, at the first load,
// encrypts those in clear.
func (m *Manager) complete(ctx context.Context, keys []store.SigningKey, private map[string]secret.Bytes, everSealed bool) ([]store.SigningKey, map[string]secret.Bytes, error) {
	if err := m.encryptFirst(ctx, keys); err != nil {
		return nil, nil, err
	}
	made := false
	for _, kind := range m.purposes() {
		last, found := youngest(keys, kind)
		if found && !last.Revoked() { // the youngest alone is revoked without a successor, after a restore
			continue
		}
		now := m.o.Now()
		if err := m.create(ctx, nil, kind, last.Generation+1, now, now); err != nil && !errors.Is(err, store.ErrTaken) {
			return nil, nil, err
		}
		made = true
	}
	if !made {
		return keys, private, nil
	}
	keys, err := m.store.Keys(ctx)
	if err != nil {
		return nil, nil, err
	}
	private, err = m.open(keys, m.believesClear(keys, everSealed))
	return keys, private, err
}

// reloadPatience is how long a request waits for the keys because of a key
// that is not known here.
const reloadPatience = 2 * time.Second

// reload is Load because of a token, at most once a second, so that
// strangers cannot make us read the keys at every request. It reports whether
// they were read. Those who come meanwhile wait for
// the same load, none longer than they want or [reloadPatience]: strangers
// must not pile up behind a slow database.
func (m *Manager) reload(ctx context.Context, now time.Time) (bool, error) {
	load, err := m.startReload(ctx, now)
	if load == nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, reloadPatience)
	defer cancel()
	select {
	case <-load.done:
		return true, load.err
	case <-ctx.Done():
		return false, fmt.Errorf("%w: wait for the keys: %w", account.ErrUnavailable, ctx.Err())
	}
}

// startReload returns the load under way, or a new one, or nil when the last
// was less than a second ago, with its error.
func (m *Manager) startReload(ctx context.Context, now time.Time) (*reloading, error) {
	asked := &m.loads.asked
	asked.mu.Lock()
	defer asked.mu.Unlock()
	if asked.running != nil {
		return asked.running, nil
	}
	if m.tokens.Algorithm() == "HS256" || now.Sub(asked.last) < time.Second {
		return nil, asked.err
	}
	load := &reloading{done: make(chan struct{})}
	asked.last, asked.running = now, load
	go func() {
		load.err = m.reloadForToken(context.WithoutCancel(ctx)) // not this caller's alone
		asked.mu.Lock()
		defer asked.mu.Unlock()
		asked.running, asked.err = nil, load.err
		close(load.done)
	}()
	return load, nil
}

func (m *Manager) reloadForToken(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil { // a mistake must not end the server
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	err = m.Load(ctx)
	var unreadable *unreadableError
	if errors.As(err, &unreadable) { // that is the operator's trouble; the other keys are there
		m.o.Log.WarnContext(ctx, "a key cannot be read", "error", err.Error())
		err = nil
	}
	return err
}
