package store

import (
	"context"
	"time"
)

// RevokedToken is a refresh token that somebody else issued and took back:
// one on Django's blacklist.
type RevokedToken struct {
	ID        string // jti
	ExpiresAt time.Time
}

// TokenRevoked reports whether a refresh token was taken back before it came
// here.
func (s *Store) TokenRevoked(ctx context.Context, jti string) (bool, error) {
	return queryValue[bool](ctx, s, "look for a revoked token", `
		SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE jti = $1)`, jti)
}

// RevokeTokens remembers tokens that were taken back and says how many of
// them are new.
func (s *Store) RevokeTokens(ctx context.Context, tokens []RevokedToken) (int64, error) {
	var added int64
	for _, n := range portions(len(tokens)) {
		args := make([]any, 0, 2*n)
		for _, t := range tokens[:n] {
			args = append(args, t.ID, t.ExpiresAt.UTC())
		}
		tokens = tokens[n:]
		inserted, err := s.exec(ctx, "revoke tokens", `
			INSERT INTO revoked_tokens (jti, expires_at)
			VALUES `+tuples(n, 2)+`
			ON CONFLICT (jti) DO NOTHING`, args...)
		if err != nil {
			return added, err
		}
		added += inserted
	}
	return added, nil
}

// DeleteRevokedTokens forgets up to limit tokens that expired before the
// given time, and says how many.
func (s *Store) DeleteRevokedTokens(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete revoked tokens", `
		DELETE FROM revoked_tokens
		WHERE jti IN (SELECT jti FROM revoked_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		before.UTC(), limit)
}

// portion is how many rows a statement for many takes.
const portion = 100

// portions cuts n rows into portions and single rows, so that two texts of
// each statement are enough for any number.
func portions(n int) []int {
	var sizes []int
	for ; n >= portion; n -= portion {
		sizes = append(sizes, portion)
	}
	for ; n > 0; n-- {
		sizes = append(sizes, 1)
	}
	return sizes
}
