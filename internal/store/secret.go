package store

import (
	"context"
	"time"
)

// Secret returns the random key of this name, the same for all servers; it
// is fresh if there was none.
func (s *Store) Secret(ctx context.Context, name string, fresh []byte, now time.Time) ([]byte, error) {
	var kept []byte
	err := s.Tx(ctx, func(ctx context.Context, tx *Store) error {
		_, err := tx.exec(ctx, "make a secret", `
			INSERT INTO secrets (name, value, created_at)
			VALUES ($1, $2, $3)
			ON CONFLICT (name) DO NOTHING`, name, fresh, now.UTC())
		if err != nil {
			return err
		}
		kept, err = value[[]byte](ctx, tx, "read a secret", `
			SELECT value
			FROM secrets
			WHERE name = $1`, name)
		return err
	})
	return kept, err
}
