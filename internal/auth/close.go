package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Close closes the caller's account at once and mails a notice. For
// [Options.EraseAfter] the staff can bring it back; then [Service.Sweep]
// erases the person.
func (s *Service) Close(ctx context.Context, caller *Caller, in account.Input) error {
	errs := account.Fields{}
	plain := checkPassword(errs, "password", in)
	if err := errs.Err(); err != nil {
		return err
	}
	u, err := s.confirmPassword(ctx, caller, "password", plain)
	if err != nil {
		return err
	}
	now := s.o.Now().UTC()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.CloseUser(ctx, u.ID, now); err != nil {
			return err
		}
		if err := tx.RevokeSessions(ctx, u.ID, "", now); err != nil {
			return err
		}
		if err := s.void(ctx, tx, u.ID, now, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail, account.UndoEmail); err != nil {
			return err
		}
		if err := s.record(ctx, tx, acted(account.EventAccountClosed, caller, now)); err != nil {
			return err
		}
		if u.Email == "" {
			return nil
		}
		return tx.AddMail(ctx, account.Mail{
			Kind: account.MailAccountClosed, UserID: u.ID, Email: u.Email, Language: u.Language, IP: caller.Peer.IP,
			Details: account.MailDetails{Username: u.Username, Until: now.Add(s.o.EraseAfter)}, CreatedAt: now,
		})
	})
	if errors.Is(err, store.ErrNotFound) { // by another request, a moment ago
		return account.ErrUserInactive
	}
	s.wakeMail()
	return err
}

// ErrNotClosed says that there is nothing to restore.
var ErrNotClosed = errors.New("the account was not closed by its owner")

// Restore brings a closed account back, with the password that it had.
func (s *Service) Restore(ctx context.Context, username string) error {
	u, err := s.store.UserByUsername(ctx, username)
	if err != nil {
		return adminUser(err)
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RestoreUser(ctx, u.ID); err != nil {
			return err
		}
		return s.record(ctx, tx, s.byStaff(account.EventAccountRestored, u.ID, s.o.Now()))
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotClosed
	}
	return err
}
