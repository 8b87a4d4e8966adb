package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

type loginRequest struct {
	Username account.Input `json:"username"`
	Password account.Input `json:"password"`
}

// tokenResponse is the answer to a login and to a registration.
type tokenResponse struct {
	Refresh   string    `json:"refresh"`
	Access    string    `json:"access"`
	User      userBody  `json:"user"`
	TokenInfo tokenInfo `json:"token_info"`

	withDeviceToken // in headers, not in the body
	trustedToken    string
	codeID          string // in a header, of a registration
}

// tokenInfo tells about the access token.
type tokenInfo struct {
	ExpiresAt string `json:"expires_at"`
	IssuedAt  string `json:"issued_at"`
	Type      string `json:"type"`
}

func newTokenResponse(g auth.LoginResult) tokenResponse {
	return tokenResponse{
		Refresh: g.Refresh,
		Access:  g.Access,
		User:    newUserBody(g.User),
		TokenInfo: tokenInfo{
			ExpiresAt: formatTime(g.Claims.ExpiresAt),
			IssuedAt:  formatTime(g.Claims.IssuedAt),
			Type:      "Bearer",
		},
		withDeviceToken: withDeviceToken{g.Device}, trustedToken: g.Trusted, codeID: g.CodeID,
	}
}

func (s *Server) login(ctx context.Context, req account.RequestInfo, in *loginRequest) (tokenResponse, error) {
	grant, err := s.auth.Login(ctx, req, auth.Credentials{Username: in.Username, Password: in.Password})
	if err != nil {
		return tokenResponse{}, err
	}
	return newTokenResponse(grant), nil
}
