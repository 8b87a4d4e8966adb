package auth

import (
	"context"
	"errors"
	"slices"
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
	PasswordChangeFields = []Field{currentPassword.optional(), newPassword}
	RequestResetFields   = []Field{emailField, resetUsername, codeAskedFor}
	PasswordResetFields  = []Field{tokenField.optional(), codeIDField.optional(), codeField, newPassword}
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
	currentPassword.readGiven(errs, c.Current)
	plain := newPassword.read(errs, c.New)
	if err := errs.Err(); err != nil {
		return "", err
	}
	proof, err := s.requireProof(ctx, caller, currentPassword, c.Current)
	if err != nil {
		return "", err
	}
	u := proof.User
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
		if err := s.stillProved(ctx, tx, proof); err != nil {
			return err
		}
		// Not if somebody else changed it while we hashed.
		if err := tx.ReplacePassword(ctx, u.ID, u.PasswordHash, hash, now); err != nil {
			return err
		}
		if err := keepPassword(ctx, tx, u, now); err != nil {
			return err
		}
		changed := entryBy(account.EventPasswordChanged, caller, now)
		if err := s.accounts.endAccess(ctx, tx, changed, caller.SessionID, linksOfPassword); err != nil {
			return err
		}
		// Whoever tried second factors with the password before begins anew.
		if err := secret.ForgetSecond(ctx, tx, u.ID); err != nil {
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
	_, err := s.askByAddress(ctx, req, addressed{kind: account.MailResetRequest, field: emailField, email: in, username: username})
	return err
}

// ResetRequest is what somebody fills in who forgot their password.
type ResetRequest struct {
	Email    account.Input
	Username account.Input // optional: which of several accounts that claim the address
	CodeID   account.Input // optional: of a code that is to be mailed once more
}

// RequestResetCode is [Service.RequestReset] with a code beside the link, for
// whoever keeps the code_id that it returns: see [Service.RequestCode].
func (s *Service) RequestResetCode(ctx context.Context, req account.RequestInfo, r ResetRequest) (codeID string, err error) {
	if err := s.guard.AllowRequest(ctx, guard.ResetPerNetwork, req); err != nil {
		return "", err
	}
	return s.askByAddress(ctx, req, addressed{account.MailResetRequest, account.CodeReset, emailField, r.Email, r.Username, r.CodeID})
}

// askByAddress has a mail sent to whoever has an address, if anybody: see
// [Service.RequestReset]. The request was counted before.
func (s *Service) askByAddress(ctx context.Context, req account.RequestInfo, a addressed) (codeID string, err error) {
	errs := account.Fields{}
	email := a.field.read(errs, a.email)
	name := account.NormalizeUsername(resetUsername.read(errs, a.username))
	raw := codeAskedFor.read(errs, a.codeID)
	if err := errs.Err(); err != nil {
		return "", err
	}
	// A letter that is another one typed otherwise (U+212A is a K) could be
	// somebody else's mailbox.
	email = norm.NFC.String(email)
	key := account.EmailKey(email)
	if err := s.guard.AllowAbout(ctx, guard.ResetPerPair, req, " "+key); err != nil {
		return "", err
	}
	now := s.now()
	m := account.Mail{
		Kind: a.kind, Email: email, Language: req.Language, IP: req.IP, CreatedAt: now,
		DueAt:   now.Add(s.o.Mail.ResetDelay),
		Details: account.MailDetails{Username: name, Device: req.UserAgent, RequestID: req.RequestID},
	}
	want := account.MailedCode{Purpose: a.purpose, Email: email, EmailKey: key, CreatedAt: now}
	if a.purpose != "" {
		u, lane, known, err := s.guard.KnownUser(ctx, req)
		if err != nil {
			return "", err
		}
		if known && account.EmailKey(u.Email) == key {
			want.KnownTo = u.ID
			if !u.EmailVerifiedAt.IsZero() { // anybody can register with anybody's address, and has a known device then
				m.Details.Lane = lane
			}
		}
	}
	t, err := s.guard.MailTurn(ctx, m)
	if err != nil {
		return "", err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if a.purpose != "" {
			var c account.MailedCode
			var err error
			if codeID, c, err = s.requestCode(ctx, tx, want, raw); err != nil {
				return err
			}
			m.Details.CodeHash = c.Hash
		}
		return s.outbox.Add(ctx, tx, m, t)
	})
	if s.o.Mail.ResetDelay == 0 {
		s.outbox.Wake()
	}
	return codeID, err
}

// PasswordReset is what a mail allows: by the token of its link, or by its code
// and the code_id of the request.
type PasswordReset struct {
	Token  account.Input
	CodeID account.Input
	Code   account.Input
	New    account.Input
}

// Reset is what comes with another password.
type Reset struct {
	Device string // token by which the device is known from now on
	// RecentFactors were added in the last 30 days. A reset leaves them: who added
	// one in the owner's name still has it, so the owner is to look.
	RecentFactors []account.Factor
}

// recentFactor is for how long a reset tells of a factor that was added.
const recentFactor = 30 * 24 * time.Hour

// ResetPassword gives the user of a challenge, or of a code, another password
// by the rules of registration, ends all their sessions and mails a notice. It
// also shows that the mailbox is theirs: so wrong tries at the password are
// forgotten, and the device is known from now on. This is the way in for an
// owner on a new device while strangers guess.
func (s *Service) ResetPassword(ctx context.Context, req account.RequestInfo, r PasswordReset) (Reset, error) {
	if err := s.guard.AllowRequest(ctx, guard.LinkPerNetwork, req); err != nil {
		return Reset{}, err
	}
	errs := account.Fields{}
	var raw, digits string
	byCode := r.CodeID.State != account.Missing || r.Code.State != account.Missing
	switch {
	case byCode && r.Token.State != account.Missing:
		errs.Add("token", "factor_one_of", nil)
	case byCode:
		raw, digits = codeIDField.read(errs, r.CodeID), readDigits(errs, codeField, r.Code)
	default:
		raw = tokenField.read(errs, r.Token)
	}
	plain := newPassword.read(errs, r.New)
	err := errs.Err()
	if err != nil {
		return Reset{}, err
	}
	var u account.User // before the slow part
	var c account.MailedCode
	if byCode {
		c, u, err = s.matchCode(ctx, req, raw, digits, "", account.CodeReset)
	} else {
		_, u, err = s.challenge(ctx, s.store, account.ResetPassword, raw)
	}
	if err != nil {
		return Reset{}, err
	}
	hash, err := s.accounts.newPassword(guard.AsStranger(ctx, req), "new_password", plain, u)
	if err != nil {
		return Reset{}, err
	}
	secret, err := s.guard.Secret(ctx)
	if err != nil {
		return Reset{}, err
	}
	var out Reset
	reset := func(ctx context.Context, tx *store.Store, u account.User, now time.Time) error {
		out.Device = secret.RememberDevice(u.ID, now)
		if err := s.reset(ctx, tx, secret, u, hash, req, now); err != nil {
			return err
		}
		out.RecentFactors, err = s.factors(ctx, tx, u.ID)
		out.RecentFactors = slices.DeleteFunc(out.RecentFactors, func(f account.Factor) bool { return now.Sub(f.ConfirmedAt) > recentFactor })
		return err
	}
	if byCode {
		err = s.redeemCode(ctx, c, reset)
		if errors.Is(err, store.ErrNotFound) {
			err = account.FieldError("code", "code_wrong", nil)
		}
		return out, err
	}
	err = s.redeem(ctx, account.ResetPassword, raw, func(ctx context.Context, tx *store.Store, c account.Challenge, u account.User, now time.Time) error {
		if account.EmailKey(c.Email) != account.EmailKey(u.Email) { // changed since the mail
			return badChallenge("challenge_invalid")
		}
		return asBadChallenge(reset(ctx, tx, u, now))
	})
	return out, err
}

// reset gives a user another password because they read their mailbox. It
// returns [store.ErrNotFound] when the address is not theirs any more.
func (s *Service) reset(ctx context.Context, tx *store.Store, secret *guard.Secret, u account.User, hash string, req account.RequestInfo, now time.Time) error {
	// Whoever read the mail has shown that the mailbox is theirs, unless
	// somebody else has. The address is locked before the user's row, as in
	// VerifyEmail: the other way round, two links of one mail would each wait
	// for the other.
	var err error
	e := audit.ByUser(account.EventPasswordReset, u.ID, "", req, now)
	proved := !u.EmailVerifiedAt.IsZero()
	if u.EmailVerifiedAt, err = s.accounts.proofTime(ctx, tx, u.Email, u.ID, now); err != nil {
		return err
	}
	if !proved && !u.EmailVerifiedAt.IsZero() {
		// An account with a factor stays shut to whoever reads its mailbox. It may have
		// been made by somebody else, who would have the address for good then.
		if err := tx.HoldUser(ctx, u.ID); err != nil {
			return err
		}
		shut, err := s.hasFactor(ctx, tx, u.ID)
		if err != nil {
			return err
		}
		if shut {
			u.EmailVerifiedAt = time.Time{}
		}
	}
	if !proved && !u.EmailVerifiedAt.IsZero() {
		e.Includes = []account.EventKind{account.EventEmailVerified}
	}
	if err := tx.SetPassword(ctx, u.ID, hash, now); err != nil {
		return err
	}
	if err := keepPassword(ctx, tx, u, now); err != nil {
		return err
	}
	if err := s.accounts.forgetPasswords(ctx, tx, u.ID, u.Email, now); err != nil {
		return err
	}
	if err := s.accounts.endAccess(ctx, tx, e, "", linksOfPassword); err != nil {
		return err
	}
	if !u.EmailVerifiedAt.IsZero() {
		if err := tx.SetProof(ctx, u.ID, u.Email, now); err != nil {
			return err
		}
	}
	if err := secret.ClearFailures(ctx, tx, u, false); err != nil {
		return err
	}
	return s.accounts.mailPasswordChanged(ctx, tx, u, req, now)
}
