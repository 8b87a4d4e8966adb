package store

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/trace"
)

const sessionColumns = `id, user_id, created_at, last_used_at, expires_at, revoked_at,
	ip, user_agent, refresh_id, refresh_at, previous_id, unseen_id, amr, proved_at, trusted_id, proved_by`

// CreateSession stores a session. It returns [ErrTaken] when there is one
// with this id.
func (s *Store) CreateSession(ctx context.Context, sess account.Session) error {
	_, err := s.exec(ctx, "create a session", `
		INSERT INTO sessions (`+sessionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		sess.ID, sess.UserID, sess.CreatedAt.UTC(), sess.LastUsedAt.UTC(), sess.ExpiresAt.UTC(), nullTime(sess.RevokedAt),
		sess.IP, sess.UserAgent, sess.RefreshID, sess.RefreshAt.UTC(), sess.PreviousID, sess.UnseenID, sess.AMR, nullTime(sess.ProvedAt), sess.TrustedID, sess.ProvedBy)
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
	ctx, span := trace.SQL(ctx, s.dialect.name, findSession)
	session, user, err := s.lookups.load(ctx, id)
	span.End(unexpected(err))
	return session, user, err
}

// plainID reports whether a text could be an id that this program made.
// PostgreSQL fails on a text that is not UTF-8 or has a NUL, and with it fail
// the lookups of everybody in the same query.
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

// ProveSession notes that a session's user showed that they are themselves,
// by what all in all and, now, by which factor. It returns [ErrNotFound] when the
// session has ended.
func (s *Store) ProveSession(ctx context.Context, id, amr, by string, at time.Time) error {
	return s.execOne(ctx, "note a proof", `
		UPDATE sessions
		SET amr = $1, proved_at = $2, proved_by = $3
		WHERE id = $4 AND revoked_at IS NULL`, amr, at.UTC(), by, id)
}

// ProvedBy returns by which factor a session's user last showed that they are
// themselves, or [ErrNotFound] when there is no such session.
func (s *Store) ProvedBy(ctx context.Context, id string) (string, error) {
	return queryValue[string](ctx, s, "find what a proof was", `
		SELECT proved_by
		FROM sessions
		WHERE id = $1`, id)
}

// ForgetProofs makes a user's sessions but one show again that it is them,
// before anything that asks for it.
func (s *Store) ForgetProofs(ctx context.Context, userID int64, but string) error {
	_, err := s.exec(ctx, "forget proofs", `
		UPDATE sessions
		SET proved_at = NULL
		WHERE user_id = $1 AND id <> $2 AND proved_at IS NOT NULL`, userID, but)
	return err
}

// ForgetProofsBy does that where the last proof was by a factor that is gone, and
// leaves of what was shown there what the function left returns. The user's row
// must be held by the transaction.
func (s *Store) ForgetProofsBy(ctx context.Context, userID int64, by, but string, left func(amr string) string) error {
	const op = "forget proofs by a factor"
	type row struct{ id, amr string }
	scan := func(scan func(...any) error) (r row, err error) {
		err = scan(&r.id, &r.amr)
		return r, err
	}
	rows, err := queryAll(ctx, s, op, scan, `
		SELECT id, amr
		FROM sessions
		WHERE user_id = $1 AND id <> $2 AND proved_by = $3 AND revoked_at IS NULL`, userID, but, by)
	if err != nil {
		return err
	}
	for _, r := range rows {
		_, err := s.exec(ctx, op, `
			UPDATE sessions
			SET proved_at = NULL, amr = $1
			WHERE id = $2`, left(r.amr), r.id)
		if err != nil {
			return err
		}
	}
	return nil
}

// SessionAMRs returns what was shown in a user's sessions that have not ended,
// each once.
func (s *Store) SessionAMRs(ctx context.Context, userID int64) ([]string, error) {
	return queryAll(ctx, s, "list what was shown", scanValue[string], `
		SELECT DISTINCT amr
		FROM sessions
		WHERE user_id = $1 AND revoked_at IS NULL`, userID)
}

// ReplaceAMR says otherwise what was shown in those of a user's sessions that
// say it so.
func (s *Store) ReplaceAMR(ctx context.Context, userID int64, before, after string) error {
	_, err := s.exec(ctx, "change what was shown", `
		UPDATE sessions
		SET amr = $1
		WHERE user_id = $2 AND amr = $3 AND revoked_at IS NULL`, after, userID, before)
	return err
}

// SessionProved returns [ErrNotFound] unless a session is live and its user
// has shown in it, since the given time, that they are themselves.
func (s *Store) SessionProved(ctx context.Context, id string, since time.Time) error {
	_, err := queryValue[string](ctx, s, "look for a proof", `
		SELECT id
		FROM sessions
		WHERE id = $1 AND revoked_at IS NULL AND proved_at >= $2`, id, since.UTC())
	return err
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
		&sess.IP, &sess.UserAgent, &sess.RefreshID, asUTC(&sess.RefreshAt), &sess.PreviousID, &sess.UnseenID, &sess.AMR, asUTC(&sess.ProvedAt), &sess.TrustedID, &sess.ProvedBy)
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
