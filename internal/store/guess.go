package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// FailedAttempts returns the failed tries under a key or [ErrNotFound].
func (s *Store) FailedAttempts(ctx context.Context, key string) (account.FailedAttempts, error) {
	return queryRow(ctx, s, "read failed tries", scanFailedAttempts, `
		SELECT key, user_id, count, last_at, expires_at
		FROM guesses
		WHERE key = $1`, key)
}

func scanFailedAttempts(scan func(...any) error) (account.FailedAttempts, error) {
	var g account.FailedAttempts
	var userID sql.NullInt64
	err := scan(&g.Key, &userID, &g.Count, asUTC(&g.LastAt), asUTC(&g.ExpiresAt))
	g.UserID = userID.Int64
	return g, err
}

// SetFailedAttempts replaces what [Store.FailedAttempts] returned, or stores the first if
// that was nothing. It returns [ErrNotFound] when another was quicker: of two
// servers that count at once neither's guess is lost.
func (s *Store) SetFailedAttempts(ctx context.Context, old, g account.FailedAttempts) error {
	if old.LastAt.IsZero() {
		return s.execOne(ctx, "count failed tries", `
			INSERT INTO guesses (key, user_id, count, last_at, expires_at)
			VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (key) DO NOTHING`,
			g.Key, sql.NullInt64{Int64: g.UserID, Valid: g.UserID != 0}, g.Count, g.LastAt.UTC(), g.ExpiresAt.UTC())
	}
	return s.execOne(ctx, "count failed tries", `
		UPDATE guesses
		SET count = $1, last_at = $2, expires_at = $3
		WHERE key = $4 AND count = $5 AND last_at = $6`,
		g.Count, g.LastAt.UTC(), g.ExpiresAt.UTC(), g.Key, old.Count, old.LastAt.UTC())
}

// DeleteFailedAttempts forgets the failed tries under a key.
func (s *Store) DeleteFailedAttempts(ctx context.Context, key string) error {
	_, err := s.exec(ctx, "forget failed tries", `
		DELETE FROM guesses
		WHERE key = $1`, key)
	return err
}

// DeleteFailedAttemptsOf forgets those of a user's devices.
func (s *Store) DeleteFailedAttemptsOf(ctx context.Context, userID int64) error {
	_, err := s.exec(ctx, "forget failed tries", `
		DELETE FROM guesses
		WHERE user_id = $1`, userID)
	return err
}

// SweepFailedAttempts forgets up to limit keys that expired before the given time,
// and says how many.
func (s *Store) SweepFailedAttempts(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete failed tries", `
		DELETE FROM guesses
		WHERE key IN (SELECT key FROM guesses WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		before.UTC(), limit)
}
