// Package staff is what the staff do to accounts, by the command line: create,
// set a password or an address, give back, disable, restore, unlock; list and
// retry mails; list events; manage OAuth clients and webhooks. The rules are those of
// package auth; each act is an event that names who ran the command.
package staff

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/webhook"
)

// Service is what the staff may do. It is safe for concurrent use.
type Service struct {
	store    *store.Store
	accounts *auth.Accounts
	audit    *audit.Log
	guard    *guard.Guard
	webhooks *webhook.Service
	clock    func() time.Time
}

// New makes a Service. A nil clock is time.Now.
func New(st *store.Store, accounts *auth.Accounts, log *audit.Log, g *guard.Guard, hooks *webhook.Service, clock func() time.Time) *Service {
	if clock == nil {
		clock = time.Now
	}
	return &Service{store: st, accounts: accounts, audit: log, guard: g, webhooks: hooks, clock: clock}
}

func (s *Service) now() time.Time { return s.clock().UTC() }

// user is who has a username, or [account.ErrUserNotFound].
func (s *Service) user(ctx context.Context, username string) (account.User, error) {
	u, err := s.store.UserByUsername(ctx, username)
	return u, asUserNotFound(err)
}

// tx runs what is done to a user, who may be erased meanwhile.
func (s *Service) tx(ctx context.Context, fn func(ctx context.Context, tx *store.Store) error) error {
	return asUserNotFound(s.store.Tx(ctx, fn))
}

func asUserNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrUserNotFound
	}
	return err
}
