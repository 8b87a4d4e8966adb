package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

type loginSecondRequest struct {
	Challenge    account.Input `json:"challenge"`
	Code         account.Input `json:"code"`
	RecoveryCode account.Input `json:"recovery_code"`
	Trust        account.Input `json:"trust"`
	Ceremony     account.Input `json:"ceremony"`
	Assertion    account.Input `json:"assertion"`
}

func (s *Server) loginSecond(ctx context.Context, req account.RequestInfo, in *loginSecondRequest) (tokenResponse, error) {
	grant, err := s.auth.LoginSecond(ctx, req, auth.SecondStep{
		Challenge: in.Challenge, Trust: in.Trust,
		Proof: auth.Proof{Code: in.Code, RecoveryCode: in.RecoveryCode, Ceremony: in.Ceremony, Assertion: in.Assertion},
	})
	if err != nil {
		return tokenResponse{}, err
	}
	return newTokenResponse(grant), nil
}

type confirmRequest struct {
	Password     account.Input `json:"password"`
	Code         account.Input `json:"code"`
	RecoveryCode account.Input `json:"recovery_code"`
	Ceremony     account.Input `json:"ceremony"`
	Assertion    account.Input `json:"assertion"`
	CodeID       account.Input `json:"code_id"` // where the code was mailed
}

func (s *Server) confirm(ctx context.Context, caller *auth.Caller, in *confirmRequest) (refreshResponse, error) {
	pair, err := s.auth.Confirm(ctx, caller, auth.Proof{
		Password: in.Password, Code: in.Code, RecoveryCode: in.RecoveryCode, CodeID: in.CodeID, Ceremony: in.Ceremony, Assertion: in.Assertion,
	})
	return refreshResponse(pair), err
}
