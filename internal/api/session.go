package api

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/device"
)

// nothing is the answer of an endpoint that only does something.
type nothing struct{}

type verifyTokenRequest struct {
	Token account.Input `json:"token"`
}

func (s *Server) verifyToken(ctx context.Context, peer account.Peer, in *verifyTokenRequest) (nothing, error) {
	return nothing{}, s.auth.VerifyToken(ctx, peer, in.Token)
}

func (s *Server) logout(ctx context.Context, peer account.Peer, in *refreshRequest) (nothing, error) {
	return nothing{}, s.auth.Logout(ctx, peer, in.Refresh)
}

func (s *Server) logoutAll(ctx context.Context, caller *auth.Caller, _ *struct{}) (nothing, error) {
	return nothing{}, s.auth.LogoutAll(ctx, caller)
}

type sessionBody struct {
	ID         string `json:"id"`
	CreatedAt  string `json:"created_at"`
	LastUsedAt string `json:"last_used_at"`
	ExpiresAt  string `json:"expires_at"`
	IP         string `json:"ip"`
	Device     string `json:"device"`
	Current    bool   `json:"current"`
}

func (s *Server) sessions(ctx context.Context, caller *auth.Caller, _ *struct{}) ([]sessionBody, error) {
	sessions, err := s.auth.Sessions(ctx, caller)
	if err != nil {
		return nil, err
	}
	bodies := make([]sessionBody, 0, len(sessions))
	for _, n := range sessions {
		bodies = append(bodies, sessionBody{
			ID: n.ID, CreatedAt: wired(n.CreatedAt), LastUsedAt: wired(n.LastUsedAt), ExpiresAt: wired(n.ExpiresAt),
			IP: n.IP, Device: device.Words(caller.Peer.Language, n.UserAgent), Current: n.ID == caller.SessionID,
		})
	}
	return bodies, nil
}

type sessionRequest struct {
	ID account.Input `path:"id"`
}

func (s *Server) endSession(ctx context.Context, caller *auth.Caller, in *sessionRequest) (nothing, error) {
	return nothing{}, s.auth.EndSession(ctx, caller, in.ID.Text)
}

// wired is a time as the wire has it.
func wired(t time.Time) string { return t.UTC().Format(wireTime) }

// wiredOrNull is null for a time that never was.
func wiredOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := wired(t)
	return &text
}
