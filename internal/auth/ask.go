package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
)

// What pages ask before they show a form: clients are told the same by the
// error that refuses a request.

// SecondMethods are what a login that waits may be gone on with, as
// [account.ErrSecondFactor] had them. It is no try; a challenge that is not
// good is an error about the field "challenge".
func (s *Service) SecondMethods(ctx context.Context, req account.RequestInfo, raw string) ([]string, error) {
	if err := s.guard.AllowRequest(ctx, guard.LinkPerNetwork, req); err != nil {
		return nil, err
	}
	_, u, err := s.challenge(ctx, s.store, account.SecondFactor, raw)
	if err != nil {
		return nil, loginOver(err)
	}
	factors, err := s.factors(ctx, s.store, u.ID)
	if err != nil {
		return nil, err
	}
	return s.secondMethods(ctx, s.store, u.ID, factors)
}

// ConfirmMethods are what the caller may show at [Service.Confirm], the
// strongest first; none: there is nothing.
func (s *Service) ConfirmMethods(ctx context.Context, caller *Caller) ([]string, error) {
	factors, err := s.factors(ctx, s.store, caller.User.ID)
	if err != nil {
		return nil, err
	}
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return nil, err
	}
	err = s.confirmRequired(ctx, u, factors)
	var e *account.Error
	if errors.As(err, &e) && errors.Is(e, account.ErrConfirmRequired) && e.Methods != nil {
		return e.Methods, nil
	}
	return nil, err
}

// OffersPasskeys reports whether this server knows of passkeys.
func (s *Service) OffersPasskeys() bool { return s.rp != nil }

// PasskeyRPID is the domain for which passkeys are made; empty: there are none.
func (s *Service) PasskeyRPID() string { return s.o.Passkeys.RPID }

// Proved returns nil if the caller has shown lately that it is them, so that
// they may do what asks for that, and else [account.ErrConfirmRequired].
func (s *Service) Proved(ctx context.Context, caller *Caller) error {
	_, err := s.requireProof(ctx, caller, Field{}, account.Input{})
	return err
}
