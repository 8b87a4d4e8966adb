package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// ErrNoEncryptionKey says that there is nothing to encrypt with.
var ErrNoEncryptionKey = errors.New("YOOZAK_ENCRYPTION_KEY is not set")

// errNoPrivateKey says that what is stored was never a key of ours. What is
// fail with it is not said: it may be half a key.
var errNoPrivateKey = errors.New("is no private key of its algorithm")

// errInClear says that a key was not stored by a server that encrypts them.
var errInClear = errors.New("is in clear, though keys are encrypted here: somebody may have written it into the database")

// keyContext binds a sealed private key to its row and to what it is for.
func keyContext(k store.SigningKey) string {
	return strings.Join([]string{"signing key", k.ID, k.Algorithm, k.TokenType}, "\x00")
}

// unreadableKeyError says that a stored key cannot be used.
type unreadableKeyError struct {
	id    string
	cause error
}

func (e *unreadableKeyError) Error() string {
	return fmt.Sprintf("the signing key %s %v; nothing was changed, see docs/keys.md", e.id, e.cause)
}

func (e *unreadableKeyError) Unwrap() error { return e.cause }

// believesClear reports whether keys in clear are ours: always without an
// encryption key; with one, when there are no others and this process has not
// loaded any before. That is the first start with an encryption key. Later
// whoever can write to the database, but does not know that key, could put a
// key of theirs there and sign with it.
func (s *Service) believesClear(keys []store.SigningKey) bool {
	return s.o.Box == nil || !s.keys.loaded.Load() && !anySealed(keys)
}

func anySealed(keys []store.SigningKey) bool {
	return slices.ContainsFunc(keys, func(k store.SigningKey) bool { return secret.Sealed(k.Private) })
}

// opened returns the private part of each key that has not ended, by id. The
// error is about the first that cannot be read, or is in clear and not to be
// believed; the others are there.
func (s *Service) opened(keys []store.SigningKey, believesClear bool) (map[string]secret.Bytes, error) {
	var failed error
	private := make(map[string]secret.Bytes, len(keys))
	for _, k := range keys {
		if s.ended(keys, k) {
			continue
		}
		plain, err := s.o.Box.Open(k.Private, keyContext(k))
		switch {
		case err != nil:
		case !believesClear && !secret.Sealed(k.Private):
			err = errInClear
		case (&token.Key{ID: k.ID, Algorithm: k.Algorithm}).Load(plain) != nil:
			err = errNoPrivateKey
		}
		if err != nil {
			if failed == nil {
				failed = &unreadableKeyError{k.ID, err}
			}
			continue
		}
		private[k.ID] = plain
	}
	return private, failed
}

// mayStore keeps a key in clear, or sealed with a key that the running
// servers do not have, from being stored among keys that are sealed
// otherwise. It does not look into keys, so that a damaged one is not in the
// way of its revocation.
func (s *Service) mayStore(keys []store.SigningKey) error {
	for _, k := range keys {
		if s.ended(keys, k) {
			continue
		}
		_, err := s.o.Box.Open(k.Private, keyContext(k))
		if err != nil && !errors.Is(err, secret.ErrDamaged) {
			return &unreadableKeyError{k.ID, err}
		}
	}
	return nil
}

// sealFirst encrypts the keys that were stored before there was a key to
// encrypt with, all or none. Where one is encrypted it does nothing.
func (s *Service) sealFirst(ctx context.Context, keys []store.SigningKey) error {
	if s.o.Box == nil || len(keys) == 0 || !s.believesClear(keys) {
		return nil
	}
	sealed := 0
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		sealed = 0
		keys, err := tx.Keys(ctx)
		if err != nil || anySealed(keys) { // another server was quicker
			return err
		}
		for _, k := range keys {
			if err := tx.ReplacePrivateKey(ctx, k.ID, k.Private, s.o.Box.Seal(k.Private, keyContext(k))); err != nil {
				return fmt.Errorf("encrypt key %s: %w", k.ID, err)
			}
			sealed++
		}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) { // at the same moment
		return nil
	}
	if err == nil && sealed > 0 {
		s.o.Log.WarnContext(ctx, "signing keys that were stored in clear are encrypted now; older backups still have them", "keys", sealed)
	}
	return err
}

// ReencryptKeys encrypts every key, and the secret of device tokens, with the
// present encryption key, whatever they were encrypted with before, and
// returns how many keys it changed. Either all
// are changed or, where one cannot be read, none. One that is in clear among
// others that are not is refused, too: see [Service.EncryptClearKeys].
func (s *Service) ReencryptKeys(ctx context.Context) (changed int, err error) {
	return s.reencrypt(ctx, func(keys []store.SigningKey) bool { return !anySealed(keys) })
}

// EncryptClearKeys is ReencryptKeys also for keys in clear among others that
// are not, which the operator knows to be theirs.
func (s *Service) EncryptClearKeys(ctx context.Context) (changed int, err error) {
	return s.reencrypt(ctx, func([]store.SigningKey) bool { return true })
}

func (s *Service) reencrypt(ctx context.Context, believesClear func([]store.SigningKey) bool) (changed int, err error) {
	if s.o.Box == nil {
		return 0, ErrNoEncryptionKey
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		changed = 0
		keys, err := tx.Keys(ctx)
		if err != nil {
			return err
		}
		private, err := s.opened(keys, believesClear(keys))
		if err != nil {
			return err
		}
		for _, k := range keys {
			plain, live := private[k.ID]
			switch {
			case !live: // it ended: there is no reason to keep it
				if err := tx.DeleteKeys(ctx, []string{k.ID}); err != nil {
					return err
				}
			case !s.o.Box.Current(k.Private):
				if err := tx.ReplacePrivateKey(ctx, k.ID, k.Private, s.o.Box.Seal(plain, keyContext(k))); err != nil {
					return err
				}
				changed++
			}
		}
		return s.guard.ReencryptSecret(ctx, tx)
	})
	if err != nil {
		return 0, err
	}
	return changed, nil
}
