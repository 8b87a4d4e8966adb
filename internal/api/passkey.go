package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

type passkeyOptionsRequest struct {
	Password account.Input `json:"password"`
}

type passkeyCreationResponse struct {
	Ceremony string               `json:"ceremony"`
	Options  auth.CreationOptions `json:"options"`
}

func (s *Server) beginPasskey(ctx context.Context, caller *auth.Caller, in *passkeyOptionsRequest) (passkeyCreationResponse, error) {
	c, err := s.auth.BeginPasskey(ctx, caller, in.Password)
	if err != nil {
		return passkeyCreationResponse{}, err
	}
	return passkeyCreationResponse{c.Ceremony, c.Options()}, nil
}

type addPasskeyRequest struct {
	Ceremony   account.Input `json:"ceremony"`
	Credential account.Input `json:"credential"`
	Name       account.Input `json:"name"`
}

type passkeyBody struct {
	ID         string  `json:"id"`
	Kind       string  `json:"kind"`
	Name       string  `json:"name"`
	CreatedAt  string  `json:"created_at"`
	LastUsedAt *string `json:"last_used_at"`
	BackedUp   bool    `json:"backed_up"`

	RecoveryCodes []string `json:"recovery_codes" openapi:"nullable"` // of a first factor; null: there were codes before, and they stay
}

func (s *Server) addPasskey(ctx context.Context, caller *auth.Caller, in *addPasskeyRequest) (passkeyBody, error) {
	added, err := s.auth.AddPasskey(ctx, caller, auth.NewPasskey{Ceremony: in.Ceremony, Credential: in.Credential, Name: in.Name})
	if err != nil {
		return passkeyBody{}, err
	}
	f := added.Factor
	return passkeyBody{
		ID: f.ID, Kind: string(f.Kind), Name: f.Name, CreatedAt: formatTime(f.CreatedAt), LastUsedAt: formatTimeOrNull(f.LastUsedAt),
		BackedUp: added.Credential.BackedUp, RecoveryCodes: added.RecoveryCodes,
	}, nil
}

type passkeyLoginOptionsRequest struct {
	Challenge account.Input `json:"challenge"`
}

type passkeyRequestResponse struct {
	Ceremony string              `json:"ceremony"`
	Options  auth.RequestOptions `json:"options"`
}

func newPasskeyRequest(r auth.PasskeyRequest, err error) (passkeyRequestResponse, error) {
	if err != nil {
		return passkeyRequestResponse{}, err
	}
	return passkeyRequestResponse{r.Ceremony, r.Options()}, nil
}

func (s *Server) beginPasskeyLogin(ctx context.Context, _ account.RequestInfo, in *passkeyLoginOptionsRequest) (passkeyRequestResponse, error) {
	return newPasskeyRequest(s.auth.BeginPasskeyLogin(ctx, in.Challenge))
}

func (s *Server) beginPasskeyConfirm(ctx context.Context, caller *auth.Caller, _ *struct{}) (passkeyRequestResponse, error) {
	return newPasskeyRequest(s.auth.BeginPasskeyConfirm(ctx, caller))
}

type passkeyLoginRequest struct {
	Ceremony   account.Input `json:"ceremony"`
	Credential account.Input `json:"credential"`
}

func (s *Server) loginPasskey(ctx context.Context, req account.RequestInfo, in *passkeyLoginRequest) (tokenResponse, error) {
	grant, err := s.auth.LoginPasskey(ctx, req, auth.PasskeyLogin{Ceremony: in.Ceremony, Credential: in.Credential})
	if err != nil {
		return tokenResponse{}, err
	}
	return newTokenResponse(grant), nil
}
