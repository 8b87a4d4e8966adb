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
	CodeID   account.Input `json:"code_id"`  // optional: of a code that is to be mailed once more
}

// mailedBody says that a mail is on its way, and names the code in it.
type mailedBody struct {
	Detail string `json:"detail"`
	CodeID string `json:"code_id"`
}

func (s *Server) requestReset(ctx context.Context, req account.RequestInfo, in *resetRequest) (mailedBody, error) {
	id, err := s.auth.RequestResetCode(ctx, req, auth.ResetRequest(*in))
	return mailedBody{locale.Text(req.Language, "reset_requested", nil), id}, err
}

type resetPasswordRequest struct {
	Token  account.Input `json:"token"`
	CodeID account.Input `json:"code_id"` // with the code, instead of the token
	Code   account.Input `json:"code"`
	New    account.Input `json:"new_password"`
}

func (s *Server) resetPassword(ctx context.Context, req account.RequestInfo, in *resetPasswordRequest) (withDeviceToken, error) {
	done, err := s.auth.ResetPassword(ctx, req, auth.PasswordReset(*in))
	return withDeviceToken{done.Device}, err
}
