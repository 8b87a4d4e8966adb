package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const challengeColumns = `hash, kind, user_id, email, created_at, expires_at, used_at`

func scanChallenge(scan func(...any) error) (account.Challenge, error) {
	var c account.Challenge
	var used sql.NullTime
	err := scan(&c.Hash, &c.Kind, &c.UserID, &c.Email, &c.CreatedAt, &c.ExpiresAt, &used)
	c.CreatedAt, c.ExpiresAt, c.UsedAt = c.CreatedAt.UTC(), c.ExpiresAt.UTC(), utc(used)
	return c, err
}

// CreateChallenge stores a challenge.
func (s *Store) CreateChallenge(ctx context.Context, c account.Challenge) error {
	_, err := s.q.ExecContext(ctx, `
		INSERT INTO challenges (`+challengeColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.Hash, c.Kind, c.UserID, c.Email, c.CreatedAt.UTC(), c.ExpiresAt.UTC(), nullTime(c.UsedAt))
	return s.mend(err)
}

// Challenge returns a challenge of this kind or [ErrNotFound].
func (s *Store) Challenge(ctx context.Context, kind account.ChallengeKind, hash string) (account.Challenge, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	c, err := scanChallenge(s.q.QueryRowContext(ctx, `
		SELECT `+challengeColumns+`
		FROM challenges
		WHERE hash = $1 AND kind = $2`, hash, kind).Scan)
	return c, s.mend(err)
}

// UseChallenge marks a challenge as used. Of several callers exactly one
// succeeds; the others, and those who come too late, get [ErrNotFound].
func (s *Store) UseChallenge(ctx context.Context, kind account.ChallengeKind, hash string, at time.Time) error {
	return s.one(s.q.ExecContext(ctx, `
		UPDATE challenges
		SET used_at = $1
		WHERE hash = $2 AND kind = $3 AND used_at IS NULL AND expires_at > $1`, at.UTC(), hash, kind))
}

// VoidChallenges makes a user's other challenges worthless: those of the
// given kinds.
func (s *Store) VoidChallenges(ctx context.Context, userID int64, at time.Time, kinds ...account.ChallengeKind) error {
	for _, kind := range kinds {
		_, err := s.q.ExecContext(ctx, `
			UPDATE challenges
			SET used_at = $1
			WHERE user_id = $2 AND kind = $3 AND used_at IS NULL`, at.UTC(), userID, kind)
		if err != nil {
			return s.mend(err)
		}
	}
	return nil
}

// Challenges returns a user's challenges, the newest first, at most limit.
func (s *Store) Challenges(ctx context.Context, userID int64, limit int) ([]account.Challenge, error) {
	return list(ctx, s, scanChallenge, `
		SELECT `+challengeColumns+`
		FROM challenges
		WHERE user_id = $1
		ORDER BY created_at DESC, hash
		LIMIT $2`, userID, limit)
}

// DeleteChallenges forgets up to limit challenges that expired before the
// given time, and says how many.
func (s *Store) DeleteChallenges(ctx context.Context, before time.Time, limit int) (int64, error) {
	res, err := s.q.ExecContext(ctx, `
		DELETE FROM challenges
		WHERE hash IN (SELECT hash FROM challenges WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		before.UTC(), limit)
	if err != nil {
		return 0, s.mend(err)
	}
	return res.RowsAffected()
}
