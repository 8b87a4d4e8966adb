package store

import (
	"context"
	"errors"
	"time"
)

// Secret returns the random key of this name, the same for all servers, as it
// is stored, or [ErrNotFound].
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	return queryValue[[]byte](ctx, s, "read a secret", `
		SELECT value
		FROM secrets
		WHERE name = $1`, name)
}

// CreateSecret stores a random key unless there is one of this name.
func (s *Store) CreateSecret(ctx context.Context, name string, key []byte, now time.Time) error {
	_, err := s.exec(ctx, "make a secret", `
		INSERT INTO secrets (name, value, created_at)
		VALUES ($1, $2, $3)
		ON CONFLICT (name) DO NOTHING`, name, key, now.UTC())
	return err
}

// ReplaceSecret stores another form of a random key. It returns [ErrNotFound]
// when it is not stored as was any more.
func (s *Store) ReplaceSecret(ctx context.Context, name string, was, key []byte) error {
	return s.execOne(ctx, "replace a secret", `
		UPDATE secrets
		SET value = $1
		WHERE name = $2 AND value = $3`, key, name, was)
}

// SetSecret stores another random key in place of the one of this name.
func (s *Store) SetSecret(ctx context.Context, name string, key []byte, now time.Time) error {
	_, err := s.exec(ctx, "set a secret", `
		INSERT INTO secrets (name, value, created_at)
		VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE
		SET value = excluded.value, created_at = excluded.created_at`, name, key, now.UTC())
	return err
}

// encryptedNote names the note that secrets and signing keys are encrypted
// here. That it is there is all that counts.
const encryptedNote = "keys are encrypted"

// NotedEncrypted reports whether it was noted that secrets and signing keys are
// encrypted here, and nobody took that back.
func (s *Store) NotedEncrypted(ctx context.Context) (bool, error) {
	_, err := s.Secret(ctx, encryptedNote)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// NoteEncrypted notes it.
func (s *Store) NoteEncrypted(ctx context.Context, now time.Time) error {
	return s.CreateSecret(ctx, encryptedNote, []byte("yes"), now)
}

// ForgetEncrypted takes the note away.
func (s *Store) ForgetEncrypted(ctx context.Context) error {
	return s.DeleteSecret(ctx, encryptedNote)
}
