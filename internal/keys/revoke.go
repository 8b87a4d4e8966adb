package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// ErrNotFound says that no key has the id.
var ErrNotFound = errors.New("there is no such key")

// Revocation is what became of a key.
type Revocation struct {
	Key      store.SigningKey // without its private part
	Replaced bool             // another was made
	SignsAt  time.Time        // from when that one signs
	Sessions int64            // that were ended
}

// Revoke ends a key: running servers refuse every token that it signed as
// soon as they read the keys again, also tokens that they had verified
// before. A key that signs is replaced by one that signs at once, without
// the publication that a rotation has; a service that keeps our key set
// refuses the new tokens until it fetches that again.
//
// Of a key for refresh tokens the sessions whose newest token it signed are
// ended, too, and with them their access tokens: whoever has the key may
// have exchanged forged tokens for good ones. Calling it again for the same
// key ends what is left of them.
func (m *Manager) Revoke(ctx context.Context, id string) (Revocation, error) {
	return m.RevokeBy(ctx, nil, id)
}

// RevokeBy is [Manager.Revoke] by somebody who is named in the events.
func (m *Manager) RevokeBy(ctx context.Context, by By, id string) (Revocation, error) {
	keys, err := m.store.Keys(ctx)
	if err != nil {
		return Revocation{}, err
	}
	others := slices.DeleteFunc(slices.Clone(keys), func(k store.SigningKey) bool { return k.ID == id })
	if err := m.checkReadable(others); err != nil {
		return Revocation{}, err
	}
	if err := m.encryptFirst(ctx, keys); err != nil {
		return Revocation{}, err
	}
	out, err := m.revoke(ctx, by, id)
	m.reloadAfterRevocation(ctx)
	return out, err
}

// RevokeAll is [Manager.Revoke] for every key there is: the database,
// or a backup of it, was read by somebody. Everybody logs in again. Device
// tokens get another secret, too.
func (m *Manager) RevokeAll(ctx context.Context) ([]Revocation, error) {
	keys, err := m.store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.checkReadable(keys); err != nil {
		return nil, err
	}
	return m.RevokeUnreadable(ctx)
}

// RevokeUnreadable is RevokeAll where the stored keys cannot be read any
// more, because what encrypted them was lost.
func (m *Manager) RevokeUnreadable(ctx context.Context) ([]Revocation, error) {
	keys, err := m.store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.encryptFirst(ctx, keys); err != nil {
		return nil, err
	}
	defer m.reloadAfterRevocation(ctx)
	var all []Revocation
	for _, k := range slices.Backward(keys) { // the oldest first: what they verify is not replaced
		if k.Revoked() {
			continue
		}
		out, err := m.revoke(ctx, nil, k.ID)
		if out.Key.ID != "" {
			all = append(all, out)
		}
		if err != nil {
			return all, fmt.Errorf("key %s: %w", k.ID, err)
		}
	}
	return all, m.guard.ReplaceSecret(ctx)
}

// reloadAfterRevocation lets this process forget what was revoked, too. The
// revocation itself is committed.
func (m *Manager) reloadAfterRevocation(ctx context.Context) {
	if err := m.Load(ctx); err != nil {
		m.o.Log.WarnContext(ctx, "keys not read after a revocation", "error", err.Error())
	}
}

// revoke ends a key and the sessions that it signed for.
func (m *Manager) revoke(ctx context.Context, by By, id string) (Revocation, error) {
	if m.purposes() == nil {
		return Revocation{}, ErrUnmanaged
	}
	var (
		out  Revocation
		keys []store.SigningKey
		err  error
	)
	for range 3 { // a rotation may make the next key at the same time
		if keys, err = m.store.Keys(ctx); err != nil {
			return Revocation{}, err
		}
		if out, err = m.revokeOne(ctx, by, keys, id); !errors.Is(err, store.ErrTaken) {
			break
		}
	}
	if err != nil {
		return Revocation{}, err
	}
	m.o.Log.WarnContext(ctx, "signing key revoked", "key", id, "signs", out.Key.TokenType, "replaced", out.Replaced)
	if out.Key.TokenType == string(token.Refresh) {
		from, to := signed(keys, out.Key, m.o.Now())
		if out.Sessions, err = m.revokeSessions(ctx, from, to); err != nil {
			return out, fmt.Errorf("the key is revoked, but not all of its sessions are ended yet, repeat the command: %w", err)
		}
	}
	return out, nil
}

// revokeOne revokes and, where need be, replaces in one transaction.
func (m *Manager) revokeOne(ctx context.Context, by By, keys []store.SigningKey, id string) (Revocation, error) {
	i := slices.IndexFunc(keys, func(k store.SigningKey) bool { return k.ID == id })
	if i < 0 {
		return Revocation{}, ErrNotFound
	}
	out, now := Revocation{Key: keys[i]}, m.o.Now()
	var next store.SigningKey
	for _, kind := range m.purposes() {
		last, _ := youngest(keys, kind)
		switch {
		case !kind.has(keys[i]):
			continue
		case m.signer(keys, kind, now) == id:
			out.Replaced, out.SignsAt = true, now
		case last.ID == id && !last.Revoked(): // it would be the next
			out.Replaced, out.SignsAt = true, now.Add(Delay)
		default:
			continue
		}
		var err error
		if next, err = m.generate(kind, last.Generation+1, now, out.SignsAt); err != nil {
			return Revocation{}, err
		}
	}
	err := m.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RevokeKey(ctx, id); err != nil {
			return err
		}
		if err := m.audit.Record(ctx, tx, m.entry(by, account.EventKeyRevoked, account.EventDetails{Key: id}, now)); err != nil {
			return err
		}
		if out.Replaced {
			return m.add(ctx, tx, by, next)
		}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		err = ErrNotFound
	}
	return out, err
}

// signer is the id of the key that signs now.
func (m *Manager) signer(keys []store.SigningKey, kind purpose, now time.Time) string {
	for _, k := range keys { // youngest first
		if kind.has(k) && !k.ActiveAt.After(now) && !m.ended(keys, k) {
			return k.ID
		}
	}
	return ""
}

// clocksDiffer is by how much, at most, servers that take each other's
// tokens disagree about the time.
const clocksDiffer = 10 * time.Second

// signed is the time in which a key signed by the clock of any server. It is
// empty (from is after to) for a key that never signed.
func signed(keys []store.SigningKey, k store.SigningKey, now time.Time) (from, to time.Time) {
	from, to = k.ActiveAt.Add(-clocksDiffer), now.Add(clocksDiffer)
	for _, next := range keys {
		sameKind := next.Algorithm == k.Algorithm && next.TokenType == k.TokenType
		if end := next.ActiveAt.Add(clocksDiffer); sameKind && next.Generation > k.Generation && end.Before(to) {
			to = end
		}
	}
	return from, to
}

// revokeSessions ends the sessions whose newest refresh token was
// issued in a span of time, some at a time: a longer transaction would keep
// SQLite's writers waiting.
func (m *Manager) revokeSessions(ctx context.Context, from, to time.Time) (ended int64, err error) {
	const step = 5000
	now := m.o.Now()
	for after := ""; ; {
		err := m.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
			n, last, err := tx.RevokeSessionsOfTokens(ctx, after, step, from, to, now)
			ended, after = ended+n, last
			return err
		})
		if err != nil || after == "" {
			return ended, err
		}
	}
}
