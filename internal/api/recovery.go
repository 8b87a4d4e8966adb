package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// notMe is for whoever reads in a mail of what they did not do.
func (s *Server) notMe(ctx context.Context, req account.RequestInfo, in *challengeRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.NotMe(ctx, req, in.Token)
}

// recoveryBody is a recovery that waits.
type recoveryBody struct {
	StartedAt string `json:"started_at"`
	ReadyAt   string `json:"ready_at"`
	ByStaff   bool   `json:"by_staff"`
	Email     string `json:"email"` // masked: it may be a stranger's
}

func (s *Server) recovery(ctx context.Context, caller *auth.Caller, _ *struct{}) (recoveryBody, error) {
	r, err := s.auth.Recovery(ctx, caller)
	if err != nil {
		return recoveryBody{}, err
	}
	return recoveryBody{StartedAt: formatTime(r.StartedAt), ReadyAt: formatTime(r.ReadyAt), ByStaff: r.ByStaff, Email: account.MaskEmail(r.Email)}, nil
}

func (s *Server) stopRecovery(ctx context.Context, caller *auth.Caller, _ *struct{}) (emptyBody, error) {
	return emptyBody{}, s.auth.StopRecovery(ctx, caller)
}

func (s *Server) stopRecoveryByLink(ctx context.Context, req account.RequestInfo, in *challengeRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.StopRecoveryByLink(ctx, req, in.Token)
}

func (s *Server) finishRecovery(ctx context.Context, req account.RequestInfo, in *challengeRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.FinishRecovery(ctx, req, in.Token)
}
