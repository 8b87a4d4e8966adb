// Package keys keeps the keys that sign and verify tokens (docs/keys.md): it
// makes, rotates, revokes and encrypts them, and has a server hear of what
// others did.
//
// Guarantees:
//
//   - A new key is published before it signs, and verifies until the last token
//     that it signed is gone.
//   - A revoked key verifies nothing, on any server, as soon as that reads the
//     keys again.
//   - Where keys were ever encrypted, one in clear is not believed, as long as
//     the note of it is there.
//   - Where a key cannot be read, no key is made or changed.
package keys

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Options configure a [Manager].
type Options struct {
	Box      *secret.Box      // encrypts the stored keys; nil: they are in clear
	Rotation time.Duration    // age at which a signing key gets its successor; 0: by command only
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger

	// Reencrypt does to what others keep what [Manager.Reencrypt] does to keys,
	// in its transaction. Nil: there is nothing.
	Reencrypt func(ctx context.Context, tx *store.Store) error
}

// Manager manages the keys of tokens. It is safe for concurrent use.
type Manager struct {
	store  *store.Store
	tokens *token.Tokens
	audit  *audit.Log
	guard  *guard.Guard // its secret is encrypted and replaced with the keys
	loads  loads
	sweeps sweeps
	o      Options
}

// New makes a Manager. Call [Manager.Load] before tokens are needed.
func New(st *store.Store, tokens *token.Tokens, log *audit.Log, g *guard.Guard, o Options) *Manager {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Manager{store: st, tokens: tokens, audit: log, guard: g, o: o}
}

// By makes the event of what somebody does to keys. Nil: whoever runs this
// process does it.
type By func(kind account.EventKind, details account.EventDetails, at time.Time) audit.Entry

func (m *Manager) entry(by By, kind account.EventKind, details account.EventDetails, at time.Time) audit.Entry {
	if by == nil {
		by = m.audit.ByOperator
	}
	return by(kind, details, at)
}

// Delay is how long a new key is published before it signs, so that every
// server and every service that keeps our key set knows it by then.
const Delay = 2 * time.Minute

// ErrUnmanaged says that keys are not ours to manage: the secret of HS256 is
// the operator's.
var ErrUnmanaged = errors.New("with HS256 there are no keys to manage: YOOZAK_JWT_SECRET is the key")

// purpose is what keys are made for.
type purpose struct {
	algorithm string
	typ       token.Type
}

// Managed reports whether there are keys to manage: else see [ErrUnmanaged].
func (m *Manager) Managed() bool { return m.purposes() != nil }

func (m *Manager) purposes() []purpose {
	if m.tokens.Algorithm() == "HS256" {
		return nil
	}
	return []purpose{{m.tokens.Algorithm(), token.Access}, {"HS256", token.Refresh}}
}

func (kind purpose) has(k store.SigningKey) bool {
	return k.Algorithm == kind.algorithm && k.TokenType == string(kind.typ)
}

// youngest returns the youngest key of a kind, which may be one that does
// not sign yet.
func youngest(keys []store.SigningKey, kind purpose) (store.SigningKey, bool) {
	i := slices.IndexFunc(keys, kind.has) // they come youngest first
	if i < 0 {
		return store.SigningKey{}, false
	}
	return keys[i], true
}

// loads lets one goroutine at a time take the keys from the database:
// who read them first must not put them in place last, and bring back a key
// that was revoked in between.
type loads struct {
	mu     sync.Mutex
	loaded atomic.Bool // once: what is in clear is not believed any more
	newest atomic.Pointer[time.Time]
	asked  struct { // because of a token
		mu      sync.Mutex
		last    time.Time
		running *reloading // the one under way; nil: none
		err     error      // of the last one
	}
}

// reloading is a load that many callers wait for.
type reloading struct {
	done chan struct{}
	err  error // once it is done
}

// retires is until when a key verifies: at least until the last token that
// it signed is gone, by the lifetimes of this server. Whoever rotated may
// have had others.
func (m *Manager) retires(keys []store.SigningKey, k store.SigningKey) time.Time {
	if k.RetiresAt.IsZero() || k.Revoked() {
		return k.RetiresAt
	}
	next := store.SigningKey{ActiveAt: k.ActiveAt}
	for _, n := range keys { // they come youngest first
		if n.Algorithm == k.Algorithm && n.TokenType == k.TokenType && n.Generation > k.Generation {
			next = n
		}
	}
	if least := next.ActiveAt.Add(Delay + m.tokens.Lifetime(token.Type(k.TokenType))); least.After(k.RetiresAt) {
		return least
	}
	return k.RetiresAt
}

// ended reports whether a key verifies nothing any more.
func (m *Manager) ended(keys []store.SigningKey, k store.SigningKey) bool {
	end := m.retires(keys, k)
	return !end.IsZero() && !m.o.Now().Before(end)
}

// Newest is when the newest key was made that a server has loaded; zero: none.
func (m *Manager) Newest() time.Time {
	if at := m.loads.newest.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// List lists the stored keys without their private parts, youngest first.
func (m *Manager) List(ctx context.Context) ([]store.SigningKey, error) {
	keys, err := m.store.Keys(ctx)
	for i := range keys {
		keys[i].Private = secret.Bytes{}
		keys[i].RetiresAt = m.retires(keys, keys[i])
	}
	return keys, err
}

// Sweep forgets keys that verify nothing any more. The margin is for
// servers whose clock is behind. A revoked one is listed for some minutes after
// the first sweep that sees it, however long ago it was replaced: whoever
// revoked it looks whether it is (docs/keys.md), and when that was is not stored.
func (m *Manager) Sweep(ctx context.Context, now time.Time) error {
	keys, err := m.store.Keys(ctx)
	if err != nil {
		return err
	}
	m.sweeps.mu.Lock()
	defer m.sweeps.mu.Unlock()
	var gone []string
	seen := map[string]time.Time{}
	for _, k := range keys {
		end := m.retires(keys, k)
		if k.Revoked() {
			first, before := m.sweeps.revoked[k.ID]
			if !before {
				first = now
			}
			seen[k.ID], end = first, first.Add(Delay)
		}
		if !end.IsZero() && now.Sub(end) > Delay {
			gone = append(gone, k.ID)
		}
	}
	m.sweeps.revoked = seen
	if len(gone) == 0 {
		return nil
	}
	return m.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.DeleteKeys(ctx, gone) })
}

// sweeps remembers the revoked keys that the last sweep of this process saw, and
// when the first did.
type sweeps struct {
	mu      sync.Mutex
	revoked map[string]time.Time
}
