package auth

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
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
		if err := s.accounts.prove(ctx, tx, u, now); err != nil {
			return asBadChallenge(err)
		}
		if err := tx.InvalidateCodes(ctx, u.ID, account.CodeVerify); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.ByUser(account.EventEmailVerified, u.ID, "", req, now))
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
		if err := s.accounts.InvalidateLinks(ctx, tx, u.ID, now, linksOfAddress...); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Kind: account.EventEmailDisowned, Actor: account.ActorAnonymous, UserID: u.ID, Request: req, At: now})
	})
}

// ResendVerificationFields are those of [Service.ResendVerification].
var ResendVerificationFields = []Field{codeAskedFor}

// ResendVerification mails another link to the caller's address, and a code
// beside it, whose code_id it returns: see [Service.RequestCode]. It returns
// an error about the field "email" when there is nothing to verify, and
// [account.ThrottledFor] when another account's mail to that mailbox waits
// for its turn.
func (s *Service) ResendVerification(ctx context.Context, caller *Caller, codeID account.Input) (string, error) {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return "", err
	}
	return s.askVerification(ctx, caller, "email", account.Input{}, codeID)
}

// askVerification is ResendVerification with its errors in a field. The request
// was counted before.
func (s *Service) askVerification(ctx context.Context, caller *Caller, field string, to, codeID account.Input) (string, error) {
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return "", err
	}
	raw, err := ownAddress(u, field, to, codeID)
	if err != nil {
		return "", err
	}
	if !u.EmailVerifiedAt.IsZero() {
		return "", account.FieldError(field, "email.verified", nil)
	}
	t, err := s.guard.MailTurn(ctx, account.Mail{Kind: account.MailVerifyEmail, Email: u.Email, IP: caller.Request.IP})
	if err != nil {
		return "", err
	}
	now := s.now()
	var id string
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		var c account.MailedCode
		var err error
		if id, c, err = s.requestCode(ctx, tx, codeInSession(account.CodeVerify, u, caller.SessionID, now), raw); err != nil {
			return err
		}
		return s.accounts.MailVerification(ctx, tx, u, c, caller.Request, now, t)
	})
	s.outbox.Wake()
	return id, err
}

// EmailChangeFields are those of an [EmailChange].
var EmailChangeFields = []Field{passwordField.optional(), emailField}

// EmailChange is another address for somebody who is logged in.
type EmailChange struct {
	Password account.Input
	Email    account.Input
}

// ChangeEmail mails a link to the new address; the address changes when the
// link is used. The errors are those of [Service.ResendVerification].
func (s *Service) ChangeEmail(ctx context.Context, caller *Caller, c EmailChange) error {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return err
	}
	errs := account.Fields{}
	passwordField.readGiven(errs, c.Password)
	email := account.NormalizeEmail(emailField.read(errs, c.Email))
	if err := errs.Err(); err != nil {
		return err
	}
	proof, err := s.requireProof(ctx, caller, passwordField, c.Password)
	if err != nil {
		return err
	}
	u := proof.User
	if email == u.Email {
		errs.Add("email", "email.same", nil)
		return errs.Err()
	}
	if err := s.guard.AllowRequest(ctx, guard.AddressesPerNetwork, caller.Request); err != nil {
		return err
	}
	if err := s.guard.AllowUser(ctx, guard.AddressesPerUser, u.ID); err != nil {
		return err
	}
	// After the quotas: it tells whether somebody has the address.
	if account.EmailKey(email) != account.EmailKey(u.Email) {
		if err := s.accounts.checkAddressFree(ctx, s.store, errs, email, u.ID); err != nil {
			return err
		}
	}
	if err := errs.Err(); err != nil {
		return err
	}
	t, err := s.guard.MailTurn(ctx, account.Mail{Kind: account.MailConfirmEmail, Email: email, IP: caller.Request.IP})
	if err != nil {
		return err
	}
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.stillProved(ctx, tx, proof); err != nil {
			return err
		}
		if err := s.accounts.InvalidateLinks(ctx, tx, u.ID, now, account.ConfirmEmail); err != nil {
			return err
		}
		if err := s.audit.Record(ctx, tx, entryBy(account.EventEmailChangeRequested, caller, now)); err != nil {
			return err
		}
		confirm := mailTo(u, account.MailConfirmEmail, caller.Request.IP, now)
		confirm.Email, confirm.Language = email, caller.Request.Language
		return s.outbox.Add(ctx, tx, confirm, t)
	})
	s.outbox.Wake()
	return err
}

// ConfirmEmail gives the user the address that the token was mailed to,
// unless another open account has proved it, and tells the address before:
// see mailEmailChanged.
func (s *Service) ConfirmEmail(ctx context.Context, req account.RequestInfo, in account.Input) error {
	return s.redeemInput(ctx, req, account.ConfirmEmail, in, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		provedAt, err := s.accounts.proofTime(ctx, tx, c.Email, u.ID, now)
		if err != nil {
			return err
		}
		if provedAt.IsZero() {
			return badChallenge("email.proved_elsewhere")
		}
		return s.accounts.SetEmail(ctx, tx, u, c.Email, provedAt, audit.ByUser(account.EventEmailChanged, u.ID, "", req, now))
	})
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
			if err := s.audit.Record(ctx, tx, audit.ByUser(account.EventAccountRestored, u.ID, "", req, now)); err != nil {
				return err
			}
		}
		if err := s.invalidateOvertaken(ctx, tx, c, now); err != nil {
			return err
		}
		if err := s.accounts.Recover(ctx, tx, u, c.Email, audit.ByUser(account.EventEmailChangeUndone, u.ID, "", req, now)); err != nil {
			return err
		}
		// Whoever changed the address may have stopped recoveries of its owner since.
		return tx.UndoStops(ctx, u.ID, c.CreatedAt)
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
	if err := tx.CancelYoungerMails(ctx, used.UserID, account.MailEmailChanged, used.CreatedAt); err != nil {
		return err
	}
	return s.accounts.invalidateWayBack(ctx, tx, used.UserID, used.Email, now)
}
