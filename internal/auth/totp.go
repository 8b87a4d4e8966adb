package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/totp"
)

// An authenticator app is set up in two steps: the secret is shown once, and is
// no factor until a code of it was shown, in the session that asked for it.
const (
	maxTOTP        = 3 // of an account: each makes three codes right at any time
	maxPending     = 3 // of a session: whoever asks again has the picture before still good
	enrolmentTime  = 10 * time.Minute
	clockHintAfter = time.Minute // a clock that is off by less is not spoken of: the code may be the one before
)

var factorIDField = Field{Name: "id", Max: 64}

// The fields of a [TOTPEnrolment] and of a [TOTPConfirmation].
var (
	TOTPEnrolmentFields    = []Field{passwordField.optional(), factorName}
	TOTPConfirmationFields = []Field{factorIDField, codeField}
)

// TOTPEnrolment asks for an authenticator app.
type TOTPEnrolment struct {
	Password account.Input
	Name     account.Input
}

// TOTPSecret is what an app needs. It is shown once.
type TOTPSecret struct {
	ID     string // of the factor that it is going to be
	Secret string // base32 without padding
	URI    string // Key URI Format
	QR     string // a picture of the URI: SVG
}

// Grouped is the secret as people read it aloud or type it: in groups of four.
func (s TOTPSecret) Grouped() string {
	var b strings.Builder
	for i, c := range s.Secret {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// EnrolTOTP makes the secret of an authenticator app for the caller. It asks for
// a proof (ASVS 7.5.1): of who has a factor already, for that factor. It
// returns an error about the request as a whole when there are too many apps.
func (s *Service) EnrolTOTP(ctx context.Context, caller *Caller, in TOTPEnrolment) (TOTPSecret, error) {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return TOTPSecret{}, err
	}
	if caller.SessionID == "" { // Django's: a refresh gives it one
		return TOTPSecret{}, account.ErrTokenInvalid
	}
	errs := account.Fields{}
	passwordField.readGiven(errs, in.Password)
	name := factorName.read(errs, in.Name)
	if err := errs.Err(); err != nil {
		return TOTPSecret{}, err
	}
	proof, err := s.requireProof(ctx, caller, passwordField, in.Password)
	if err != nil {
		return TOTPSecret{}, err
	}
	now := s.now()
	seed := totp.NewSecret()
	f := account.Factor{
		ID: token.NewID(), UserID: proof.ID, Kind: account.TOTP, Name: name, SessionID: caller.SessionID, CreatedAt: now, ExpiresAt: now.Add(enrolmentTime),
	}
	f.Secret = sealSeed(s.o.Box, f.ID, seed)
	label := proof.Username
	if label == "" {
		label = proof.Email
	}
	out := TOTPSecret{ID: f.ID, Secret: totp.Text(seed), URI: totp.URI(seed, s.o.Brand, label)}
	if out.QR, err = totp.QR(out.URI); err != nil {
		return TOTPSecret{}, err
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := s.keepProof(ctx, tx, proof, now); err != nil {
			return err
		}
		if err := checkRoomForTOTP(ctx, tx, proof.ID); err != nil {
			return err
		}
		waiting, err := tx.PendingFactors(ctx, proof.ID, account.TOTP, caller.SessionID, now)
		if err != nil {
			return err
		}
		for _, old := range waiting[min(len(waiting), maxPending-1):] {
			if err := tx.DeleteFactor(ctx, proof.ID, old.ID); err != nil {
				return err
			}
		}
		return tx.CreateFactor(ctx, f)
	})
	if err != nil {
		return TOTPSecret{}, err
	}
	return out, nil
}

func checkRoomForTOTP(ctx context.Context, tx *store.Store, userID int64) error {
	factors, err := tx.Factors(ctx, userID)
	if err != nil {
		return err
	}
	apps := 0
	for _, f := range factors {
		if f.Kind == account.TOTP {
			apps++
		}
	}
	if apps >= maxTOTP {
		return account.NonFieldError("factor_too_many", account.Args{"max": maxTOTP})
	}
	return nil
}

// TOTPConfirmation shows a code of an app that was just set up.
type TOTPConfirmation struct {
	ID   account.Input // may be missing while one app waits
	Code account.Input
}

// FactorAdded is what comes of a confirmation.
type FactorAdded struct {
	RecoveryCodes []string // nil: it is not the first factor, and those before stay
	OtherSessions int      // that are open, and that the caller may want to end (ASVS 7.4.3)
	Device        string   // the token by which this device will be known; empty: limits are off
}

// ConfirmTOTP makes a factor of an app whose code is shown, in the session that
// asked for it. Other sessions stay and have to show the factor before anything
// that asks for a proof; this one just has. A code that is wrong because the
// phone's clock is, is answered with by how much: here alone. Wrong ones are few
// in a session: see [guard.Guard.StartSetup].
func (s *Service) ConfirmTOTP(ctx context.Context, caller *Caller, in TOTPConfirmation) (FactorAdded, error) {
	if err := s.guard.AllowWrite(ctx, caller.User.ID); err != nil {
		return FactorAdded{}, err
	}
	if caller.SessionID == "" {
		return FactorAdded{}, account.ErrTokenInvalid
	}
	errs := account.Fields{}
	id := factorIDField.required().readGiven(errs, in.ID)
	code := readDigits(errs, codeField, in.Code)
	if err := errs.Err(); err != nil {
		return FactorAdded{}, err
	}
	u, err := s.currentUser(ctx, caller)
	if err != nil {
		return FactorAdded{}, err
	}
	f, err := s.waitingTOTP(ctx, caller, id)
	if err != nil {
		return FactorAdded{}, err
	}
	seed, err := openSeed(s.o.Box, f)
	if err != nil {
		s.o.Log.ErrorContext(ctx, "an authenticator app cannot be set up", "user_id", f.UserID, "error", err.Error())
		return FactorAdded{}, setupOver("factor_expired")
	}
	secret, err := s.guard.Secret(ctx)
	if err != nil {
		return FactorAdded{}, err
	}
	t, err := s.guard.StartSetup(ctx, caller.Request, u, caller.SessionID)
	if err != nil {
		return FactorAdded{}, err
	}
	now := s.now()
	step, ok := totp.Match(seed, code, now)
	if !ok {
		return FactorAdded{}, wrongAtSetup(seed, code, now)
	}
	if err := s.guard.AllowUser(ctx, guard.FactorsPerUser, u.ID); err != nil {
		return FactorAdded{}, errors.Join(err, t.Return(ctx))
	}
	var out FactorAdded
	if out.OtherSessions, err = s.otherSessions(ctx, caller); err != nil { // before: what comes after must not lose the codes
		return FactorAdded{}, errors.Join(err, t.Return(ctx))
	}
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		out.RecoveryCodes, err = s.confirmTOTP(ctx, tx, caller, f, step, now)
		if err != nil {
			return err
		}
		if err := t.Succeed(ctx, tx); err != nil {
			return err
		}
		return secret.ForgetSecond(ctx, tx, u.ID) // it was of other apps, or of an owner who has lost theirs
	})
	if err != nil {
		return FactorAdded{}, errors.Join(err, t.Return(ctx))
	}
	s.outbox.Wake()
	out.Device = t.Remember(now)
	return out, nil
}

// otherSessions counts those that are open beside the caller's.
func (s *Service) otherSessions(ctx context.Context, caller *Caller) (int, error) {
	open, err := s.Sessions(ctx, caller)
	return len(slices.DeleteFunc(open, func(sess account.Session) bool { return sess.ID == caller.SessionID })), err
}

func (s *Service) confirmTOTP(ctx context.Context, tx *store.Store, caller *Caller, f account.Factor, step int64, now time.Time) ([]string, error) {
	err := tx.HoldUser(ctx, f.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, account.ErrUserInactive
	}
	if err != nil {
		return nil, err
	}
	u, err := tx.UserByID(ctx, f.UserID)
	if err != nil {
		return nil, err
	}
	has, err := s.hasFactor(ctx, tx, f.UserID)
	if err != nil {
		return nil, err
	}
	if err := s.proofStands(ctx, tx, caller, u, f.CreatedAt.Add(-proofLifetime)); err != nil {
		return nil, err
	}
	if err := checkRoomForTOTP(ctx, tx, f.UserID); err != nil {
		return nil, err
	}
	before, err := s.passwordBefore(ctx, tx, u, now)
	if err != nil {
		return nil, err
	}
	err = tx.ConfirmFactor(ctx, f.ID, step, before, now)
	if errors.Is(err, store.ErrNotFound) { // another request was quicker
		return nil, setupOver("factor_confirmed")
	}
	if err != nil {
		return nil, err
	}
	return s.factorAdded(ctx, tx, caller, f, account.AMROTP, !has, now)
}

// waitingTOTP returns the app of the caller's session that waits to be
// confirmed.
func (s *Service) waitingTOTP(ctx context.Context, caller *Caller, id string) (account.Factor, error) {
	if id == "" {
		waiting, err := s.store.PendingFactors(ctx, caller.User.ID, account.TOTP, caller.SessionID, s.now())
		switch {
		case err != nil:
			return account.Factor{}, err
		case len(waiting) == 0:
			return account.Factor{}, setupOver("factor_expired")
		case len(waiting) > 1:
			return account.Factor{}, setupOver("factor_which")
		}
		return waiting[0], nil
	}
	if !isFactorID(id) {
		return account.Factor{}, account.ErrNotFound
	}
	f, err := s.store.Factor(ctx, caller.User.ID, id)
	switch {
	case err != nil:
		return f, asNotFound(err)
	case f.Kind != account.TOTP, f.SessionID != caller.SessionID:
		return f, account.ErrNotFound
	case !f.ConfirmedAt.IsZero():
		return f, setupOver("factor_confirmed")
	case !s.now().Before(f.ExpiresAt):
		return f, setupOver("factor_expired")
	}
	return f, nil
}

func setupOver(key string) error {
	return account.FieldError("id", key, nil)
}

// wrongAtSetup is about a code of somebody who sets their app up: a clock that
// is off is told of, because codes of it will never be taken.
func wrongAtSetup(seed []byte, code string, now time.Time) error {
	off, found := totp.Drift(seed, code, now)
	errs := account.Fields{}
	switch {
	case found && off <= -clockHintAfter:
		errs.Add("code", "factor_clock_behind", account.Args{"n": int(-off / time.Minute)})
	case found && off >= clockHintAfter:
		errs.Add("code", "factor_clock_ahead", account.Args{"n": int(off / time.Minute)})
	default:
		errs.Add("code", "factor_wrong", nil)
	}
	return errs.Err()
}
