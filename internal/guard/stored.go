package guard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
)

// stored is a random key of the servers', as the database has it: encrypted,
// where there is a key for that.
type stored struct {
	name    string // where it is stored
	context string // what its encryption is bound to
	title   string // in errors and logs
	known   atomic.Pointer[Secret]
}

func newDevicesSecret() *stored {
	return &stored{name: "guard", context: "secret\x00guard", title: "the secret of device tokens"}
}

func newCodesSecret() *stored {
	return &stored{name: "codes", context: "secret\x00codes", title: "the key of mailed codes"}
}

// guardKey names the secret of device tokens in the event of its change.
const guardKey = "devices"

// errNoGuardSecret says that what is stored was never a secret of ours.
var errNoGuardSecret = errors.New("is damaged")

// secret returns the server's secret, and makes it the first time.
func (g *Guard) secret(ctx context.Context) (*Secret, error) { return g.stored(ctx, g.devices) }

func (g *Guard) stored(ctx context.Context, s *stored) (*Secret, error) {
	if known := s.known.Load(); known != nil {
		return known, nil
	}
	return g.load(ctx, s)
}

// CodeKey is the key from which the codes that are mailed follow, the same for
// all servers. The first time it needs a transaction of its own: what runs in
// a transaction is given the key, and does not ask for it.
func (g *Guard) CodeKey(ctx context.Context) (*Secret, error) { return g.stored(ctx, g.codes) }

// LoadSecret takes the secret of device tokens and the key of mailed codes from
// the database, or makes them. A server that runs hears of others so.
func (g *Guard) LoadSecret(ctx context.Context) error {
	_, err := g.load(ctx, g.codes)
	if g.off {
		return err
	}
	_, failed := g.load(ctx, g.devices)
	return errors.Join(failed, err)
}

func (g *Guard) load(ctx context.Context, s *stored) (*Secret, error) {
	known := s.known.Load()
	refuses := known != nil // we encrypted it when we started
	if !refuses {
		var err error
		if refuses, err = g.store.NotedEncrypted(ctx); err != nil {
			return nil, err
		}
	}
	raw, err := g.store.Secret(ctx, s.name)
	if errors.Is(err, store.ErrNotFound) {
		raw, err = g.first(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	value, err := g.open(s, raw)
	if err != nil {
		return nil, err
	}
	if g.o.Box != nil && !secret.Sealed(secret.NewBytes(raw)) {
		if refuses {
			return nil, inClear(s)
		}
		if err := g.sealFirst(ctx, s, raw, value); err != nil {
			return nil, err
		}
	}
	if known == nil || *known != *value {
		s.known.Store(value)
	}
	return value, nil
}

// inClear says that somebody wrote another: who can write to the database
// would know every code that is mailed. Whether it was encrypted before is asked
// before it is read, because who encrypts it notes that in the same transaction.
func inClear(s *stored) error {
	return fmt.Errorf("%s is stored in clear, and it was encrypted before: it is not taken; see docs/keys.md", s.title)
}

// first makes the secret. Of two servers that start at once one does.
func (g *Guard) first(ctx context.Context, s *stored) ([]byte, error) {
	err := g.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.CreateSecret(ctx, s.name, g.fresh(s), g.o.Now())
	})
	if err != nil {
		return nil, err
	}
	return g.store.Secret(ctx, s.name)
}

// fresh is a new one as it is stored.
func (g *Guard) fresh(s *stored) []byte {
	random := make([]byte, sha256.Size)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the process instead
	return g.o.Box.Seal(secret.NewBytes(random), s.context).Reveal()
}

func (g *Guard) open(s *stored, raw []byte) (*Secret, error) {
	plain, err := g.o.Box.Open(secret.NewBytes(raw), s.context)
	if err == nil && len(plain.Reveal()) != sha256.Size {
		err = errNoGuardSecret
	}
	if err != nil {
		return nil, fmt.Errorf("%s %w; nothing was changed, see docs/keys.md", s.title, err)
	}
	return (*Secret)(plain.Reveal()), nil
}

// sealFirst encrypts what was stored before there was a key to encrypt with.
func (g *Guard) sealFirst(ctx context.Context, s *stored, raw []byte, value *Secret) error {
	sealed := g.o.Box.Seal(secret.NewBytes(value[:]), s.context).Reveal()
	err := g.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.ReplaceSecret(ctx, s.name, raw, sealed)
	})
	if errors.Is(err, store.ErrNotFound) { // another server did it
		return nil
	}
	if err == nil {
		g.o.Log.WarnContext(ctx, "a secret that was stored in clear is encrypted now; older backups still have it", "secret", s.title)
	}
	return err
}

// RotateSecret makes another secret: no device is known or trusted any more
// until somebody logs in on it, no place is, and wrong tries at passwords count
// from zero. It is for a secret that leaked.
func (g *Guard) RotateSecret(ctx context.Context) error {
	raw, err := g.store.Secret(ctx, g.devices.name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	// Not in clear, or with another key, where servers encrypt theirs. A
	// damaged one is not in the way.
	if _, err := g.o.Box.Open(secret.NewBytes(raw), g.devices.context); err != nil && !errors.Is(err, secret.ErrDamaged) {
		return fmt.Errorf("%s %w; nothing was changed, see docs/keys.md", g.devices.title, err)
	}
	return g.ReplaceSecret(ctx)
}

// ReplaceSecret makes another secret, whatever is stored. What reads the one
// reads the other: so codes get another key, too, and those that were mailed
// are worthless.
func (g *Guard) ReplaceSecret(ctx context.Context) error {
	now := g.o.Now()
	err := g.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.SetSecret(ctx, g.devices.name, g.fresh(g.devices), now); err != nil {
			return err
		}
		if err := tx.SetSecret(ctx, g.codes.name, g.fresh(g.codes), now); err != nil {
			return err
		}
		// Trusted devices do not hang on it; but whoever thinks that it leaked trusts no device.
		if err := tx.DeleteAllTrustedDevices(ctx); err != nil {
			return err
		}
		return g.audit.Record(ctx, tx, g.audit.ByOperator(account.EventKeyRotated, account.EventDetails{Key: guardKey}, now))
	})
	if err != nil {
		return err
	}
	g.devices.known.Store(nil) // read again when it is needed
	g.codes.known.Store(nil)
	return nil
}

// ForgetSecret takes the secrets away, in the transaction of what makes them
// worthless: a server makes others.
func (g *Guard) ForgetSecret(ctx context.Context, tx *store.Store) error {
	return errors.Join(tx.DeleteSecret(ctx, g.devices.name), tx.DeleteSecret(ctx, g.codes.name))
}

// ReencryptSecret encrypts the secrets with the present key, in the
// transaction in which that is done to signing keys. One in clear is refused
// where it is noted that they are encrypted.
func (g *Guard) ReencryptSecret(ctx context.Context, tx *store.Store) error {
	noted, err := tx.NotedEncrypted(ctx)
	if err != nil {
		return err
	}
	for _, s := range []*stored{g.devices, g.codes} {
		if err := g.reencrypt(ctx, tx, s, noted); err != nil {
			return err
		}
	}
	return nil
}

func (g *Guard) reencrypt(ctx context.Context, tx *store.Store, s *stored, noted bool) error {
	raw, err := tx.Secret(ctx, s.name)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	value, err := g.open(s, raw)
	if err != nil || g.o.Box.Current(secret.NewBytes(raw)) {
		return err
	}
	if noted && !secret.Sealed(secret.NewBytes(raw)) {
		return inClear(s)
	}
	return tx.ReplaceSecret(ctx, s.name, raw, g.o.Box.Seal(secret.NewBytes(value[:]), s.context).Reveal())
}

// Secret is the server's secret, or nil where limits are off. The first
// time it needs a transaction of its own: what runs in a transaction is given
// the secret, and does not ask for it.
func (g *Guard) Secret(ctx context.Context) (*Secret, error) {
	if g.off {
		return nil, nil //nolint:nilnil // there is nothing to sign or to hide
	}
	return g.secret(ctx)
}
