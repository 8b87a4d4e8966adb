package api

import (
	"context"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

type factorBody struct {
	ID         string  `json:"id"`
	Kind       string  `json:"kind"`
	Name       string  `json:"name"`
	CreatedAt  string  `json:"created_at"`
	LastUsedAt *string `json:"last_used_at"`
}

func newFactorBody(f account.Factor) factorBody {
	return factorBody{
		ID: f.ID, Kind: string(f.Kind), Name: f.Name, CreatedAt: formatTime(f.ConfirmedAt), LastUsedAt: formatTimeOrNull(f.LastUsedAt),
	}
}

type factorsBody struct {
	Factors           []factorBody `json:"factors"`
	RecoveryCodesLeft int          `json:"recovery_codes_left"`
}

func (s *Server) factors(ctx context.Context, caller *auth.Caller, _ *struct{}) (factorsBody, error) {
	all, err := s.auth.Factors(ctx, caller)
	if err != nil {
		return factorsBody{}, err
	}
	body := factorsBody{Factors: []factorBody{}, RecoveryCodesLeft: all.RecoveryCodesLeft}
	for _, f := range all.Factors {
		body.Factors = append(body.Factors, newFactorBody(f))
	}
	return body, nil
}

type renameFactorRequest struct {
	ID   account.Input `path:"id"`
	Name account.Input `json:"name"`
}

func (s *Server) renameFactor(ctx context.Context, caller *auth.Caller, in *renameFactorRequest) (factorBody, error) {
	f, err := s.auth.RenameFactor(ctx, caller, in.ID.Text, in.Name)
	if err != nil {
		return factorBody{}, err
	}
	return newFactorBody(f), nil
}

type factorRequest struct {
	ID account.Input `path:"id"`
}

func (s *Server) removeFactor(ctx context.Context, caller *auth.Caller, in *factorRequest) (emptyBody, error) {
	return emptyBody{}, s.auth.RemoveFactor(ctx, caller, in.ID.Text)
}

type enrolTOTPRequest struct {
	Password account.Input `json:"password"`
	Name     account.Input `json:"name"`
}

// totpBody is shown once. The picture is an SVG element, for a page to show as
// it is.
type totpBody struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	URI    string `json:"uri"`
	QR     string `json:"qr"`
}

func (s *Server) enrolTOTP(ctx context.Context, caller *auth.Caller, in *enrolTOTPRequest) (totpBody, error) {
	secret, err := s.auth.EnrolTOTP(ctx, caller, auth.TOTPEnrolment(*in))
	return totpBody(secret), err
}

type confirmTOTPRequest struct {
	ID   account.Input `json:"id"`
	Code account.Input `json:"code"`
}

// factorAddedBody has the recovery codes of a first factor; null: there were
// codes before, and they stay.
type factorAddedBody struct {
	RecoveryCodes []string `json:"recovery_codes" openapi:"nullable"`
	OtherSessions int      `json:"other_sessions"`

	withDeviceToken // in headers, not in the body
}

func (s *Server) confirmTOTP(ctx context.Context, caller *auth.Caller, in *confirmTOTPRequest) (factorAddedBody, error) {
	added, err := s.auth.ConfirmTOTP(ctx, caller, auth.TOTPConfirmation(*in))
	return factorAddedBody{RecoveryCodes: added.RecoveryCodes, OtherSessions: added.OtherSessions, withDeviceToken: withDeviceToken{added.Device}}, err
}

type recoveryCodesBody struct {
	RecoveryCodes []string `json:"recovery_codes"`
}

func (s *Server) renewRecoveryCodes(ctx context.Context, caller *auth.Caller, _ *struct{}) (recoveryCodesBody, error) {
	codes, err := s.auth.RenewRecoveryCodes(ctx, caller)
	return recoveryCodesBody{codes}, err
}

type undoFactorRequest struct {
	Token    account.Input `json:"token"`
	Password account.Input `json:"password"`
}

// undoneBody says what came of the link: the factor is gone, or a recovery
// waits that can be finished from a time on.
type undoneBody struct {
	Undone          bool    `json:"undone"`
	RecoveryReadyAt *string `json:"recovery_ready_at"`
}

func (s *Server) undoFactor(ctx context.Context, req account.RequestInfo, in *undoFactorRequest) (undoneBody, error) {
	waitsUntil, err := s.auth.UndoFactor(ctx, req, auth.FactorUndo(*in))
	return undoneBody{waitsUntil.IsZero(), formatTimeOrNull(waitsUntil)}, err
}
