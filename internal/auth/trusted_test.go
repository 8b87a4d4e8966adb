package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	tokens "github.com/yoozak/clients/internal/token"
)

// onDevice is a request that shows the token of a trusted device.
func onDevice(trusted string) account.RequestInfo {
	req := authtest.Req
	req.TrustedToken = trusted
	return req
}

func loginOn(t *testing.T, s *authtest.Server, trusted string) (auth.LoginResult, error) {
	t.Helper()
	return s.Login(t.Context(), onDevice(trusted), auth.Credentials{Username: account.TextInput("amina"), Password: account.TextInput(authtest.Good)})
}

// second goes on with a login that waits, a time step later, and asks for trust.
func trusting(t *testing.T, s *authtest.Server, due *account.Error, p auth.Proof) (auth.LoginResult, error) {
	t.Helper()
	step := secondStep(due.Challenge, p)
	step.Trust = account.Input{State: account.NotText, Text: "true"} // as JSON has it
	return s.LoginSecond(t.Context(), authtest.Req, step)
}

// trust logs amina in on a device that is trusted then.
func trust(t *testing.T, s *authtest.Server, seed []byte) auth.LoginResult {
	t.Helper()
	s.Clock.Advance(30 * time.Second) // each step is used once
	_, err := s.SignIn(t, "amina", authtest.Good)
	g, err := trusting(t, s, due(t, err), auth.Proof{Code: code(t, s, seed)})
	if err != nil || len(g.Trusted) != auth.MaxTrustedToken {
		t.Fatalf("trusted token %q, %v", g.Trusted, err)
	}
	return g
}

// isAsked fails unless a login on the device has to show a factor.
func isAsked(t *testing.T, s *authtest.Server, trusted, after string) {
	t.Helper()
	if _, err := loginOn(t, s, trusted); !errors.Is(err, account.ErrSecondFactor) {
		t.Errorf("%s: %v; want a second factor to be due", after, err)
	}
}

func TestTrustedDeviceStandsInForTheFactorAndForNothingElse(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		id := s.SignUp(t, "amina").User.ID
		badr := s.SignUp(t, "badr")
		seed := s.AddTOTP(t, id)
		s.AddTOTP(t, badr.User.ID)
		g := trust(t, s, seed)
		in, err := loginOn(t, s, g.Trusted)
		if err != nil {
			t.Fatal(err)
		}
		if in.Trusted != "" {
			t.Error("the token is given anew: of two logins at once one would lose it")
		}
		claims, err := s.Tokens.Verify(in.Access, tokens.Access, s.Clock.Now())
		if err != nil || claims.AMR != "pwd" || !claims.AuthAt.Equal(s.Clock.Now().Truncate(time.Second)) {
			t.Errorf("amr %q, auth_time %v, %v; want pwd alone, now", claims.AMR, claims.AuthAt, err)
		}
		caller := s.CallerOf(t, in)
		if _, err := s.Export(t.Context(), caller); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("export after a login without the factor: %v", err)
		}
		if err := s.CloseAccount(t.Context(), caller, account.TextInput(authtest.Good)); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("the password as proof: %v", err)
		}
		s.Clock.Advance(30 * time.Second)
		if _, err := s.Confirm(t.Context(), caller, auth.Proof{Code: code(t, s, seed)}); err != nil {
			t.Errorf("the factor as proof: %v", err)
		}
		if _, err := s.Export(t.Context(), s.CallerOf(t, in)); err != nil {
			t.Errorf("export after that: %v", err)
		}
		// Not without the password, not for another, not a token that is nobody's.
		if _, err := s.Login(t.Context(), onDevice(g.Trusted), auth.Credentials{Username: account.TextInput("amina"), Password: account.TextInput("wrong")}); !errors.Is(err, account.ErrInvalidCredentials) {
			t.Errorf("a wrong password: %v", err)
		}
		if _, err := s.Login(t.Context(), onDevice(g.Trusted), auth.Credentials{Username: account.TextInput("badr"), Password: account.TextInput(authtest.Good)}); !errors.Is(err, account.ErrSecondFactor) {
			t.Errorf("another's login: %v", err)
		}
		for _, token := range []string{"", "x", g.Trusted[:42], g.Trusted[:42] + "\x00", g.Device, g.Access} {
			isAsked(t, s, token, "token of another form")
		}
	}, withBox, authtest.Limited)
}

func TestWhoGetsNoTrust(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		id := s.SignUp(t, "amina").User.ID
		seed := s.AddTOTP(t, id)
		recovery := s.AddRecoveryCode(t, id)
		_, err := s.SignIn(t, "amina", authtest.Good)
		g, err := trusting(t, s, due(t, err), auth.Proof{RecoveryCode: account.TextInput(recovery)})
		if err != nil || g.Trusted != "" {
			t.Errorf("by a recovery code: trusted %v, %v; want a login without trust", g.Trusted != "", err)
		}
		// Who does not ask, who asks for what is no answer.
		_, err = s.SignIn(t, "amina", authtest.Good)
		waits := due(t, err)
		step := secondStep(waits.Challenge, auth.Proof{Code: code(t, s, seed)})
		step.Trust = account.TextInput("perhaps")
		if _, err := s.LoginSecond(t.Context(), authtest.Req, step); !slices.Equal(authtest.FieldKeys(err)["trust"], []string{"field.boolean"}) {
			t.Errorf("trust: perhaps: %v", err)
		}
		step.Trust = account.TextInput("false")
		if g, err := s.LoginSecond(t.Context(), authtest.Req, step); err != nil || g.Trusted != "" {
			t.Errorf("trust: false: trusted %v, %v", g.Trusted != "", err)
		}
		// A factor came between the password and the code.
		s.Clock.Advance(30 * time.Second)
		_, err = s.SignIn(t, "amina", authtest.Good)
		waits = due(t, err)
		s.AddTOTP(t, id)
		if g, err := trusting(t, s, waits, auth.Proof{Code: code(t, s, seed)}); err != nil || g.Trusted != "" {
			t.Errorf("a factor was added meanwhile: trusted %v, %v", g.Trusted != "", err)
		}
	})
}

// TestStaffAreAskedEachTime, also where a row says that they are trusted.
func TestStaffAreAskedEachTime(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for name, is := range map[string]func(*account.User){
			"staff": func(u *account.User) { u.Staff = true }, "superuser": func(u *account.User) { u.Superuser = true },
			"support": func(*account.User) {}, // by a role: see below
		} {
			u, err := s.Accounts.NewUser(t.Context(), authtest.Req, authtest.Registration(name))
			if err != nil {
				t.Fatal(err)
			}
			is(&u)
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return s.Accounts.Create(ctx, tx, &u) })
			if name == string(account.Support) {
				s.Gives(t, u.ID, account.Support)
			}
			seed := s.AddTOTP(t, u.ID)
			_, err = s.SignIn(t, name, authtest.Good)
			g, err := trusting(t, s, due(t, err), auth.Proof{Code: code(t, s, seed)})
			if err != nil || g.Trusted != "" {
				t.Errorf("%s: trusted %v, %v", name, g.Trusted != "", err)
			}
			waited, err := s.Store.Challenges(t.Context(), u.ID, 1)
			if err != nil || len(waited) != 1 {
				t.Fatal(waited, err)
			}
			raw := strings.Repeat("A", auth.MaxTrustedToken)
			sum := sha256.Sum256([]byte(raw))
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
				return tx.CreateTrustedDevice(ctx, account.TrustedDevice{
					ID: tokens.NewID(), UserID: u.ID, Hash: base64.RawURLEncoding.EncodeToString(sum[:]), Factors: waited[0].FactorID,
					CreatedAt: s.Clock.Now(), ExpiresAt: s.Clock.Now().Add(time.Hour),
				})
			})
			_, err = s.Login(t.Context(), onDevice(raw), auth.Credentials{Username: account.TextInput(name), Password: account.TextInput(authtest.Good)})
			if !errors.Is(err, account.ErrSecondFactor) {
				t.Errorf("%s with a row: %v", name, err)
			}
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.DeleteAllTrustedDevices(ctx) })
		}
	})
}

// TestTrustLastsThirtyDaysHoweverOftenItIsUsed, and is seen in the list.
func TestTrustLastsThirtyDaysHoweverOftenItIsUsed(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		seed := s.AddTOTP(t, s.SignUp(t, "amina").User.ID)
		g := trust(t, s, seed)
		given := s.Clock.Now().Truncate(time.Microsecond)
		for day := range 30 {
			s.Clock.Advance(24*time.Hour - time.Second)
			in, err := loginOn(t, s, g.Trusted)
			if err != nil {
				t.Fatalf("day %d: %v", day+1, err)
			}
			caller := s.CallerOf(t, in)
			caller.Request = onDevice(g.Trusted)
			list, err := s.TrustedDevices(t.Context(), caller)
			if err != nil || len(list) != 1 || !list[0].Current || !list[0].CreatedAt.Equal(given) ||
				!list[0].LastUsedAt.Equal(s.Clock.Now().Truncate(time.Microsecond)) || !list[0].ExpiresAt.Equal(given.Add(30*24*time.Hour)) {
				t.Fatalf("day %d: %+v, %v", day+1, list, err)
			}
		}
		s.Clock.Advance(time.Minute)
		isAsked(t, s, g.Trusted, "after 30 days")
		s.Clock.Advance(24 * time.Hour)
		s.SweepAll(t)
		if left, err := s.Store.TrustedDevices(t.Context(), g.User.ID); err != nil || len(left) != 0 {
			t.Errorf("the sweep left %d, %v", len(left), err)
		}
	})
}

// TestPasskeyOfAnotherRelyingPartyLeavesTrustAlone: it is asked for nowhere, so
// it is no part of the set of factors that a device is trusted with.
func TestPasskeyOfAnotherRelyingPartyLeavesTrustAlone(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		before := authtest.New(t, st)
		g, _, _ := withPasskey(t, before)
		s := authtest.New(t, st, authtest.SameClock(before), func(o *app.Options, _ *tokens.Options) {
			o.Passkeys = auth.PasskeyOptions{RPID: "shop.ma", Name: "Yoozak", Origins: []string{"https://shop.ma"}}
		})
		in := trust(t, s, s.AddTOTP(t, g.User.ID))
		if _, err := loginOn(t, s, in.Trusted); err != nil {
			t.Errorf("on the device: %v", err)
		}
		if list, err := s.TrustedDevices(t.Context(), s.CallerOf(t, in)); err != nil || len(list) != 1 {
			t.Fatalf("the list has %d, %v", len(list), err)
		} else if err := s.EndTrust(t.Context(), s.CallerOf(t, in), list[0].ID); err != nil {
			t.Errorf("end it: %v", err)
		}
		isAsked(t, s, in.Trusted, "after that")
	})
}

func TestTwoLoginsAtOnceOnOneTrustedDevice(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		a, b := authtest.New(t, st), authtest.New(t, st)
		seed := a.AddTOTP(t, a.SignUp(t, "amina").User.ID)
		g := trust(t, a, seed)
		b.Clock.Advance(a.Clock.Now().Sub(b.Clock.Now()))
		var logins sync.WaitGroup
		for i := range 20 {
			logins.Go(func() {
				if _, err := loginOn(t, []*authtest.Server{a, b}[i%2], g.Trusted); err != nil {
					t.Error(err)
				}
			})
		}
		logins.Wait()
	})
}

func TestTenTrustedDevicesTheOldestGoes(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		seed := s.AddTOTP(t, s.SignUp(t, "amina").User.ID)
		var devices []string
		for range 11 {
			devices = append(devices, trust(t, s, seed).Trusted)
		}
		isAsked(t, s, devices[0], "the eleventh came")
		for i, device := range devices[1:] {
			if _, err := loginOn(t, s, device); err != nil {
				t.Errorf("device %d: %v", i+2, err)
			}
		}
	})
}

// TestEndedTrustEndsItsSessions: the device may be lost.
func TestEndedTrustEndsItsSessions(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		seed := s.AddTOTP(t, g.User.ID)
		laptop := trust(t, s, seed)
		skipped, err := loginOn(t, s, laptop.Trusted)
		if err != nil {
			t.Fatal(err)
		}
		phone := trust(t, s, seed)
		// Who only has the password of the laptop ends nothing.
		list, err := s.TrustedDevices(t.Context(), s.CallerOf(t, skipped))
		if err != nil || len(list) != 2 {
			t.Fatalf("%d devices, %v", len(list), err)
		}
		for _, d := range list {
			if err := s.EndTrust(t.Context(), s.CallerOf(t, skipped), d.ID); !errors.Is(err, account.ErrConfirmRequired) {
				t.Errorf("without a proof: %v", err)
			}
		}
		caller := s.CallerOf(t, phone)
		lost := list[1] // the older
		if err := s.EndTrust(t.Context(), caller, lost.ID); err != nil {
			t.Fatal(err)
		}
		for name, access := range map[string]string{"the first": laptop.Access, "that of the skipped factor": skipped.Access} {
			if _, err := s.Authenticate(t.Context(), access); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%s session of the laptop: %v", name, err)
			}
		}
		if _, err := s.Authenticate(t.Context(), phone.Access); err != nil {
			t.Errorf("the phone's: %v", err)
		}
		isAsked(t, s, laptop.Trusted, "the laptop")
		if _, err := loginOn(t, s, phone.Trusted); err != nil {
			t.Errorf("the phone: %v", err)
		}
		for _, id := range []string{lost.ID, "", "no-such-device"} {
			if err := s.EndTrust(t.Context(), caller, id); !errors.Is(err, account.ErrNotFound) {
				t.Errorf("%q again: %v", id, err)
			}
		}
		other := s.SignUp(t, "badr")
		if err := s.EndTrust(t.Context(), s.CallerOf(t, other), list[0].ID); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("another's device: %v", err)
		}
	})
}

// TestWhatEndsTrust: each act by which somebody takes an account back, or
// changes how it is opened.
func TestWhatEndsTrust(t *testing.T) {
	t.Parallel()
	const fresh = "nV7#another-31plum"
	type act struct {
		name string
		do   func(t *testing.T, s *authtest.Server, g auth.LoginResult) error
		back func(t *testing.T, s *authtest.Server) error // so that they can log in
	}
	setBack := func(t *testing.T, s *authtest.Server) error {
		t.Helper()
		return s.Staff.SetPassword(t.Context(), s.IDOf(t, "amina"), account.TextInput(authtest.Good), authtest.Reason)
	}
	acts := []act{
		{"another password", func(t *testing.T, s *authtest.Server, g auth.LoginResult) error {
			_, err := s.ChangePassword(t.Context(), s.CallerOf(t, g), auth.PasswordChange{New: account.TextInput(fresh)})
			return err
		}, func(t *testing.T, s *authtest.Server) error { // the hash alone: setting one would end trust by itself
			u, err := s.Store.UserByUsername(t.Context(), "amina")
			if err != nil {
				return err
			}
			hash, err := s.Accounts.NewPassword(t.Context(), account.TextInput(authtest.Good), u)
			if err != nil {
				return err
			}
			return s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.Rehash(ctx, u.ID, u.PasswordHash, hash) })
		}},
		{"a factor was added", func(t *testing.T, s *authtest.Server, g auth.LoginResult) error { s.AddTOTP(t, g.User.ID); return nil }, nil},
		{"a factor was taken away", func(t *testing.T, s *authtest.Server, g auth.LoginResult) error {
			return s.Store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				factors, err := tx.Factors(ctx, g.User.ID)
				if err != nil {
					return err
				}
				return tx.DeleteFactor(ctx, g.User.ID, factors[0].ID)
			})
		}, nil},
		{"logged out everywhere", func(t *testing.T, s *authtest.Server, g auth.LoginResult) error {
			return s.LogoutAll(t.Context(), s.CallerOf(t, g))
		}, nil},
		{"disabled and enabled", func(t *testing.T, s *authtest.Server, _ auth.LoginResult) error {
			return errors.Join(s.Staff.Disable(t.Context(), s.IDOf(t, "amina"), ""), s.Staff.Enable(t.Context(), s.IDOf(t, "amina"), ""))
		}, nil},
		{"closed and restored", func(t *testing.T, s *authtest.Server, g auth.LoginResult) error {
			return errors.Join(s.CloseAccount(t.Context(), s.CallerOf(t, g), account.Input{}), s.Staff.Restore(t.Context(), s.IDOf(t, "amina"), ""))
		}, nil},
		{"the secret of device tokens was changed", func(t *testing.T, s *authtest.Server, _ auth.LoginResult) error {
			return s.Guard.RotateSecret(t.Context())
		}, nil},
		{"the database was restored", func(t *testing.T, s *authtest.Server, _ auth.LoginResult) error {
			_, err := s.Staff.Restored(t.Context(), 0)
			return err
		}, nil},
		{"a password of the staff", func(t *testing.T, s *authtest.Server, _ auth.LoginResult) error { return setBack(t, s) }, nil},
	}
	for _, act := range acts {
		t.Run(act.name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
				id := s.SignUp(t, "amina").User.ID
				seed := s.AddTOTP(t, id)
				if act.name == "a factor was taken away" {
					s.AddTOTP(t, id)
				}
				g := trust(t, s, seed)
				if _, err := loginOn(t, s, g.Trusted); err != nil {
					t.Fatal(err)
				}
				if err := act.do(t, s, g); err != nil {
					t.Fatal(err)
				}
				if act.back != nil {
					if err := act.back(t, s); err != nil {
						t.Fatal(err)
					}
				}
				isAsked(t, s, g.Trusted, act.name)
			})
		})
	}
}

// TestTrustDoesNotComeBackWithTheFactors: one is added and taken away again, and
// the factors are those that they were.
func TestTrustDoesNotComeBackWithTheFactors(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		seed := s.AddTOTP(t, s.SignUp(t, "amina").User.ID)
		g := trust(t, s, seed)
		before, err := s.Factors(t.Context(), s.CallerOf(t, g))
		if err != nil {
			t.Fatal(err)
		}
		s.Enrols(t, s.CallerOf(t, g))
		if left, err := s.Store.TrustedDevices(t.Context(), g.User.ID); err != nil || len(left) != 0 {
			t.Errorf("a new factor left %d, %v", len(left), err)
		}
		now, err := s.Factors(t.Context(), s.CallerOf(t, g))
		if err != nil || len(now.Factors) != 2 {
			t.Fatal(now, err)
		}
		for _, f := range now.Factors {
			if f.ID != before.Factors[0].ID {
				if err := s.RemoveFactor(t.Context(), s.CallerOf(t, g), f.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		isAsked(t, s, g.Trusted, "a factor that came and went")
	})
}

// TestTrustThatIsGivenWhileAFactorChangesIsNone: given on one server while the
// factors change on another, in whatever order, 50 times.
func TestTrustThatIsGivenWhileAFactorChangesIsNone(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		a, b := authtest.New(t, st), authtest.New(t, st)
		id := a.SignUp(t, "amina").User.ID
		seed := a.AddTOTP(t, id)
		for round := range 50 {
			a.Clock.Advance(30 * time.Second)
			_, err := a.SignIn(t, "amina", authtest.Good)
			waits := due(t, err)
			var both sync.WaitGroup
			var g auth.LoginResult
			start := make(chan struct{})
			both.Go(func() {
				<-start
				if g, err = trusting(t, a, waits, auth.Proof{Code: code(t, a, seed)}); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
			both.Go(func() {
				<-start
				changeFactors(t, b, id, seed, round)
			})
			close(start)
			both.Wait()
			if g.Trusted != "" {
				isAsked(t, a, g.Trusted, "the factors changed")
			}
		}
	})
}

// changeFactors adds a factor in even rounds, and takes away all but the
// first in odd ones, as who does that holds the user.
func changeFactors(t *testing.T, s *authtest.Server, id int64, seed []byte, round int) {
	t.Helper()
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		if err := tx.HoldUser(ctx, id); err != nil {
			return err
		}
		if round%2 == 0 {
			now := s.Clock.Now()
			return tx.CreateFactor(ctx, account.Factor{ID: tokens.NewID(), UserID: id, Kind: account.TOTP, CreatedAt: now, ConfirmedAt: now, Secret: append(seed[1:], 7)})
		}
		factors, err := tx.Factors(ctx, id)
		if err != nil {
			return err
		}
		for _, f := range factors {
			if slices.Equal(f.Secret, seed) {
				continue
			}
			if err := tx.DeleteFactor(ctx, id, f.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
