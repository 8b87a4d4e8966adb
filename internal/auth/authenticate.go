package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Caller is who an access token belongs to.
type Caller struct {
	User      account.User        // without the password hash and the dates
	SessionID string              // empty: the token is Django's
	ExpiresIn time.Duration       // of the token
	Request   account.RequestInfo // filled in by the transport
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
	caller.User = u
	return caller, nil
}

// session returns the session that the claims name and its active user.
func (s *Service) session(ctx context.Context, claims token.Claims) (account.Session, account.User, error) {
	id := claims.SessionID
	if id == "" {
		id = adoptedID(claims)
	}
	sess, u, err := s.store.SessionUser(ctx, id)
	switch {
	case err != nil:
		return account.Session{}, account.User{}, asTokenError(err)
	case u.ID != claims.UserID:
		return account.Session{}, account.User{}, account.ErrUserNotFound
	case !u.Active:
		return account.Session{}, account.User{}, account.ErrUserInactive
	}
	return sess, u, nil
}

// userWithoutSession returns the active user of a token that Django issued,
// unless they signed out everywhere since.
func (s *Service) userWithoutSession(ctx context.Context, claims token.Claims) (account.User, error) {
	u, err := s.store.UserByID(ctx, claims.UserID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return account.User{}, account.ErrUserNotFound
	case err != nil:
		return account.User{}, err
	case !u.Active:
		return account.User{}, account.ErrUserInactive
	case !u.SignedOutAt.IsZero() && !claims.IssuedAt.After(u.SignedOutAt):
		return account.User{}, account.ErrTokenInvalid
	}
	return u, nil
}

// asTokenError says of a session that is not there what a client may know.
func asTokenError(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrTokenInvalid
	}
	return err
}
