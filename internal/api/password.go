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

func (s *Server) changePassword(ctx context.Context, caller *auth.Caller, in *changePasswordRequest) (knownDevice, error) {
	token, err := s.auth.ChangePassword(ctx, caller, auth.PasswordChange(*in))
	return knownDevice{token}, err
}

type resetRequest struct {
	Email    account.Input `json:"email"`
	Username account.Input `json:"username"` // optional: which of several accounts that claim the address
}

func (s *Server) requestReset(ctx context.Context, peer account.Peer, in *resetRequest) (detailBody, error) {
	if err := s.auth.RequestReset(ctx, peer, in.Email, in.Username); err != nil {
		return detailBody{}, err
	}
	return detailBody{Detail: locale.Text(peer.Language, "reset_requested", nil)}, nil
}

type resetPasswordRequest struct {
	Token account.Input `json:"token"`
	New   account.Input `json:"new_password"`
}

func (s *Server) resetPassword(ctx context.Context, peer account.Peer, in *resetPasswordRequest) (knownDevice, error) {
	token, err := s.auth.ResetPassword(ctx, peer, auth.PasswordReset(*in))
	return knownDevice{token}, err
}
