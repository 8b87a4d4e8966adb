package staff

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/store"
)

// Create creates an active user without logging them in, by the rules of
// registration.
func (s *Service) Create(ctx context.Context, req account.RequestInfo, r auth.Registration) (account.User, error) {
	u, err := s.accounts.NewUser(ctx, req, r)
	if err != nil {
		return account.User{}, err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.accounts.Create(ctx, tx, &u); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, s.audit.ByStaff(account.EventUserCreated, u.ID, u.JoinedAt))
	})
	return u, err
}

// SetPassword gives a user another password, by the rules of registration,
// and ends their sessions and the links that could give others one.
func (s *Service) SetPassword(ctx context.Context, username string, in account.Input) error {
	u, err := s.user(ctx, username)
	if err != nil {
		return err
	}
	hash, err := s.accounts.NewPassword(ctx, in, u)
	if err != nil {
		return err
	}
	return s.tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return s.accounts.SetPassword(ctx, tx, hash, s.audit.ByStaff(account.EventPasswordSet, u.ID, s.now()))
	})
}

// ErrClosed says that the person left: only [Service.Restore] brings them
// back.
var ErrClosed = errors.New("the account was closed by its owner")

// Enable lets a disabled user log in again. It returns [ErrClosed] for a closed
// account: closed and disabled are one bit in the database, so its way back
// would open it against the staff's word.
func (s *Service) Enable(ctx context.Context, username string) error {
	u, err := s.user(ctx, username)
	if err != nil {
		return err
	}
	if !u.ClosedAt.IsZero() {
		return ErrClosed
	}
	return s.tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.SetActive(ctx, u.ID, true); err != nil {
			return err
		}
		if !u.Active {
			if err := s.accounts.Reopen(ctx, tx, u, s.now()); err != nil {
				return err
			}
		}
		return s.audit.Record(ctx, tx, s.audit.ByStaff(account.EventUserEnabled, u.ID, s.now()))
	})
}

// Disable keeps a user from logging in and ends their sessions. It returns
// [ErrClosed] for a closed account.
func (s *Service) Disable(ctx context.Context, username string) error {
	u, err := s.user(ctx, username)
	if err != nil {
		return err
	}
	if !u.ClosedAt.IsZero() {
		return ErrClosed
	}
	now := s.now()
	return s.tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.SetActive(ctx, u.ID, false); err != nil {
			return err
		}
		if err := tx.RevokeSessions(ctx, u.ID, "", now); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, s.audit.ByStaff(account.EventUserDisabled, u.ID, now))
	})
}

// ErrNotClosed says that there is nothing to restore.
var ErrNotClosed = errors.New("the account was not closed by its owner")

// Restore brings a closed account back, with the password that it had.
func (s *Service) Restore(ctx context.Context, username string) error {
	u, err := s.user(ctx, username)
	if err != nil {
		return err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RestoreUser(ctx, u.ID); err != nil {
			return err
		}
		if err := s.accounts.Reopen(ctx, tx, u, s.now()); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, s.audit.ByStaff(account.EventAccountRestored, u.ID, s.now()))
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotClosed
	}
	return err
}

// Unlock forgets every wrong try at a user's password, so that the next is
// not held up. Running servers see it at once.
func (s *Service) Unlock(ctx context.Context, username string) error {
	u, err := s.user(ctx, username)
	if err != nil {
		return err
	}
	return s.guard.Unlock(ctx, u)
}
