package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

// SetPassword gives a user another password, by the rules of registration,
// and ends their sessions and the links that could give others one.
func (s *Service) SetPassword(ctx context.Context, username string, in account.Input) error {
	u, err := s.store.UserByUsername(ctx, username)
	if err != nil {
		return asUserNotFound(err)
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
	now := s.now()
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.SetPassword(ctx, u.ID, hash, now); err != nil {
			return asUserNotFound(err)
		}
		// Whoever had the old password may have asked for these.
		if err := s.invalidateLinks(ctx, tx, u.ID, now, account.ResetPassword, account.ConfirmEmail); err != nil {
			return err
		}
		if err := tx.RevokeSessions(ctx, u.ID, "", now); err != nil {
			return asUserNotFound(err)
		}
		return s.audit.Record(ctx, tx, s.audit.ByStaff(account.EventPasswordSet, u.ID, now))
	})
}

// ErrClosed says that the person left: only [Service.RestoreAccount] brings them
// back.
var ErrClosed = errors.New("the account was closed by its owner")

// SetActive enables a user, or disables one and ends their sessions. It
// returns [ErrClosed] for a closed account: closed and disabled are one bit in
// the database, so its way back would open it against staff's word.
func (s *Service) SetActive(ctx context.Context, username string, active bool) error {
	u, err := s.store.UserByUsername(ctx, username)
	if err != nil {
		return asUserNotFound(err)
	}
	if !u.ClosedAt.IsZero() {
		return ErrClosed
	}
	now := s.now()
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.SetActive(ctx, u.ID, active); err != nil {
			return asUserNotFound(err)
		}
		if active {
			if !u.Active {
				if err := s.reopen(ctx, tx, u, now.UTC()); err != nil {
					return err
				}
			}
			return s.audit.Record(ctx, tx, s.audit.ByStaff(account.EventUserEnabled, u.ID, now))
		}
		if err := tx.RevokeSessions(ctx, u.ID, "", now); err != nil {
			return asUserNotFound(err)
		}
		return s.audit.Record(ctx, tx, s.audit.ByStaff(account.EventUserDisabled, u.ID, now))
	})
}

// SetEmail gives a user another address, for somebody who cannot do it
// themselves. A correction is as good as a registration: the address is not
// proved, a link to do that is mailed, and the one before is told. To recover
// an account is to give it back to its owner: staff vouch for the address, and
// whoever had the account until then keeps nothing, no session, no password and
// no link.
func (s *Service) SetEmail(ctx context.Context, username, email string, recover bool) error {
	u, err := s.store.UserByUsername(ctx, username)
	if err != nil {
		return asUserNotFound(err)
	}
	errs := account.Fields{}
	email = account.NormalizeEmail(checkEmailAddress(errs, account.TextInput(email), required))
	if err := errs.Err(); err != nil {
		return err
	}
	if !recover && email == u.Email {
		errs.Add("email", "email.same", nil)
		return errs.Err()
	}
	now := s.now()
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		a := s.audit.ByStaff(account.EventEmailSet, u.ID, now)
		if recover {
			a.Kind = account.EventAccountRecovered
		}
		if err := s.audit.Record(ctx, tx, a); err != nil {
			return err
		}
		if recover {
			return s.recoverByStaff(ctx, tx, u, email, now)
		}
		if err := tx.SetEmail(ctx, u.ID, email, time.Time{}); err != nil {
			return asUserNotFound(err)
		}
		if err := s.invalidateLinks(ctx, tx, u.ID, now, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail); err != nil {
			return err
		}
		if err := s.mailEmailChanged(ctx, tx, u, email, "", now); err != nil {
			return err
		}
		u.Email = email
		return s.mailVerification(ctx, tx, u, "", now, guard.Turn{})
	})
}

func (s *Service) recoverByStaff(ctx context.Context, tx *store.Store, u account.User, email string, now time.Time) error {
	if !u.ClosedAt.IsZero() {
		if err := tx.RestoreUser(ctx, u.ID); err != nil {
			return asUserNotFound(err)
		}
	}
	if err := s.recoverAccount(ctx, tx, u, email, now); err != nil {
		return asUserNotFound(err)
	}
	if err := s.invalidateLinks(ctx, tx, u.ID, now, account.UndoEmail); err != nil {
		return err
	}
	if account.EmailKey(u.Email) == account.EmailKey(email) {
		return nil
	}
	return s.outbox.Notify(ctx, tx, u, account.Mail{
		Kind: account.MailEmailRestored, Details: account.MailDetails{Email: account.MaskEmail(email)}, CreatedAt: now,
	})
}

func asUserNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrUserNotFound
	}
	return err
}

// ListEvents returns the newest events, for the staff: of a user, of a kind,
// or all.
func (s *Service) ListEvents(ctx context.Context, username string, kind account.EventKind, limit int) ([]account.Event, error) {
	f := store.EventFilter{Kind: kind}
	if username != "" {
		u, err := s.store.UserByUsername(ctx, username)
		if err != nil {
			return nil, asUserNotFound(err)
		}
		f.UserID = u.ID
	}
	return s.store.Events(ctx, f, limit)
}

// Unlock forgets every wrong try at a user's password, so that the next is
// not held up. Running servers see it at once.
func (s *Service) Unlock(ctx context.Context, username string) error {
	u, err := s.store.UserByUsername(ctx, username)
	if err != nil {
		return asUserNotFound(err)
	}
	return s.guard.Unlock(ctx, u)
}

// Mails returns the newest mails of the outbox.
func (s *Service) Mails(ctx context.Context, limit int) ([]account.Mail, error) {
	return s.store.Mails(ctx, limit)
}

// RetryMail makes a mail that was not delivered due again.
func (s *Service) RetryMail(ctx context.Context, id int64) error {
	now := s.now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RetryMail(ctx, id, now); err != nil {
			return err
		}
		retried := s.audit.ByStaff(account.EventMailRetried, 0, now)
		retried.Details.Mail = id
		return s.audit.Record(ctx, tx, retried)
	})
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrNotFound
	}
	return err
}

// RetryMails makes every mail that was given up due again and says how many
// there were.
func (s *Service) RetryMails(ctx context.Context) (int, error) {
	ids, err := s.store.FailedMails(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := s.RetryMail(ctx, id); err != nil && !errors.Is(err, account.ErrNotFound) {
			return 0, err
		}
	}
	return len(ids), nil
}
