package api

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/device"
)

// emptyBody is the answer of an endpoint that only does something.
type emptyBody struct{}

type verifyTokenRequest struct {
	Token account.Input `json:"token"`
}

func (s *Server) verifyToken(ctx context.Context, req account.RequestInfo, in *verifyTokenRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.VerifyToken(ctx, req, in.Token)
}

func (s *Server) logout(ctx context.Context, req account.RequestInfo, in *refreshRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.Logout(ctx, req, in.Refresh)
}

func (s *Server) logoutAll(ctx context.Context, caller *auth.Caller, _ *struct{}) (emptyBody, error) {
	return emptyBody{}, s.auth.LogoutAll(ctx, caller)
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
	for _, sess := range sessions {
		bodies = append(bodies, sessionBody{
			ID: sess.ID, CreatedAt: formatTime(sess.CreatedAt), LastUsedAt: formatTime(sess.LastUsedAt), ExpiresAt: formatTime(sess.ExpiresAt),
			IP: sess.IP, Device: device.Words(caller.Request.Language, sess.UserAgent), Current: sess.ID == caller.SessionID,
		})
	}
	return bodies, nil
}

type sessionRequest struct {
	ID account.Input `path:"id"`
}

func (s *Server) endSession(ctx context.Context, caller *auth.Caller, in *sessionRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.EndSession(ctx, caller, in.ID.Text)
}

// formatTime is a time as the wire has it.
func formatTime(t time.Time) string { return t.UTC().Format(wireTime) }

// formatTimeOrNull is null for a time that never was.
func formatTimeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := formatTime(t)
	return &text
}
