package store

import (
	"context"
	"time"
)

// The rate limits that several servers share: a number for each key, changed
// by compare-and-swap. They are PostgreSQL's alone, and no part of a
// transaction: one server keeps its limits in memory.

// SharesLimits reports whether there is a table for rate limits.
func (s *Store) SharesLimits() bool { return s.dialect == postgresDialect }

// Limit returns the number under a key or [ErrNotFound].
func (s *Store) Limit(ctx context.Context, key string) (int64, error) {
	return queryValue[int64](ctx, s, "read a rate limit", `
		SELECT value
		FROM rate_limits
		WHERE key = $1`, key)
}

// CreateLimit stores the first number under a key, or returns [ErrNotFound]
// when there is one.
func (s *Store) CreateLimit(ctx context.Context, key string, value int64, expiresAt time.Time) error {
	return s.execOne(ctx, "create a rate limit", `
		INSERT INTO rate_limits (key, value, expires_at)
		VALUES ($1, $2, $3)
		ON CONFLICT (key) DO NOTHING`, key, value, expiresAt.UTC())
}

// SwapLimit replaces a number, or returns [ErrNotFound] when it is not old
// any more.
func (s *Store) SwapLimit(ctx context.Context, key string, old, value int64, expiresAt time.Time) error {
	return s.execOne(ctx, "change a rate limit", `
		UPDATE rate_limits
		SET value = $1, expires_at = $2
		WHERE key = $3 AND value = $4`, value, expiresAt.UTC(), key, old)
}

// DeleteLimits forgets the numbers that expired before the given time.
func (s *Store) DeleteLimits(ctx context.Context, before time.Time) error {
	_, err := s.exec(ctx, "delete rate limits", `
		DELETE FROM rate_limits
		WHERE expires_at < $1`, before.UTC())
	return err
}
