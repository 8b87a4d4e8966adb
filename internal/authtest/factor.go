package authtest

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/totp"
	"github.com/yoozak/clients/internal/webauthntest"
)

// AddTOTP gives a user an authenticator app and returns its secret, which is
// stored in clear.
func (s *Server) AddTOTP(t *testing.T, userID int64) []byte {
	t.Helper()
	return s.AddTOTPOf(t, userID, s.Clock.Now())
}

// AddTOTPOf is AddTOTP of an app that was added at a time.
func (s *Server) AddTOTPOf(t *testing.T, userID int64, at time.Time) []byte {
	t.Helper()
	seed := totp.NewSecret()
	Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		return tx.CreateFactor(ctx, account.Factor{
			ID: token.NewID(), UserID: userID, Kind: account.TOTP, CreatedAt: at, ConfirmedAt: at, Secret: seed,
		})
	})
	return seed
}

// Enrols has a caller set up an authenticator app, and returns its secret and
// what came of it.
func (s *Server) Enrols(t *testing.T, c *auth.Caller) (seed []byte, added auth.FactorAdded) {
	t.Helper()
	setup, err := s.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{})
	if err != nil {
		t.Fatal(err)
	}
	seed = Seed(t, setup.Secret)
	added, err = s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{ID: account.TextInput(setup.ID), Code: s.TOTPCode(seed, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return seed, added
}

// Seed is a secret as apps read it.
func Seed(t *testing.T, text string) []byte {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// TOTPCode is the code of an app whose clock is so many steps off.
func (s *Server) TOTPCode(seed []byte, off int64) account.Input {
	return account.TextInput(totp.Code(seed, totp.StepAt(s.Clock.Now())+off))
}

// WrongCode is a code that none of these apps shows, now or within four steps.
func (s *Server) WrongCode(seeds ...[]byte) account.Input {
	now := totp.StepAt(s.Clock.Now())
next:
	for n := range 1000 {
		code := fmt.Sprintf("%06d", n*997)
		for _, seed := range seeds {
			for off := int64(-4); off <= 4; off++ {
				if totp.Code(seed, now+off) == code {
					continue next
				}
			}
		}
		return account.TextInput(code)
	}
	panic("every code is right")
}

// Waits logs in with the password and returns the challenge of the login that
// waits.
func (s *Server) Waits(t *testing.T, username, plain string) account.Input {
	t.Helper()
	_, err := s.Login(t.Context(), Elsewhere(), auth.Credentials{Username: account.TextInput(username), Password: account.TextInput(plain)})
	var e *account.Error
	if !errors.As(err, &e) || e.Challenge == "" {
		t.Fatalf("%v; want a second factor to be due", err)
	}
	return account.TextInput(e.Challenge)
}

// ForEachPair runs a test with two servers on one database and one clock, on
// each engine.
func ForEachPair(t *testing.T, test func(t *testing.T, a, b *Server), settings ...Setting) {
	t.Helper()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		a := New(t, storetest.Open(t, url), settings...)
		b := New(t, storetest.Open(t, url), append([]Setting{SameClock(a)}, settings...)...)
		test(t, a, b)
	})
}

// SameClock has another server go by a server's clock. It comes before settings
// that look at the clock.
func SameClock(s *Server) Setting {
	return func(o *app.Options, _ *token.Options) { o.Now = s.Clock.Now }
}

// AddRecoveryCode gives a user one recovery code, in place of those before, and
// returns it.
func (s *Server) AddRecoveryCode(t *testing.T, userID int64) string {
	t.Helper()
	const code = "0123456789ABCDEFGHJKMNPQ"
	sum := sha256.Sum256([]byte("recovery code " + code))
	Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		return tx.ReplaceRecoveryCodes(ctx, userID, []string{hex.EncodeToString(sum[:])}, s.Clock.Now())
	})
	return code
}

// Forget erases an account at once, so that a test can begin anew.
func (s *Server) Forget(t *testing.T, username string) {
	t.Helper()
	u, err := s.Store.UserByUsername(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		if u.ClosedAt.IsZero() {
			if err := tx.CloseUser(ctx, u.ID, s.Clock.Now()); err != nil {
				return err
			}
		}
		_, err := tx.EraseUsers(ctx, []int64{u.ID})
		return err
	})
}

// Enrol begins and ends the registration of a key by a caller, and gives the
// key its user's handle; change may be nil.
func (s *Server) Enrol(t *testing.T, c *auth.Caller, key *webauthntest.Key, change func(*webauthntest.Answer)) (auth.AddedPasskey, error) {
	t.Helper()
	asked, err := s.BeginPasskey(t.Context(), c, account.Input{})
	if err != nil {
		t.Fatal(err)
	}
	key.Handle = asked.UserHandle
	return s.AddPasskey(t.Context(), c, auth.NewPasskey{
		Ceremony: account.TextInput(asked.Ceremony), Credential: Object(key.Create(asked.Challenge, change)), Name: account.TextInput("phone"),
	})
}

// AddPasskeyTo gives a caller a passkey of ES256 that is bound to its device.
func (s *Server) AddPasskeyTo(t *testing.T, c *auth.Caller) *webauthntest.Key {
	t.Helper()
	key := webauthntest.NewKey(RPID, Origin, webauthntest.ES256)
	if _, err := s.Enrol(t, c, key, nil); err != nil {
		t.Fatal(err)
	}
	return key
}

// Object is an object of JSON as it comes in.
func Object(text string) account.Input {
	return account.Input{State: account.NotText, JSON: text}
}

// SignInBy logs in by a passkey alone; change may be nil.
func (s *Server) SignInBy(t *testing.T, key *webauthntest.Key, change func(*webauthntest.Answer)) (auth.LoginResult, error) {
	t.Helper()
	asked, err := s.BeginPasskeyLogin(t.Context(), account.Input{})
	if err != nil {
		t.Fatal(err)
	}
	return s.LoginPasskey(t.Context(), Req, auth.PasskeyLogin{
		Ceremony: account.TextInput(asked.Ceremony), Credential: Object(key.Get(asked.Challenge, change)),
	})
}
