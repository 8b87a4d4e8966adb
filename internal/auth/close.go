package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// CloseAccountFields are those of [Service.CloseAccount].
var CloseAccountFields = []Field{passwordField}

// CloseAccount closes the caller's account at once and mails a notice, to the
// address before too while its way back is open: that one opens the account
// again. For [Options.EraseAfter] the staff can bring it back; then
// [Service.Sweep] erases the person.
func (s *Service) CloseAccount(ctx context.Context, caller *Caller, in account.Input) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
	errs := account.Fields{}
	plain := passwordField.read(errs, in)
	if err := errs.Err(); err != nil {
		return err
	}
	u, err := s.confirmPassword(ctx, caller, "password", plain)
	if err != nil {
		return err
	}
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := stillConfirmed(ctx, tx, u, "password"); err != nil {
			return err
		}
		if err := tx.CloseUser(ctx, u.ID, now); err != nil {
			return err
		}
		if err := s.accounts.endAccess(ctx, tx, entryBy(account.EventAccountClosed, caller, now), "", linksOfAddress); err != nil {
			return err
		}
		return s.mailClosed(ctx, tx, u, caller.Request.IP, now)
	})
	if errors.Is(err, store.ErrNotFound) { // by another request, a moment ago
		return account.ErrUserInactive
	}
	s.outbox.Wake()
	return err
}

func (s *Service) mailClosed(ctx context.Context, tx *store.Store, u account.User, ip string, now time.Time) error {
	closed := account.Mail{
		Kind: account.MailAccountClosed, IP: ip, Details: account.MailDetails{Until: now.Add(s.o.EraseAfter)}, CreatedAt: now,
	}
	addresses, err := s.accounts.wayBack(ctx, tx, u.ID, now)
	if err != nil {
		return err
	}
	if !u.EmailVerifiedAt.IsZero() {
		addresses = append([]string{u.Email}, addresses...)
	}
	told := map[string]bool{}
	for _, email := range addresses {
		key := account.EmailKey(email)
		if told[key] {
			continue
		}
		told[key] = true
		if err := s.outbox.NotifyAt(ctx, tx, u, email, closed); err != nil {
			return err
		}
	}
	return nil
}
