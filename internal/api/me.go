package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// userBody is the specification's user: these five fields and no other.
type userBody struct {
	ID        int64  `json:"id"`
	Username  string `json:"username"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

func newUserBody(u account.User) userBody {
	return userBody{ID: u.ID, Username: u.Username, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName}
}

func (s *Server) me(_ context.Context, caller *auth.Caller, _ *struct{}) (userBody, error) {
	return newUserBody(caller.User), nil
}

type updateMeRequest struct {
	Username  account.Input `json:"username"`
	FirstName account.Input `json:"first_name"`
	LastName  account.Input `json:"last_name"`
	Password  account.Input `json:"password"` // the present one, for another username
}

func (s *Server) updateMe(ctx context.Context, caller *auth.Caller, in *updateMeRequest) (userBody, error) {
	u, err := s.auth.UpdateProfile(ctx, caller, auth.ProfileChange(*in))
	if err != nil {
		return userBody{}, err
	}
	return newUserBody(u), nil
}

type closeMeRequest struct {
	Password account.Input `json:"password"`
}

func (s *Server) closeMe(ctx context.Context, caller *auth.Caller, in *closeMeRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.CloseAccount(ctx, caller, in.Password)
}

type securityBody struct {
	EmailVerified     bool    `json:"email_verified"`
	EmailVerifiedAt   *string `json:"email_verified_at"`
	PasswordChangedAt string  `json:"password_changed_at"`
	JoinedAt          string  `json:"joined_at"`
	LastLoginAt       *string `json:"last_login_at"`
	OpenSessions      int     `json:"open_sessions"`
}

func (s *Server) security(ctx context.Context, caller *auth.Caller, _ *struct{}) (securityBody, error) {
	sec, err := s.auth.Security(ctx, caller)
	if err != nil {
		return securityBody{}, err
	}
	u := sec.User
	return securityBody{
		EmailVerified: !u.EmailVerifiedAt.IsZero(), EmailVerifiedAt: formatTimeOrNull(u.EmailVerifiedAt),
		PasswordChangedAt: formatTime(u.PasswordAt), JoinedAt: formatTime(u.JoinedAt), LastLoginAt: formatTimeOrNull(u.LastLoginAt),
		OpenSessions: sec.Sessions,
	}, nil
}
