package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
)

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
	return newSessionBodies(caller.Request.Language, sessions, caller.SessionID), nil
}

// newSessionBodies shows sessions to who asks in one of them.
func newSessionBodies(lang string, sessions []account.Session, current string) []sessionBody {
	bodies := make([]sessionBody, 0, len(sessions))
	for _, sess := range sessions {
		bodies = append(bodies, sessionBody{
			ID: sess.ID, CreatedAt: formatTime(sess.CreatedAt), LastUsedAt: formatTime(sess.LastUsedAt), ExpiresAt: formatTime(sess.ExpiresAt),
			IP: sess.IP, Device: locale.Device(lang, sess.UserAgent), Current: sess.ID == current,
		})
	}
	return bodies
}

type sessionRequest struct {
	ID account.Input `path:"id"`
}

func (s *Server) endSession(ctx context.Context, caller *auth.Caller, in *sessionRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.EndSession(ctx, caller, in.ID.Text)
}
