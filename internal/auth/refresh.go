package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
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

// RefreshFields are those of [Service.Refresh] and [Service.Logout].
var RefreshFields = []Field{refreshField}

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
	raw := refreshField.read(errs, in)
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
	sess, err := s.renewable(ctx, req, claims, now)
	if err != nil {
		return TokenPair{}, err
	}
	sess, exchanged, err := s.exchange(ctx, req, claims, sess, now)
	if err != nil {
		return TokenPair{}, err
	}
	var out TokenPair
	if exchanged {
		if out.Refresh, err = s.issueRefresh(sess); err != nil {
			return TokenPair{}, err
		}
	}
	out.Access, _, err = s.issueAccess(sess, accessID(sess, now), now)
	return out, err
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
