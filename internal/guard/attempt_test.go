package guard_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/yoozaktest"
)

const no = "invalid_credentials"

// TestWrongPasswordsAreSlowedDown, at a name that somebody has as at one that
// nobody has, or a disabled user, and in whatever case an address is typed.
func TestWrongPasswordsAreSlowedDown(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		s.SignUp(t, "badr")
		if err := s.Staff.Disable(t.Context(), s.IDOf(t, "badr"), ""); err != nil {
			t.Fatal(err)
		}
		want := []string{
			no, no, no, no, no, "1s",
			"+1s", no, "2s", "+2s", no, "4s", "+4s", no, "8s", "+8s", no, "16s", "+16s", no, "32s", "+32s", no, "1m4s",
			"+64s", no, "+128s", no, "+256s", no, "+512s", no, "15m0s", "+900s", no, "15m0s", "+900s", no, "15m0s",
		}
		for _, names := range [][]string{{"amina"}, {"nobody"}, {"badr"}, {"amina@example.ma", "AMINA@example.ma", "amina@EXAMPLE.ma"}, {"nobody@example.ma", "NOBODY@Example.ma"}} {
			got := make([]string, 0, len(want))
			for i, step := range want {
				if wait, moves := strings.CutPrefix(step, "+"); moves {
					d, err := time.ParseDuration(wait)
					if err != nil {
						t.Fatal(err)
					}
					s.Clock.Advance(d)
					got = append(got, step)
					continue
				}
				_, err := s.Try(t, names[i%len(names)], authtest.Bad, "")
				got = append(got, authtest.Outcome(err))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v (-want +got):\n%s", names, diff)
			}
		}
	}, authtest.Limited)
}

func TestAnHourWithoutAWrongPasswordGivesOneTryBack(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for range 5 {
			_, _ = s.Try(t, "amina", authtest.Bad, "")
		}
		s.Clock.Advance(2*time.Hour + time.Minute)
		for i, want := range []string{no, no, "1s"} {
			if _, err := s.Try(t, "amina", authtest.Bad, ""); authtest.Outcome(err) != want {
				t.Errorf("try %d: %s, want %s", i, authtest.Outcome(err), want)
			}
		}
		s.Clock.Advance(31 * time.Hour)
		if err := s.App.Sweep(t.Context(), s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Try(t, "amina", authtest.Bad, ""); authtest.Outcome(err) != no {
			t.Errorf("after a day: %s", authtest.Outcome(err))
		}
	}, authtest.Limited)
}

// TestOwnerIsNotLockedOut while a thousand others guess, and 10,000 in make
// test-long.
func TestOwnerIsNotLockedOut(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		phone := s.SignUp(t, "amina").Device
		looked, guesses := 0, yoozaktest.Long(1000, 10_000)
		for i := range guesses {
			_, err := s.Try(t, "amina", authtest.Bad, "")
			if authtest.Outcome(err) == no {
				looked++
			}
			if (i+1)%(guesses/4) == 0 {
				g, err := s.Try(t, "amina", authtest.Good, phone)
				if err != nil {
					t.Fatalf("after %d guesses the owner gets %s", i+1, authtest.Outcome(err))
				}
				phone = g.Device
			}
			s.Clock.Advance(100 * time.Second / time.Duration(guesses))
		}
		// 100 seconds: five at once, then after 1, 2, 4, 8, 16 and 32.
		if looked != 11 {
			t.Errorf("%d guesses were looked at, want 11", looked)
		}
		if _, err := s.Try(t, "amina", authtest.Good, ""); err == nil || authtest.Outcome(err) == no {
			t.Errorf("the owner's logins gave strangers new tries: %q", authtest.Outcome(err))
		}
	}, authtest.Limited)
}

func TestDeviceHasTriesOfItsOwn(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		phone := s.SignUp(t, "amina").Device
		for i := range 10 {
			if _, err := s.Try(t, "amina", authtest.Bad, phone); authtest.Outcome(err) != no {
				t.Fatalf("try %d: %s", i, authtest.Outcome(err))
			}
		}
		if _, err := s.Try(t, "amina", authtest.Good, phone); authtest.Outcome(err) != "1s" {
			t.Errorf("a stolen device may guess on: %s", authtest.Outcome(err))
		}
		if _, err := s.Try(t, "amina", authtest.Bad, ""); authtest.Outcome(err) != no {
			t.Errorf("strangers pay for the device: %s", authtest.Outcome(err))
		}
		s.Clock.Advance(time.Minute) // also for the limit of all tries of a device, right or wrong
		g, err := s.Try(t, "amina", authtest.Good, phone)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 { // all its tries are back, and the new token is the same device
			if _, err := s.Try(t, "amina", authtest.Bad, g.Device); authtest.Outcome(err) != no {
				t.Fatalf("after a login, try %d: %s", i, authtest.Outcome(err))
			}
		}
		if _, err := s.Try(t, "amina", authtest.Bad, phone); authtest.Outcome(err) != "1s" {
			t.Errorf("an older token of the device has tries of its own: %s", authtest.Outcome(err))
		}
	}, authtest.Limited)
}

// TestDeviceTokenIsWorthless when it is not ours, somebody else's, too old,
// or from before the user logged out everywhere or has another password.
func TestDeviceTokenIsWorthless(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		lock := func(name string) {
			for range 8 {
				_, _ = s.Try(t, name, authtest.Bad, "")
			}
		}
		// known reports whether the device is let through although the name is
		// slowed down.
		known := func(name, device string) bool {
			lock(name)
			_, err := s.Try(t, name, authtest.Bad, device)
			return authtest.Outcome(err) == no
		}
		caller := func(g auth.LoginResult) *auth.Caller {
			c, err := s.Authenticate(t.Context(), g.Access)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		amina, badr := s.SignUp(t, "amina"), s.SignUp(t, "badr")
		if !known("amina", amina.Device) {
			t.Fatal("the right token is not known: the test is worth nothing")
		}
		for i := range len(amina.Device) {
			changed := []byte(amina.Device)
			if changed[i] ^= 1; known("amina", string(changed)) {
				t.Fatalf("known with another byte %d", i)
			}
		}
		for name, device := range map[string]string{"another's": badr.Device, "cut": amina.Device[:40], "none": "", "noise": strings.Repeat("A", len(amina.Device))} {
			if known("amina", device) {
				t.Errorf("%s is known", name)
			}
		}
		if known("nobody", amina.Device) {
			t.Error("known at another name")
		}
		s.Clock.Advance(time.Second)
		if err := s.LogoutAll(t.Context(), caller(amina)); err != nil {
			t.Fatal(err)
		}
		if known("amina", amina.Device) {
			t.Error("known after logging out everywhere")
		}
		s.Clock.Advance(time.Second)
		fresh, err := s.ChangePassword(t.Context(), caller(badr), auth.PasswordChange{Current: account.TextInput(authtest.Good), New: account.TextInput("mK3+autre-lemon")})
		if err != nil {
			t.Fatal(err)
		}
		if known("badr", badr.Device) || !known("badr", fresh) {
			t.Error("a change of password does not replace the token")
		}
		s.Clock.Advance(guard.DeviceLifetime + time.Second)
		if known("badr", fresh) {
			t.Error("known after half a year")
		}
	}, authtest.Limited)
}

// TestManyTriesAtOnceAreFew: those that are being looked at count.
func TestManyTriesAtOnceAreFew(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		flood := func() (looked int64) {
			var n atomic.Int64
			var wait sync.WaitGroup
			start := make(chan struct{})
			for range 64 {
				wait.Go(func() {
					<-start
					if _, err := s.Try(t, "amina", authtest.Bad, ""); authtest.Outcome(err) == no {
						n.Add(1)
					}
				})
			}
			close(start)
			wait.Wait()
			return n.Load()
		}
		// Fewer where one of them was still being looked at when the rest came.
		n := flood()
		if n < 1 || n > 5 {
			t.Errorf("%d of 64 at once, want 5 at most", n)
		}
		for range 5 - n {
			_, _ = s.Try(t, "amina", authtest.Bad, "")
		}
		s.Clock.Advance(time.Second)
		if n := flood(); n != 1 {
			t.Errorf("%d of 64 after the first wait, want 1", n)
		}
	}, authtest.Limited)
}

func TestServersShareWrongPasswords(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		one, two := authtest.New(t, st, authtest.Limited), authtest.New(t, st, authtest.Limited)
		phone := one.SignUp(t, "amina").Device
		for i, s := range []*authtest.Server{one, two, one, two, one} {
			if _, err := s.Try(t, "amina", authtest.Bad, ""); authtest.Outcome(err) != no {
				t.Errorf("try %d: %s", i, authtest.Outcome(err))
			}
		}
		if _, err := two.Try(t, "amina", authtest.Bad, ""); authtest.Outcome(err) != "1s" {
			t.Errorf("the other server: %s", authtest.Outcome(err))
		}
		if _, err := two.Try(t, "amina", authtest.Good, phone); err != nil {
			t.Errorf("the other server does not know the device: %s", authtest.Outcome(err))
		}
	})
}

func TestUnlockLetsEverybodyTryAgain(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		for range 12 {
			_, _ = s.Try(t, "amina", authtest.Bad, "")
			_, _ = s.Try(t, "amina@example.ma", authtest.Bad, "")
			_, _ = s.Try(t, "amina", authtest.Bad, g.Device)
			_, _ = s.Try(t, "badr", authtest.Bad, "")
		}
		if err := s.Staff.Unlock(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		for _, device := range []string{"", g.Device} {
			for _, name := range []string{"amina", "amina@example.ma"} {
				if _, err := s.Try(t, name, authtest.Good, device); err != nil {
					t.Errorf("%s, %.4s: %s", name, device, authtest.Outcome(err))
				}
			}
		}
		if _, err := s.Try(t, "badr", authtest.Bad, ""); authtest.Outcome(err) != "1s" {
			t.Errorf("somebody else was unlocked: %s", authtest.Outcome(err))
		}
		if err := s.Staff.Unlock(t.Context(), s.IDOf(t, "nobody"), ""); !errors.Is(err, account.ErrUserNotFound) {
			t.Errorf("unlock nobody: %v", err)
		}
	}, authtest.Limited)
}

// TestCallerCannotGuessOn: who has a stolen access token does not get the
// password with it.
func TestCallerCannotGuessOn(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		c, err := s.Authenticate(t.Context(), g.Access)
		if err != nil {
			t.Fatal(err)
		}
		change := func(current string) error {
			_, err := s.ChangePassword(t.Context(), c, auth.PasswordChange{Current: account.TextInput(current), New: account.TextInput("mK3+autre-lemon")})
			return err
		}
		for i := range 10 {
			if err := change(authtest.Bad); authtest.Outcome(err) != "invalid" {
				t.Fatalf("try %d: %s", i, authtest.Outcome(err))
			}
		}
		if err := s.CloseAccount(t.Context(), c, account.TextInput(authtest.Good)); authtest.Outcome(err) != "6s" {
			t.Errorf("the eleventh: %s", authtest.Outcome(err))
		}
		if _, err := s.Try(t, "amina", authtest.Good, ""); err != nil {
			t.Errorf("the owner cannot log in: %s", authtest.Outcome(err))
		}
		s.Clock.Advance(6 * time.Second)
		if err := change(authtest.Good); err != nil {
			t.Errorf("the right one: %s", authtest.Outcome(err))
		}
	}, authtest.Limited)
}

// TestProgramThatLogsInOverAndOver with the right password costs a hash each
// time.
func TestProgramThatLogsInOverAndOver(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		s.SignUp(t, "badr")
		for i := range 20 {
			if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
				t.Fatalf("login %d: %s", i, authtest.Outcome(err))
			}
		}
		if _, err := s.SignIn(t, "amina", authtest.Good); authtest.Outcome(err) != "3s" {
			t.Errorf("the next: %s", authtest.Outcome(err))
		}
		if _, err := s.SignIn(t, "badr", authtest.Good); err != nil {
			t.Errorf("another name at this address: %s", authtest.Outcome(err))
		}
		if _, err := s.Try(t, "amina", authtest.Good, ""); err != nil {
			t.Errorf("the name at another address: %s", authtest.Outcome(err))
		}
	}, authtest.Limited)
}

func TestSessionThatRefreshesOverAndOver(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g, other := s.SignUp(t, "amina"), s.SignUp(t, "badr")
		for i := range 30 {
			if _, err := s.Renew(t, g.Refresh); err != nil {
				t.Fatalf("refresh %d: %s", i, authtest.Outcome(err))
			}
		}
		if _, err := s.Renew(t, g.Refresh); authtest.Outcome(err) != "2s" {
			t.Errorf("the next: %s", authtest.Outcome(err))
		}
		if _, err := s.Renew(t, other.Refresh); err != nil {
			t.Errorf("another session: %s", authtest.Outcome(err))
		}
	}, authtest.Limited)
}

// TestLoginOnANewDeviceGivesStrangersNoTries: an attacker may wait for it.
func TestLoginOnANewDeviceGivesStrangersNoTries(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		for i, want := range []string{no, no, no, no, "", no, "1s"} {
			plain := authtest.Bad
			if want == "" {
				plain = authtest.Good
			}
			if _, err := s.Try(t, "amina", plain, ""); authtest.Outcome(err) != want {
				t.Errorf("try %d: %q, want %q", i, authtest.Outcome(err), want)
			}
		}
	}, authtest.Limited)
}

// Usernames that differ in case are accounts of different people. Whoever has
// one of them must not get new tries at another's password by resetting their
// own.
func TestResetForgetsNoTriesAtAnotherName(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.Has(t, "amina", "amina@example.ma")
		s.Has(t, "badr@example.ma", "")
		for i, twin := range []struct{ name, of string }{{"Amina", "amina"}, {"Badr@example.ma", "badr@example.ma"}} {
			mailbox := fmt.Sprintf("stranger%d@example.com", i)
			s.Has(t, twin.name, mailbox)
			for range 5 {
				if _, err := s.Try(t, twin.of, authtest.Bad, ""); authtest.Outcome(err) != no {
					t.Fatalf("%s: %v", twin.of, err)
				}
			}
			s.AskReset(t, mailbox)
			s.Deliver(t)
			links := authtest.WantTokens(t, smtp, account.ResetPassword, i+1)
			if err := s.Reset(t, links[i], "another-Pass-77"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Try(t, twin.of, authtest.Bad, ""); authtest.Outcome(err) != "1s" {
				t.Errorf("a try at %s after a reset of %s: %q, want it to wait", twin.of, twin.name, authtest.Outcome(err))
			}
		}
	}, authtest.Limited)
}

// Whoever takes another's address for a username cannot guess at the other's
// password with the tries of their own device, which their own password
// gives back.
func TestDeviceHasNoTriesAtAnotherAccount(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.Claims(t, "amina", "amina@example.ma")
		r := authtest.Registration("amina@example.ma")
		r.Password, r.Email = account.TextInput("thiefs-Own-77"), account.Input{}
		if _, err := s.Register(t.Context(), authtest.Elsewhere(), r); err != nil {
			t.Fatal(err)
		}
		thief, err := s.Try(t, "amina@example.ma", "thiefs-Own-77", "")
		if err != nil || thief.Device == "" {
			t.Fatalf("device %q: %v", thief.Device, err)
		}
		guesses := 0
		for range 30 { // minutes
			for n := range 9 {
				if _, err := s.Try(t, "amina@example.ma", fmt.Sprint("wrong-Pass-", n), thief.Device); authtest.Outcome(err) == no {
					guesses++
				}
			}
			if _, err := s.Try(t, "amina@example.ma", "thiefs-Own-77", thief.Device); err != nil {
				t.Fatalf("the thief's own login: %v", err)
			}
			s.Clock.Advance(time.Minute)
		}
		if guesses > 15 { // as strangers have
			t.Errorf("%d guesses at the other's password in half an hour", guesses)
		}
		if _, err := s.Try(t, "amina", authtest.Good, ""); err != nil { // whose username is another name
			t.Errorf("the owner: %v", err)
		}
	}, authtest.Limited)
}

// TestClockSetBackLocksNobodyOut: a name and a device that wait for the
// longest, by a clock that was two hours or a year ahead, wait for no longer
// than without it; and one that guesses gets one try by it, and no more.
func TestClockSetBackLocksNobodyOut(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for _, back := range []time.Duration{5 * time.Second, time.Minute, 2 * time.Hour, 365 * 24 * time.Hour} {
			name := fmt.Sprint("amina", back.Seconds())
			phone := s.SignUp(t, name).Device
			for _, device := range []string{"", phone} {
				for range 40 { // until the wait is the longest
					_, _ = s.Try(t, name, authtest.Bad, device)
					s.Clock.Advance(15 * time.Minute)
				}
				_, _ = s.Try(t, name, authtest.Bad, device)
				if _, err := s.Try(t, name, authtest.Bad, device); authtest.Outcome(err) != "15m0s" {
					t.Fatalf("%v: %s, want to wait for the longest", back, authtest.Outcome(err))
				}
				s.Clock.Advance(-back)
				_, err := s.Try(t, name, authtest.Bad, device)
				if clocks := back <= 10*time.Second; clocks != authtest.Throttled(err) { // as far as the clocks of servers may differ nothing changes
					t.Errorf("%v: the first try is answered %s", back, authtest.Outcome(err))
				}
				if _, err := s.Try(t, name, authtest.Bad, device); !authtest.Throttled(err) {
					t.Errorf("%v: another try is answered %s, want to wait", back, authtest.Outcome(err))
				}
				s.Clock.Advance(15*time.Minute + min(back, 10*time.Second))
				if _, err := s.Try(t, name, authtest.Good, device); err != nil {
					t.Errorf("%v: the owner waits for %s after the longest wait", back, authtest.Outcome(err))
				}
				s.Clock.Advance(back)
			}
		}
	}, guessing)
}

// guessing turns limits on, with quotas by a clock that nobody sets, as a
// server has it, and that a test does not use up.
func guessing(o *app.Options, _ *token.Options) {
	var n atomic.Int64
	began := time.Now()
	o.Limits = guard.NewLimiter(guard.LimiterOptions{
		Now: func() time.Time { return began.Add(time.Duration(n.Add(1)) * time.Minute) }, Log: slog.New(slog.DiscardHandler),
	})
}
