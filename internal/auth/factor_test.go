package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	tokens "github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/totp"
)

func text(s string) account.Input { return account.TextInput(s) }

// wants fails unless an error is about a field, with this key.
func wants(t *testing.T, what string, err error, field, key string) {
	t.Helper()
	if keys := authtest.FieldKeys(err)[field]; !slices.Equal(keys, []string{key}) {
		t.Errorf("%s: %v; want %s at %s", what, err, key, field)
	}
}

// second goes on with a login that waits.
func second(t *testing.T, s *authtest.Server, challenge account.Input, p auth.Proof) (auth.LoginResult, error) {
	t.Helper()
	return s.LoginSecond(t.Context(), authtest.Elsewhere(), auth.SecondStep{Challenge: challenge, Proof: p})
}

// methodsOf are what a session has shown, as its next access token says.
func methodsOf(t *testing.T, s *authtest.Server, g auth.LoginResult) string {
	t.Helper()
	return s.CallerOf(t, g).AMR
}

// TestAnAppIsSetUpInTwoSteps: what was not confirmed is never asked for, is of
// the session that asked, and ends after ten minutes.
func TestAnAppIsSetUpInTwoSteps(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "omar")
		c := s.CallerOf(t, g)
		setup, err := s.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{Name: text("my phone")})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(setup.URI, "otpauth://totp/Yoozak:omar?secret="+setup.Secret) || !strings.HasPrefix(setup.QR, "<svg ") {
			t.Errorf("%s, %.40s", setup.URI, setup.QR)
		}
		seed := authtest.Seed(t, setup.Secret)
		other, err := s.SignIn(t, "omar", authtest.Good)
		if err != nil {
			t.Fatalf("a login while the set-up waits: %v", err)
		}
		_, err = s.ConfirmTOTP(t.Context(), s.CallerOf(t, other), auth.TOTPConfirmation{ID: text(setup.ID), Code: s.TOTPCode(seed, 0)})
		if !errors.Is(err, account.ErrNotFound) {
			t.Errorf("another session confirms: %v", err)
		}
		_, err = s.ConfirmTOTP(t.Context(), s.CallerOf(t, other), auth.TOTPConfirmation{Code: s.TOTPCode(seed, 0)})
		wants(t, "another session, without an id", err, "id", "factor_expired")
		s.Clock.Advance(10 * time.Minute)
		_, err = s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{ID: text(setup.ID), Code: s.TOTPCode(seed, 0)})
		wants(t, "after ten minutes", err, "id", "factor_expired")
		s.SweepAll(t)
		if _, err := s.EnrolTOTP(t.Context(), s.CallerOf(t, g), auth.TOTPEnrolment{}); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("without a proof: %v", err)
		}
		_, err = s.EnrolTOTP(t.Context(), s.CallerOf(t, g), auth.TOTPEnrolment{Password: text("wrong-passw0rd")})
		wants(t, "a wrong password", err, "password", "password_wrong")
		first, err := s.EnrolTOTP(t.Context(), s.CallerOf(t, g), auth.TOTPEnrolment{Password: text(authtest.Good)})
		if err != nil {
			t.Fatal(err)
		}
		setup, err = s.EnrolTOTP(t.Context(), s.CallerOf(t, g), auth.TOTPEnrolment{Password: text(authtest.Good)})
		if err != nil {
			t.Fatal(err)
		}
		seed = authtest.Seed(t, setup.Secret)
		_, err = s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{Code: s.TOTPCode(seed, 0)})
		wants(t, "which of two", err, "id", "factor_which")
		added, err := s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{ID: text(setup.ID), Code: s.TOTPCode(seed, 0)})
		if err != nil || len(added.RecoveryCodes) != 10 || added.OtherSessions != 1 {
			t.Fatalf("%+v, %v", added, err)
		}
		_, err = s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{ID: text(setup.ID), Code: s.TOTPCode(seed, 1)})
		wants(t, "a second confirmation", err, "id", "factor_confirmed")
		if got := methodsOf(t, s, g); got != "pwd otp mfa" {
			t.Errorf("amr %q", got)
		}
		// The code of the set-up is used up, and the picture before is no factor.
		challenge := s.Waits(t, "omar", authtest.Good)
		_, err = second(t, s, challenge, auth.Proof{Code: s.TOTPCode(seed, 0)})
		wants(t, "the code of the set-up", err, "code", "factor_used")
		_, err = second(t, s, challenge, auth.Proof{Code: s.TOTPCode(authtest.Seed(t, first.Secret), 0)})
		wants(t, "the picture before", err, "code", "factor_wrong")
		list, err := s.Factors(t.Context(), s.CallerOf(t, g))
		if err != nil || len(list.Factors) != 1 || list.RecoveryCodesLeft != 10 || list.Factors[0].ID != setup.ID {
			t.Errorf("%+v, %v", list, err)
		}
	}, withBox)
}

// TestASetUpEndsWhenAnotherSessionAddsAFactor: the proof by which it was begun
// is worth nothing any more.
func TestASetUpEndsWhenAnotherSessionAddsAFactor(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		thief := s.SignUp(t, "omar")
		owner, err := s.SignIn(t, "omar", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		setup, err := s.EnrolTOTP(t.Context(), s.CallerOf(t, thief), auth.TOTPEnrolment{})
		if err != nil {
			t.Fatal(err)
		}
		seed, _ := s.Enrols(t, s.CallerOf(t, owner))
		confirm := func() error {
			_, err := s.ConfirmTOTP(t.Context(), s.CallerOf(t, thief), auth.TOTPConfirmation{Code: s.TOTPCode(authtest.Seed(t, setup.Secret), 0)})
			return err
		}
		if err := confirm(); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("%v; want a proof by the factor", err)
		}
		s.Clock.Advance(30 * time.Second)
		if _, err := s.Confirm(t.Context(), s.CallerOf(t, thief), auth.Proof{Code: s.TOTPCode(seed, 0)}); err != nil {
			t.Fatal(err)
		}
		if err := confirm(); err != nil {
			t.Errorf("once the factor was shown: %v", err)
		}
	})
}

// TestASetUpStaysLostWhenThatFactorGoesAgain: the proof is gone all the same.
func TestASetUpStaysLostWhenThatFactorGoesAgain(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		thief := s.SignUp(t, "omar")
		owner, err := s.SignIn(t, "omar", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(time.Hour - time.Minute) // the password with the request is the proof
		setup, err := s.EnrolTOTP(t.Context(), s.CallerOf(t, thief), auth.TOTPEnrolment{Password: account.TextInput(authtest.Good)})
		if err != nil {
			t.Fatal(err)
		}
		confirm := func() error {
			_, err := s.ConfirmTOTP(t.Context(), s.CallerOf(t, thief), auth.TOTPConfirmation{Code: s.TOTPCode(authtest.Seed(t, setup.Secret), 0)})
			return err
		}
		again := s.CallerOf(t, owner)
		if _, err := s.Confirm(t.Context(), again, auth.Proof{Password: account.TextInput(authtest.Good)}); err != nil {
			t.Fatal(err)
		}
		s.Enrols(t, s.CallerOf(t, owner))
		added, err := s.Factors(t.Context(), again)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveFactor(t.Context(), s.CallerOf(t, owner), added.Factors[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := confirm(); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("%v; want a proof", err)
		}
		if _, err := s.Confirm(t.Context(), s.CallerOf(t, thief), auth.Proof{Password: account.TextInput(authtest.Good)}); err != nil {
			t.Fatal(err)
		}
		if err := confirm(); err != nil {
			t.Errorf("once the password was shown: %v", err)
		}
	})
}

// TestFiftyConfirmationsMakeOneFactor, half of them on each server, and one set
// of codes.
func TestFiftyConfirmationsMakeOneFactor(t *testing.T) {
	t.Parallel()
	authtest.ForEachPair(t, func(t *testing.T, a, b *authtest.Server) {
		c := a.CallerOf(t, a.SignUp(t, "omar"))
		setup, err := a.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{})
		if err != nil {
			t.Fatal(err)
		}
		code := a.TOTPCode(authtest.Seed(t, setup.Secret), 0)
		var mu sync.Mutex
		var codes [][]string
		together(50, func(i int) {
			added, err := []*authtest.Server{a, b}[i%2].ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{ID: text(setup.ID), Code: code})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				codes = append(codes, added.RecoveryCodes)
			} else if keys := authtest.FieldKeys(err)["id"]; !slices.Equal(keys, []string{"factor_confirmed"}) {
				t.Errorf("%v", err)
			}
		})
		list, err := b.Factors(t.Context(), c)
		if err != nil || len(codes) != 1 || len(list.Factors) != 1 || list.RecoveryCodesLeft != 10 {
			t.Fatalf("%d were told that they did it; %+v, %v", len(codes), list, err)
		}
	})
}

// together runs n functions that begin at the same moment.
func together(n int, do func(i int)) {
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			do(i)
		})
	}
	close(begin)
	wg.Wait()
}

// TestFactorsOfOthersAreNotThere: an id of somebody else's is as one that there
// is not, and a proof is of who has the challenge.
func TestFactorsOfOthersAreNotThere(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		amina, thief := s.SignUp(t, "amina"), s.SignUp(t, "thief")
		s.Enrols(t, s.CallerOf(t, amina))
		seed, added := s.Enrols(t, s.CallerOf(t, thief))
		theirs, err := s.Factors(t.Context(), s.CallerOf(t, amina))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{theirs.Factors[0].ID, strings.Repeat("0", 32), "x", "", "\x00", strings.Repeat("0", 31) + "\xff"} {
			c := s.CallerOf(t, thief)
			_, rename := s.RenameFactor(t.Context(), c, id, text("mine"))
			errs := map[string]error{"rename": rename, "remove": s.RemoveFactor(t.Context(), c, id)}
			if id != "" && id != "\x00" && id != strings.Repeat("0", 31)+"\xff" {
				_, errs["confirm"] = s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{ID: text(id), Code: s.TOTPCode(seed, 0)})
			}
			for what, err := range errs {
				if !errors.Is(err, account.ErrNotFound) {
					t.Errorf("%s %q: %v", what, id, err)
				}
			}
		}
		challenge := s.Waits(t, "amina", authtest.Good)
		s.Clock.Advance(30 * time.Second)
		_, err = second(t, s, challenge, auth.Proof{Code: s.TOTPCode(seed, 0)})
		wants(t, "the thief's code", err, "code", "factor_wrong")
		_, err = second(t, s, challenge, auth.Proof{RecoveryCode: text(added.RecoveryCodes[0])})
		wants(t, "the thief's recovery code", err, "recovery_code", "factor_wrong")
	})
}

// TestSessionsBeforeTheFactorMustShowIt: they stay, and the password is no proof
// in them any more.
func TestSessionsBeforeTheFactorMustShowIt(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		one := s.SignUp(t, "omar")
		two, err := s.SignIn(t, "omar", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		_, added := s.Enrols(t, s.CallerOf(t, one))
		factors, err := s.Factors(t.Context(), s.CallerOf(t, one))
		if err != nil {
			t.Fatal(err)
		}
		good := text(authtest.Good)
		for what, do := range map[string]func(c *auth.Caller) error{
			"password": func(c *auth.Caller) error {
				_, err := s.ChangePassword(t.Context(), c, auth.PasswordChange{Current: good, New: text("tr0ub4dor&zellige")})
				return err
			},
			"address": func(c *auth.Caller) error {
				return s.ChangeEmail(t.Context(), c, auth.EmailChange{Password: good, Email: text("thief@example.ma")})
			},
			"username": func(c *auth.Caller) error {
				_, err := s.UpdateProfile(t.Context(), c, auth.ProfileChange{Username: text("thief"), Password: good})
				return err
			},
			"closing": func(c *auth.Caller) error { return s.CloseAccount(t.Context(), c, good) },
			"export":  func(c *auth.Caller) error { _, err := s.Export(t.Context(), c); return err },
			"another app": func(c *auth.Caller) error {
				_, err := s.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{Password: good})
				return err
			},
			"removal":     func(c *auth.Caller) error { return s.RemoveFactor(t.Context(), c, factors.Factors[0].ID) },
			"new codes":   func(c *auth.Caller) error { _, err := s.RenewRecoveryCodes(t.Context(), c); return err },
			"end another": func(c *auth.Caller) error { return s.EndSession(t.Context(), c, s.CallerOf(t, one).SessionID) },
			"confirm by password": func(c *auth.Caller) error {
				_, err := s.Confirm(t.Context(), c, auth.Proof{Password: good})
				return err
			},
		} {
			err := do(s.CallerOf(t, two))
			var e *account.Error
			if !errors.As(err, &e) || !e.Is(account.ErrConfirmRequired) || !slices.Equal(e.Methods, []string{"totp", "recovery_code"}) {
				t.Errorf("%s in a session of before: %v", what, err)
			}
		}
		if _, err := s.Confirm(t.Context(), s.CallerOf(t, two), auth.Proof{RecoveryCode: text(added.RecoveryCodes[3])}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Export(t.Context(), s.CallerOf(t, two)); err != nil {
			t.Errorf("once a factor was shown: %v", err)
		}
		if got := methodsOf(t, s, two); got != "pwd recovery mfa" {
			t.Errorf("amr %q", got)
		}
	})
}

// TestFourthAppIsRefused, and one wrong code is one try whatever it was
// compared with.
func TestFourthAppIsRefused(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c := s.CallerOf(t, s.SignUp(t, "amina"))
		var seeds [][]byte
		waiting, err := s.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			seed, added := s.Enrols(t, c)
			seeds = append(seeds, seed)
			if (added.RecoveryCodes == nil) != (i > 0) {
				t.Errorf("app %d: recovery codes %d", i, len(added.RecoveryCodes))
			}
		}
		_, err = s.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{})
		wants(t, "a fourth", err, "non_field_errors", "factor_too_many")
		_, err = s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{ID: text(waiting.ID), Code: s.TOTPCode(authtest.Seed(t, waiting.Secret), 0)})
		wants(t, "one that was begun before", err, "non_field_errors", "factor_too_many")
		challenge := s.Waits(t, "amina", authtest.Good)
		s.Clock.Advance(30 * time.Second)
		for range 4 {
			_, err := second(t, s, challenge, auth.Proof{Code: s.WrongCode(seeds...)})
			wants(t, "a wrong code", err, "code", "factor_wrong")
		}
		if _, err := second(t, s, challenge, auth.Proof{Code: s.TOTPCode(seeds[2], 0)}); err != nil {
			t.Errorf("the fifth try, a right one: %v", err)
		}
	}, authtest.Limited)
}

// TestClockOfThePhone: a step either way and no more; at the set-up alone
// people are told by how much it is off.
func TestClockOfThePhone(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c := s.CallerOf(t, s.SignUp(t, "amina"))
		setup, err := s.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{})
		if err != nil {
			t.Fatal(err)
		}
		seed := authtest.Seed(t, setup.Secret)
		for off, want := range map[int64]string{-2: "factor_clock_behind 1", -3: "factor_clock_behind 1", -20: "factor_clock_behind 10", 2: "factor_clock_ahead 1", 5: "factor_clock_ahead 2", 30: "factor_wrong <nil>"} {
			_, err := s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{Code: s.TOTPCode(seed, off)})
			var e *account.Error
			if !errors.As(err, &e) || len(e.Fields["code"]) != 1 {
				t.Fatalf("%+d steps: %v", off, err)
			}
			m := e.Fields["code"][0]
			if got := fmt.Sprint(m.Key, " ", m.Args["n"]); got != want {
				t.Errorf("%+d steps: %s, want %s", off, got, want)
			}
		}
		if _, err := s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{Code: s.TOTPCode(seed, -1)}); err != nil {
			t.Fatalf("a step behind: %v", err)
		}
		for _, off := range []int64{-3, -2, 2, 3} {
			s.Clock.Advance(2 * time.Minute)
			_, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{Code: s.TOTPCode(seed, off)})
			wants(t, fmt.Sprintf("%+d steps at login", off), err, "code", "factor_wrong")
		}
		for _, off := range []int64{-1, 0, 1} {
			s.Clock.Advance(2 * time.Minute)
			if _, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{Code: s.TOTPCode(seed, off)}); err != nil {
				t.Errorf("%+d steps at login: %v", off, err)
			}
		}
	})
}

// TestAWrongCodeAtTheSetUpCounts as any other.
func TestAWrongCodeAtTheSetUpCounts(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		c := s.CallerOf(t, s.SignUp(t, "amina"))
		setup, err := s.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{})
		if err != nil {
			t.Fatal(err)
		}
		seed := authtest.Seed(t, setup.Secret)
		for range 5 {
			if _, err = s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{Code: s.TOTPCode(seed, 4)}); authtest.Throttled(err) {
				t.Fatal(err)
			}
		}
		if _, err = s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{Code: s.TOTPCode(seed, 0)}); !authtest.Throttled(err) {
			t.Errorf("after five wrong ones: %v", err)
		}
		s.Clock.Advance(2 * time.Second)
		added, err := s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{Code: s.TOTPCode(seed, 0)})
		if err != nil || added.Device == "" {
			t.Errorf("a moment later: %v", err)
		}
	}, authtest.Limited)
}

// TestClockThatWasAhead: codes of a time that was not yet were used. Codes are
// refused and not taken as new; recovery codes work; the log says it once.
func TestClockThatWasAhead(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		var log bytes.Buffer
		s := authtest.New(t, st, authtest.Limited, authtest.Quietly(&log))
		s.Clock.Advance(2 * time.Hour)
		seed, added := s.Enrols(t, s.CallerOf(t, s.SignUp(t, "amina")))
		s.Clock.Advance(-2 * time.Hour)
		for range 7 {
			_, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{Code: s.TOTPCode(seed, 0)})
			wants(t, "a code after the clock was set back", err, "code", "factor_unusable")
		}
		if _, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{RecoveryCode: text(added.RecoveryCodes[0])}); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
		if n := strings.Count(log.String(), "was the clock set back?"); n != 1 {
			t.Errorf("%d warnings:\n%s", n, log.String())
		}
	})
}

// TestDamagedSecretIsNoWayIn and no dead end: recovery codes work, nothing was
// tried, and the log names the factor.
func TestDamagedSecretIsNoWayIn(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		var log bytes.Buffer
		s := authtest.New(t, st, withBox, authtest.Limited, authtest.Quietly(&log))
		g := s.SignUp(t, "amina")
		seed, added := s.Enrols(t, s.CallerOf(t, g))
		f := onlyFactor(t, s, g)
		if bytes.Contains(f.Secret, seed) {
			t.Fatal("the secret is in clear")
		}
		f.Secret[len(f.Secret)-1] ^= 1
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.SetFactorSecret(ctx, f.ID, f.Secret) })
		s.Clock.Advance(time.Minute)
		for range 7 {
			_, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{Code: s.TOTPCode(seed, 0)})
			wants(t, "a code", err, "code", "factor_unusable")
		}
		if _, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{RecoveryCode: text(added.RecoveryCodes[0])}); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
		if !strings.Contains(log.String(), f.ID+" was changed since it was encrypted") {
			t.Errorf("the log:\n%s", log.String())
		}
	})
}

func onlyFactor(t *testing.T, s *authtest.Server, g auth.LoginResult) account.Factor {
	t.Helper()
	all, err := s.Store.Factors(t.Context(), g.User.ID)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d factors, %v", len(all), err)
	}
	return all[0]
}

// TestSecretsAreEncryptedAnew with the keys of tokens: from clear, and from
// another key. A damaged one is in nobody's way.
func TestSecretsAreEncryptedAnew(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := authtest.New(t, st)
		g := s.SignUp(t, "amina")
		seed, _ := s.Enrols(t, s.CallerOf(t, g))
		damaged := s.SignUp(t, "omar")
		s.Enrols(t, s.CallerOf(t, damaged))
		f := onlyFactor(t, s, damaged)
		authtest.Write(t, st, func(ctx context.Context, tx *store.Store) error {
			return tx.SetFactorSecret(ctx, f.ID, []byte("short"))
		})
		if got := onlyFactor(t, s, g); !bytes.Equal(got.Secret, seed) {
			t.Fatal("without a key it is not in clear")
		}
		for i, setting := range []authtest.Setting{authtest.Sealing(t, 1, 0), authtest.Sealing(t, 2, 1)} {
			before := onlyFactor(t, s, g).Secret
			admin := authtest.Unloaded(t, st, setting)
			if _, err := admin.Keys.Reencrypt(t.Context()); err != nil {
				t.Fatal(err)
			}
			after := onlyFactor(t, s, g).Secret
			if bytes.Equal(before, after) || bytes.Contains(after, seed) {
				t.Fatalf("round %d: it is as it was", i)
			}
			now := authtest.New(t, st, authtest.Sealing(t, byte(i+1), 0))
			now.Clock.Advance(time.Duration(i+1) * time.Minute)
			if _, err := second(t, now, now.Waits(t, "amina", authtest.Good), auth.Proof{Code: now.TOTPCode(seed, 0)}); err != nil {
				t.Errorf("round %d: %v", i, err)
			}
		}
	})
}

// TestOneRecoveryCodeOpensOneLogin, of fifty at once, on two servers; two
// different codes open two.
func TestOneRecoveryCodeOpensOneLogin(t *testing.T) {
	t.Parallel()
	authtest.ForEachPair(t, func(t *testing.T, a, b *authtest.Server) {
		c := a.CallerOf(t, a.SignUp(t, "amina"))
		_, added := a.Enrols(t, c)
		use := func(n int, code func(i int) string) (in int) {
			challenges := make([]account.Input, n)
			for i := range challenges {
				challenges[i] = a.Waits(t, "amina", authtest.Good)
			}
			var mu sync.Mutex
			together(n, func(i int) {
				_, err := second(t, []*authtest.Server{a, b}[i%2], challenges[i], auth.Proof{RecoveryCode: text(code(i))})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					in++
				} else if keys := authtest.FieldKeys(err)["recovery_code"]; !slices.Equal(keys, []string{"factor_wrong"}) {
					t.Errorf("%v", err)
				}
			})
			return in
		}
		before := a.SessionCount(t, c)
		if in := use(50, func(int) string { return added.RecoveryCodes[0] }); in != 1 {
			t.Errorf("one code opened %d logins", in)
		}
		if in := use(2, func(i int) string { return added.RecoveryCodes[1+i] }); in != 2 {
			t.Errorf("two codes opened %d logins", in)
		}
		if n := a.SessionCount(t, c); n != before+3 {
			t.Errorf("%d sessions, want %d", n, before+3)
		}
		if list, err := a.Factors(t.Context(), c); err != nil || list.RecoveryCodesLeft != 7 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// TestLoginThatFailsSpendsNothing: the code, the challenge and the try are as
// they were when the session cannot be stored.
func TestLoginThatFailsSpendsNothing(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := authtest.New(t, storetest.Open(t, url), authtest.Limited)
		_, added := s.Enrols(t, s.CallerOf(t, s.SignUp(t, "amina")))
		var challenge account.Input
		db := authtest.OpenSQL(t, url)
		refuse, allow := []string{
			`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the disk is full''; END'`,
			`CREATE TRIGGER refuse BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION refuse()`,
		}, `DROP TRIGGER refuse ON sessions`
		if strings.HasPrefix(url, "sqlite:") {
			refuse, allow = []string{`CREATE TRIGGER refuse BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`}, `DROP TRIGGER refuse`
		}
		authtest.Execute(t, db, refuse...)
		for range 7 { // more than five wrong ones would be let through
			challenge = s.Waits(t, "amina", authtest.Good)
			if _, err := second(t, s, challenge, auth.Proof{RecoveryCode: text(added.RecoveryCodes[0])}); err == nil || authtest.Throttled(err) {
				t.Fatalf("with a full disk: %v", err)
			}
		}
		authtest.Execute(t, db, allow)
		if _, err := second(t, s, challenge, auth.Proof{RecoveryCode: text(added.RecoveryCodes[0])}); err != nil {
			t.Errorf("once there is room: %v", err)
		}
	})
}

// TestRecoveryCodesAreRandom: 120 bits, in letters that all come as often.
func TestRecoveryCodesAreRandom(t *testing.T) {
	t.Parallel()
	const n = 10_000
	seen, letters := map[string]bool{}, map[rune]int{}
	for range n {
		code, hash := auth.NewRecoveryCode()
		if again, ok := auth.RecoveryHash(code); !ok || again != hash || seen[code] {
			t.Fatalf("%d letters; read as it is written: %v; seen before: %v", len(code), ok, seen[code])
		}
		seen[code] = true
		for _, c := range strings.ReplaceAll(code, "-", "") {
			letters[c]++
		}
	}
	want := n * 24 / 32
	for c, count := range letters {
		if count < want*9/10 || count > want*11/10 { // 10 % is more than eight standard deviations
			t.Errorf("%c comes %d times, want about %d", c, count, want)
		}
	}
	if len(letters) != 32 || strings.ContainsAny(string(slices.Collect(maps.Keys(letters))), "ILOU") {
		t.Errorf("letters: %v", letters)
	}
}

// TestRecoveryCodesAreReadAsPeopleTypeThem.
func TestRecoveryCodesAreReadAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	const code = "0123-4567-89AB-CDEF-GHJK-MNPQ"
	_, want := "", ""
	want, _ = auth.RecoveryHash(code)
	for _, typed := range []string{
		"0123456789ABCDEFGHJKMNPQ", "0123456789abcdefghjkmnpq", "O123-4567-89AB-CDEF-GHJK-MNPQ", "o123-4567-89ab-cdef-ghjk-mnpq", "0I23-4567-89AB-CDEF-GHJK-MNPQ",
		"0l23 4567 89ab cdef ghjk mnpq", " 0123–4567–89AB–CDEF–GHJK–MNPQ\n", "3. 0123-4567-89AB-CDEF-GHJK-MNPQ", "10.0123-4567-89AB-CDEF-GHJK-MNPQ",
		"\u20660123-4567-89AB-CDEF-GHJK-MNPQ\u2069", "0123\u00a04567\u00a089AB\u00a0CDEF\u00a0GHJK\u00a0MNPQ", "٠١٢٣-٤٥٦٧-٨٩AB-CDEF-GHJK-MNPQ",
		"０１２３-4567-89AB-CDEF-GHJK-MNPQ", "0123_"[:4] + "456789ABCDEFGHJKMNPQ", "\t0123-4567-89AB-CDEF-GHJK-MNPQ",
	} {
		if got, ok := auth.RecoveryHash(typed); !ok || got != want {
			t.Errorf("%q: %v, the same: %v", typed, ok, got == want)
		}
	}
	for _, typed := range []string{"", "0123", code + "0", "U123-4567-89AB-CDEF-GHJK-MNPQ", "0123-4567-89AB-CDEF-GHJK-MNP!", "123456"} {
		if _, ok := auth.RecoveryHash(typed); ok {
			t.Errorf("%q can be a code", typed)
		}
	}
}

// TestCodeInTheOtherFieldIsNoTry, and a recovery code is no first factor.
func TestCodeInTheOtherFieldIsNoTry(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		seed, added := s.Enrols(t, s.CallerOf(t, s.SignUp(t, "amina")))
		challenge := s.Waits(t, "amina", authtest.Good)
		for range 8 {
			_, err := second(t, s, challenge, auth.Proof{Code: text(added.RecoveryCodes[0])})
			wants(t, "a recovery code as a code", err, "code", "factor_other_kind")
			_, err = second(t, s, challenge, auth.Proof{RecoveryCode: s.TOTPCode(seed, 1)})
			wants(t, "a code as a recovery code", err, "recovery_code", "factor_other_kind")
			_, err = second(t, s, challenge, auth.Proof{Code: text("12345")})
			wants(t, "five digits", err, "code", "factor_format")
			_, err = second(t, s, challenge, auth.Proof{RecoveryCode: text("")})
			wants(t, "nothing", err, "recovery_code", "field.blank")
			_, err = second(t, s, challenge, auth.Proof{RecoveryCode: text("x"), Code: text("123456")})
			wants(t, "both", err, "code", "factor_one_of")
		}
		if _, err := second(t, s, challenge, auth.Proof{RecoveryCode: text(added.RecoveryCodes[0])}); err != nil {
			t.Error(err)
		}
		if _, err := s.SignIn(t, "amina", added.RecoveryCodes[1]); !errors.Is(err, account.ErrInvalidCredentials) {
			t.Errorf("a recovery code as the password: %v", err)
		}
	}, authtest.Limited)
}

// TestRecoveryCodesMadeAnew: with a factor shown, and of twenty requests at
// once, on two servers, one set is left, which was shown to somebody.
func TestRecoveryCodesMadeAnew(t *testing.T) {
	t.Parallel()
	authtest.ForEachPair(t, func(t *testing.T, a, b *authtest.Server) {
		g := a.SignUp(t, "amina")
		_, err := a.RenewRecoveryCodes(t.Context(), a.CallerOf(t, g))
		wants(t, "without a factor", err, "non_field_errors", "factor_none")
		_, added := a.Enrols(t, a.CallerOf(t, g))
		c := a.CallerOf(t, g)
		var mu sync.Mutex
		sets := [][]string{added.RecoveryCodes}
		together(20, func(i int) {
			codes, err := []*authtest.Server{a, b}[i%2].RenewRecoveryCodes(t.Context(), c)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				sets = append(sets, codes)
			} else if keys := authtest.FieldKeys(err)["non_field_errors"]; !slices.Equal(keys, []string{"recovery_renewed"}) {
				t.Errorf("%v", err)
			}
		})
		if len(sets) < 2 {
			t.Fatal("nobody was given codes")
		}
		stored, err := a.Store.RecoveryCodes(t.Context(), g.User.ID)
		if err != nil || len(stored) != 10 {
			t.Fatalf("%d codes, %v", len(stored), err)
		}
		alive := 0
		for _, set := range sets {
			good := 0
			for _, code := range set {
				_, err := second(t, b, b.Waits(t, "amina", authtest.Good), auth.Proof{RecoveryCode: text(code)})
				if err == nil {
					good++
				} else {
					wants(t, "a code of before", err, "recovery_code", "factor_wrong")
				}
			}
			if good == 10 {
				alive++
			} else if good != 0 {
				t.Errorf("%d codes of one set are good", good)
			}
		}
		if alive != 1 {
			t.Errorf("%d sets of %d are good", alive, len(sets))
		}
	})
}

// TestWhoComesLateGetsNoRecoveryCodes: another request made some between the
// look at those before and the change.
func TestWhoComesLateGetsNoRecoveryCodes(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		m := &meanwhile{}
		s := authtest.New(t, st, func(o *app.Options, _ *tokens.Options) {
			now := o.Now
			o.Now = func() time.Time { m.asked(); return now() }
		})
		g := s.SignUp(t, "amina")
		s.Enrols(t, s.CallerOf(t, g))
		c := s.CallerOf(t, g)
		var winners []string
		m.run = func() {
			var err error
			if winners, err = s.RenewRecoveryCodes(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
		m.after.Store(1)
		_, err := s.RenewRecoveryCodes(t.Context(), c)
		wants(t, "the one who comes late", err, "non_field_errors", "recovery_renewed")
		if len(winners) != 10 {
			t.Fatal("there was no other")
		}
		if _, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{RecoveryCode: text(winners[0])}); err != nil {
			t.Errorf("the other's codes: %v", err)
		}
	})
}

// TestLifeOfRecoveryCodes: nine are used, the tenth lets in and stands in for
// the factor that was lost; codes go with the last factor, and come anew with
// the next first one.
func TestLifeOfRecoveryCodes(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		_, added := s.Enrols(t, s.CallerOf(t, g))
		lost := onlyFactor(t, s, g)
		methods := func() []string {
			_, err := s.SignIn(t, "amina", authtest.Good)
			return due(t, err).Methods
		}
		var in auth.LoginResult
		var err error
		for i, code := range added.RecoveryCodes {
			if got := methods(); !slices.Equal(got, []string{"totp", "recovery_code"}) {
				t.Errorf("after %d: %v", i, got)
			}
			if in, err = second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{RecoveryCode: text(code)}); err != nil {
				t.Fatalf("code %d: %v", i, err)
			}
			list, err := s.Factors(t.Context(), s.CallerOf(t, in))
			if err != nil || list.RecoveryCodesLeft != 9-i {
				t.Errorf("after %d: %+v, %v", i+1, list, err)
			}
		}
		if got := methods(); !slices.Equal(got, []string{"totp"}) {
			t.Errorf("when none is left: %v", got)
		}
		s.Deliver(t)
		left := map[int]int{}
		for _, m := range s.AllMails(t) {
			if m.Kind == account.MailRecoveryUsed {
				left[m.Details.Count]++
			}
		}
		if want := map[int]int{9: 1, 8: 1, 7: 1, 6: 1, 5: 1, 4: 1, 3: 1, 2: 1, 1: 1, 0: 1}; !cmp.Equal(left, want) {
			t.Errorf("mails that say how many are left: %v", left)
		}
		c := s.CallerOf(t, in)
		_, next := s.Enrols(t, c)
		if next.RecoveryCodes != nil {
			t.Error("a second factor came with codes")
		}
		if err := s.RemoveFactor(t.Context(), c, lost.ID); err != nil {
			t.Fatalf("remove the lost one: %v", err)
		}
		if _, err := s.RenewRecoveryCodes(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveFactor(t.Context(), c, onlyFactor(t, s, in).ID); err != nil {
			t.Fatal(err)
		}
		if list, err := s.Factors(t.Context(), c); err != nil || len(list.Factors) != 0 || list.RecoveryCodesLeft != 0 {
			t.Errorf("without a factor: %+v, %v", list, err)
		}
		if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
			t.Errorf("a login without a factor: %v", err)
		}
		if _, first := s.Enrols(t, s.CallerOf(t, in)); len(first.RecoveryCodes) != 10 {
			t.Errorf("a first factor again: %d codes", len(first.RecoveryCodes))
		}
		s.Deliver(t)
		for kind, want := range map[account.MailKind]int{account.MailFactorAdded: 3, account.MailFactorRemoved: 2, account.MailRecoveryRenewed: 1} {
			if got := s.Sent(t, kind); got != want {
				t.Errorf("%d mails %s, want %d", got, kind, want)
			}
		}
		if len(authtest.TokensOf(smtp, account.UndoFactor)) != 3 {
			t.Error("a notice of a new factor has no link")
		}
	})
}

// TestRemovedFactorIsNotInAMR of any session (ASVS 7.2.4).
func TestRemovedFactorIsNotInAMR(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		s.Enrols(t, s.CallerOf(t, g))
		s.Clock.Advance(time.Minute)
		seed, _ := s.Enrols(t, s.CallerOf(t, g))
		s.Clock.Advance(time.Minute)
		other, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{Code: s.TOTPCode(seed, 0)})
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Factors(t.Context(), s.CallerOf(t, g))
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range list.Factors {
			if err := s.RemoveFactor(t.Context(), s.CallerOf(t, g), f.ID); err != nil {
				t.Fatal(err)
			}
			want := []string{"pwd otp mfa", "pwd"}[i]
			for name, who := range map[string]auth.LoginResult{"its own": g, "another": other} {
				if got := methodsOf(t, s, who); got != want {
					t.Errorf("%d removed, %s session: %q, want %q", i+1, name, got, want)
				}
			}
		}
		next, err := s.Renew(t, other.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		if claims, err := s.Tokens.Verify(next.Access, tokens.Access, s.Clock.Now()); err != nil || claims.AMR != "pwd" {
			t.Errorf("the next access token: %q, %v", claims.AMR, err)
		}
		if err := s.RemoveFactor(t.Context(), s.CallerOf(t, g), list.Factors[0].ID); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("again: %v", err)
		}
	})
}

// TestRemovedFactorProvesNothing: a thief who has added one, and shows it in
// a session of theirs, adds no other when its owner takes it away; nor does who
// has shown a recovery code when there are others. Proofs by another stay.
func TestRemovedFactorProvesNothing(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		own, added := s.Enrols(t, s.CallerOf(t, g))
		s.Clock.Advance(time.Minute)
		planted, _ := s.Enrols(t, s.CallerOf(t, g))
		s.Clock.Advance(time.Minute)
		in := func(p auth.Proof) auth.LoginResult {
			t.Helper()
			in, err := second(t, s, s.Waits(t, "amina", authtest.Good), p)
			if err != nil {
				t.Fatal(err)
			}
			return in
		}
		byOwn, byPlanted, byCode := in(auth.Proof{Code: s.TOTPCode(own, 0)}), in(auth.Proof{Code: s.TOTPCode(planted, 0)}), in(auth.Proof{RecoveryCode: text(added.RecoveryCodes[0])})
		adds := func(who auth.LoginResult) error {
			_, err := s.EnrolTOTP(t.Context(), s.CallerOf(t, who), auth.TOTPEnrolment{})
			return err
		}
		setup, err := s.EnrolTOTP(t.Context(), s.CallerOf(t, byPlanted), auth.TOTPEnrolment{})
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Factors(t.Context(), s.CallerOf(t, byOwn))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveFactor(t.Context(), s.CallerOf(t, byOwn), list.Factors[1].ID); err != nil {
			t.Fatal(err)
		}
		if err := adds(byPlanted); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("who has shown the one that is gone: %v", err)
		}
		_, err = s.ConfirmTOTP(t.Context(), s.CallerOf(t, byPlanted), auth.TOTPConfirmation{Code: s.TOTPCode(authtest.Seed(t, setup.Secret), 0)})
		if !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("the end of a set-up that it began: %v", err)
		}
		if err := adds(byCode); err != nil {
			t.Errorf("who has shown a recovery code: %v", err)
		}
		if _, err := s.RenewRecoveryCodes(t.Context(), s.CallerOf(t, byOwn)); err != nil {
			t.Fatal(err)
		}
		if err := adds(byCode); !errors.Is(err, account.ErrConfirmRequired) {
			t.Errorf("who has shown a code that is worthless: %v", err)
		}
		if err := adds(byOwn); err != nil {
			t.Errorf("who has shown the one that is left: %v", err)
		}
		for want, who := range map[string][]auth.LoginResult{"pwd": {byPlanted, byCode}, "pwd otp mfa": {byOwn}} {
			for _, one := range who {
				if got := methodsOf(t, s, one); got != want {
					t.Errorf("a session has shown %q, want %q", got, want)
				}
			}
		}
	})
}

// TestResetDoesNotGoRoundTheFactor (ASVS 6.4.3).
func TestResetDoesNotGoRoundTheFactor(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		s.Enrols(t, s.CallerOf(t, g))
		before := len(s.AllEvents(t))
		s.AskReset(t, "amina@example.ma")
		s.Deliver(t)
		link := authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0]
		done, err := s.ResetPassword(t.Context(), authtest.Req, auth.PasswordReset{Token: link, New: text("tr0ub4dor&zellige")})
		if err != nil || done.Device == "" || len(done.RecentFactors) != 1 || done.RecentFactors[0].Kind != account.TOTP {
			t.Fatalf("%+v, %v", done, err)
		}
		req := authtest.Elsewhere()
		req.DeviceToken = done.Device
		_, err = s.Login(t.Context(), req, auth.Credentials{Username: text("amina"), Password: text("tr0ub4dor&zellige")})
		if due(t, err).Challenge == "" {
			t.Error("no challenge")
		}
		for _, e := range s.AllEvents(t)[before:] {
			if e.Kind == account.EventLogin {
				t.Error("a session was opened")
			}
		}
	}, authtest.Limited)
}

// TestNamesOfFactors are cut by letters, and have no controls.
func TestNamesOfFactors(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		s.Enrols(t, s.CallerOf(t, g))
		c, id := s.CallerOf(t, g), onlyFactor(t, s, g).ID
		for name, want := range map[string]string{
			"":                                  "",
			"  my phone ":                       "my phone",
			"<img onerror=x>":                   "<img onerror=x>",
			strings.Repeat("a", 200):            strings.Repeat("a", 64),
			strings.Repeat("ه", 40):             strings.Repeat("ه", 32),
			strings.Repeat("a", 63) + "é":       strings.Repeat("a", 63),
			strings.Repeat("a", 63) + "b\u0301": strings.Repeat("a", 63),
		} {
			f, err := s.RenameFactor(t.Context(), c, id, text(name))
			if err != nil || f.Name != want || onlyFactor(t, s, g).Name != want {
				t.Errorf("%q: %q, %v; want %q", name, f.Name, err, want)
			}
		}
		for _, name := range []string{"a\u202eb", "a\nb", "\u200f", "a\u2066b\u2069"} {
			_, err := s.RenameFactor(t.Context(), c, id, text(name))
			wants(t, fmt.Sprintf("%q", name), err, "name", "factor_name")
			_, err = s.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{Name: text(name)})
			wants(t, fmt.Sprintf("%q at the set-up", name), err, "name", "factor_name")
		}
		_, err := s.RenameFactor(t.Context(), c, id, account.Input{})
		wants(t, "no name", err, "name", "field.required")
		_, err = s.RenameFactor(t.Context(), c, id, text(strings.Repeat("x", 256)))
		wants(t, "a novel", err, "name", "field.max_length")
	})
}

// TestCodesAreReadAsPeopleTypeThem: leading zeros live, letters are no try.
func TestCodesAreReadAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		seed, _ := s.Enrols(t, s.CallerOf(t, s.SignUp(t, "amina")))
		for _, write := range []func(code string) string{
			func(c string) string { return c[:3] + " " + c[3:] },
			func(c string) string { return c[:3] + "-" + c[3:] + "\n" },
			func(c string) string { return c[:3] + "\u00a0" + c[3:] },
			func(c string) string { return "\u2066" + c + "\u2069\u200f" },
			func(c string) string { return inScript(c, '٠') },
			func(c string) string { return inScript(c, '۰') },
			func(c string) string { return inScript(c, '０') },
			func(c string) string { return inScript(c, '०') },
			func(c string) string { return inScript(c, '𝟎') },
		} {
			s.Clock.Advance(time.Minute)
			code := totp.Code(seed, totp.StepAt(s.Clock.Now()))
			if _, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{Code: text(write(code))}); err != nil {
				t.Errorf("%q: %v", write(code), err)
			}
		}
		challenge := s.Waits(t, "amina", authtest.Good)
		for _, typed := range []string{"O12345", "12345", "1234567", "12345x", "½12345", "", "ⅫⅫⅫ", "1e5", "+12345"} {
			_, err := second(t, s, challenge, auth.Proof{Code: text(typed)})
			if keys := authtest.FieldKeys(err)["code"]; !slices.Equal(keys, []string{"factor_format"}) && !slices.Equal(keys, []string{"field.blank"}) {
				t.Errorf("%q: %v", typed, err)
			}
		}
		// A code that begins with a zero, of a step that was not used yet.
		s.Clock.Advance(30 * time.Second)
		for totp.Code(seed, totp.StepAt(s.Clock.Now()))[0] != '0' {
			s.Clock.Advance(30 * time.Second)
		}
		if _, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{Code: s.TOTPCode(seed, 0)}); err != nil {
			t.Errorf("a leading zero: %v", err)
		}
	}, authtest.Limited)
}

func inScript(code string, zero rune) string {
	return strings.Map(func(c rune) rune { return zero + c - '0' }, code)
}

// TestFiveProofsOfOneChallenge: of two hundred codes at once, the right one
// among them, five are looked at, on two servers together.
func TestFiveProofsOfOneChallenge(t *testing.T) {
	t.Parallel()
	authtest.ForEachPair(t, func(t *testing.T, a, b *authtest.Server) {
		seed, _ := a.Enrols(t, a.CallerOf(t, a.SignUp(t, "amina")))
		for range 5 {
			a.Clock.Advance(time.Minute)
			challenge := a.Waits(t, "amina", authtest.Good)
			right := rand.IntN(200)
			var mu sync.Mutex
			compared := 0
			together(200, func(i int) {
				code := a.WrongCode(seed)
				if i == right {
					code = a.TOTPCode(seed, 0)
				}
				_, err := second(t, []*authtest.Server{a, b}[i%2], challenge, auth.Proof{Code: code})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil, slices.Equal(authtest.FieldKeys(err)["code"], []string{"factor_wrong"}):
					compared++
				case !slices.Equal(authtest.FieldKeys(err)["challenge"], []string{"login_used"}):
					t.Errorf("%v", err)
				}
			})
			if compared < 1 || compared > 5 {
				t.Errorf("%d codes were compared", compared)
			}
			_, err := second(t, a, challenge, auth.Proof{Code: a.TOTPCode(seed, 1)})
			wants(t, "the right code after that", err, "challenge", "login_used")
		}
	})
}
