package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// CloseAccount closes the caller's account at once and mails a notice, to the
// address before too while its way back is open: that one opens the account
// again. For [Options.EraseAfter] the staff can bring it back; then
// [Service.Sweep] erases the person.
func (s *Service) CloseAccount(ctx context.Context, caller *Caller, in account.Input) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
	errs := account.Fields{}
	plain := checkPassword(errs, "password", in)
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
		if err := tx.RevokeSessions(ctx, u.ID, "", now); err != nil {
			return err
		}
		if err := s.invalidateLinks(ctx, tx, u.ID, now, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail); err != nil {
			return err
		}
		if err := s.audit.Record(ctx, tx, entryBy(account.EventAccountClosed, caller, now)); err != nil {
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
	addresses, err := s.wayBack(ctx, tx, u.ID, now)
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

// ErrNotClosed says that there is nothing to restore.
var ErrNotClosed = errors.New("the account was not closed by its owner")

// RestoreAccount brings a closed account back, with the password that it had.
func (s *Service) RestoreAccount(ctx context.Context, username string) error {
	u, err := s.store.UserByUsername(ctx, username)
	if err != nil {
		return asUserNotFound(err)
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RestoreUser(ctx, u.ID); err != nil {
			return err
		}
		if err := s.reopen(ctx, tx, u, s.now()); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, s.audit.ByStaff(account.EventAccountRestored, u.ID, s.now()))
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotClosed
	}
	return err
}
