package guard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
)

// Where it is stored, and what its encryption is bound to.
const (
	guardName    = "guard"
	guardContext = "secret\x00guard"
)

// guardKey names it in the event of its change.
const guardKey = "devices"

// errSecretInClear says that somebody wrote another while we run.
var errSecretInClear = errors.New("the secret of device tokens is stored in clear, and this server had encrypted it: it is not taken; see docs/keys.md")

// errNoGuardSecret says that what is stored was never a secret of ours.
var errNoGuardSecret = errors.New("is damaged")

// secret returns the server's secret, and makes it the first time.
func (g *Guard) secret(ctx context.Context) (*Secret, error) {
	if known := g.known.Load(); known != nil {
		return known, nil
	}
	return g.loadSecret(ctx)
}

// LoadSecret takes the secret of device tokens from the database, or
// makes it. A server that runs hears of another so.
func (g *Guard) LoadSecret(ctx context.Context) error {
	if g.off {
		return nil
	}
	_, err := g.loadSecret(ctx)
	return err
}

func (g *Guard) loadSecret(ctx context.Context) (*Secret, error) {
	stored, err := g.store.Secret(ctx, guardName)
	if errors.Is(err, store.ErrNotFound) {
		stored, err = g.firstSecret(ctx)
	}
	if err != nil {
		return nil, err
	}
	value, err := g.openSecret(stored)
	if err != nil {
		return nil, err
	}
	known := g.known.Load()
	if g.o.Box != nil && !secret.Sealed(secret.NewBytes(stored)) {
		if known != nil { // we encrypted it when we started: somebody wrote this
			return nil, errSecretInClear
		}
		if err := g.sealSecret(ctx, stored, value); err != nil {
			return nil, err
		}
	}
	if known == nil || *known != *value {
		g.known.Store(value)
	}
	return value, nil
}

// firstSecret makes the secret. Of two servers that start at once one does.
func (g *Guard) firstSecret(ctx context.Context) ([]byte, error) {
	err := g.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.CreateSecret(ctx, guardName, g.freshSecret(), g.o.Now())
	})
	if err != nil {
		return nil, err
	}
	return g.store.Secret(ctx, guardName)
}

// freshSecret is a new one as it is stored.
func (g *Guard) freshSecret() []byte {
	fresh := make([]byte, sha256.Size)
	_, _ = rand.Read(fresh) // never fails: crypto/rand ends the process instead
	return g.o.Box.Seal(secret.NewBytes(fresh), guardContext).Reveal()
}

func (g *Guard) openSecret(stored []byte) (*Secret, error) {
	plain, err := g.o.Box.Open(secret.NewBytes(stored), guardContext)
	if err == nil && len(plain.Reveal()) != sha256.Size {
		err = errNoGuardSecret
	}
	if err != nil {
		return nil, fmt.Errorf("the secret of device tokens %w; nothing was changed, see docs/keys.md", err)
	}
	return (*Secret)(plain.Reveal()), nil
}

// sealSecret encrypts what was stored before there was a key to encrypt with.
func (g *Guard) sealSecret(ctx context.Context, stored []byte, value *Secret) error {
	sealed := g.o.Box.Seal(secret.NewBytes(value[:]), guardContext).Reveal()
	err := g.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.ReplaceSecret(ctx, guardName, stored, sealed)
	})
	if errors.Is(err, store.ErrNotFound) { // another server did it
		return nil
	}
	if err == nil {
		g.o.Log.WarnContext(ctx, "the secret of device tokens was stored in clear and is encrypted now; older backups still have it")
	}
	return err
}

// RotateSecret makes another secret: no device is known any more until
// somebody logs in on it, and wrong tries at passwords count from zero. It is
// for a secret that leaked.
func (g *Guard) RotateSecret(ctx context.Context) error {
	stored, err := g.store.Secret(ctx, guardName)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	// Not in clear, or with another key, where servers encrypt theirs. A
	// damaged one is not in the way.
	if _, err := g.o.Box.Open(secret.NewBytes(stored), guardContext); err != nil && !errors.Is(err, secret.ErrDamaged) {
		return fmt.Errorf("the secret of device tokens %w; nothing was changed, see docs/keys.md", err)
	}
	return g.ReplaceSecret(ctx)
}

// ReplaceSecret makes another secret, whatever is stored.
func (g *Guard) ReplaceSecret(ctx context.Context) error {
	now := g.o.Now()
	err := g.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.SetSecret(ctx, guardName, g.freshSecret(), now); err != nil {
			return err
		}
		return g.audit.Record(ctx, tx, g.audit.ByOperator(account.EventKeyRotated, account.EventDetails{Key: guardKey}, now))
	})
	if err != nil {
		return err
	}
	g.known.Store(nil) // read again when it is needed
	return nil
}

// ForgetSecret takes the secret away, in the transaction of what makes it
// worthless: a server makes another.
func (g *Guard) ForgetSecret(ctx context.Context, tx *store.Store) error {
	return tx.DeleteSecret(ctx, guardName)
}

// ReencryptSecret encrypts the secret with the present key, in the
// transaction in which that is done to signing keys.
func (g *Guard) ReencryptSecret(ctx context.Context, tx *store.Store) error {
	stored, err := tx.Secret(ctx, guardName)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	value, err := g.openSecret(stored)
	if err != nil || g.o.Box.Current(secret.NewBytes(stored)) {
		return err
	}
	return tx.ReplaceSecret(ctx, guardName, stored, g.o.Box.Seal(secret.NewBytes(value[:]), guardContext).Reveal())
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
