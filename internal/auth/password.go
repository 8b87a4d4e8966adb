package auth

import (
	"context"
	"errors"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
)

var (
	currentPassword = passwordField.named("current_password")
	newPassword     = passwordField.named("new_password")
	resetUsername   = Field{Name: "username", Max: usernameField.Max} // one that nobody can have is nobody's
)

// The fields of [PasswordChange], of [Service.RequestReset] and of
// [PasswordReset].
var (
	PasswordChangeFields = []Field{currentPassword, newPassword}
	RequestResetFields   = []Field{emailField, resetUsername}
	PasswordResetFields  = []Field{tokenField, newPassword}
)

// PasswordChange is what somebody fills in who is logged in.
type PasswordChange struct {
	Current account.Input
	New     account.Input
}

// ChangePassword gives the caller another password by the rules of
// registration, ends their other sessions and mails a notice. It returns the
// token by which the caller's device will be known: those before are
// worthless now.
func (s *Service) ChangePassword(ctx context.Context, caller *Caller, c PasswordChange) (deviceToken string, err error) {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return "", err
	}
	errs := account.Fields{}
	current := currentPassword.read(errs, c.Current)
	plain := newPassword.read(errs, c.New)
	if err := errs.Err(); err != nil {
		return "", err
	}
	u, err := s.confirmPassword(ctx, caller, "current_password", current)
	if err != nil {
		return "", err
	}
	hash, err := s.accounts.newPassword(s.guard.AsUser(ctx, u.ID, caller.Request), "new_password", plain, u)
	if err != nil {
		return "", err
	}
	if err := s.guard.AllowUser(ctx, guard.PasswordsPerUser, u.ID); err != nil {
		return "", err
	}
	secret, err := s.guard.Secret(ctx)
	if err != nil {
		return "", err
	}
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		// Not if somebody else changed it while we hashed.
		if err := tx.ReplacePassword(ctx, u.ID, u.PasswordHash, hash, now); err != nil {
			return err
		}
		changed := entryBy(account.EventPasswordChanged, caller, now)
		if err := s.accounts.endAccess(ctx, tx, changed, caller.SessionID, linksOfPassword); err != nil {
			return err
		}
		return s.accounts.mailPasswordChanged(ctx, tx, u, caller.Request, now)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = wrongPassword("current_password")
	}
	if err != nil {
		return "", err
	}
	s.outbox.Wake()
	return secret.RememberDevice(u.ID, now), nil
}

// RequestReset has a link to choose another password mailed to an address,
// if somebody has it; a username narrows it to one of several who claim it.
// What is done here is the same whether or not, so that neither the answer
// nor its time tells: who has the address is asked when the mail is delivered;
// the event is written then, too. A request over the quota of the mailbox is answered
// alike, and its mail comes later: see [guard.Guard.MailTurn].
func (s *Service) RequestReset(ctx context.Context, req account.RequestInfo, in, username account.Input) error {
	if err := s.guard.AllowRequest(ctx, guard.ResetPerNetwork, req); err != nil {
		return err
	}
	errs := account.Fields{}
	email := emailField.read(errs, in)
	name := account.NormalizeUsername(resetUsername.read(errs, username))
	if err := errs.Err(); err != nil {
		return err
	}
	// A letter that is another one typed otherwise (U+212A is a K) could be
	// somebody else's mailbox.
	email = norm.NFC.String(email)
	if err := s.guard.AllowAbout(ctx, guard.ResetPerPair, req, " "+account.EmailKey(email)); err != nil {
		return err
	}
	now := s.now()
	m := account.Mail{
		Kind: account.MailResetRequest, Email: email, Language: req.Language, IP: req.IP, CreatedAt: now,
		DueAt:   now.Add(s.o.Mail.ResetDelay),
		Details: account.MailDetails{Username: name, Device: req.UserAgent, RequestID: req.RequestID},
	}
	t, err := s.guard.MailTurn(ctx, m)
	if err != nil {
		return err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return s.outbox.Add(ctx, tx, m, t) })
	if s.o.Mail.ResetDelay == 0 {
		s.outbox.Wake()
	}
	return err
}

// PasswordReset is what the link in a mail allows.
type PasswordReset struct {
	Token account.Input
	New   account.Input
}

// ResetPassword gives the user of a challenge another password by the rules
// of registration, ends all their sessions and mails a notice. It also shows
// that the mailbox is theirs: so wrong tries at the password are forgotten,
// and the device is known from now on, by the token that is returned. This is
// the way in for an owner on a new device while strangers guess.
func (s *Service) ResetPassword(ctx context.Context, req account.RequestInfo, r PasswordReset) (deviceToken string, err error) {
	if err := s.guard.AllowRequest(ctx, guard.LinkPerNetwork, req); err != nil {
		return "", err
	}
	errs := account.Fields{}
	raw := tokenField.read(errs, r.Token)
	plain := newPassword.read(errs, r.New)
	if err := errs.Err(); err != nil {
		return "", err
	}
	_, u, err := s.challenge(ctx, s.store, account.ResetPassword, raw) // before the slow part
	if err != nil {
		return "", err
	}
	hash, err := s.accounts.newPassword(guard.AsStranger(ctx, req), "new_password", plain, u)
	if err != nil {
		return "", err
	}
	secret, err := s.guard.Secret(ctx)
	if err != nil {
		return "", err
	}
	err = s.redeem(ctx, account.ResetPassword, raw, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		if account.EmailKey(c.Email) != account.EmailKey(u.Email) { // changed since the mail
			return badChallenge("challenge_invalid")
		}
		// Whoever read the mail has shown that the mailbox is theirs, unless
		// somebody else has. The address is locked before the user's row, as in
		// VerifyEmail: the other way round, two links of one mail would each wait
		// for the other.
		var err error
		reset := audit.ByUser(account.EventPasswordReset, u.ID, "", req, now)
		proved := !u.EmailVerifiedAt.IsZero()
		if u.EmailVerifiedAt, err = s.accounts.proofTime(ctx, tx, u.Email, u.ID, now); err != nil {
			return err
		}
		if !proved && !u.EmailVerifiedAt.IsZero() {
			reset.Includes = []account.EventKind{account.EventEmailVerified}
		}
		if err := s.accounts.SetPassword(ctx, tx, hash, reset); err != nil {
			return err
		}
		if !u.EmailVerifiedAt.IsZero() {
			if err := tx.SetProof(ctx, u.ID, u.Email, now); err != nil {
				return asBadChallenge(err)
			}
		}
		if err := secret.ClearFailures(ctx, tx, u, false); err != nil {
			return err
		}
		deviceToken = secret.RememberDevice(u.ID, now)
		return s.accounts.mailPasswordChanged(ctx, tx, u, req, now)
	})
	return deviceToken, err
}
