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

func (s *Server) verifyEmail(ctx context.Context, req account.RequestInfo, in *challengeRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.VerifyEmail(ctx, req, in.Token)
}

func (s *Server) disownEmail(ctx context.Context, req account.RequestInfo, in *challengeRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.DisownEmail(ctx, req, in.Token)
}

type resendRequest struct {
	CodeID account.Input `json:"code_id"` // optional: of a code that is to be mailed once more
}

func (s *Server) resendVerification(ctx context.Context, caller *auth.Caller, in *resendRequest) (mailedBody, error) {
	id, err := s.auth.ResendVerification(ctx, caller, in.CodeID)
	return mailedBody{mailRequested(caller).Detail, id}, err
}

type changeEmailRequest struct {
	Password account.Input `json:"password"`
	Email    account.Input `json:"email"`
}

func (s *Server) changeEmail(ctx context.Context, caller *auth.Caller, in *changeEmailRequest) (detailBody, error) {
	return mailRequested(caller), s.auth.ChangeEmail(ctx, caller, auth.EmailChange(*in))
}

func (s *Server) confirmEmail(ctx context.Context, req account.RequestInfo, in *challengeRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.ConfirmEmail(ctx, req, in.Token)
}

func (s *Server) undoEmail(ctx context.Context, req account.RequestInfo, in *challengeRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.UndoEmail(ctx, req, in.Token)
}

func mailRequested(caller *auth.Caller) detailBody {
	return detailBody{Detail: locale.Text(caller.Request.Language, "mail_requested", nil)}
}
