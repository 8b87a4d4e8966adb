package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

func wrongPassword(field string) error {
	errs := account.Fields{}
	errs.Add(field, "password_wrong", nil)
	return errs.Err()
}

// currentUser returns the caller with all that is known of them.
func (s *Service) currentUser(ctx context.Context, caller *Caller) (account.User, error) {
	u, err := s.store.UserByID(ctx, caller.User.ID)
	if errors.Is(err, store.ErrNotFound) {
		return account.User{}, account.ErrUserNotFound
	}
	return u, err
}

// fail counts a wrong password and, once that is committed, returns refusal.
func (s *Service) fail(ctx context.Context, t *guard.Attempt, refusal error) error {
	guessing, err := t.Fail(ctx)
	if err != nil {
		return err
	}
	if guessing {
		s.outbox.SuspectGuessing(t.UserID())
	}
	return refusal
}

// confirmPassword returns the caller with all that is known of them, if the
// password is theirs.
func (s *Service) confirmPassword(ctx context.Context, caller *Caller, field, plain string) (account.User, error) {
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return account.User{}, err
	}
	t, err := s.guard.StartConfirmation(ctx, u)
	if err != nil {
		return account.User{}, err
	}
	defer t.End()
	result, err := s.hasher.Verify(s.guard.AsUser(ctx, u.ID, caller.Request), u.PasswordHash, plain)
	if err != nil {
		return account.User{}, asUnavailable(err)
	}
	if !result.Match {
		s.audit.RecordFailure(entryBy(account.EventPasswordRefused, caller, s.now()))
		return account.User{}, s.fail(ctx, t, wrongPassword(field))
	}
	return u, t.Settle(ctx)
}

// stillConfirmed is for the transaction of what a caller does with their
// password: whoever changed it since we looked, an owner who was robbed
// perhaps, wants nothing done by the one before.
func stillConfirmed(ctx context.Context, tx *store.Store, u account.User, field string) error {
	err := tx.Rehash(ctx, u.ID, u.PasswordHash, u.PasswordHash)
	if errors.Is(err, store.ErrNotFound) {
		return wrongPassword(field)
	}
	return err
}
