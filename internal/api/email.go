package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
)

// challengeRequest is what a link in a mail carries.
type challengeRequest struct {
	Token account.Input `json:"token"`
}

func (s *Server) verifyEmail(ctx context.Context, peer account.Peer, in *challengeRequest) (nothing, error) {
	return nothing{}, s.auth.VerifyEmail(ctx, peer, in.Token)
}

func (s *Server) disownEmail(ctx context.Context, peer account.Peer, in *challengeRequest) (nothing, error) {
	return nothing{}, s.auth.DisownEmail(ctx, peer, in.Token)
}

func (s *Server) resendVerification(ctx context.Context, caller *auth.Caller, _ *struct{}) (detailBody, error) {
	return mailRequested(caller), s.auth.ResendVerification(ctx, caller)
}

type changeEmailRequest struct {
	Password account.Input `json:"password"`
	Email    account.Input `json:"email"`
}

func (s *Server) changeEmail(ctx context.Context, caller *auth.Caller, in *changeEmailRequest) (detailBody, error) {
	return mailRequested(caller), s.auth.ChangeEmail(ctx, caller, auth.EmailChange(*in))
}

func (s *Server) confirmEmail(ctx context.Context, peer account.Peer, in *challengeRequest) (nothing, error) {
	return nothing{}, s.auth.ConfirmEmail(ctx, peer, in.Token)
}

func (s *Server) undoEmail(ctx context.Context, peer account.Peer, in *challengeRequest) (nothing, error) {
	return nothing{}, s.auth.UndoEmail(ctx, peer, in.Token)
}

func mailRequested(caller *auth.Caller) detailBody {
	return detailBody{Detail: locale.Text(caller.Peer.Language, "mail_requested", nil)}
}
