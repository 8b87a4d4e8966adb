package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
)

type refreshRequest struct {
	Refresh account.Input `json:"refresh"`
}

// refreshResponse has a refresh token only where rotation is on.
type refreshResponse struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh,omitempty"`
}

func (s *Server) refresh(ctx context.Context, req account.RequestInfo, in *refreshRequest) (refreshResponse, error) {
	renewal, err := s.auth.Refresh(ctx, req, in.Refresh)
	if err != nil {
		return refreshResponse{}, err
	}
	return refreshResponse{Access: renewal.Access, Refresh: renewal.Refresh}, nil
}

type verifyTokenRequest struct {
	Token account.Input `json:"token"`
}

func (s *Server) verifyToken(ctx context.Context, req account.RequestInfo, in *verifyTokenRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.VerifyToken(ctx, req, in.Token)
}
