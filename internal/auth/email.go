package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// VerifyEmail notes that whoever has the token reads the user's mailbox.
func (s *Service) VerifyEmail(ctx context.Context, peer account.Peer, in account.Input) error {
	return s.useInput(ctx, account.VerifyEmail, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		err := tx.VerifyEmail(ctx, u.ID, c.Email, now)
		if errors.Is(err, store.ErrNotFound) { // another address since
			return badChallenge("challenge_invalid")
		}
		if err != nil {
			return err
		}
		return s.record(ctx, tx, act{kind: account.EventEmailVerified, userID: u.ID, peer: peer, at: now})
	})
}

// ResendVerification mails another link to the caller's address. It returns
// an error about the field "email" when there is nothing to verify, and
// [account.ErrThrottled] after too many mails.
func (s *Service) ResendVerification(ctx context.Context, caller *Caller) error {
	u, err := s.self(ctx, caller)
	if err != nil {
		return err
	}
	errs := account.Fields{}
	switch {
	case u.Email == "":
		errs.Add("email", "email.none", nil)
	case !u.EmailVerifiedAt.IsZero():
		errs.Add("email", "email.verified", nil)
	}
	if err := errs.Err(); err != nil {
		return err
	}
	now := s.o.Now().UTC()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return s.mailLimited(ctx, tx, account.Mail{
			Kind: account.MailVerifyEmail, UserID: u.ID, Email: u.Email, Language: u.Language, IP: caller.Peer.IP,
			Details: account.MailDetails{Username: u.Username}, CreatedAt: now,
		})
	})
	s.wakeMail()
	return err
}

// EmailChange is another address for somebody who is logged in.
type EmailChange struct {
	Password account.Input
	Email    account.Input
}

// ChangeEmail mails a link to the new address; the address changes when the
// link is used. It returns [account.ErrThrottled] after too many mails.
func (s *Service) ChangeEmail(ctx context.Context, caller *Caller, c EmailChange) error {
	errs := account.Fields{}
	plain := checkPassword(errs, "password", c.Password)
	email := account.NormalizeEmail(checkEmailAddress(errs, c.Email, required))
	if err := errs.Err(); err != nil {
		return err
	}
	u, err := s.confirmPassword(ctx, caller, "password", plain)
	if err != nil {
		return err
	}
	if email == u.Email {
		errs.Add("email", "email.same", nil)
		return errs.Err()
	}
	now := s.o.Now().UTC()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.void(ctx, tx, u.ID, now, account.ConfirmEmail); err != nil {
			return err
		}
		if err := s.record(ctx, tx, acted(account.EventEmailChangeRequested, caller, now)); err != nil {
			return err
		}
		return s.mailLimited(ctx, tx, account.Mail{
			Kind: account.MailConfirmEmail, UserID: u.ID, Email: email, Language: caller.Peer.Language, IP: caller.Peer.IP,
			Details: account.MailDetails{Username: u.Username}, CreatedAt: now,
		})
	})
	s.wakeMail()
	return err
}

// ConfirmEmail gives the user the address that the token was mailed to, and
// mails the address before a way to undo it.
func (s *Service) ConfirmEmail(ctx context.Context, peer account.Peer, in account.Input) error {
	return s.useInput(ctx, account.ConfirmEmail, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		if err := tx.SetEmail(ctx, u.ID, c.Email, now); err != nil {
			return err
		}
		// What was mailed to the address before opens nothing any more, but
		// for the way back.
		if err := s.void(ctx, tx, u.ID, now, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail); err != nil {
			return err
		}
		if err := s.record(ctx, tx, act{kind: account.EventEmailChanged, userID: u.ID, peer: peer, at: now}); err != nil {
			return err
		}
		if u.Email == "" || account.EmailKey(u.Email) == account.EmailKey(c.Email) {
			return nil
		}
		return tx.AddMail(ctx, account.Mail{
			Kind: account.MailEmailChanged, UserID: u.ID, Email: u.Email, Language: u.Language, IP: peer.IP,
			Details: account.MailDetails{Username: u.Username, Email: account.MaskEmail(c.Email)}, CreatedAt: now,
		})
	})
}

// UndoEmail gives the user back the address that the token was mailed to.
// Somebody who should not have been there changed it, knowing the password:
// so every session ends, every other link is worthless, no password opens
// the account, and a link to choose another is mailed to the address.
func (s *Service) UndoEmail(ctx context.Context, peer account.Peer, in account.Input) error {
	return s.useInput(ctx, account.UndoEmail, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		if err := tx.SetEmail(ctx, u.ID, c.Email, now); err != nil {
			return err
		}
		if err := tx.SetPassword(ctx, u.ID, unusablePassword, now); err != nil {
			return err
		}
		if err := tx.RevokeSessions(ctx, u.ID, "", now); err != nil {
			return err
		}
		if err := s.void(ctx, tx, u.ID, now, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail, account.UndoEmail); err != nil {
			return err
		}
		if err := s.record(ctx, tx, act{kind: account.EventEmailChangeUndone, userID: u.ID, peer: peer, at: now}); err != nil {
			return err
		}
		return tx.AddMail(ctx, account.Mail{
			Kind: account.MailResetPassword, UserID: u.ID, Email: c.Email, Language: u.Language, IP: peer.IP,
			Details: account.MailDetails{Username: u.Username}, CreatedAt: now,
		})
	})
}

// unusablePassword is a hash that no password matches.
const unusablePassword = "!"
