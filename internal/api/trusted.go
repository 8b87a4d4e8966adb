package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
)

// trustedBody is a device on which no second factor is asked for.
type trustedBody struct {
	ID         string  `json:"id"`
	CreatedAt  string  `json:"created_at"`
	ExpiresAt  string  `json:"expires_at"`
	LastUsedAt *string `json:"last_used_at"`
	IP         string  `json:"ip"`
	Device     string  `json:"device"`
	Current    bool    `json:"current"`
}

func (s *Server) trustedDevices(ctx context.Context, caller *auth.Caller, _ *struct{}) ([]trustedBody, error) {
	devices, err := s.auth.TrustedDevices(ctx, caller)
	if err != nil {
		return nil, err
	}
	bodies := make([]trustedBody, 0, len(devices))
	for _, d := range devices {
		bodies = append(bodies, trustedBody{
			ID: d.ID, CreatedAt: formatTime(d.CreatedAt), ExpiresAt: formatTime(d.ExpiresAt), LastUsedAt: formatTimeOrNull(d.LastUsedAt),
			IP: d.IP, Device: locale.Device(caller.Request.Language, d.UserAgent), Current: d.Current,
		})
	}
	return bodies, nil
}

type trustedRequest struct {
	ID account.Input `path:"id"`
}

func (s *Server) endTrust(ctx context.Context, caller *auth.Caller, in *trustedRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.EndTrust(ctx, caller, in.ID.Text)
}
