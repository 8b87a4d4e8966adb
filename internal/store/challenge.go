package store

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const challengeColumns = `hash, kind, user_id, email, created_at, expires_at, used_at, amr, factor_id`

func scanChallenge(scan func(...any) error) (account.Challenge, error) {
	var c account.Challenge
	err := scan(&c.Hash, &c.Kind, &c.UserID, &c.Email, asUTC(&c.CreatedAt), asUTC(&c.ExpiresAt), asUTC(&c.UsedAt), &c.AMR, &c.FactorID)
	return c, err
}

// CreateChallenge stores a challenge.
func (s *Store) CreateChallenge(ctx context.Context, c account.Challenge) error {
	_, err := s.exec(ctx, "create a challenge", `
		INSERT INTO challenges (`+challengeColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		c.Hash, c.Kind, c.UserID, c.Email, c.CreatedAt.UTC(), c.ExpiresAt.UTC(), nullTime(c.UsedAt), c.AMR, c.FactorID)
	return err
}

// Challenge returns a challenge of this kind or [ErrNotFound].
func (s *Store) Challenge(ctx context.Context, kind account.ChallengeKind, hash string) (account.Challenge, error) {
	return queryRow(ctx, s, "find a challenge", scanChallenge, `
		SELECT `+challengeColumns+`
		FROM challenges
		WHERE hash = $1 AND kind = $2`, hash, kind)
}

// UseChallenge marks a challenge as used. Of several callers exactly one
// succeeds; the others, and those who come too late, get [ErrNotFound].
func (s *Store) UseChallenge(ctx context.Context, kind account.ChallengeKind, hash string, at time.Time) error {
	return s.execOne(ctx, "use a challenge", `
		UPDATE challenges
		SET used_at = $1
		WHERE hash = $2 AND kind = $3 AND used_at IS NULL AND expires_at > $1`, at.UTC(), hash, kind)
}

// TryChallenge counts a try at what a challenge waits for, and returns how many
// there were with it. It returns [ErrNotFound] when there were as many as are
// allowed before, or the challenge cannot be used any more.
func (s *Store) TryChallenge(ctx context.Context, kind account.ChallengeKind, hash string, most int, at time.Time) (tries int, err error) {
	return queryValue[int](ctx, s, "try a challenge", `
		UPDATE challenges
		SET tries = tries + 1
		WHERE hash = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3 AND tries < $4
		RETURNING tries`, hash, kind, at.UTC(), most)
}

// InvalidateChallenges makes a user's other challenges worthless: those of the
// given kinds.
func (s *Store) InvalidateChallenges(ctx context.Context, userID int64, at time.Time, kinds ...account.ChallengeKind) error {
	for _, kind := range kinds {
		_, err := s.exec(ctx, "void challenges", `
			UPDATE challenges
			SET used_at = $1
			WHERE user_id = $2 AND kind = $3 AND used_at IS NULL`, at.UTC(), userID, kind)
		if err != nil {
			return err
		}
	}
	return nil
}

// InvalidateYounger makes a user's challenges of a kind worthless that were made at
// the given time or later. Those that are older stay.
func (s *Store) InvalidateYounger(ctx context.Context, userID int64, kind account.ChallengeKind, than, at time.Time) error {
	_, err := s.exec(ctx, "void younger challenges", `
		UPDATE challenges
		SET used_at = $1
		WHERE user_id = $2 AND kind = $3 AND used_at IS NULL AND created_at >= $4`, at.UTC(), userID, kind, than.UTC())
	return err
}

// InvalidateMailedTo makes a user's challenges of a kind worthless that were mailed
// to an address, to the letter.
func (s *Store) InvalidateMailedTo(ctx context.Context, userID int64, kind account.ChallengeKind, email string, at time.Time) error {
	_, err := s.exec(ctx, "void challenges of an address", `
		UPDATE challenges
		SET used_at = $1
		WHERE user_id = $2 AND kind = $3 AND used_at IS NULL AND email = $4`, at.UTC(), userID, kind, email)
	return err
}

// OpenAddresses returns the addresses, each once, to which a user's
// challenges of a kind were mailed that can still be used, and those to which
// a mail with such a link is owed.
func (s *Store) OpenAddresses(ctx context.Context, userID int64, kind account.ChallengeKind, mail account.MailKind, now time.Time) ([]string, error) {
	return queryAll(ctx, s, "list open addresses", scanValue[string], `
		SELECT email
		FROM challenges
		WHERE user_id = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3
		UNION
		SELECT email
		FROM mails
		WHERE user_id = $1 AND kind = $4 AND due_at IS NOT NULL`, userID, kind, now.UTC(), mail)
}

// OpenUntil returns when the last link of a kind to an address of a user that
// still works will not any more, or [ErrNotFound].
func (s *Store) OpenUntil(ctx context.Context, userID int64, kind account.ChallengeKind, email string, now time.Time) (time.Time, error) {
	return queryRow(ctx, s, "find an open challenge", scanTime, `
		SELECT expires_at
		FROM challenges
		WHERE user_id = $1 AND kind = $2 AND email = $3 AND used_at IS NULL AND expires_at > $4
		ORDER BY expires_at DESC
		LIMIT 1`, userID, kind, email, now.UTC())
}

// Challenges returns a user's challenges, the newest first, at most limit.
func (s *Store) Challenges(ctx context.Context, userID int64, limit int) ([]account.Challenge, error) {
	return queryAll(ctx, s, "list challenges", scanChallenge, `
		SELECT `+challengeColumns+`
		FROM challenges
		WHERE user_id = $1
		ORDER BY created_at DESC, hash
		LIMIT $2`, userID, limit)
}

// DeleteChallenges forgets up to limit challenges that expired before the
// given time, and says how many.
func (s *Store) DeleteChallenges(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete challenges", `
		DELETE FROM challenges
		WHERE hash IN (SELECT hash FROM challenges WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		before.UTC(), limit)
}
