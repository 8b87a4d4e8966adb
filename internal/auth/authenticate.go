package auth

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
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

// entryBy is what a caller does.
func entryBy(kind account.EventKind, caller *Caller, at time.Time) audit.Entry {
	return audit.ByUser(kind, caller.User.ID, caller.SessionID, caller.Request, at)
}
