package store

import (
	"context"
	"database/sql"
	"errors"
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

// ReturnAttempts takes so many tries under a key back.
func (s *Store) ReturnAttempts(ctx context.Context, key string, n int) error {
	_, err := s.exec(ctx, "take tries back", `
		UPDATE guesses
		SET count = CASE WHEN count > $1 THEN count - $1 ELSE 0 END
		WHERE key = $2`, n, key)
	return err
}

// WrongFactors returns how many wrong second factors of a user came in a row:
// from devices that are known, or from all others.
func (s *Store) WrongFactors(ctx context.Context, userID int64, known bool) (int, error) {
	n, err := queryValue[int](ctx, s, "read wrong factors", `
		SELECT wrong
		FROM factor_tries
		WHERE user_id = $1 AND known = $2`, userID, known)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return n, err
}

// CountWrongFactor counts a wrong second factor and returns how many there
// were in a row, with this one.
func (s *Store) CountWrongFactor(ctx context.Context, userID int64, known bool, at time.Time) (int, error) {
	return queryValue[int](ctx, s, "count a wrong factor", `
		INSERT INTO factor_tries (user_id, known, wrong, last_at)
		VALUES ($1, $2, 1, $3)
		ON CONFLICT (user_id, known) DO UPDATE
		SET wrong = factor_tries.wrong + 1, last_at = excluded.last_at
		RETURNING wrong`, userID, known, at.UTC())
}

// ReturnWrongFactors takes so many wrong factors back.
func (s *Store) ReturnWrongFactors(ctx context.Context, userID int64, known bool, n int) error {
	_, err := s.exec(ctx, "take wrong factors back", `
		UPDATE factor_tries
		SET wrong = CASE WHEN wrong > $1 THEN wrong - $1 ELSE 0 END
		WHERE user_id = $2 AND known = $3`, n, userID, known)
	return err
}

// ForgetWrongFactors forgets a user's wrong factors: those of known devices, or
// those of all others.
func (s *Store) ForgetWrongFactors(ctx context.Context, userID int64, known bool) error {
	_, err := s.exec(ctx, "forget wrong factors", `
		DELETE FROM factor_tries
		WHERE user_id = $1 AND known = $2`, userID, known)
	return err
}

// SweepWrongFactors forgets those of up to limit users of whom the last came
// before the given time, and says of how many.
func (s *Store) SweepWrongFactors(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete wrong factors", `
		DELETE FROM factor_tries
		WHERE user_id IN (SELECT user_id FROM factor_tries WHERE last_at < $1 ORDER BY last_at LIMIT $2) AND last_at < $1`,
		before.UTC(), limit)
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
