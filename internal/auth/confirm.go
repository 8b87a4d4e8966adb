package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/password"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Who is logged in has to show again that it is them before acts by which an
// account can be taken away: in the same session, and not long ago (ASVS 7.5.1
// and 7.5.3). A login is such a proof.

// proofLifetime is how long a proof is good for.
const proofLifetime = 5 * time.Minute

func wrongPassword(field string) error {
	return account.FieldError(field, "password_wrong", nil)
}

// currentUser returns the caller with all that is known of them.
func (s *Service) currentUser(ctx context.Context, caller *Caller) (account.User, error) {
	u, err := s.store.UserByID(ctx, caller.User.ID)
	if errors.Is(err, store.ErrNotFound) {
		return account.User{}, account.ErrUserNotFound
	}
	return u, err
}

// fail counts a wrong try and, once that is committed, returns refusal.
func (s *Service) fail(ctx context.Context, t *guard.Attempt, refusal error) error {
	guessing, err := t.Fail(ctx)
	if err != nil {
		return err
	}
	if guessing {
		s.outbox.SuspectGuessing(t.UserID())
	}
	return refusal
}

// confirmPassword returns the caller with all that is known of them, if the
// password is theirs.
func (s *Service) confirmPassword(ctx context.Context, caller *Caller, field, plain string) (account.User, error) {
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return account.User{}, err
	}
	t, err := s.guard.StartConfirmation(ctx, u, caller.SessionID)
	if err != nil {
		return account.User{}, err
	}
	defer t.End()
	result, err := s.hasher.Verify(s.guard.AsUser(ctx, u.ID, caller.Request), u.PasswordHash, plain)
	if err != nil {
		return account.User{}, asUnavailable(err)
	}
	if !result.Match {
		s.audit.RecordFailure(entryBy(account.EventPasswordRefused, caller, s.now()))
		return account.User{}, s.fail(ctx, t, wrongPassword(field))
	}
	return u, t.Settle(ctx)
}

// proved is a caller who has shown again that it is them.
type proved struct {
	account.User        // with all that is known of them
	field        string // of the password that came with the request; empty: the session's proof counts
	caller       *Caller
}

// requireProof returns the caller with all that is known of them if they have
// shown lately that it is them: by the password that comes with the request,
// where it is all that is asked of them, or else in this session. Otherwise it
// returns [account.ErrConfirmRequired]. Who has a factor cannot show it by a
// password.
func (s *Service) requireProof(ctx context.Context, caller *Caller, field Field, in account.Input) (proved, error) {
	factors, err := s.factors(ctx, s.store, caller.User.ID)
	if err != nil {
		return proved{}, err
	}
	if len(factors) == 0 && in.State != account.Missing {
		errs := account.Fields{}
		plain := field.read(errs, in)
		if err := errs.Err(); err != nil {
			return proved{}, err
		}
		u, err := s.confirmPassword(ctx, caller, field.Name, plain)
		return proved{u, field.Name, caller}, err
	}
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return proved{}, err
	}
	if s.now().Sub(caller.ProvedAt).Abs() <= proofLifetime {
		return proved{u, "", caller}, nil
	}
	return proved{}, s.confirmRequired(ctx, u, factors)
}

// confirmRequired says what a user may show.
func (s *Service) confirmRequired(ctx context.Context, u account.User, factors []account.Factor) error {
	return s.confirmRequiredIn(ctx, s.store, u, factors)
}

func (s *Service) confirmRequiredIn(ctx context.Context, st *store.Store, u account.User, factors []account.Factor) error {
	required := *account.ErrConfirmRequired
	required.Methods = []string{}
	var err error
	switch {
	case len(factors) > 0:
		required.Methods, err = s.secondMethods(ctx, st, u.ID, factors)
	default:
		if s.o.Mail.Delivers && !u.EmailVerifiedAt.IsZero() {
			required.Methods = append(required.Methods, account.MethodEmail)
		}
		if password.Usable(u.PasswordHash) {
			required.Methods = append(required.Methods, account.MethodPassword)
		}
	}
	return errors.Join(err, &required)
}

// stillProved is for the transaction of what a caller does: whoever changed
// the password, ended the session or added a factor since we looked, an owner
// who was robbed perhaps, wants nothing done by the one before.
func (s *Service) stillProved(ctx context.Context, tx *store.Store, p proved) error {
	if p.field == "" {
		err := tx.HoldUser(ctx, p.ID)
		if err == nil {
			err = tx.SessionProved(ctx, p.caller.SessionID, s.now().Add(-proofLifetime))
		}
		if errors.Is(err, store.ErrNotFound) {
			return account.ErrTokenInvalid
		}
		return err
	}
	err := tx.Rehash(ctx, p.ID, p.PasswordHash, p.PasswordHash)
	if errors.Is(err, store.ErrNotFound) {
		return wrongPassword(p.field)
	}
	if err != nil {
		return err
	}
	if factor, err := s.hasFactor(ctx, tx, p.ID); err != nil || factor { // added since
		return errors.Join(err, account.ErrTokenInvalid)
	}
	return nil
}

// keepProof is [Service.stillProved] where another request ends what this one
// begins, and asks the session: a password that came along is noted there.
func (s *Service) keepProof(ctx context.Context, tx *store.Store, p proved, now time.Time) error {
	if err := s.stillProved(ctx, tx, p); err != nil || p.field == "" {
		return err
	}
	return s.prove(ctx, tx, p.caller, "", now, account.AMRPassword)
}

// proofStands is for the request that ends it: the proof of the session since
// the given time must stand. Whoever has added a factor meanwhile, and perhaps
// removed it, took it from the other sessions.
func (s *Service) proofStands(ctx context.Context, tx *store.Store, caller *Caller, u account.User, since time.Time) error {
	err := tx.SessionProved(ctx, caller.SessionID, since)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	factors, err := s.factors(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	return s.confirmRequiredIn(ctx, tx, u, factors)
}

// ConfirmFields are those of [Service.Confirm].
var ConfirmFields = []Field{passwordField.optional(), codeField, recoveryCodeField, ceremonyField.optional(), assertionField, codeIDField.optional()}

// Confirm notes that the caller has shown again, in this session, that it is
// them: by a factor, or if they have none by the password or a code that was
// mailed to their verified address. It returns new
// tokens (ASVS 7.2.4): those before stay good as after a refresh. Of who has a
// factor a password is not looked at: [account.ErrConfirmRequired] says what is.
func (s *Service) Confirm(ctx context.Context, caller *Caller, p Proof) (TokenPair, error) {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return TokenPair{}, err
	}
	if caller.SessionID == "" { // Django's: a refresh gives it one
		return TokenPair{}, account.ErrTokenInvalid
	}
	factors, err := s.factors(ctx, s.store, caller.User.ID)
	if err != nil {
		return TokenPair{}, err
	}
	now := s.now()
	// An access token may outlast its session by an hour. That is told before
	// anything is used up; new tokens would prolong it.
	if !now.Before(caller.RenewableUntil) {
		return TokenPair{}, account.ErrTokenInvalid
	}
	switch {
	case len(factors) > 0:
		err = s.confirmByFactor(ctx, caller, p, factors, now)
	case p.CodeID.State != account.Missing:
		err = s.confirmByMail(ctx, caller, p)
	default:
		err = s.confirmByPassword(ctx, caller, p.Password, now)
	}
	if err != nil {
		return TokenPair{}, err
	}
	return s.renewTokens(ctx, caller, now)
}

func (s *Service) confirmByPassword(ctx context.Context, caller *Caller, in account.Input, now time.Time) error {
	errs := account.Fields{}
	plain := passwordField.read(errs, in)
	if err := errs.Err(); err != nil {
		return err
	}
	u, err := s.confirmPassword(ctx, caller, "password", plain)
	if err != nil {
		return err
	}
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.stillProved(ctx, tx, proved{u, "password", caller}); err != nil {
			return err
		}
		return s.prove(ctx, tx, caller, "", now, account.AMRPassword)
	})
}

// confirmByMail takes a code that was mailed to the caller for this session.
func (s *Service) confirmByMail(ctx context.Context, caller *Caller, p Proof) error {
	errs := account.Fields{}
	if p.Password.State != account.Missing {
		errs.Add("code", "factor_one_of", nil)
	}
	raw, digits := codeIDField.read(errs, p.CodeID), readDigits(errs, codeField, p.Code)
	if err := errs.Err(); err != nil {
		return err
	}
	c, _, err := s.matchCode(ctx, caller.Request, raw, digits, caller.SessionID, account.CodeConfirm)
	if err != nil {
		return err
	}
	return s.redeemCode(ctx, c, func(ctx context.Context, tx *store.Store, u account.User, now time.Time) error {
		if factor, err := s.hasFactor(ctx, tx, u.ID); err != nil || factor { // added since
			return errors.Join(err, account.ErrTokenInvalid)
		}
		return s.prove(ctx, tx, caller, "", now, account.AMREmail)
	})
}

func (s *Service) confirmByFactor(ctx context.Context, caller *Caller, p Proof, factors []account.Factor, now time.Time) error {
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return err
	}
	if p.CodeID.State != account.Missing || p.Password.State != account.Missing && p.Code.State == account.Missing && p.RecoveryCode.State == account.Missing && p.Assertion.State == account.Missing {
		return s.confirmRequired(ctx, u, factors)
	}
	errs := account.Fields{}
	factor := readFactor(errs, p)
	if err := errs.Err(); err != nil {
		return err
	}
	t, err := s.startConfirm(ctx, caller, u)
	if err == nil {
		err = refuseLocked(ctx, t, factor)
	}
	if err != nil {
		return err
	}
	return s.tryFactor(ctx, factorTry{
		SecondAttempt: t, user: u, shown: factor, ceremony: account.Ceremony{Kind: account.ConfirmPasskey, UserID: u.ID, SessionID: caller.SessionID},
		used: entryBy(account.EventRecoveryCodeUsed, caller, now), gone: account.ErrUserInactive,
		hold: func(ctx context.Context, tx *store.Store) error { return tx.HoldUser(ctx, u.ID) },
		done: func(ctx context.Context, tx *store.Store, method, by string) error {
			return s.prove(ctx, tx, caller, by, now, method, account.AMRMultiple)
		},
	})
}

// startConfirm begins a try at a factor in the caller's session.
func (s *Service) startConfirm(ctx context.Context, caller *Caller, u account.User) (*guard.SecondAttempt, error) {
	if slices.Contains(strings.Fields(caller.AMR), account.AMRMultiple) {
		return s.guard.StartSecondIn(ctx, caller.Request, u, caller.SessionID)
	}
	return s.guard.StartSecond(ctx, caller.Request, u)
}

// prove notes a proof of the caller's session, by a factor or by none.
func (s *Service) prove(ctx context.Context, tx *store.Store, caller *Caller, by string, now time.Time, methods ...string) error {
	err := tx.ProveSession(ctx, caller.SessionID, account.AddAMR(caller.AMR, methods...), by, now)
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrTokenInvalid
	}
	return err
}

// renewTokens gives the caller's session new tokens. The refresh token before
// is as one that was exchanged: it gets the same successor until that was seen.
func (s *Service) renewTokens(ctx context.Context, caller *Caller, now time.Time) (TokenPair, error) {
	sess, _, err := s.store.SessionUser(ctx, caller.SessionID)
	if err != nil {
		return TokenPair{}, asTokenError(err)
	}
	var out TokenPair
	if s.o.Rotation {
		if sess, err = s.rotate(ctx, caller.Request, token.Claims{ID: sess.RefreshID}, sess, now); err != nil {
			return TokenPair{}, err
		}
		if out.Refresh, err = s.issueRefresh(sess); err != nil {
			return TokenPair{}, err
		}
	}
	out.Access, _, err = s.issueAccess(sess, accessID(sess, now), now)
	return out, err
}
