// Package staff is what the staff do to accounts, by the command line, the
// console and the API: find, show, create, set an address, give back, disable,
// restore, unlock; list and retry mails; list events; manage keys, OAuth clients
// and webhooks; and who of them may. The rules about accounts are those of package
// auth; each act is an event that names who did it.
package staff

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/keys"
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
	o        Options

	agent *Agent // who acts, of the staff; nil: a command does: see [Service.As]
}

// Options configure a [Service].
type Options struct {
	TwoPersons bool             // what takes people's data away, or many people's out, needs a second person of the staff
	Keys       *keys.Manager    // of tokens
	Zone       *time.Location   // of the shop, whose days filters name; nil: UTC
	Now        func() time.Time // nil: time.Now
	Log        *slog.Logger
}

// New makes a Service.
func New(st *store.Store, accounts *auth.Accounts, log *audit.Log, g *guard.Guard, hooks *webhook.Service, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{store: st, accounts: accounts, audit: log, guard: g, webhooks: hooks, o: o}
}

func (s *Service) now() time.Time { return s.o.Now().UTC() }

// Sweep forgets who looked at whom, which is an event, and what waited for a
// second person too long.
func (s *Service) Sweep(ctx context.Context, now time.Time) error {
	return errors.Join(
		s.store.Sweep(ctx, "forget looks", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteLooks(ctx, now.Add(-seenEvery), most)
		}),
		s.store.Sweep(ctx, "forget approvals", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteApprovals(ctx, now, most)
		}),
	)
}

// tx runs what is done to a user, who may be erased meanwhile.
func (s *Service) tx(ctx context.Context, fn func(ctx context.Context, tx *store.Store) error) error {
	return asUserNotFound(s.store.Tx(ctx, fn))
}

func asUserNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrGone) {
		return account.ErrUserNotFound
	}
	return err
}

func asNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrGone) {
		return account.ErrNotFound
	}
	return err
}
