package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// SetPassword gives a user another password, by the rules of registration,
// and ends their sessions.
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
	if err := s.checkPolicy(ctx, "password", plain, u.Username, u.Email, u.FirstName, u.LastName); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, plain)
	if err != nil {
		return hashing(err)
	}
	now := s.o.Now()
	return s.store.Tx(ctx, func(tx *store.Store) error {
		if err := tx.SetPassword(ctx, u.ID, hash, now); err != nil {
			return adminUser(err)
		}
		return tx.RevokeSessions(ctx, u.ID, now)
	})
}

// SetActive enables a user, or disables one and ends their sessions.
func (s *Service) SetActive(ctx context.Context, username string, active bool) error {
	u, err := s.store.UserByUsername(ctx, username)
	if err != nil {
		return adminUser(err)
	}
	return s.store.Tx(ctx, func(tx *store.Store) error {
		if err := tx.SetActive(ctx, u.ID, active); err != nil {
			return adminUser(err)
		}
		if active {
			return nil
		}
		return tx.RevokeSessions(ctx, u.ID, s.o.Now())
	})
}

func adminUser(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrUserNotFound
	}
	return err
}
