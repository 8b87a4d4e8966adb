package api

import (
	"context"
	"net/http"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/web"
)

type codeRequest struct {
	Purpose  account.Input `json:"purpose"`
	To       account.Input `json:"to"`
	Username account.Input `json:"username"` // optional: which of several accounts that claim the address
	CodeID   account.Input `json:"code_id"`  // optional: of a code that is to be mailed once more
}

// codeBody names a code that is on its way.
type codeBody struct {
	CodeID string `json:"code_id"`
}

func (s *Server) requestCode(ctx context.Context, req account.RequestInfo, caller *auth.Caller, in *codeRequest) (codeBody, error) {
	id, err := s.auth.RequestCode(ctx, req, caller, auth.CodeRequest(*in))
	return codeBody{id}, err
}

type useCodeRequest struct {
	CodeID account.Input `json:"code_id"`
	Code   account.Input `json:"code"`
}

// codeResponse is what a code gives: a token to choose another password with,
// a login, both or none.
type codeResponse struct {
	Purpose string         `json:"purpose"`
	Token   *string        `json:"token"`
	Login   *tokenResponse `json:"login,omitempty"` // absent, not null: generators have no type for an object or null

	withDeviceToken
}

func (s *Server) useCode(ctx context.Context, req account.RequestInfo, caller *auth.Caller, in *useCodeRequest) (codeResponse, error) {
	got, err := s.auth.UseCode(ctx, req, caller, in.CodeID, in.Code)
	if err != nil {
		return codeResponse{}, err
	}
	out := codeResponse{Purpose: string(got.Purpose)}
	if got.Token != "" {
		out.Token = &got.Token
	}
	if got.Login != nil {
		login := newTokenResponse(*got.Login)
		out.Login, out.withDeviceToken = &login, login.withDeviceToken
	}
	return out, nil
}

// setCodeID names the code in the mail to a new account's address beside the
// body, which is the reference's.
func setCodeID(h http.Header, out any) {
	if registered, ok := out.(tokenResponse); ok && registered.codeID != "" {
		h.Set(web.CodeHeader, registered.codeID)
	}
}
