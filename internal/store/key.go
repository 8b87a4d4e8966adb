package store

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/secret"
)

// SigningKey is a key as it is stored. Private is what token.Generate made,
// in clear or encrypted: package auth knows.
type SigningKey struct {
	ID         string
	Algorithm  string
	TokenType  string
	Generation int64 // 1, 2, … for one algorithm and type
	Private    secret.Bytes
	CreatedAt  time.Time
	ActiveAt   time.Time // from when it signs
	RetiresAt  time.Time // until when it verifies; zero: it is the youngest
}

// revoked is the end of a key that was revoked: before its beginning, so
// that it is over by any server's clock.
var revoked = time.Unix(0, 0).UTC()

// Revoked reports whether the key was revoked, by [Store.RevokeKey].
func (k SigningKey) Revoked() bool { return k.RetiresAt.Equal(revoked) }

// KeyState is what a key is good for.
type KeyState string

// The states, in the order of a key's life.
const (
	KeyNext     KeyState = "next"     // it is published, and does not sign yet
	KeySigns    KeyState = "signs"    // new tokens
	KeyVerifies KeyState = "verifies" // what it signed, until that is gone
	KeyRetired  KeyState = "retired"  // nothing any more
	KeyRevoked  KeyState = "revoked"  // nothing any more, all at once
)

// State is what the key is good for at a time.
func (k SigningKey) State(now time.Time) KeyState {
	switch {
	case k.Revoked():
		return KeyRevoked
	case !k.RetiresAt.IsZero() && !now.Before(k.RetiresAt):
		return KeyRetired
	case now.Before(k.ActiveAt):
		return KeyNext
	case !k.RetiresAt.IsZero():
		return KeyVerifies
	}
	return KeySigns
}

// CreateKey stores a key, or returns [ErrTaken] when another server made
// that generation first.
func (s *Store) CreateKey(ctx context.Context, k SigningKey) error {
	_, err := s.exec(ctx, "create a key", `
		INSERT INTO signing_keys (id, algorithm, token_type, generation, private_key, created_at, active_at, retires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		k.ID, k.Algorithm, k.TokenType, k.Generation, k.Private.Reveal(), k.CreatedAt.UTC(), k.ActiveAt.UTC(), nullTime(k.RetiresAt))
	return err
}

// RetireKeys lets the keys before a generation verify until the given time
// and no longer; those that have an end already keep it.
func (s *Store) RetireKeys(ctx context.Context, algorithm, tokenType string, before int64, at time.Time) error {
	_, err := s.exec(ctx, "retire keys", `
		UPDATE signing_keys
		SET retires_at = $1
		WHERE algorithm = $2 AND token_type = $3 AND generation < $4 AND retires_at IS NULL`,
		at.UTC(), algorithm, tokenType, before)
	return err
}

// RevokeKey ends a key, or returns [ErrNotFound].
func (s *Store) RevokeKey(ctx context.Context, id string) error {
	return s.execOne(ctx, "revoke a key", `
		UPDATE signing_keys
		SET retires_at = $1
		WHERE id = $2`, revoked, id)
}

// ReplacePrivateKey stores a private part in another form. It returns
// [ErrNotFound] when it is not the old one any more, so that of two servers
// neither undoes what the other did.
func (s *Store) ReplacePrivateKey(ctx context.Context, id string, old, private secret.Bytes) error {
	return s.execOne(ctx, "replace a private key", `
		UPDATE signing_keys
		SET private_key = $1
		WHERE id = $2 AND private_key = $3`, private.Reveal(), id, old.Reveal())
}

// DeleteKeys forgets keys.
func (s *Store) DeleteKeys(ctx context.Context, ids []string) error {
	_, err := s.execSet(ctx, "delete keys", `
		DELETE FROM signing_keys
		WHERE id IN (SELECT column1 FROM %s)`, columnOf("text", ids))
	return err
}

// Keys returns every key, the youngest first.
func (s *Store) Keys(ctx context.Context) ([]SigningKey, error) {
	return queryAll(ctx, s, "list keys", scanKey, `
		SELECT id, algorithm, token_type, generation, private_key, created_at, active_at, retires_at
		FROM signing_keys
		ORDER BY generation DESC, token_type, algorithm`)
}

func scanKey(scan func(...any) error) (SigningKey, error) {
	var (
		k       SigningKey
		private []byte
	)
	err := scan(&k.ID, &k.Algorithm, &k.TokenType, &k.Generation, &private, asUTC(&k.CreatedAt), asUTC(&k.ActiveAt), asUTC(&k.RetiresAt))
	k.Private = secret.NewBytes(private)
	return k, err
}
