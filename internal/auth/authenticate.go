package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Caller is who an access token belongs to.
type Caller struct {
	User      account.User        // without the password hash and the dates
	SessionID string              // empty: the token is Django's
	ExpiresIn time.Duration       // of the token
	Request   account.RequestInfo // filled in by the transport

	// RenewableUntil is when the session's refresh token ends: an access token may
	// outlast it.
	RenewableUntil time.Time

	// AMR and ProvedAt are the session's: what its user has shown, and when
	// last, all that is asked of them; zero: not in this session.
	AMR      string
	ProvedAt time.Time
	OpenedAt time.Time // when the session began; zero: there is none
}

// Authenticate returns the caller of a good access token whose session is
// not revoked and whose user is active. The errors are those of
// [token.Tokens.Verify], [account.ErrUserNotFound],
// [account.ErrUserInactive] and [account.ThrottledFor].
func (s *Service) Authenticate(ctx context.Context, raw string) (*Caller, error) {
	caller, err := s.caller(ctx, raw)
	if err != nil {
		return nil, err
	}
	// Not before: a token of a session that has ended must not use up what
	// its user may do.
	if err := s.guard.AllowRead(ctx, caller.SessionID, caller.User.ID); err != nil {
		return nil, err
	}
	return caller, nil
}

func (s *Service) caller(ctx context.Context, raw string) (*Caller, error) {
	now := s.now()
	claims, err := s.keys.Verify(ctx, raw, token.Access, now)
	if err != nil {
		return nil, err
	}
	caller := &Caller{SessionID: claims.SessionID, ExpiresIn: claims.ExpiresAt.Sub(now)}
	if claims.SessionID == "" {
		if caller.User, err = s.userWithoutSession(ctx, claims); err != nil {
			return nil, err
		}
		return caller, nil
	}
	sess, u, err := s.session(ctx, claims)
	if err != nil {
		return nil, err
	}
	// Not Renewable: the access token of a refresh in the session's last hour
	// outlasts its refresh token.
	if !sess.RevokedAt.IsZero() {
		return nil, account.ErrTokenInvalid
	}
	s.confirmRefreshToken(ctx, claims, sess)
	caller.User, caller.RenewableUntil, caller.OpenedAt = u, sess.ExpiresAt, sess.CreatedAt
	caller.AMR, caller.ProvedAt = sess.AMR, sess.ProvedAt
	return caller, nil
}

// CallerByRefresh returns the caller of a good refresh token and leaves the
// token as it is: pages of ours keep one in a cookie, where nothing can renew
// it. One that was exchanged is refused as by [Service.Refresh], and so is
// Django's. The errors are those of [Service.Authenticate].
func (s *Service) CallerByRefresh(ctx context.Context, req account.RequestInfo, raw string) (*Caller, error) {
	now := s.now()
	claims, err := s.keys.Verify(ctx, raw, token.Refresh, now)
	if err != nil {
		return nil, err
	}
	if claims.SessionID == "" {
		return nil, account.ErrTokenInvalid
	}
	sess, u, err := s.session(ctx, claims)
	if err != nil {
		return nil, err
	}
	if !sess.Renewable(now) {
		return nil, account.ErrTokenInvalid
	}
	if s.standing(claims, sess, now) == replaced {
		return nil, s.refuseReplaced(ctx, req, sess, now)
	}
	if err := s.guard.AllowRead(ctx, sess.ID, u.ID); err != nil {
		return nil, err
	}
	s.confirmRefreshToken(ctx, claims, sess)
	if err := s.noteUse(ctx, sess, now); err != nil {
		return nil, err
	}
	return &Caller{
		User: u, SessionID: sess.ID, ExpiresIn: claims.ExpiresAt.Sub(now), RenewableUntil: sess.ExpiresAt, OpenedAt: sess.CreatedAt,
		Request: req, AMR: sess.AMR, ProvedAt: sess.ProvedAt,
	}, nil
}

// entryBy is what a caller does.
func entryBy(kind account.EventKind, caller *Caller, at time.Time) audit.Entry {
	return audit.ByUser(kind, caller.User.ID, caller.SessionID, caller.Request, at)
}

// Erased returns [account.ErrUserNotFound] in place of an error that came because
// the caller was erased while they asked: it is nobody's mistake. Others come
// back as they are.
func (s *Service) Erased(ctx context.Context, caller *Caller, err error) error {
	var known *account.Error
	if errors.As(err, &known) || !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrGone) {
		return err
	}
	if _, found := s.store.UserByID(ctx, caller.User.ID); errors.Is(found, store.ErrNotFound) {
		return account.ErrUserNotFound
	}
	return err
}
