package store

import (
	"context"
	"errors"
	"time"
)

// BackedUpAt is when a backup was last made, as far as it was noted; zero: none
// was.
func (s *Store) BackedUpAt(ctx context.Context) (time.Time, error) {
	at, err := queryRow(ctx, s, "read the time of the last backup", scanTime, `
		SELECT at
		FROM backups`)
	if errors.Is(err, ErrNotFound) {
		return time.Time{}, nil
	}
	return at, err
}

// SetBackedUpAt notes that a backup was made.
func (s *Store) SetBackedUpAt(ctx context.Context, at time.Time) error {
	_, err := s.exec(ctx, "note a backup", `
		INSERT INTO backups (id, at)
		VALUES (1, $1)
		ON CONFLICT (id) DO UPDATE
		SET at = excluded.at`, at.UTC())
	return err
}
