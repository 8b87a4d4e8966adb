package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
)

// PasskeyRequest is what a browser has an authenticator sign (Web
// Authentication Level 3, section 5.5).
type PasskeyRequest struct {
	Ceremony     string // goes back with the answer
	Challenge    []byte
	RPID         string
	Allow        []account.Credential // empty: any that the authenticator has for us
	Verification string               // of its user: "required" or "preferred"
}

// BeginPasskeyLoginFields are those of [Service.BeginPasskeyLogin].
var BeginPasskeyLoginFields = []Field{challengeField.optional()}

// BeginPasskeyLogin asks for a passkey: of whoever has one or, with the
// challenge of a login that waits for its second factor, of its user. Without
// one nobody is named, and nobody's passkeys are listed: whether somebody has
// one cannot be seen. It returns [account.ErrNoPasskeys] where there are none.
func (s *Service) BeginPasskeyLogin(ctx context.Context, challenge account.Input) (PasskeyRequest, error) {
	if s.rp == nil {
		return PasskeyRequest{}, account.ErrNoPasskeys
	}
	errs := account.Fields{}
	raw := challengeField.optional().read(errs, challenge)
	if err := errs.Err(); err != nil {
		return PasskeyRequest{}, err
	}
	if raw == "" {
		return s.askPasskey(ctx, account.Ceremony{Kind: account.LoginPasskey}, nil)
	}
	c, u, err := s.challenge(ctx, s.store, account.SecondFactor, raw)
	if err != nil {
		return PasskeyRequest{}, loginOver(err)
	}
	return s.askPasskeyOf(ctx, account.Ceremony{Kind: account.SecondPasskey, UserID: u.ID, ChallengeHash: c.Hash}, challengeField.Name)
}

// BeginPasskeyConfirm asks for a passkey of the caller, for [Service.Confirm].
func (s *Service) BeginPasskeyConfirm(ctx context.Context, caller *Caller) (PasskeyRequest, error) {
	if s.rp == nil {
		return PasskeyRequest{}, account.ErrNoPasskeys
	}
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return PasskeyRequest{}, err
	}
	if caller.SessionID == "" { // Django's: a refresh gives it one
		return PasskeyRequest{}, account.ErrTokenInvalid
	}
	return s.askPasskeyOf(ctx, account.Ceremony{Kind: account.ConfirmPasskey, UserID: caller.User.ID, SessionID: caller.SessionID}, "non_field_errors")
}

// askPasskeyOf asks for a passkey of the ceremony's user; field is that of the
// error when they have none.
func (s *Service) askPasskeyOf(ctx context.Context, c account.Ceremony, field string) (PasskeyRequest, error) {
	all, err := s.store.Credentials(ctx, c.UserID)
	if err != nil {
		return PasskeyRequest{}, err
	}
	all = slices.DeleteFunc(all, func(one account.Credential) bool { return !s.usable(one) })
	if len(all) == 0 {
		return PasskeyRequest{}, account.FieldError(field, "passkey_none", nil)
	}
	return s.askPasskey(ctx, c, all)
}

func (s *Service) askPasskey(ctx context.Context, c account.Ceremony, allow []account.Credential) (PasskeyRequest, error) {
	out := PasskeyRequest{RPID: s.o.Passkeys.RPID, Allow: allow, Verification: "preferred"}
	if c.Kind == account.LoginPasskey { // it stands for the password, too
		out.Verification = "required"
	}
	for _, one := range allow {
		c.Offered = append(c.Offered, credentialID(one.ID))
	}
	var err error
	out.Ceremony, out.Challenge, err = s.beginCeremony(ctx, c)
	return out, err
}

// LoginPasskeyFields are those of [PasskeyLogin].
var LoginPasskeyFields = []Field{ceremonyField, credentialField}

// PasskeyLogin is a login by a passkey alone.
type PasskeyLogin struct {
	Ceremony   account.Input
	Credential account.Input // the standard's AuthenticationResponseJSON
}

// LoginPasskey opens a session for who has a passkey that knew its user: that
// counts as two factors (NIST SP 800-63B-4, section 3.1.7). It returns
// [account.ErrPasskeyRefused] whatever is wrong, also where the account is not
// active, and takes about as long for each; [account.ErrPasskeyChanged] to
// whoever showed the right key.
func (s *Service) LoginPasskey(ctx context.Context, req account.RequestInfo, in PasskeyLogin) (LoginResult, error) {
	if s.rp == nil {
		return LoginResult{}, account.ErrNoPasskeys
	}
	errs := account.Fields{}
	id := ceremonyField.read(errs, in.Ceremony)
	answer := credentialField.object(errs, in.Credential)
	if err := errs.Err(); err != nil {
		return LoginResult{}, err
	}
	c, err := s.takeCeremony(ctx, id, account.Ceremony{Kind: account.LoginPasskey})
	if err != nil {
		return LoginResult{}, err
	}
	key, err := s.verifyAssertion(ctx, c, answer)
	if errors.Is(err, errPasskeyRefused) {
		s.audit.RecordFailure(audit.Entry{Kind: account.EventLoginFailed, Request: req, At: s.now()})
		if errors.Is(err, ErrPasskeyUnknown) {
			return LoginResult{}, errors.Join(account.ErrPasskeyRefused, ErrPasskeyUnknown)
		}
		return LoginResult{}, account.ErrPasskeyRefused
	}
	if err != nil {
		return LoginResult{}, err
	}
	u, err := s.store.UserByID(ctx, key.credential.UserID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !u.Active {
		return LoginResult{}, account.ErrPasskeyRefused
	}
	if err != nil {
		return LoginResult{}, err
	}
	if key.changed {
		return LoginResult{}, s.passkeyChanged(ctx, u, key, c.Kind)
	}
	if err := s.guard.AllowUser(ctx, guard.LoginPerUser, u.ID); err != nil {
		return LoginResult{}, err
	}
	secret, err := s.guard.Secret(ctx)
	if err != nil {
		return LoginResult{}, err
	}
	now := s.now()
	sess := s.loginSession(req, u.ID, account.AddAMR(account.AMRKey, account.AMRMultiple), now)
	sess.ProvedBy = key.credential.FactorID
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.NoteLogin(ctx, u.ID, now); err != nil {
			return err
		}
		if err := refuseHeld(ctx, tx, key); err != nil {
			return err
		}
		if err := s.usePasskey(ctx, tx, key, now); err != nil {
			return err
		}
		_, err := s.admit(ctx, tx, entry{user: u, session: sess, request: req, event: account.EventLogin, second: true})
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound): // disabled or erased since we looked
		return LoginResult{}, account.ErrPasskeyRefused
	case errors.Is(err, errPasskeyCloned):
		return LoginResult{}, errors.Join(account.ErrPasskeyRefused, s.passkeyCloned(ctx, u, req))
	case errors.Is(err, errPasskeyRefused):
		return LoginResult{}, account.ErrPasskeyRefused
	case err != nil:
		return LoginResult{}, err
	}
	grant, err := s.issueTokens(u, sess)
	grant.Device = secret.RememberDevice(u.ID, now)
	return grant, err
}

// KnownPasskeys is what a browser is told of a person's passkeys, so that it
// offers no others of theirs (Web Authentication Level 3, section 5.1.10).
type KnownPasskeys struct {
	RPID        string
	UserHandle  []byte
	Credentials []account.Credential
}

// KnownPasskeys returns the caller's, or nil: they never had any, or there are
// none here.
func (s *Service) KnownPasskeys(ctx context.Context, caller *Caller) (*KnownPasskeys, error) {
	if s.rp == nil {
		return nil, nil
	}
	handle, err := s.store.HandleOf(ctx, caller.User.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := s.store.Credentials(ctx, caller.User.ID)
	if err != nil {
		return nil, err
	}
	return &KnownPasskeys{s.o.Passkeys.RPID, handle, slices.DeleteFunc(all, func(c account.Credential) bool { return !s.usable(c) })}, nil
}

// refuseHeld returns [errPasskeyRefused] for a passkey that opens nothing alone:
// see [Accounts.lockOut]. The user's row must be held by the transaction.
func refuseHeld(ctx context.Context, tx *store.Store, key signed) error {
	c, err := tx.Credential(ctx, key.credential.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.Held {
		return errPasskeyRefused
	}
	return err
}

// openAssertion verifies the assertion among what is shown, if there is one, and
// has used its ceremony up.
func (s *Service) openAssertion(ctx context.Context, f shown, want account.Ceremony, u account.User) (shown, error) {
	if f.assertion == "" {
		return f, nil
	}
	if s.rp == nil {
		return f, account.ErrNoPasskeys
	}
	c, err := s.takeCeremony(ctx, f.ceremony, want)
	if err != nil {
		return f, err
	}
	key, err := s.verifyAssertion(ctx, c, f.assertion)
	if errors.Is(err, errPasskeyRefused) {
		return f, wrongTry(f.field, "passkey_refused")
	}
	if err != nil {
		return f, err
	}
	if key.changed {
		return f, s.passkeyChanged(ctx, u, key, c.Kind)
	}
	f.key = &key
	return f, nil
}

// passkeyChanged is the answer to a passkey that comes back with another flag
// of being eligible for backups than it was made with. The standard has that
// refused (Web Authentication Level 3, section 7.2, step 18): what is signed
// for may be another authenticator's key by now. Whoever is told has signed
// with the right key, and can take another way in and add it anew.
func (s *Service) passkeyChanged(ctx context.Context, u account.User, key signed, kind account.CeremonyKind) error {
	changed := *account.ErrPasskeyChanged
	changed.Methods = []string{}
	s.o.Log.InfoContext(ctx, "a passkey changed its kind", "user_id", u.ID, "factor", key.credential.FactorID, "was_eligible_for_backups", key.credential.BackupEligible)
	if kind == account.LoginPasskey {
		if password.Usable(u.PasswordHash) {
			changed.Methods = append(changed.Methods, account.MethodPassword)
		}
		return &changed
	}
	factors, err := s.factors(ctx, s.store, u.ID)
	if err != nil {
		return err
	}
	factors = slices.DeleteFunc(factors, func(f account.Factor) bool { return f.ID == key.credential.FactorID })
	methods, err := s.secondMethods(ctx, s.store, u.ID, factors)
	if err != nil {
		return err
	}
	changed.Methods = append(changed.Methods, methods...)
	return &changed
}

// errPasskeyCloned says that a passkey that cannot be on two devices counts as
// if it were.
var errPasskeyCloned = errors.New("the counter of a passkey did not grow")

// usePasskey notes that a passkey signed, in the transaction of what that
// allows. The user's row must be held by the transaction. It returns
// [errPasskeyCloned] or [errPasskeyRefused].
//
// A counter that does not grow is a sign of two devices with one key (Web
// Authentication Level 3, section 6.1.1). A key that is bound to its device is
// refused then; one that is synced has devices that do not know of each other.
func (s *Service) usePasskey(ctx context.Context, tx *store.Store, key signed, now time.Time) error {
	c, err := tx.Credential(ctx, key.credential.ID) // another request may have used it since
	if errors.Is(err, store.ErrNotFound) {
		return errPasskeyRefused
	}
	if err != nil {
		return err
	}
	next := key.count
	if key.count <= c.SignCount && (key.count > 0 || c.SignCount > 0) {
		s.o.Log.WarnContext(ctx, "the counter of a passkey did not grow", "user_id", c.UserID, "factor", c.FactorID,
			"before", c.SignCount, "now", key.count, "synced", c.BackupEligible)
		if !c.BackupEligible {
			return errPasskeyCloned
		}
		next = c.SignCount
	}
	err = tx.UseCredential(ctx, c, next, key.backedUp, now)
	if errors.Is(err, store.ErrNotFound) {
		err = errPasskeyRefused
	}
	return err
}

// passkeyCloned records that there may be two of a passkey, and tells its
// owner.
func (s *Service) passkeyCloned(ctx context.Context, u account.User, req account.RequestInfo) error {
	now := s.now()
	s.audit.RecordFailure(audit.ByUser(account.EventPasskeyCloned, u.ID, "", req, now))
	if s.guard.AllowUser(ctx, guard.CloneNoticePerUser, u.ID) != nil {
		return nil
	}
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return s.outbox.Notify(ctx, tx, u, notice(account.MailPasskeyCloned, req, now))
	})
	if err == nil {
		s.outbox.Wake()
	}
	return err
}
