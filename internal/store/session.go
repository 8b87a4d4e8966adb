package store

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const sessionColumns = `id, user_id, created_at, last_used_at, expires_at, revoked_at,
	ip, user_agent, refresh_id, refresh_at, previous_id, unseen_id`

// CreateSession stores a session. It returns [ErrTaken] when there is one
// with this id.
func (s *Store) CreateSession(ctx context.Context, sess account.Session) error {
	_, err := s.exec(ctx, "create a session", `
		INSERT INTO sessions (`+sessionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		sess.ID, sess.UserID, sess.CreatedAt.UTC(), sess.LastUsedAt.UTC(), sess.ExpiresAt.UTC(), nullTime(sess.RevokedAt),
		sess.IP, sess.UserAgent, sess.RefreshID, sess.RefreshAt.UTC(), sess.PreviousID, sess.UnseenID)
	return err
}

// SessionUser returns a session and its user, or [ErrNotFound]. It is what
// every authenticated request asks, so it reads only what those need. It is
// not for use inside [Store.Tx].
func (s *Store) SessionUser(ctx context.Context, id string) (account.Session, account.User, error) {
	if err := s.outside(ctx); err != nil {
		return account.Session{}, account.User{}, s.wrapErr(findSession, err)
	}
	if !plainID(id) {
		return account.Session{}, account.User{}, errNoSession
	}
	return s.lookups.load(ctx, id)
}

// plainID reports whether a text could be a session's id. PostgreSQL fails
// on a text that is not UTF-8 or has a NUL, and with it fail the lookups of
// everybody in the same query.
func plainID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return len(id) <= 64
}

// Rotation replaces a session's newest refresh token.
type Rotation struct {
	SessionID string
	OldID     string // jti of the token that was shown
	NewID     string
	At        time.Time // the new token's iat
	ExpiresAt time.Time
}

// Rotate makes r.NewID the session's newest refresh token, of which nothing
// was seen yet, if r.OldID still is. Of several callers with one token exactly one succeeds; the others get
// [ErrNotFound].
func (s *Store) Rotate(ctx context.Context, r Rotation) error {
	return s.execOne(ctx, "rotate a refresh token", `
		UPDATE sessions
		SET refresh_id = $1, refresh_at = $2, previous_id = $3, unseen_id = $1, last_used_at = $2, expires_at = $4
		WHERE id = $5 AND refresh_id = $3 AND revoked_at IS NULL`,
		r.NewID, r.At.UTC(), r.OldID, r.ExpiresAt.UTC(), r.SessionID)
}

// SeeRefreshToken notes that a session's newest refresh token was seen in
// use. It returns [ErrNotFound] when it is not the newest any more, or when
// that was noted before.
func (s *Store) SeeRefreshToken(ctx context.Context, sessionID, refreshID string) error {
	return s.execOne(ctx, "note that a refresh token was seen", `
		UPDATE sessions
		SET unseen_id = ''
		WHERE id = $1 AND refresh_id = $2 AND unseen_id = $2`, sessionID, refreshID)
}

// UseSession notes that a session was used.
func (s *Store) UseSession(ctx context.Context, id string, at time.Time) error {
	return s.execOne(ctx, "note the use of a session", `
		UPDATE sessions
		SET last_used_at = $1
		WHERE id = $2`, at.UTC(), id)
}

// RevokeSession ends a session. It returns [ErrNotFound] when it has ended
// already.
func (s *Store) RevokeSession(ctx context.Context, id string, at time.Time) error {
	return s.execOne(ctx, "revoke a session", `
		UPDATE sessions
		SET revoked_at = $1
		WHERE id = $2 AND revoked_at IS NULL`, at.UTC(), id)
}

// RevokeSessions ends every session of a user but the one to keep, and what
// tokens without a session give.
func (s *Store) RevokeSessions(ctx context.Context, userID int64, keep string, at time.Time) error {
	// The user first, as a login does: it waits for one that is under way, and
	// then sees its session.
	err := s.execOne(ctx, "revoke the sessions of a user", `
		UPDATE users
		SET signed_out_at = $1
		WHERE id = $2`, at.UTC(), userID)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, "revoke the sessions of a user", `
		UPDATE sessions
		SET revoked_at = $1
		WHERE user_id = $2 AND revoked_at IS NULL AND id <> $3`, at.UTC(), userID, keep)
	return err
}

// LockSignedIn keeps others from changing a user until the transaction ends.
// It returns [ErrNotFound] if the user is not active or signed out everywhere
// at or after the given time: see [Store.RevokeSessions].
func (s *Store) LockSignedIn(ctx context.Context, userID int64, since time.Time) error {
	return s.execOne(ctx, "lock a user who is signed in", `
		UPDATE users
		SET is_active = is_active
		WHERE id = $1 AND is_active AND (signed_out_at IS NULL OR signed_out_at < $2)`, userID, since.UTC())
}

// RevokeSessionsOfTokens looks at up to limit sessions, in the order of their
// ids after the given one, and ends those whose newest refresh token was issued
// in a span of time. It returns how many it ended and the last id that it
// looked at; "" when there was none to look at.
func (s *Store) RevokeSessionsOfTokens(ctx context.Context, after string, limit int, from, to, at time.Time) (ended int64, last string, err error) {
	last, err = queryValue[string](ctx, s, "revoke the sessions of tokens", `
		SELECT COALESCE(max(id), '')
		FROM (SELECT id FROM sessions WHERE id > $1 ORDER BY id LIMIT $2) AS next`, after, limit)
	if err != nil || last == "" {
		return 0, "", err
	}
	ended, err = s.exec(ctx, "revoke the sessions of tokens", `
		UPDATE sessions
		SET revoked_at = $1
		WHERE id > $2 AND id <= $3 AND refresh_at >= $4 AND refresh_at <= $5 AND revoked_at IS NULL`,
		at.UTC(), after, last, from.UTC(), to.UTC())
	return ended, last, err
}

// Sessions returns up to limit sessions of a user, live or not, the last used
// first.
func (s *Store) Sessions(ctx context.Context, userID int64, limit int) ([]account.Session, error) {
	return queryAll(ctx, s, "list sessions", scanSession, `
		SELECT `+sessionColumns+`
		FROM sessions
		WHERE user_id = $1
		ORDER BY last_used_at DESC, id
		LIMIT $2`, userID, limit)
}

// LiveSessions returns a user's sessions that were not ended, and whose
// refresh token is good or that were used since the given time: what was given
// then may outlast it. The last used comes first. There are few: see
// [Store.EndSessionsBeyond].
func (s *Store) LiveSessions(ctx context.Context, userID int64, now, usedSince time.Time) ([]account.Session, error) {
	return queryAll(ctx, s, "list live sessions", scanSession, `
		SELECT `+sessionColumns+`
		FROM sessions
		WHERE user_id = $1 AND revoked_at IS NULL AND (expires_at > $2 OR last_used_at >= $3)
		ORDER BY last_used_at DESC, id`, userID, now.UTC(), usedSince.UTC())
}

// EndSessionsBeyond ends those of a user's live sessions that were used
// longest ago, but for the number to keep, and returns their ids; at most a
// thousand of them.
func (s *Store) EndSessionsBeyond(ctx context.Context, userID int64, keep int, at time.Time) ([]string, error) {
	return queryAll(ctx, s, "end sessions", scanValue[string], `
		UPDATE sessions
		SET revoked_at = $1
		WHERE revoked_at IS NULL
		  AND id IN (SELECT id
		             FROM sessions
		             WHERE user_id = $2 AND revoked_at IS NULL AND expires_at > $1
		             ORDER BY last_used_at DESC, id
		             LIMIT 1000 OFFSET $3)
		RETURNING id`, at.UTC(), userID, keep)
}

func scanSession(scan func(...any) error) (account.Session, error) {
	var sess account.Session
	err := scan(&sess.ID, &sess.UserID, asUTC(&sess.CreatedAt), asUTC(&sess.LastUsedAt), asUTC(&sess.ExpiresAt), asUTC(&sess.RevokedAt),
		&sess.IP, &sess.UserAgent, &sess.RefreshID, asUTC(&sess.RefreshAt), &sess.PreviousID, &sess.UnseenID)
	return sess, err
}

// DeleteSessions forgets up to limit sessions that expired before the given
// time, and says how many.
func (s *Store) DeleteSessions(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete sessions", `
		DELETE FROM sessions
		WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
		before.UTC(), limit)
}
