package auth_test

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
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/limit"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

const bad = "not-the-password-1"

// limited turns limits on, counted in memory by the test's clock, so that
// what is tested is the guard of passwords. Each try comes from an address
// of its own.
func limited(o *auth.Options, _ *token.Options) {
	l, err := limit.New(limit.Options{Now: o.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	o.Limits = l
}

var addresses atomic.Uint32

// elsewhere is somebody at an address that nobody had before.
func elsewhere() account.RequestInfo {
	n := addresses.Add(1)
	return account.RequestInfo{IP: fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255), Language: "fr"}
}

// attempt logs in from elsewhere, or with a device.
func (s *server) try(t testing.TB, username, plain, device string) (auth.LoginResult, error) {
	t.Helper()
	p := elsewhere()
	p.DeviceToken = device
	return s.Login(t.Context(), p, auth.Credentials{Username: account.TextInput(username), Password: account.TextInput(plain)})
}

// outcome is an error in a word: "", "invalid_credentials" or the wait.
func outcome(err error) string {
	var e *account.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return err.Error()
	case e.Kind == account.Throttled:
		return e.Wait.String()
	}
	return e.Code
}

const no = "invalid_credentials"

// TestWrongPasswordsAreSlowedDown, at a name that somebody has as at one that
// nobody has, or a disabled user, and in whatever case an address is typed.
func TestWrongPasswordsAreSlowedDown(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		s.register(t, "badr")
		if err := s.SetActive(t.Context(), "badr", false); err != nil {
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
					s.clock.advance(d)
					got = append(got, step)
					continue
				}
				_, err := s.try(t, names[i%len(names)], bad, "")
				got = append(got, outcome(err))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v (-want +got):\n%s", names, diff)
			}
		}
	}, limited)
}

func TestAnHourWithoutAWrongPasswordGivesOneTryBack(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		for range 5 {
			_, _ = s.try(t, "amina", bad, "")
		}
		s.clock.advance(2*time.Hour + time.Minute)
		for i, want := range []string{no, no, "1s"} {
			if _, err := s.try(t, "amina", bad, ""); outcome(err) != want {
				t.Errorf("try %d: %s, want %s", i, outcome(err), want)
			}
		}
		s.clock.advance(31 * time.Hour)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.try(t, "amina", bad, ""); outcome(err) != no {
			t.Errorf("after a day: %s", outcome(err))
		}
	}, limited)
}

// TestOwnerIsNotLockedOut while 10,000 others guess.
func TestOwnerIsNotLockedOut(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		phone := s.register(t, "amina").Device
		looked := 0
		for i := range 10_000 {
			_, err := s.try(t, "amina", bad, "")
			if outcome(err) == no {
				looked++
			}
			if i%2500 == 2499 {
				g, err := s.try(t, "amina", good, phone)
				if err != nil {
					t.Fatalf("after %d guesses the owner gets %s", i+1, outcome(err))
				}
				phone = g.Device
			}
			s.clock.advance(10 * time.Millisecond)
		}
		// 100 seconds: five at once, then after 1, 2, 4, 8, 16 and 32.
		if looked != 11 {
			t.Errorf("%d guesses were looked at, want 11", looked)
		}
		if _, err := s.try(t, "amina", good, ""); err == nil || outcome(err) == no {
			t.Errorf("the owner's logins gave strangers new tries: %q", outcome(err))
		}
	}, limited)
}

func TestDeviceHasTriesOfItsOwn(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		phone := s.register(t, "amina").Device
		for i := range 10 {
			if _, err := s.try(t, "amina", bad, phone); outcome(err) != no {
				t.Fatalf("try %d: %s", i, outcome(err))
			}
		}
		if _, err := s.try(t, "amina", good, phone); outcome(err) != "1s" {
			t.Errorf("a stolen device may guess on: %s", outcome(err))
		}
		if _, err := s.try(t, "amina", bad, ""); outcome(err) != no {
			t.Errorf("strangers pay for the device: %s", outcome(err))
		}
		s.clock.advance(time.Minute) // also for the limit of all tries of a device, right or wrong
		g, err := s.try(t, "amina", good, phone)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 { // all its tries are back, and the new token is the same device
			if _, err := s.try(t, "amina", bad, g.Device); outcome(err) != no {
				t.Fatalf("after a login, try %d: %s", i, outcome(err))
			}
		}
		if _, err := s.try(t, "amina", bad, phone); outcome(err) != "1s" {
			t.Errorf("an older token of the device has tries of its own: %s", outcome(err))
		}
	}, limited)
}

// TestDeviceTokenIsWorthless when it is not ours, somebody else's, too old,
// or from before the user logged out everywhere or has another password.
func TestDeviceTokenIsWorthless(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		lock := func(name string) {
			for range 8 {
				_, _ = s.try(t, name, bad, "")
			}
		}
		// known reports whether the device is let through although the name is
		// slowed down.
		known := func(name, device string) bool {
			lock(name)
			_, err := s.try(t, name, bad, device)
			return outcome(err) == no
		}
		caller := func(g auth.LoginResult) *auth.Caller {
			c, err := s.Authenticate(t.Context(), g.Access)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		amina, badr := s.register(t, "amina"), s.register(t, "badr")
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
		s.clock.advance(time.Second)
		if err := s.LogoutAll(t.Context(), caller(amina)); err != nil {
			t.Fatal(err)
		}
		if known("amina", amina.Device) {
			t.Error("known after logging out everywhere")
		}
		s.clock.advance(time.Second)
		fresh, err := s.ChangePassword(t.Context(), caller(badr), auth.PasswordChange{Current: account.TextInput(good), New: account.TextInput("mK3+autre-lemon")})
		if err != nil {
			t.Fatal(err)
		}
		if known("badr", badr.Device) || !known("badr", fresh) {
			t.Error("a change of password does not replace the token")
		}
		s.clock.advance(auth.DeviceLifetime + time.Second)
		if known("badr", fresh) {
			t.Error("known after half a year")
		}
	}, limited)
}

// TestManyTriesAtOnceAreFew: those that are being looked at count.
func TestManyTriesAtOnceAreFew(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		flood := func() (looked int64) {
			var n atomic.Int64
			var wait sync.WaitGroup
			start := make(chan struct{})
			for range 64 {
				wait.Go(func() {
					<-start
					if _, err := s.try(t, "amina", bad, ""); outcome(err) == no {
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
			_, _ = s.try(t, "amina", bad, "")
		}
		s.clock.advance(time.Second)
		if n := flood(); n != 1 {
			t.Errorf("%d of 64 after the first wait, want 1", n)
		}
	}, limited)
}

func TestServersShareWrongPasswords(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		one, two := newServer(t, st, limited), newServer(t, st, limited)
		phone := one.register(t, "amina").Device
		for i, s := range []*server{one, two, one, two, one} {
			if _, err := s.try(t, "amina", bad, ""); outcome(err) != no {
				t.Errorf("try %d: %s", i, outcome(err))
			}
		}
		if _, err := two.try(t, "amina", bad, ""); outcome(err) != "1s" {
			t.Errorf("the other server: %s", outcome(err))
		}
		if _, err := two.try(t, "amina", good, phone); err != nil {
			t.Errorf("the other server does not know the device: %s", outcome(err))
		}
	})
}

func TestUnlockLetsEverybodyTryAgain(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		g := s.register(t, "amina")
		s.prove(t, g)
		for range 12 {
			_, _ = s.try(t, "amina", bad, "")
			_, _ = s.try(t, "amina@example.ma", bad, "")
			_, _ = s.try(t, "amina", bad, g.Device)
			_, _ = s.try(t, "badr", bad, "")
		}
		if err := s.Unlock(t.Context(), "amina"); err != nil {
			t.Fatal(err)
		}
		for _, device := range []string{"", g.Device} {
			for _, name := range []string{"amina", "amina@example.ma"} {
				if _, err := s.try(t, name, good, device); err != nil {
					t.Errorf("%s, %.4s: %s", name, device, outcome(err))
				}
			}
		}
		if _, err := s.try(t, "badr", bad, ""); outcome(err) != "1s" {
			t.Errorf("somebody else was unlocked: %s", outcome(err))
		}
		if err := s.Unlock(t.Context(), "nobody"); !errors.Is(err, account.ErrUserNotFound) {
			t.Errorf("unlock nobody: %v", err)
		}
	}, limited)
}

// TestCallerCannotGuessOn: who has a stolen access token does not get the
// password with it.
func TestCallerCannotGuessOn(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		g := s.register(t, "amina")
		c, err := s.Authenticate(t.Context(), g.Access)
		if err != nil {
			t.Fatal(err)
		}
		change := func(current string) error {
			_, err := s.ChangePassword(t.Context(), c, auth.PasswordChange{Current: account.TextInput(current), New: account.TextInput("mK3+autre-lemon")})
			return err
		}
		for i := range 10 {
			if err := change(bad); outcome(err) != "invalid" {
				t.Fatalf("try %d: %s", i, outcome(err))
			}
		}
		if err := s.CloseAccount(t.Context(), c, account.TextInput(good)); outcome(err) != "6s" {
			t.Errorf("the eleventh: %s", outcome(err))
		}
		if _, err := s.try(t, "amina", good, ""); err != nil {
			t.Errorf("the owner cannot log in: %s", outcome(err))
		}
		s.clock.advance(6 * time.Second)
		if err := change(good); err != nil {
			t.Errorf("the right one: %s", outcome(err))
		}
	}, limited)
}

// TestProgramThatLogsInOverAndOver with the right password costs a hash each
// time.
func TestProgramThatLogsInOverAndOver(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		s.register(t, "badr")
		for i := range 20 {
			if _, err := s.login(t, "amina", good); err != nil {
				t.Fatalf("login %d: %s", i, outcome(err))
			}
		}
		if _, err := s.login(t, "amina", good); outcome(err) != "3s" {
			t.Errorf("the next: %s", outcome(err))
		}
		if _, err := s.login(t, "badr", good); err != nil {
			t.Errorf("another name at this address: %s", outcome(err))
		}
		if _, err := s.try(t, "amina", good, ""); err != nil {
			t.Errorf("the name at another address: %s", outcome(err))
		}
	}, limited)
}

func TestSessionThatRefreshesOverAndOver(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		g, other := s.register(t, "amina"), s.register(t, "badr")
		for i := range 30 {
			if _, err := s.refresh(t, g.Refresh); err != nil {
				t.Fatalf("refresh %d: %s", i, outcome(err))
			}
		}
		if _, err := s.refresh(t, g.Refresh); outcome(err) != "2s" {
			t.Errorf("the next: %s", outcome(err))
		}
		if _, err := s.refresh(t, other.Refresh); err != nil {
			t.Errorf("another session: %s", outcome(err))
		}
	}, limited)
}

// TestLoginOnANewDeviceGivesStrangersNoTries: an attacker may wait for it.
func TestLoginOnANewDeviceGivesStrangersNoTries(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		for i, want := range []string{no, no, no, no, "", no, "1s"} {
			plain := bad
			if want == "" {
				plain = good
			}
			if _, err := s.try(t, "amina", plain, ""); outcome(err) != want {
				t.Errorf("try %d: %q, want %q", i, outcome(err), want)
			}
		}
	}, limited)
}

// Usernames that differ in case are accounts of different people. Whoever has
// one of them must not get new tries at another's password by resetting their
// own.
func TestResetForgetsNoTriesAtAnotherName(t *testing.T) {
	t.Parallel()
	forEachPost(t, func(t *testing.T, s *server, smtp *smtptest.Server) {
		s.has(t, "amina", "amina@example.ma")
		s.has(t, "badr@example.ma", "")
		for i, twin := range []struct{ name, of string }{{"Amina", "amina"}, {"Badr@example.ma", "badr@example.ma"}} {
			mailbox := fmt.Sprintf("stranger%d@example.com", i)
			s.has(t, twin.name, mailbox)
			for range 5 {
				if _, err := s.try(t, twin.of, bad, ""); outcome(err) != no {
					t.Fatalf("%s: %v", twin.of, err)
				}
			}
			s.requestReset(t, mailbox)
			s.deliver(t)
			links := wantTokens(t, smtp, account.ResetPassword, i+1)
			if err := s.reset(t, links[i], "another-Pass-77"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.try(t, twin.of, bad, ""); outcome(err) != "1s" {
				t.Errorf("a try at %s after a reset of %s: %q, want it to wait", twin.of, twin.name, outcome(err))
			}
		}
	}, limited)
}

// Whoever takes another's address for a username cannot guess at the other's
// password with the tries of their own device, which their own password
// gives back.
func TestDeviceHasNoTriesAtAnotherAccount(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.claims(t, "amina", "amina@example.ma")
		r := registration("amina@example.ma")
		r.Password, r.Email = account.TextInput("thiefs-Own-77"), account.Input{}
		if _, err := s.Register(t.Context(), elsewhere(), r); err != nil {
			t.Fatal(err)
		}
		thief, err := s.try(t, "amina@example.ma", "thiefs-Own-77", "")
		if err != nil || thief.Device == "" {
			t.Fatalf("device %q: %v", thief.Device, err)
		}
		guesses := 0
		for range 30 { // minutes
			for n := range 9 {
				if _, err := s.try(t, "amina@example.ma", fmt.Sprint("wrong-Pass-", n), thief.Device); outcome(err) == no {
					guesses++
				}
			}
			if _, err := s.try(t, "amina@example.ma", "thiefs-Own-77", thief.Device); err != nil {
				t.Fatalf("the thief's own login: %v", err)
			}
			s.clock.advance(time.Minute)
		}
		if guesses > 15 { // as strangers have
			t.Errorf("%d guesses at the other's password in half an hour", guesses)
		}
		if _, err := s.try(t, "amina", good, ""); err != nil { // whose username is another name
			t.Errorf("the owner: %v", err)
		}
	}, limited)
}
