package store

import (
	"context"
	"time"
)

// Secret returns the random key of this name, the same for all servers; it
// is fresh if there was none.
func (s *Store) Secret(ctx context.Context, name string, fresh []byte, now time.Time) ([]byte, error) {
	var value []byte
	err := s.Tx(ctx, func(tx *Store) error {
		_, err := tx.q.ExecContext(ctx, `
			INSERT INTO secrets (name, value, created_at)
			VALUES ($1, $2, $3)
			ON CONFLICT (name) DO NOTHING`, name, fresh, now.UTC())
		if err != nil {
			return s.mend(err)
		}
		return s.mend(tx.q.QueryRowContext(ctx, `
			SELECT value
			FROM secrets
			WHERE name = $1`, name).Scan(&value))
	})
	return value, err
}
