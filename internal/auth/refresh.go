package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// TokenPair is what a refresh token is exchanged for. Refresh is empty unless
// rotation is on, or was when the token was exchanged.
type TokenPair struct {
	Access  string
	Refresh string
}

// Refresh exchanges a refresh token whose session is open and whose user is
// active. The errors are those of [token.Tokens.Verify],
// [account.ErrUserNotFound], [account.ErrUserInactive] and
// [account.ThrottledFor]; a repetition that gets the same successor again is
// not counted.
func (s *Service) Refresh(ctx context.Context, req account.RequestInfo, in account.Input) (TokenPair, error) {
	if err := s.guard.AllowRequest(ctx, guard.TokenPerNetwork, req); err != nil {
		return TokenPair{}, err
	}
	errs := account.Fields{}
	raw := checkText(errs, "refresh", in, required)
	if err := errs.Err(); err != nil {
		return TokenPair{}, err
	}
	now := s.now()
	claims, err := s.keys.Verify(ctx, raw, token.Refresh, now)
	if err != nil {
		return TokenPair{}, err
	}
	if s.o.Rotation { // of many at once the first exchanges the token, the others repeat it
		leave, err := s.turns.wait(ctx, claims.SessionID+" "+claims.ID)
		if err != nil {
			return TokenPair{}, err
		}
		defer leave()
	}
	sess, u, err := s.renewable(ctx, req, claims, now)
	if err != nil {
		return TokenPair{}, err
	}
	sess, exchanged, err := s.exchange(ctx, req, claims, sess, now)
	if err != nil {
		return TokenPair{}, err
	}
	var out TokenPair
	if exchanged { // the new token is not stored: it is signed again from its id and date
		if out.Refresh, _, err = s.tokens.Issue(token.Refresh, sess.UserID, sess.ID, sess.RefreshID, sess.RefreshAt); err != nil {
			return TokenPair{}, err
		}
	}
	out.Access, _, err = s.tokens.Issue(token.Access, u.ID, sess.ID, accessID(sess, now), now)
	return out, err
}

// renewable returns the session of a refresh token and its user, if a token
// of it can be good now.
func (s *Service) renewable(ctx context.Context, req account.RequestInfo, claims token.Claims, now time.Time) (account.Session, account.User, error) {
	if err := s.notRevoked(ctx, claims); err != nil {
		return account.Session{}, account.User{}, err
	}
	sess, u, err := s.session(ctx, claims)
	if errors.Is(err, account.ErrTokenInvalid) && claims.SessionID == "" {
		sess, u, err = s.adopt(ctx, req, claims, now)
	}
	if err == nil && !sess.Renewable(now) {
		err = account.ErrTokenInvalid
	}
	return sess, u, err
}

// exchange does what the use of a refresh token does to its session, which it
// returns as it is then, and reports whether the token was exchanged for the
// session's newest, now or before.
func (s *Service) exchange(ctx context.Context, req account.RequestInfo, claims token.Claims, sess account.Session, now time.Time) (account.Session, bool, error) {
	switch s.standing(claims, sess, now) {
	case repeated:
		return sess, true, s.noteUse(ctx, sess, now)
	case replaced:
		return sess, false, s.refuseReplaced(ctx, req, sess, now)
	}
	if err := s.guard.Allow(ctx, guard.RefreshPerSession, sess.ID); err != nil {
		return sess, false, err
	}
	if s.o.Rotation {
		sess, err := s.rotate(ctx, req, claims, sess, now)
		return sess, true, err
	}
	s.confirmRefreshToken(ctx, claims, sess)
	return sess, false, s.noteUse(ctx, sess, now)
}

// noteUse notes when a session was used, now and then: see
// [account.LastUsedPrecision].
func (s *Service) noteUse(ctx context.Context, sess account.Session, now time.Time) error {
	sameSecond := now.Truncate(time.Second).Equal(sess.LastUsedAt.Truncate(time.Second))
	outlasts := now.Add(s.tokens.Lifetime(token.Access)).After(sess.ExpiresAt) // the access token, which is given now
	if now.Sub(sess.LastUsedAt) < account.LastUsedPrecision && (sameSecond || !outlasts) {
		return nil
	}
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.UseSession(ctx, sess.ID, now) })
	if errors.Is(err, store.ErrNotFound) { // erased meanwhile
		return nil
	}
	return err
}

// notRevoked refuses a refresh token that Django issued and took back: it is
// on the blacklist that came with the import. Our own tokens end with their
// session and are not looked up.
func (s *Service) notRevoked(ctx context.Context, claims token.Claims) error {
	if claims.SessionID != "" {
		return nil
	}
	revoked, err := s.store.TokenRevoked(ctx, claims.ID)
	if err == nil && revoked {
		return account.ErrTokenInvalid
	}
	return err
}

// adopt gives a session to a refresh token that Django issued, so that it
// can be rotated and revoked like ours. Its id follows from the token's, so
// that two requests at once adopt it once.
func (s *Service) adopt(ctx context.Context, req account.RequestInfo, claims token.Claims, now time.Time) (account.Session, account.User, error) {
	u, err := s.userWithoutSession(ctx, claims)
	if err != nil {
		return account.Session{}, account.User{}, err
	}
	sess := s.newSession(req, now)
	sess.ID, sess.UserID, sess.RefreshID, sess.RefreshAt, sess.ExpiresAt = adoptedID(claims), u.ID, claims.ID, claims.IssuedAt, claims.ExpiresAt
	if sess.RefreshAt.IsZero() {
		sess.RefreshAt = now
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		// The user may have signed out everywhere since we looked.
		err := tx.LockSignedIn(ctx, u.ID, claims.IssuedAt)
		if errors.Is(err, store.ErrNotFound) {
			return account.ErrTokenInvalid
		}
		if err != nil {
			return err
		}
		if err := s.openSession(ctx, tx, sess, req); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Kind: account.EventSessionAdopted, UserID: u.ID, Session: sess.ID, Request: req, At: now})
	})
	if errors.Is(err, store.ErrTaken) {
		return s.session(ctx, claims)
	}
	return sess, u, err
}

func adoptedID(claims token.Claims) string {
	sum := sha256.Sum256([]byte("simplejwt " + claims.ID))
	return hex.EncodeToString(sum[:16])
}
