package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
)

// VerifyEmail notes that whoever has the token reads the user's mailbox. It
// returns an error about the field "token" if another account has proved the
// address; the token stays good.
func (s *Service) VerifyEmail(ctx context.Context, req account.RequestInfo, in account.Input) error {
	return s.redeemInput(ctx, req, account.VerifyEmail, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		if account.EmailKey(c.Email) != account.EmailKey(u.Email) { // another address since
			return badChallenge("challenge_invalid")
		}
		if err := s.prove(ctx, tx, u, now); err != nil {
			return asBadChallenge(err)
		}
		return s.audit.Record(ctx, tx, audit.Entry{Kind: account.EventEmailVerified, UserID: u.ID, Request: req, At: now})
	})
}

// DisownEmail is for whoever reads a mailbox with which somebody else has
// registered: by the token of the verification that was mailed there, it
// takes the address out of that account, with every link that went to it.
func (s *Service) DisownEmail(ctx context.Context, req account.RequestInfo, in account.Input) error {
	return s.redeemInput(ctx, req, account.VerifyEmail, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		if account.EmailKey(c.Email) != account.EmailKey(u.Email) || !u.EmailVerifiedAt.IsZero() {
			return badChallenge("challenge_invalid")
		}
		if err := tx.SetEmail(ctx, u.ID, "", time.Time{}); err != nil {
			return err
		}
		if err := s.invalidateLinks(ctx, tx, u.ID, now, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Kind: account.EventEmailDisowned, Actor: account.ActorAnonymous, UserID: u.ID, Request: req, At: now})
	})
}

// asBadChallenge is for an act by a link whose address is not the user's any
// more.
func asBadChallenge(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return badChallenge("challenge_invalid")
	}
	return err
}

// ResendVerification mails another link to the caller's address. It returns
// an error about the field "email" when there is nothing to verify, and
// [account.ThrottledFor] when another account's mail to that mailbox waits
// for its turn.
func (s *Service) ResendVerification(ctx context.Context, caller *Caller) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
	u, err := s.currentUser(ctx, caller)
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
	t, err := s.guard.MailTurn(ctx, account.Mail{Kind: account.MailVerifyEmail, Email: u.Email, IP: caller.Request.IP})
	if err != nil {
		return err
	}
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return s.mailVerification(ctx, tx, u, caller.Request.IP, now, t)
	})
	s.outbox.Wake()
	return err
}

// EmailChange is another address for somebody who is logged in.
type EmailChange struct {
	Password account.Input
	Email    account.Input
}

// ChangeEmail mails a link to the new address; the address changes when the
// nextHead is used. The errors are those of [Service.ResendVerification].
func (s *Service) ChangeEmail(ctx context.Context, caller *Caller, c EmailChange) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
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
	t, err := s.guard.MailTurn(ctx, account.Mail{Kind: account.MailConfirmEmail, Email: email, IP: caller.Request.IP})
	if err != nil {
		return err
	}
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := stillConfirmed(ctx, tx, u, "password"); err != nil {
			return err
		}
		if err := s.invalidateLinks(ctx, tx, u.ID, now, account.ConfirmEmail); err != nil {
			return err
		}
		if err := s.audit.Record(ctx, tx, entryBy(account.EventEmailChangeRequested, caller, now)); err != nil {
			return err
		}
		return s.outbox.Add(ctx, tx, account.Mail{
			Kind: account.MailConfirmEmail, UserID: u.ID, Email: email, Language: caller.Request.Language, IP: caller.Request.IP,
			Details: account.MailDetails{Username: u.Username}, CreatedAt: now,
		}, t)
	})
	s.outbox.Wake()
	return err
}

// ConfirmEmail gives the user the address that the token was mailed to,
// unless another open account has proved it, and tells the address before:
// confirmRefreshToken mailEmailChanged.
func (s *Service) ConfirmEmail(ctx context.Context, req account.RequestInfo, in account.Input) error {
	return s.redeemInput(ctx, req, account.ConfirmEmail, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		provedAt, err := s.proofTime(ctx, tx, c.Email, u.ID, now)
		if err != nil {
			return err
		}
		if provedAt.IsZero() {
			return badChallenge("email.proved_elsewhere")
		}
		if err := tx.SetEmail(ctx, u.ID, c.Email, provedAt); err != nil {
			return err
		}
		// What was mailed to the address before opens nothing any more, but
		// for the way back.
		if err := s.invalidateLinks(ctx, tx, u.ID, now, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail); err != nil {
			return err
		}
		if err := s.audit.Record(ctx, tx, audit.Entry{Kind: account.EventEmailChanged, UserID: u.ID, Request: req, At: now}); err != nil {
			return err
		}
		return s.mailEmailChanged(ctx, tx, u, c.Email, req.IP, now)
	})
}

// mailEmailChanged tells the address that a user had that there is another
// now. If it was proved it gets the way back, unless an earlier address still
// has one: whoever was first can go back behind all that came later, and
// whoever came later gets nothing to go back with.
func (s *Service) mailEmailChanged(ctx context.Context, tx *store.Store, u account.User, next, ip string, now time.Time) error {
	if account.EmailKey(u.Email) == account.EmailKey(next) {
		return nil
	}
	open, err := s.wayBack(ctx, tx, u.ID, now)
	if err != nil {
		return err
	}
	kind := account.MailEmailChanged
	if len(open) > 0 {
		kind = account.MailEmailNotice
	}
	return s.outbox.Notify(ctx, tx, u, account.Mail{
		Kind: kind, IP: ip, Details: account.MailDetails{Email: account.MaskEmail(next)}, CreatedAt: now,
	})
}

// wayBack returns the addresses that hold a link, or are owed one, to which
// the user's account can be taken back.
func (s *Service) wayBack(ctx context.Context, tx *store.Store, userID int64, now time.Time) ([]string, error) {
	return tx.OpenAddresses(ctx, userID, account.UndoEmail, account.MailEmailChanged, now)
}

// UndoEmail gives the user back the address that the token was mailed to.
// Somebody who should not have been there changed it, knowing the password:
// so every session ends, no password opens the account, every other link is
// worthless but for older ones of this kind that went elsewhere, an account that was closed since
// is open again, and a link to choose a password is mailed to the address.
// The address that was there until now is told.
func (s *Service) UndoEmail(ctx context.Context, req account.RequestInfo, in account.Input) error {
	return s.redeemInput(ctx, req, account.UndoEmail, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		if !u.ClosedAt.IsZero() {
			if err := tx.RestoreUser(ctx, u.ID); err != nil {
				return err
			}
			if err := s.audit.Record(ctx, tx, audit.Entry{Kind: account.EventAccountRestored, UserID: u.ID, Request: req, At: now}); err != nil {
				return err
			}
		}
		if err := s.recoverAccount(ctx, tx, u, c.Email, now); err != nil {
			return err
		}
		if err := s.invalidateOvertaken(ctx, tx, c, now); err != nil {
			return err
		}
		if err := s.audit.Record(ctx, tx, audit.Entry{Kind: account.EventEmailChangeUndone, UserID: u.ID, Request: req, At: now}); err != nil {
			return err
		}
		if account.EmailKey(u.Email) == account.EmailKey(c.Email) {
			return nil
		}
		return s.outbox.Notify(ctx, tx, u, account.Mail{
			Kind: account.MailEmailRestored, IP: req.IP, Details: account.MailDetails{Email: account.MaskEmail(c.Email)}, CreatedAt: now,
		})
	})
}

// invalidateOvertaken makes worthless what the use of a way back overtakes: the
// links that were made later, for whoever came later, and those to the same
// address; also those whose mails are owed. A mail that was tried again has a
// link of each attempt, and none that nobody read may pass for a way back that
// is open. What is older and went to another address stays.
func (s *Service) invalidateOvertaken(ctx context.Context, tx *store.Store, used account.Challenge, now time.Time) error {
	if err := tx.InvalidateYounger(ctx, used.UserID, used.Kind, used.CreatedAt, now); err != nil {
		return err
	}
	if err := tx.CancelOvertakenMails(ctx, used.UserID, account.MailEmailChanged, used.CreatedAt, used.Email); err != nil {
		return err
	}
	older, err := s.wayBack(ctx, tx, used.UserID, now)
	if err != nil {
		return err
	}
	for _, email := range older {
		if account.EmailKey(email) != account.EmailKey(used.Email) {
			continue
		}
		if err := tx.InvalidateMailedTo(ctx, used.UserID, used.Kind, email, now); err != nil {
			return err
		}
	}
	return nil
}

// recoverAccount gives an account to whoever reads an address: every session
// ends, no password opens it, links to reset, verify or confirm are worthless,
// and a link to choose a password is mailed. The address is proved unless another
// open account has proved it.
func (s *Service) recoverAccount(ctx context.Context, tx *store.Store, u account.User, email string, now time.Time) error {
	provedAt, err := s.proofTime(ctx, tx, email, u.ID, now)
	if err != nil {
		return err
	}
	if err := tx.SetEmail(ctx, u.ID, email, provedAt); err != nil {
		return err
	}
	if err := tx.SetPassword(ctx, u.ID, unusablePassword, now); err != nil {
		return err
	}
	if err := tx.RevokeSessions(ctx, u.ID, "", now); err != nil {
		return err
	}
	if err := s.invalidateLinks(ctx, tx, u.ID, now, account.ResetPassword, account.VerifyEmail, account.ConfirmEmail); err != nil {
		return err
	}
	return tx.AddMail(ctx, account.Mail{
		Kind: account.MailResetPassword, UserID: u.ID, Email: email, Language: u.Language,
		Details: account.MailDetails{Username: u.Username, Verified: true}, CreatedAt: now,
	})
}

// unusablePassword is a hash that no password matches.
const unusablePassword = "!"
