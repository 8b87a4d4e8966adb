package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// addMail owes a mail when its turn comes. It returns
// [account.ThrottledFor] if another account's mail has that turn: then
// nothing is owed.
func (s *Service) addMail(ctx context.Context, tx *store.Store, m account.Mail, t guard.Turn) error {
	if t.Wait == 0 {
		return tx.AddMail(ctx, m)
	}
	m.DueAt, m.DelayKey = m.CreatedAt.Add(t.Wait), t.Key
	err := tx.AddMail(ctx, m)
	if !errors.Is(err, store.ErrTaken) {
		return err
	}
	waiting, err := tx.DelayedMail(ctx, t.Key)
	if errors.Is(err, store.ErrNotFound) || err == nil && waiting.UserID != m.UserID {
		return account.ThrottledFor(t.Wait)
	}
	return err
}

// owesVerification says whether a new user is mailed a link.
func (s *Service) owesVerification(u account.User) bool { return s.o.Mail.Verify && u.Email != "" }

// mailVerification owes a user a link to prove their address.
func (s *Service) mailVerification(ctx context.Context, tx *store.Store, u account.User, ip string, now time.Time, t guard.Turn) error {
	return s.addMail(ctx, tx, account.Mail{
		Kind: account.MailVerifyEmail, UserID: u.ID, Email: u.Email, Language: u.Language, IP: ip,
		Details: account.MailDetails{Username: u.Username}, CreatedAt: now,
	}, t)
}

// notify owes a user a notice, if they have proved their address: anybody can
// register with anybody's, and must not have them mailed.
func (s *Service) notify(ctx context.Context, tx *store.Store, u account.User, m account.Mail) error {
	if u.Email == "" || u.EmailVerifiedAt.IsZero() {
		return nil
	}
	return s.notifyAt(ctx, tx, u, u.Email, m)
}

// notifyAt owes a user a notice at an address that they have proved, and may
// not have any more.
func (s *Service) notifyAt(ctx context.Context, tx *store.Store, u account.User, email string, m account.Mail) error {
	m.UserID, m.Email, m.Language = u.ID, email, u.Language
	m.Details.Verified, m.Details.FirstName = true, u.FirstName
	if m.Details.Username == "" {
		m.Details.Username = u.Username
	}
	return tx.AddMail(ctx, m)
}

func (s *Service) mailPasswordChanged(ctx context.Context, tx *store.Store, u account.User, req account.RequestInfo, now time.Time) error {
	return s.notify(ctx, tx, u, account.Mail{
		Kind: account.MailPasswordChanged, IP: req.IP,
		Details: account.MailDetails{IP: req.IP, Device: req.UserAgent}, CreatedAt: now,
	})
}
