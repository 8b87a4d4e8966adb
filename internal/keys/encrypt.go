package keys

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

// sealContext binds a sealed private key to its row and to what it is for.
func sealContext(k store.SigningKey) string {
	return strings.Join([]string{"signing key", k.ID, k.Algorithm, k.TokenType}, "\x00")
}

// unreadableError says that a stored key cannot be used.
type unreadableError struct {
	id    string
	cause error
}

func (e *unreadableError) Error() string {
	return fmt.Sprintf("the signing key %s %v; nothing was changed, see docs/keys.md", e.id, e.cause)
}

func (e *unreadableError) Unwrap() error { return e.cause }

// believesClear reports whether keys in clear are ours: always without an
// encryption key; with one, at its first start alone, which is when this
// process has not loaded any before, none is encrypted and, as everSealed
// said, none ever was. Later whoever can write to the database, but does not
// know that key, could put a key of theirs there and sign with it.
func (m *Manager) believesClear(keys []store.SigningKey, everSealed bool) bool {
	return m.o.Box == nil || !m.loads.loaded.Load() && !everSealed && !anySealed(keys)
}

// everSealed reports whether keys were encrypted here before, also if none of
// those is there: whoever deletes them must not have theirs believed. It is
// told by the note, and by a secret of an app that is encrypted, because a
// server stores one after it encrypted its keys. Ask before the keys are
// read: who encrypts them makes the note in the same transaction.
func (m *Manager) everSealed(ctx context.Context, st *store.Store) (bool, error) {
	if m.o.Box == nil || m.loads.loaded.Load() {
		return false, nil // nobody needs to know
	}
	if noted, err := st.NotedEncrypted(ctx); noted || err != nil {
		return noted, err
	}
	for after := ""; ; {
		factors, err := st.FactorsWithSecret(ctx, after, factorsAtOnce)
		if err != nil || len(factors) == 0 {
			return false, err
		}
		for _, f := range factors {
			if after = f.ID; secret.Sealed(secret.NewBytes(f.Secret)) {
				return true, nil
			}
		}
	}
}

// factorsAtOnce is how many secrets of apps are read at once.
const factorsAtOnce = 500

// noteSealed makes the note where it is not there: where keys are encrypted
// for the first time or were by an earlier release, and where somebody deleted
// it while this process runs. At its first load secrets in clear are
// encrypted with it, later they are not believed.
func (m *Manager) noteSealed(ctx context.Context, firstLoad bool) error {
	if m.o.Box == nil {
		return nil
	}
	if noted, err := m.store.NotedEncrypted(ctx); noted || err != nil {
		return err
	}
	err := m.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if firstLoad {
			return m.sealSecrets(ctx, tx)
		}
		return tx.NoteEncrypted(ctx, m.o.Now())
	})
	if errors.Is(err, store.ErrNotFound) { // another server did, at the same moment
		return nil
	}
	return err
}

// sealSecrets encrypts the secrets that other packages keep beside the keys
// and notes that all are encrypted now, in the transaction in which the keys
// are.
func (m *Manager) sealSecrets(ctx context.Context, tx *store.Store) error {
	if err := m.guard.ReencryptSecret(ctx, tx); err != nil {
		return err
	}
	return tx.NoteEncrypted(ctx, m.o.Now())
}

// anySealed leaves out what was revoked: whoever lost the encryption key, revoked
// what it encrypted and went on without one may take encryption up again while
// those are still listed. Who could write that into the database could delete
// them as well.
func anySealed(keys []store.SigningKey) bool {
	return slices.ContainsFunc(keys, func(k store.SigningKey) bool { return !k.Revoked() && secret.Sealed(k.Private) })
}

// open returns the private part of each key that has not ended, by id. The
// error is about the first that cannot be read, or is in clear and not to be
// believed; the others are there.
func (m *Manager) open(keys []store.SigningKey, believesClear bool) (map[string]secret.Bytes, error) {
	var failed error
	private := make(map[string]secret.Bytes, len(keys))
	for _, k := range keys {
		if m.ended(keys, k) {
			continue
		}
		plain, err := m.o.Box.Open(k.Private, sealContext(k))
		switch {
		case err != nil:
		case !believesClear && !secret.Sealed(k.Private):
			err = errInClear
		case (&token.Key{ID: k.ID, Algorithm: k.Algorithm}).Load(plain) != nil:
			err = errNoPrivateKey
		}
		if err != nil {
			if failed == nil {
				failed = &unreadableError{k.ID, err}
			}
			continue
		}
		private[k.ID] = plain
	}
	return private, failed
}

// checkReadable keeps a key in clear, or sealed with a key that the running
// servers do not have, from being stored among keys that are sealed
// otherwise. It does not look into keys, so that a damaged one is not in the
// way of its revocation.
func (m *Manager) checkReadable(keys []store.SigningKey) error {
	for _, k := range keys {
		if m.ended(keys, k) {
			continue
		}
		_, err := m.o.Box.Open(k.Private, sealContext(k))
		if err != nil && !errors.Is(err, secret.ErrDamaged) {
			return &unreadableError{k.ID, err}
		}
	}
	return nil
}

// CheckEncryption returns an error when this process does not encrypt as the
// running servers do: what it stored in clear, or with another key, they could
// not read, or should not.
func (m *Manager) CheckEncryption(ctx context.Context) error {
	keys, err := m.store.Keys(ctx)
	if err != nil {
		return err
	}
	return m.checkReadable(keys)
}

// encryptFirst encrypts the keys that were stored before there was a key to
// encrypt with, all or none. Where one is encrypted it does nothing.
func (m *Manager) encryptFirst(ctx context.Context, keys []store.SigningKey) error {
	if m.o.Box == nil || len(keys) == 0 || !m.believesClear(keys, false) {
		return nil
	}
	sealed := 0
	err := m.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		sealed = 0
		before, err := m.everSealed(ctx, tx)
		if err != nil || before { // another server was quicker, or they are not ours
			return err
		}
		keys, err := tx.Keys(ctx)
		if err != nil || anySealed(keys) { // another server of the previous release was quicker
			return err
		}
		for _, k := range keys {
			if secret.Sealed(k.Private) { // and revoked
				continue
			}
			if err := tx.ReplacePrivateKey(ctx, k.ID, k.Private, m.o.Box.Seal(k.Private, sealContext(k))); err != nil {
				return fmt.Errorf("encrypt key %s: %w", k.ID, err)
			}
			sealed++
		}
		return m.sealSecrets(ctx, tx)
	})
	if errors.Is(err, store.ErrNotFound) { // at the same moment
		return nil
	}
	if err == nil && sealed > 0 {
		m.o.Log.WarnContext(ctx, "signing keys that were stored in clear are encrypted now; older backups still have them", "keys", sealed)
	}
	return err
}

// Reencrypt encrypts every key, the secret of device tokens and those of
// webhooks with the present encryption key, whatever they were encrypted with before, and
// returns how many keys it changed. Either all
// are changed or, where one cannot be read, none. One that is in clear where
// keys were encrypted before is refused, too: see [Manager.EncryptClear].
func (m *Manager) Reencrypt(ctx context.Context) (changed int, err error) {
	return m.reencrypt(ctx, func(keys []store.SigningKey, everSealed bool) bool { return !everSealed && !anySealed(keys) })
}

// EncryptClear is Reencrypt also for keys in clear where others were
// encrypted before, which the operator knows to be theirs.
func (m *Manager) EncryptClear(ctx context.Context) (changed int, err error) {
	return m.reencrypt(ctx, nil)
}

// reencrypt takes keys in clear where believesClear says so; nil: always, and
// secrets, too.

func (m *Manager) reencrypt(ctx context.Context, believesClear func(keys []store.SigningKey, everSealed bool) bool) (changed int, err error) {
	if m.o.Box == nil {
		return 0, ErrNoEncryptionKey
	}
	err = m.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		changed = 0
		before, err := m.everSealed(ctx, tx)
		if err != nil {
			return err
		}
		keys, err := tx.Keys(ctx)
		if err != nil {
			return err
		}
		believes := believesClear == nil
		if believes { // what is in clear is the operator's, whatever was noted
			err = tx.ForgetEncrypted(ctx)
		} else {
			believes = believesClear(keys, before)
		}
		if err != nil {
			return err
		}
		private, err := m.open(keys, believes)
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
			case !m.o.Box.Current(k.Private):
				if err := tx.ReplacePrivateKey(ctx, k.ID, k.Private, m.o.Box.Seal(plain, sealContext(k))); err != nil {
					return err
				}
				changed++
			}
		}
		if m.o.Reencrypt != nil {
			if err := m.o.Reencrypt(ctx, tx); err != nil {
				return err
			}
		}
		return m.sealSecrets(ctx, tx)
	})
	if err != nil {
		return 0, err
	}
	return changed, nil
}
