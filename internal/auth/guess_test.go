package auth_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// guesser knows the password and has a network for each try.
type guesser struct {
	servers  []*authtest.Server
	seed     []byte
	tries    int
	compared int
}

// was counts what came of a try: only a code that was looked at is wrong.
func (g *guesser) was(t *testing.T, err error) {
	t.Helper()
	g.tries++
	switch {
	case authtest.Throttled(err), slices.Equal(authtest.FieldKeys(err)["code"], []string{"factor_locked"}):
	case slices.Equal(authtest.FieldKeys(err)["code"], []string{"factor_wrong"}), slices.Equal(authtest.FieldKeys(err)["recovery_code"], []string{"factor_wrong"}):
		g.compared++
	default:
		t.Fatalf("try %d: %v", g.tries, err)
	}
}

func (g *guesser) server() *authtest.Server { return g.servers[g.tries%len(g.servers)] }

// TestGuessingAtTheFactorWithThePassword: a thousand tries in a day, in every
// way there is, are about a hundred that are looked at. The owner hears of the
// first, and gets in on the device where they have shown the factor.
func TestGuessingAtTheFactorWithThePassword(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		smtp := smtptest.Start(t, smtptest.Options{})
		open := func(settings ...authtest.Setting) *authtest.Server {
			return authtest.New(t, storetest.Open(t, url), append(settings, authtest.Mailing(t, smtp), authtest.Limited)...)
		}
		a := open()
		b := open(authtest.SameClock(a))
		signedUp := a.SignUp(t, "amina")
		a.Prove(t, signedUp)
		seed, added := a.Enrols(t, a.CallerOf(t, signedUp))
		phone := added.Device
		g := &guesser{servers: []*authtest.Server{a, b}, seed: seed}
		stolen := a.CallerOf(t, signedUp) // a session, for auth/confirm/
		challenge := a.Waits(t, "amina", authtest.Good)
		for i := range 1000 {
			a.Clock.Advance(86 * time.Second) // a day in all
			s := g.server()
			switch {
			case i%40 == 39: // log in rightly with the password in between
				challenge = s.Waits(t, "amina", authtest.Good)
			case i%3 == 0:
				_, err := s.Confirm(t.Context(), stolen, auth.Proof{Code: a.WrongCode(seed)})
				g.was(t, err)
				continue
			}
			proof := auth.Proof{Code: a.WrongCode(seed)}
			if i%7 == 0 {
				proof = auth.Proof{RecoveryCode: text("0123-4567-89AB-CDEF-GHJK-MNPQ")}
			}
			_, err := second(t, s, challenge, proof)
			if len(authtest.FieldKeys(err)["challenge"]) > 0 { // five were used, or five minutes
				challenge = s.Waits(t, "amina", authtest.Good)
				_, err = second(t, s, challenge, proof)
			}
			g.was(t, err)
			if i%100 == 50 { // the owner's success gives the thief nothing
				req := authtest.Elsewhere()
				req.DeviceToken = phone
				in, err := s.LoginSecond(t.Context(), req, auth.SecondStep{Challenge: s.Waits(t, "amina", authtest.Good), Proof: auth.Proof{Code: s.TOTPCode(seed, 0)}})
				if err != nil {
					t.Fatalf("after %d guesses the owner gets %v", i, err)
				}
				phone = in.Device
			}
		}
		t.Logf("%d of %d were compared", g.compared, g.tries)
		if g.compared < 20 || g.compared > 110 {
			t.Errorf("%d of %d were compared", g.compared, g.tries)
		}
		a.Deliver(t)
		if n := a.Sent(t, account.MailFactorRefused); n < 1 || n > 2 {
			t.Errorf("%d mails in a day", n)
		}
	})
}

// TestGuessingOnAStolenDevice where a factor was shown before: what the owner shows
// on another does not let the thief begin anew.
func TestGuessingOnAStolenDevice(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		signedUp := s.SignUp(t, "amina")
		seed, added := s.Enrols(t, s.CallerOf(t, signedUp))
		phone := added.Device
		s.Clock.Advance(time.Minute)
		show := func(device string, p auth.Proof) (auth.LoginResult, error) {
			req := authtest.Elsewhere()
			req.DeviceToken = device
			return s.LoginSecond(t.Context(), req, auth.SecondStep{Challenge: s.Waits(t, "amina", authtest.Good), Proof: p})
		}
		in, err := show("", auth.Proof{Code: s.TOTPCode(seed, 0)})
		if err != nil {
			t.Fatal(err)
		}
		laptop := in.Device
		g := &guesser{servers: []*authtest.Server{s}, seed: seed}
		for i := range 250 {
			s.Clock.Advance(15 * time.Minute)
			_, err := show(laptop, auth.Proof{Code: s.WrongCode(seed)})
			g.was(t, err)
			if i%20 != 19 || g.compared >= 100 { // then the phone is not asked any more, either
				continue
			}
			_, err = show(phone, auth.Proof{Code: s.WrongCode(seed)}) // typed wrong once
			wants(t, "the owner's mistake", err, "code", "factor_wrong")
			if in, err = show(phone, auth.Proof{Code: s.TOTPCode(seed, 0)}); err != nil {
				t.Fatalf("after %d guesses the owner gets %v", i, err)
			}
			phone = in.Device
		}
		if g.compared != 100 {
			t.Errorf("%d of %d were compared, want 100", g.compared, g.tries)
		}
	}, authtest.Limited)
}

// TestFirstWrongCodeIsMailed, and others of the same day are not.
func TestFirstWrongCodeIsMailed(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		seed, _ := s.Enrols(t, s.CallerOf(t, g))
		for i, want := range []int{1, 1, 1, 2} {
			if i == 3 {
				s.Clock.Advance(24*time.Hour + time.Second)
			}
			if _, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{Code: s.WrongCode(seed)}); err == nil {
				t.Fatal("a wrong code is right")
			}
			s.Deliver(t)
			if n := s.Sent(t, account.MailFactorRefused); n != want {
				t.Errorf("after %d wrong ones: %d mails, want %d", i+1, n, want)
			}
		}
	})
}

// TestAHundredWrongCodesInARowLock: then codes that can be guessed are not
// looked at (NIST SP 800-63B-4, section 3.2.2), but on devices where one was
// shown. A recovery code works, and another password begins anew; a reset by
// mail does not.
func TestAHundredWrongCodesInARowLock(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		seed, added := s.Enrols(t, s.CallerOf(t, g))
		guess := func(p auth.Proof) error {
			s.Clock.Advance(15 * time.Minute)
			_, err := second(t, s, s.Waits(t, "amina", authtest.Good), p)
			return err
		}
		for i := range 100 {
			wants(t, fmt.Sprintf("guess %d", i), guess(auth.Proof{Code: s.WrongCode(seed)}), "code", "factor_wrong")
			if t.Failed() {
				return
			}
		}
		locked := func(what, password string) {
			t.Helper()
			s.Clock.Advance(time.Minute)
			for range 3 { // not one of them is a try
				_, err := second(t, s, s.Waits(t, "amina", password), auth.Proof{Code: s.TOTPCode(seed, 0)})
				if authtest.Throttled(err) {
					s.Clock.Advance(15 * time.Minute)
					_, err = second(t, s, s.Waits(t, "amina", password), auth.Proof{Code: s.TOTPCode(seed, 0)})
				}
				wants(t, what, err, "code", "factor_locked")
			}
		}
		locked("the right code after a hundred", authtest.Good)
		s.Deliver(t)
		if n := s.Sent(t, account.MailFactorLocked); n != 1 || s.EventKinds(t)[account.EventFactorLocked] != 1 {
			t.Errorf("%d mails, %d events", n, s.EventKinds(t)[account.EventFactorLocked])
		}
		s.Clock.Advance(time.Hour)
		known := authtest.Elsewhere()
		known.DeviceToken = added.Device
		if _, err := s.LoginSecond(t.Context(), known, auth.SecondStep{Challenge: s.Waits(t, "amina", authtest.Good), Proof: auth.Proof{Code: s.TOTPCode(seed, 0)}}); err != nil {
			t.Errorf("on a known device: %v", err)
		}
		s.Clock.Advance(time.Minute)
		locked("after the owner's login elsewhere", authtest.Good)

		s.AskReset(t, "amina@example.ma")
		s.Deliver(t)
		if err := s.Reset(t, authtest.WantTokens(t, smtp, account.ResetPassword, 1)[0], "tr0ub4dor&zellige"); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(15 * time.Minute)
		locked("after a reset by mail", "tr0ub4dor&zellige")
		s.Clock.Advance(15 * time.Minute)
		in, err := second(t, s, s.Waits(t, "amina", "tr0ub4dor&zellige"), auth.Proof{RecoveryCode: text(added.RecoveryCodes[0])})
		if err != nil {
			t.Fatalf("a recovery code: %v", err)
		}
		if _, err := s.ChangePassword(t.Context(), s.CallerOf(t, in), auth.PasswordChange{New: text("vermicelle-9-zellige")}); err != nil {
			t.Fatal(err)
		}
		if _, err := second(t, s, s.Waits(t, "amina", "vermicelle-9-zellige"), auth.Proof{Code: s.TOTPCode(seed, 0)}); err != nil {
			t.Errorf("after another password: %v", err)
		}
	}, authtest.Limited, authtest.MailFreely)
}

// TestUnlockForgetsWrongFactors, by the staff. It switches nothing off.
func TestUnlockForgetsWrongFactors(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		seed, _ := s.Enrols(t, s.CallerOf(t, g))
		s.Clock.Advance(time.Minute)
		challenge := s.Waits(t, "amina", authtest.Good)
		for range 5 {
			_, _ = second(t, s, challenge, auth.Proof{Code: s.WrongCode(seed)})
		}
		challenge = s.Waits(t, "amina", authtest.Good)
		if _, err := second(t, s, challenge, auth.Proof{Code: s.TOTPCode(seed, 0)}); !authtest.Throttled(err) {
			t.Fatalf("after five: %v", err)
		}
		if err := s.Staff.Unlock(t.Context(), s.IDOf(t, "amina"), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := second(t, s, challenge, auth.Proof{Code: s.TOTPCode(seed, 0)}); err != nil {
			t.Errorf("after user unlock: %v", err)
		}
		if n, err := s.Store.WrongFactors(t.Context(), g.User.ID, false); err != nil || n != 0 {
			t.Errorf("%d wrong in a row, %v", n, err)
		}
	}, authtest.Limited)
}

// TestSuccessGivesBackItsOwnTries: those with the same challenge, and no one
// else's.
func TestSuccessGivesBackItsOwnTries(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		seed, _ := s.Enrols(t, s.CallerOf(t, g))
		s.Clock.Advance(time.Minute)
		thief, owner := s.Waits(t, "amina", authtest.Good), s.Waits(t, "amina", authtest.Good)
		for _, challenge := range []account.Input{thief, thief, owner} {
			_, err := second(t, s, challenge, auth.Proof{Code: s.WrongCode(seed)})
			wants(t, "a wrong code", err, "code", "factor_wrong")
		}
		if _, err := second(t, s, owner, auth.Proof{Code: s.TOTPCode(seed, 0)}); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Store.WrongFactors(t.Context(), g.User.ID, false); err != nil || n != 2 {
			t.Errorf("%d wrong ones count, %v; want the thief's two", n, err)
		}
		for range 3 { // what is left of five
			_, err := second(t, s, thief, auth.Proof{Code: s.WrongCode(seed)})
			wants(t, "the thief again", err, "code", "factor_wrong")
		}
		if _, err := second(t, s, s.Waits(t, "amina", authtest.Good), auth.Proof{Code: s.WrongCode(seed)}); !authtest.Throttled(err) {
			t.Errorf("a sixth of the thief's: %v", err)
		}
		s.Clock.Advance(31 * 24 * time.Hour)
		s.SweepAll(t)
		if n, err := s.Store.WrongFactors(t.Context(), g.User.ID, false); err != nil || n != 0 {
			t.Errorf("a month later: %d, %v", n, err)
		}
	}, authtest.Limited)
}

// TestDeviceOfAPasswordHasNoTriesOfItsOwn at the second factor: a thief could
// have it by the password, or by a reset.
func TestDeviceOfAPasswordHasNoTriesOfItsOwn(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		seed, added := s.Enrols(t, s.CallerOf(t, g))
		s.Clock.Advance(time.Minute)
		challenge := s.Waits(t, "amina", authtest.Good)
		for range 5 {
			_, _ = second(t, s, challenge, auth.Proof{Code: s.WrongCode(seed)})
		}
		for device, want := range map[string]bool{g.Device: false, added.Device: true} {
			req := authtest.Elsewhere()
			req.DeviceToken = device
			_, err := s.LoginSecond(t.Context(), req, auth.SecondStep{Challenge: s.Waits(t, "amina", authtest.Good), Proof: auth.Proof{Code: s.TOTPCode(seed, 0)}})
			if (err == nil) != want {
				t.Errorf("of the set-up %v: %v", want, err)
			}
		}
	}, authtest.Limited)
}

// TestWrongCodesInAnotherSessionHoldNobodyUp: a session in which a factor was
// shown has tries of its own, also after a hundred wrong ones elsewhere. They
// are few, so that whoever has stolen such a session gains little.
func TestWrongCodesInAnotherSessionHoldNobodyUp(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		stolen := s.CallerOf(t, s.SignUp(t, "amina"))
		in, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		seed, _ := s.Enrols(t, s.CallerOf(t, in))
		owner := s.CallerOf(t, in)
		confirm := func(c *auth.Caller, code account.Input) error {
			_, err := s.Confirm(t.Context(), c, auth.Proof{Code: code})
			return err
		}
		for range 120 { // more than lock
			s.Clock.Advance(15 * time.Minute)
			_ = confirm(stolen, s.WrongCode(seed))
		}
		s.Clock.Advance(15 * time.Minute)
		wants(t, "a right code there", confirm(stolen, s.TOTPCode(seed, 0)), "code", "factor_locked")
		if err := confirm(owner, s.TOTPCode(seed, 0)); err != nil {
			t.Fatalf("the owner's: %v", err)
		}
		for i := range 7 {
			s.Clock.Advance(time.Minute)
			err := confirm(owner, s.WrongCode(seed))
			if wrong := slices.Equal(authtest.FieldKeys(err)["code"], []string{"factor_wrong"}); wrong != (i < 5) || !wrong && !authtest.Throttled(err) {
				t.Errorf("wrong code %d in the owner's session: %v", i+1, err)
			}
		}
		s.Clock.Advance(6 * time.Hour)
		if err := confirm(owner, s.TOTPCode(seed, 0)); err != nil {
			t.Errorf("six hours later: %v", err)
		}
		if n, err := s.Store.WrongFactors(t.Context(), owner.User.ID, true); err != nil || n != 1 {
			t.Errorf("%d wrong ones count after the success, %v; want the one that was forgotten as a try", n, err)
		}
	}, authtest.Limited, func(_ *app.Options, o *token.Options) { o.RefreshLifetime = 30 * 24 * time.Hour })
}

// TestWrongPasswordsInAnotherSessionHoldNobodyUp, of who has no factor.
func TestWrongPasswordsInAnotherSessionHoldNobodyUp(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		stolen := s.CallerOf(t, s.SignUp(t, "amina"))
		in, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		owner := s.CallerOf(t, in)
		for range 25 {
			s.Clock.Advance(15 * time.Minute)
			_, err := s.Confirm(t.Context(), stolen, auth.Proof{Password: text("not it")})
			wants(t, "not it", err, "password", "password_wrong")
		}
		if _, err := s.Confirm(t.Context(), owner, auth.Proof{Password: text(authtest.Good)}); err != nil {
			t.Errorf("the owner's right password: %v", err)
		}
		if _, err := s.Confirm(t.Context(), stolen, auth.Proof{Password: text(authtest.Good)}); !authtest.Throttled(err) {
			t.Errorf("a right one there: %v", err)
		}
	}, authtest.Limited)
}

// TestWrongCodesOfASetUpHoldNobodyUp in another session.
func TestWrongCodesOfASetUpHoldNobodyUp(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		stolen := s.CallerOf(t, s.SignUp(t, "amina"))
		in, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		owner := s.CallerOf(t, in)
		setUp := func(c *auth.Caller, code func(seed []byte) account.Input) error {
			made, err := s.EnrolTOTP(t.Context(), c, auth.TOTPEnrolment{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.ConfirmTOTP(t.Context(), c, auth.TOTPConfirmation{ID: text(made.ID), Code: code(authtest.Seed(t, made.Secret))})
			return err
		}
		for range 10 {
			_ = setUp(stolen, func(seed []byte) account.Input { return s.WrongCode(seed) })
		}
		if err := setUp(stolen, func(seed []byte) account.Input { return s.TOTPCode(seed, 0) }); !authtest.Throttled(err) {
			t.Errorf("a set-up after ten wrong codes: %v", err)
		}
		if err := setUp(owner, func(seed []byte) account.Input { return s.TOTPCode(seed, 0) }); err != nil {
			t.Errorf("the owner's set-up: %v", err)
		}
	}, authtest.Limited)
}
