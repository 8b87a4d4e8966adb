package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
)

type changePasswordRequest struct {
	Current account.Input `json:"current_password"`
	New     account.Input `json:"new_password"`
}

func (s *Server) changePassword(ctx context.Context, caller *auth.Caller, in *changePasswordRequest) (withDeviceToken, error) {
	token, err := s.auth.ChangePassword(ctx, caller, auth.PasswordChange(*in))
	return withDeviceToken{token}, err
}

type resetRequest struct {
	Email    account.Input `json:"email"`
	Username account.Input `json:"username"` // optional: which of several accounts that claim the address
}

func (s *Server) requestReset(ctx context.Context, req account.RequestInfo, in *resetRequest) (detailBody, error) {
	if err := s.auth.RequestReset(ctx, req, in.Email, in.Username); err != nil {
		return detailBody{}, err
	}
	return detailBody{Detail: locale.Text(req.Language, "reset_requested", nil)}, nil
}

type resetPasswordRequest struct {
	Token account.Input `json:"token"`
	New   account.Input `json:"new_password"`
}

func (s *Server) resetPassword(ctx context.Context, req account.RequestInfo, in *resetPasswordRequest) (withDeviceToken, error) {
	token, err := s.auth.ResetPassword(ctx, req, auth.PasswordReset(*in))
	return withDeviceToken{token}, err
}
