package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

type registerRequest struct {
	Username  account.Input `json:"username"`
	Password  account.Input `json:"password"`
	Email     account.Input `json:"email"`
	FirstName account.Input `json:"first_name"`
	LastName  account.Input `json:"last_name"`
}

func (s *Server) register(ctx context.Context, req account.RequestInfo, in *registerRequest) (tokenResponse, error) {
	grant, err := s.auth.Register(ctx, req, auth.Registration(*in))
	if err != nil {
		return tokenResponse{}, err
	}
	return newTokenResponse(grant), nil
}
