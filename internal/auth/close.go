package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// CloseAccountFields are those of [Service.CloseAccount].
var CloseAccountFields = []Field{passwordField.optional()}

// CloseAccount closes the caller's account at once and mails a notice, to the
// address before too while its way back is open: that one opens the account
// again. For [Options.EraseAfter] the staff can bring it back; then
// [Service.Sweep] erases the person.
func (s *Service) CloseAccount(ctx context.Context, caller *Caller, in account.Input) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
	proof, err := s.requireProof(ctx, caller, passwordField, in)
	if err != nil {
		return err
	}
	u := proof.User
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.stillProved(ctx, tx, proof); err != nil {
			return err
		}
		return s.accounts.Close(ctx, tx, u, entryBy(account.EventAccountClosed, caller, now))
	})
	if errors.Is(err, store.ErrNotFound) { // by another request, a moment ago
		return account.ErrUserInactive
	}
	s.outbox.Wake()
	return err
}

func (a *Accounts) mailClosed(ctx context.Context, tx *store.Store, u account.User, ip string, now time.Time) error {
	return a.TellOwners(ctx, tx, u, account.Mail{
		Kind: account.MailAccountClosed, IP: ip, Details: account.MailDetails{Until: now.Add(a.o.EraseAfter)}, CreatedAt: now,
	})
}
