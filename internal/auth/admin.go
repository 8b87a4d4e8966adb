package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// SetPassword gives a user another password, by the rules of registration,
// and ends their sessions and the links that could give others one.
func (s *Service) SetPassword(ctx context.Context, username string, in account.Input) error {
	u, err := s.store.UserByUsername(ctx, username)
	if err != nil {
		return adminUser(err)
	}
	errs := account.Fields{}
	plain := checkPassword(errs, "password", in)
	if err := errs.Err(); err != nil {
		return err
	}
	hash, err := s.newPassword(ctx, "password", plain, u)
	if err != nil {
		return err
	}
	now := s.o.Now()
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.SetPassword(ctx, u.ID, hash, now); err != nil {
			return adminUser(err)
		}
		// Whoever had the old password may have asked for these.
		if err := s.void(ctx, tx, u.ID, now, account.ResetPassword, account.ConfirmEmail); err != nil {
			return err
		}
		if err := tx.RevokeSessions(ctx, u.ID, "", now); err != nil {
			return adminUser(err)
		}
		return s.record(ctx, tx, s.byStaff(account.EventPasswordSet, u.ID, now))
	})
}

// ErrClosed says that the person left: only [Service.Restore] brings them
// back.
var ErrClosed = errors.New("the account was closed by its owner")

// SetActive enables a user, or disables one and ends their sessions.
func (s *Service) SetActive(ctx context.Context, username string, active bool) error {
	u, err := s.store.UserByUsername(ctx, username)
	if err != nil {
		return adminUser(err)
	}
	if active && !u.ClosedAt.IsZero() {
		return ErrClosed
	}
	now := s.o.Now()
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.SetActive(ctx, u.ID, active); err != nil {
			return adminUser(err)
		}
		if active {
			return s.record(ctx, tx, s.byStaff(account.EventUserEnabled, u.ID, now))
		}
		if err := tx.RevokeSessions(ctx, u.ID, "", now); err != nil {
			return adminUser(err)
		}
		return s.record(ctx, tx, s.byStaff(account.EventUserDisabled, u.ID, now))
	})
}

func adminUser(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrUserNotFound
	}
	return err
}
