package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/totp"
)

// Proof is what somebody shows to say that it is them: exactly one.
type Proof struct {
	Password     account.Input
	Code         account.Input // of an authenticator app
	RecoveryCode account.Input
	Ceremony     account.Input // that Assertion answers
	Assertion    account.Input // of a passkey: the standard's AuthenticationResponseJSON
	CodeID       account.Input // Code is of that mail, not of an app
}

var (
	challengeField    = Field{Name: "challenge", Required: true, Max: 64}
	codeField         = Field{Name: "code", Max: 64}
	recoveryCodeField = Field{Name: "recovery_code", Max: 128}
	assertionField    = Field{Name: "assertion", Format: "object"}
)

// trustField asks that the device be trusted.
var trustField = Field{Name: "trust", Format: "boolean"}

// LoginSecondFields are those of a [SecondStep].
var LoginSecondFields = []Field{challengeField, codeField, recoveryCodeField, ceremonyField.optional(), assertionField, trustField}

// SecondStep goes on with a login that waits for its second factor.
type SecondStep struct {
	Challenge account.Input
	Trust     account.Input // true: no second factor on this device for a while; see grantTrust
	Proof
}

// shown is the one thing that a [Proof] shows, as it can be compared.
type shown struct {
	field    string
	code     string // six digits
	recovery string // hash of a recovery code

	ceremony  string  // of an assertion
	assertion string  // as it came in
	key       *signed // once it was verified
}

// readFactor reads the one factor that is shown. What cannot be one, or is one
// in the field of the other, is an error and no try.
func readFactor(errs account.Fields, p Proof) shown {
	given := 0
	for _, in := range []account.Input{p.Code, p.RecoveryCode, p.Assertion} {
		if in.State != account.Missing {
			given++
		}
	}
	if given != 1 {
		errs.Add("code", "factor_one_of", nil)
		return shown{}
	}
	if p.Code.State != account.Missing {
		if _, other := recoveryHash(p.Code.Text); other {
			errs.Add("code", "factor_other_kind", nil)
			return shown{}
		}
		return shown{field: "code", code: readDigits(errs, codeField, p.Code)}
	}
	if p.Assertion.State != account.Missing {
		return shown{
			field: assertionField.Name, ceremony: ceremonyField.read(errs, p.Ceremony), assertion: assertionField.object(errs, p.Assertion),
		}
	}
	f := recoveryCodeField
	f.Required = true
	text := f.read(errs, p.RecoveryCode)
	hash, ok := recoveryHash(text)
	if !ok && len(errs["recovery_code"]) == 0 {
		key := "factor_format"
		if _, other := foldDigits(text); other {
			key = "factor_other_kind"
		}
		errs.Add("recovery_code", key, nil)
	}
	return shown{field: "recovery_code", recovery: hash}
}

// secondTries is how many proofs one challenge takes. Who types so many wrong
// ones begins again, with the password.
const secondTries = 5

// loginOver says of a login that waits what is wrong with its challenge.
func loginOver(err error) error {
	var e *account.Error
	if !errors.As(err, &e) || e.Kind != account.Invalid || len(e.Fields["token"]) == 0 {
		return err
	}
	errs := account.Fields{}
	for _, m := range e.Fields["token"] {
		errs.Add("challenge", "login"+strings.TrimPrefix(m.Key, "challenge"), nil)
	}
	return errs.Err()
}

// tryChallenge counts a try with the challenge of a login that waits, before
// it is known what comes of it.
func (s *Service) tryChallenge(ctx context.Context, hash string, t *guard.SecondAttempt) error {
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		tries, err := tx.TryChallenge(ctx, account.SecondFactor, hash, secondTries, s.now())
		t.WrongBefore = tries - 1
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = loginOver(badChallenge("challenge_used"))
	}
	if err != nil {
		return errors.Join(err, t.Return(ctx))
	}
	return nil
}

// refuseLocked ends a try at a code that can be guessed, when there were too
// many wrong ones before: it is not looked at.
func refuseLocked(ctx context.Context, t *guard.SecondAttempt, f shown) error {
	if f.code == "" || !t.Locked() {
		return nil
	}
	return errors.Join(account.FieldError(f.field, "factor_locked", nil), t.Return(ctx))
}

// LoginSecond opens the session of a login that waited for its second factor.
// A wrong one leaves the challenge as it is; tries count for the account, over
// all its challenges and factors.
func (s *Service) LoginSecond(ctx context.Context, req account.RequestInfo, in SecondStep) (LoginResult, error) {
	errs := account.Fields{}
	raw := challengeField.read(errs, in.Challenge)
	factor := readFactor(errs, in.Proof)
	trust := trustField.readBoolean(errs, in.Trust)
	if err := errs.Err(); err != nil {
		return LoginResult{}, err
	}
	c, u, err := s.challenge(ctx, s.store, account.SecondFactor, raw)
	if err != nil {
		return LoginResult{}, loginOver(err)
	}
	t, err := s.guard.StartSecond(ctx, req, u)
	if err == nil {
		err = refuseLocked(ctx, t, factor)
	}
	if err != nil {
		return LoginResult{}, err
	}
	if err := s.tryChallenge(ctx, c.Hash, t); err != nil {
		return LoginResult{}, err
	}
	now := s.now()
	sess, trustedToken := s.loginSession(req, u.ID, c.AMR, now), ""
	err = s.tryFactor(ctx, factorTry{
		SecondAttempt: t, user: u, shown: factor, ceremony: account.Ceremony{Kind: account.SecondPasskey, UserID: u.ID, ChallengeHash: c.Hash},
		used: audit.ByUser(account.EventRecoveryCodeUsed, u.ID, sess.ID, req, now), gone: account.ErrInvalidCredentials,
		hold: func(ctx context.Context, tx *store.Store) error {
			if err := tx.NoteLogin(ctx, u.ID, now); err != nil {
				return err
			}
			err := tx.UseChallenge(ctx, account.SecondFactor, c.Hash, now)
			if errors.Is(err, store.ErrNotFound) { // another was quicker, or a change of password made it worthless
				err = loginOver(badChallenge("challenge_used"))
			}
			return err
		},
		done: func(ctx context.Context, tx *store.Store, method, by string) (err error) {
			sess.AMR, sess.ProvedBy = account.AddAMR(c.AMR, method, account.AMRMultiple), by
			if trust {
				if trustedToken, err = s.grantTrust(ctx, tx, u, c, method, &sess); err != nil {
					return err
				}
			}
			if _, err = s.admit(ctx, tx, entry{user: u, session: sess, request: req, event: account.EventLogin, second: true}); err != nil || trustedToken == "" {
				return err
			}
			return s.audit.Record(ctx, tx, trusted(u, sess, req))
		},
	})
	if err != nil {
		return LoginResult{}, err
	}
	grant, err := s.issueTokens(u, sess)
	grant.Device, grant.Trusted = t.Remember(now), trustedToken
	return grant, err
}

// factorTry is a try at a second factor, which was counted before anything is
// known of it.
type factorTry struct {
	*guard.SecondAttempt
	user     account.User
	shown    shown
	ceremony account.Ceremony // that an assertion among what is shown has to answer
	used     audit.Entry      // of a recovery code; it says who tries, and when
	gone     error            // where the user is not active any more

	hold func(ctx context.Context, tx *store.Store) error                    // holds the user's row
	done func(ctx context.Context, tx *store.Store, method, by string) error // what the factor allows: see useFactor
}

// tryFactor uses up what is shown, in the transaction of what that allows, and
// says how the try ended.
func (s *Service) tryFactor(ctx context.Context, t factorTry) error {
	f, err := s.openAssertion(ctx, t.shown, t.ceremony, t.user)
	if err == nil {
		err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
			if err := t.hold(ctx, tx); err != nil {
				return err
			}
			method, by, err := s.useFactor(ctx, tx, t.user, f, t.used.At)
			if err != nil {
				return err
			}
			if method == account.AMRRecovery {
				if err := s.recoveryUsed(ctx, tx, t.user, t.used); err != nil {
					return err
				}
			}
			if err := t.Succeed(ctx, tx); err != nil {
				return err
			}
			return t.done(ctx, tx, method, by)
		})
		if errors.Is(err, store.ErrNotFound) { // disabled or erased since we looked
			err = t.gone
		}
	}
	switch {
	case isWrongFactor(err):
		return s.failSecond(ctx, t.SecondAttempt, t.user, t.used.Request, err)
	case err != nil:
		return errors.Join(err, t.Return(ctx))
	}
	s.outbox.Wake()
	return nil
}

// errWrongFactor marks an error of a factor that was tried and is not right.
var errWrongFactor = errors.New("wrong factor")

func isWrongFactor(err error) bool { return errors.Is(err, errWrongFactor) }

// wrongTry is an error for the person that counts as a try.
func wrongTry(field, key string) error {
	return errors.Join(account.FieldError(field, key, nil), errWrongFactor)
}

// failSecond notes that a second factor was wrong, and returns the refusal. The
// owner hears of it, once a day: whoever came so far has the password
// (ASVS 6.3.5).
func (s *Service) failSecond(ctx context.Context, t *guard.SecondAttempt, u account.User, req account.RequestInfo, refusal error) error {
	now := s.now()
	s.audit.RecordFailure(audit.ByUser(account.EventFactorRefused, u.ID, "", req, now))
	if errors.Is(refusal, errPasskeyCloned) {
		if err := s.passkeyCloned(ctx, u, req); err != nil {
			return err
		}
	}
	locks := false
	err := s.store.Tx(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Store) error {
		err := tx.HoldUser(ctx, u.ID)
		if errors.Is(err, store.ErrNotFound) { // disabled or erased meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		if locks, err = t.Fail(ctx, tx, now); err != nil {
			return err
		}
		if locks {
			locked := audit.Entry{Kind: account.EventFactorLocked, Actor: account.ActorSystem, UserID: u.ID, Request: req, At: now}
			if err := errors.Join(s.audit.Record(ctx, tx, locked), s.outbox.Notify(ctx, tx, u, notice(account.MailFactorLocked, req, now))); err != nil {
				return err
			}
		}
		told, err := tx.MailedSince(ctx, u.ID, account.MailFactorRefused, now.Add(-refusedEvery))
		if err != nil || told {
			return err
		}
		return s.outbox.Notify(ctx, tx, u, notice(account.MailFactorRefused, req, now))
	})
	if err != nil {
		return err
	}
	if locks {
		s.o.Log.WarnContext(ctx, "too many wrong second factors: codes of apps are not taken any more", "user_id", u.ID)
	}
	s.outbox.Wake()
	return refusal
}

// refusedEvery is how often at most a user is told of wrong second factors.
const refusedEvery = 24 * time.Hour

// useFactor checks what is shown against a user's factors and uses it up, in
// the transaction of what it allows. It returns how the claim "amr" names it, and
// what it was for [account.Session.ProvedBy]. The user's row must be held by the
// transaction.
func (s *Service) useFactor(ctx context.Context, tx *store.Store, u account.User, f shown, now time.Time) (method, by string, err error) {
	if f.recovery != "" {
		err := tx.UseRecoveryCode(ctx, u.ID, f.recovery, now)
		if errors.Is(err, store.ErrNotFound) {
			err = wrongTry(f.field, "factor_wrong")
		}
		return account.AMRRecovery, account.AMRRecovery, err
	}
	if f.key != nil {
		err := s.usePasskey(ctx, tx, *f.key, now)
		if errors.Is(err, errPasskeyRefused) || errors.Is(err, errPasskeyCloned) {
			err = errors.Join(wrongTry(f.field, "passkey_refused"), err)
		}
		return account.AMRKey, f.key.credential.FactorID, err
	}
	factors, err := s.factors(ctx, tx, u.ID)
	if err != nil {
		return "", "", err
	}
	used, compared := false, false
	for _, factor := range factors {
		if factor.Kind != account.TOTP {
			continue
		}
		seed, err := s.usableSeed(ctx, factor, now)
		if err != nil {
			continue
		}
		compared = true
		step, ok := totp.Match(seed, f.code, now)
		if !ok {
			continue
		}
		err = tx.UseStep(ctx, factor.ID, step, now)
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			return account.AMROTP, factor.ID, err
		}
		used = true
	}
	switch {
	case used: // seen over somebody's shoulder, perhaps
		return "", "", wrongTry(f.field, "factor_used")
	case !compared && slices.ContainsFunc(factors, func(f account.Factor) bool { return f.Kind == account.TOTP }):
		return "", "", account.FieldError(f.field, "factor_unusable", nil) // nothing was tried
	}
	return "", "", wrongTry(f.field, "factor_wrong")
}

var errUnusable = errors.New("the factor cannot be used")

// usableSeed returns the secret of an app, unless no code of it can be right:
// it is damaged, or a code of a time that is to come was used, while the clock
// was ahead. Then the log says so; recovery codes and passkeys work.
func (s *Service) usableSeed(ctx context.Context, f account.Factor, now time.Time) ([]byte, error) {
	if f.LastStep > totp.StepAt(now)+1 {
		if last := s.clockWarned.Load(); now.Sub(time.Unix(last, 0)).Abs() >= time.Hour && s.clockWarned.CompareAndSwap(last, now.Unix()) {
			s.o.Log.WarnContext(ctx, "a code of an authenticator app was used that is of a time to come: was the clock set back?",
				"user_id", f.UserID, "factor", f.ID, "ahead", (time.Duration(f.LastStep-totp.StepAt(now)) * totp.Step).String())
		}
		return nil, errUnusable
	}
	seed, err := openSeed(s.o.Box, f)
	if err != nil {
		s.o.Log.ErrorContext(ctx, "an authenticator app cannot be used", "user_id", f.UserID, "error", err.Error())
	}
	return seed, err
}

func seedContext(factorID string) string { return "totp secret\x00" + factorID }

func sealSeed(box *secret.Box, factorID string, seed []byte) []byte {
	return box.Seal(secret.NewBytes(seed), seedContext(factorID)).Reveal()
}

func openSeed(box *secret.Box, f account.Factor) ([]byte, error) {
	plain, err := box.Open(secret.NewBytes(f.Secret), seedContext(f.ID))
	if err == nil && len(plain.Reveal()) != totp.SecretSize {
		err = secret.ErrDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("the secret of the factor %s %w", f.ID, err)
	}
	return plain.Reveal(), nil
}

// reencryptStep is how many secrets are read at once.
const reencryptStep = 500

// ReencryptFactors encrypts every secret of an app with the present key, in the
// transaction in which that is done to the signing keys. A damaged one stays
// as it is: nobody can use it.
func ReencryptFactors(ctx context.Context, tx *store.Store, box *secret.Box) error {
	after := ""
	for {
		factors, err := tx.FactorsWithSecret(ctx, after, reencryptStep)
		if err != nil || len(factors) == 0 {
			return err
		}
		for _, f := range factors {
			after = f.ID
			if box.Current(secret.NewBytes(f.Secret)) {
				continue
			}
			seed, err := openSeed(box, f)
			if errors.Is(err, secret.ErrDamaged) {
				continue
			}
			if err != nil {
				return fmt.Errorf("%w; nothing was changed", err)
			}
			if err := tx.SetFactorSecret(ctx, f.ID, sealSeed(box, f.ID, seed)); err != nil {
				return err
			}
		}
	}
}
