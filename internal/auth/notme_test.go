package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	tokens "github.com/yoozak/clients/internal/token"
)

func tellsOfDevices(o *app.Options, _ *tokens.Options) { o.Mail.NewDevice = true }

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	later   = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"
	chrome  = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
)

// from logs amina in from an address with a browser.
func from(t *testing.T, s *authtest.Server, ip, userAgent, device string) auth.LoginResult {
	t.Helper()
	g, err := s.Login(t.Context(), account.RequestInfo{IP: ip, UserAgent: userAgent, Language: "fr", DeviceToken: device},
		auth.Credentials{Username: account.TextInput("amina"), Password: account.TextInput(authtest.Good)})
	if err != nil {
		t.Fatalf("from %s: %v", ip, err)
	}
	return g
}

// owed counts the mails of a kind, delivered or not.
func owed(t *testing.T, s *authtest.Server, kind account.MailKind) (n int) {
	t.Helper()
	for _, m := range s.AllMails(t) {
		if m.Kind == kind {
			n++
		}
	}
	return n
}

func TestLoginFromANewPlaceIsMailed(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		want := func(n int, after string) {
			t.Helper()
			if got := owed(t, s, account.MailNewDevice); got != n {
				t.Fatalf("%s: %d mails, want %d", after, got, n)
			}
		}
		g, err := s.Register(t.Context(), account.RequestInfo{IP: "203.0.113.7", UserAgent: firefox, Language: "fr"}, authtest.Registration("amina"))
		if err != nil {
			t.Fatal(err)
		}
		s.Prove(t, g)
		want(0, "registration")
		from(t, s, "203.0.113.7", firefox, "")
		from(t, s, "203.0.113.250", later, "")
		want(0, "the same network and browser, of the next month")
		known := from(t, s, "198.51.100.1", firefox, g.Device)
		want(0, "another network, on a device that is known")
		from(t, s, "203.0.113.7", chrome, "")
		want(1, "another browser")
		from(t, s, "203.0.113.7", chrome, "")
		from(t, s, "2001:db8:1:2::1", chrome, "")
		from(t, s, "192.0.2.1", firefox, "")
		want(1, "more of them in the same week")
		s.Clock.Advance(7*24*time.Hour + time.Second)
		from(t, s, "2001:db8:1:ffff::9", chrome, "")
		want(1, "a neighbour in the same /48")
		from(t, s, "2001:db8:2::1", chrome, "")
		want(2, "another /48 a week later")
		s.Clock.Advance(guard.PlaceLifetime + time.Second)
		s.SweepAll(t)
		if places, err := s.Store.Places(t.Context(), g.User.ID, 100); err != nil || len(places) != 0 {
			t.Errorf("%d places are left, %v", len(places), err)
		}
		_ = known
	}, authtest.Limited, tellsOfDevices)
}

// TestFirstLoginIsFromNoNewPlace: of who was imported, there is nothing to
// compare it with; nor is there when the secret was changed. Who has not
// proved their address is not written to.
func TestFirstLoginIsFromNoNewPlace(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		u, err := s.Accounts.NewUser(t.Context(), authtest.Req, authtest.Registration("amina"))
		if err != nil {
			t.Fatal(err)
		}
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			return errors.Join(s.Accounts.Create(ctx, tx, &u), tx.SetProof(ctx, u.ID, u.Email, s.Clock.Now()))
		})
		from(t, s, "203.0.113.7", firefox, "")
		if n := owed(t, s, account.MailNewDevice); n != 0 {
			t.Errorf("the first login: %d mails", n)
		}
		if err := s.Guard.RotateSecret(t.Context()); err != nil {
			t.Fatal(err)
		}
		from(t, s, "198.51.100.7", chrome, "")
		if n := owed(t, s, account.MailNewDevice); n != 0 {
			t.Errorf("after another secret: %d mails", n)
		}
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.SetProof(ctx, u.ID, u.Email, time.Time{}) })
		from(t, s, "192.0.2.7", chrome, "")
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			return tx.SetProof(ctx, u.ID, u.Email, s.Clock.Now())
		})
		if n := owed(t, s, account.MailNewDevice); n != 0 {
			t.Errorf("an address that is not proved: %d mails", n)
		}
		from(t, s, "192.0.2.207", firefox, "")
		if n := owed(t, s, account.MailNewDevice); n != 1 {
			t.Errorf("then a new browser: %d mails", n)
		}
	}, authtest.Limited, tellsOfDevices)
}

func TestNewDeviceMailIsOff(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		s.Prove(t, s.SignUp(t, "amina"))
		from(t, s, "192.0.2.1", chrome, "")
		if n := owed(t, s, account.MailNewDevice); n != 0 {
			t.Errorf("%d mails", n)
		}
	}, authtest.Limited)
}

// TestNotMe: the link of a notice ends all that whoever has the password got,
// once, and other notices keep theirs.
func TestNotMe(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		seed := s.AddTOTP(t, g.User.ID)
		device := trust(t, s, seed)
		for _, name := range []string{"amina2", "amina"} {
			if _, err := s.UpdateProfile(t.Context(), s.CallerOf(t, device), auth.ProfileChange{Username: account.TextInput(name)}); err != nil {
				t.Fatal(err)
			}
		}
		s.Deliver(t)
		links := authtest.WantTokens(t, smtp, account.NotMe, 2)
		// To look at it changes nothing.
		for range 3 {
			if _, _, err := s.CheckChallenge(t.Context(), authtest.Req, account.NotMe, links[0].Text); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Authenticate(t.Context(), device.Access); err != nil {
			t.Fatalf("after a look: %v", err)
		}
		_, err := s.SignIn(t, "amina", authtest.Good)
		waits := due(t, err)
		asked := account.Approval{ID: tokens.NewID(), Act: account.ApproveErase, Users: []int64{g.User.ID}, AskedBy: g.User.ID, AskedAt: s.Clock.Now(), ExpiresAt: s.Clock.Now().Add(time.Hour)}
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.CreateApproval(ctx, asked) })
		if err := s.NotMe(t.Context(), authtest.Req, links[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Store.Approval(t.Context(), asked.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("what they asked for as one of the staff: %v", err)
		}
		if _, err := s.Authenticate(t.Context(), device.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("a session: %v", err)
		}
		s.Clock.Advance(30 * time.Second)
		if _, err := trusting(t, s, waits, auth.Proof{Code: code(t, s, seed)}); authtest.FieldKeys(err)["challenge"] == nil {
			t.Errorf("a login that waited: %v", err)
		}
		if _, err := loginOn(t, s, device.Trusted); !errors.Is(err, account.ErrInvalidCredentials) {
			t.Errorf("the password: %v", err)
		}
		if err := s.NotMe(t.Context(), authtest.Req, links[0]); !slices.Equal(authtest.FieldKeys(err)["token"], []string{"challenge_used"}) {
			t.Errorf("the link again: %v", err)
		}
		s.Deliver(t)
		reset := authtest.WantTokens(t, smtp, account.ResetPassword, 1)
		if err := s.Reset(t, reset[0], authtest.Good); err != nil {
			t.Fatal(err)
		}
		isAsked(t, s, device.Trusted, "the new password on the device that was trusted")
		if err := s.NotMe(t.Context(), authtest.Req, links[1]); err != nil {
			t.Errorf("the link of the other notice: %v", err)
		}
	})
}

// TestNotMeAfterAnotherAddress: whoever changed it would get the link to choose
// a password. The mail about the change has the way back.
func TestNotMeAfterAnotherAddress(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		if _, err := s.UpdateProfile(t.Context(), s.CallerOf(t, g), auth.ProfileChange{Username: account.TextInput("amina2")}); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		link := authtest.WantTokens(t, smtp, account.NotMe, 1)[0]
		if err := s.AskEmailChange(t, g, "thief@example.ma"); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		if err := s.ConfirmEmail(t.Context(), authtest.Req, authtest.WantTokens(t, smtp, account.ConfirmEmail, 1)[0]); err != nil {
			t.Fatal(err)
		}
		if err := s.NotMe(t.Context(), authtest.Req, link); !slices.Equal(authtest.FieldKeys(err)["token"], []string{"not_me_moved"}) {
			t.Errorf("after another address: %v", err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
			t.Errorf("it changed something: %v", err)
		}
	})
}

// TestNoiseHidesNoNotice: 500 acts of one kind make few mails and one that says
// that there was more; what comes after them of another kind is mailed.
func TestNoiseHidesNoNotice(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		u, err := s.Store.UserByID(t.Context(), g.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		notify := func(kind account.MailKind, about string) {
			t.Helper()
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
				return s.Outbox.Notify(ctx, tx, u, account.Mail{Kind: kind, About: about, CreatedAt: s.Clock.Now()})
			})
		}
		count := func() string {
			return fmt.Sprint(owed(t, s, account.MailUsernameChanged), owed(t, s, account.MailNotices), owed(t, s, account.MailPasswordChanged))
		}
		for range 400 {
			s.Clock.Advance(time.Second)
			notify(account.MailUsernameChanged, "")
		}
		for range 100 {
			notify(account.MailUsernameChanged, "another thing")
		}
		notify(account.MailPasswordChanged, "")
		if got, want := count(), "10 1 1"; got != want {
			t.Errorf("notices, what says that there was more, and the one that matters: %s, want %s", got, want)
		}
		more := s.LastMail(t, account.MailNotices)
		if left := more.DueAt.Sub(s.Clock.Now()); left <= 0 || left > time.Hour {
			t.Errorf("that there was more is due in %v", left)
		}
		s.Clock.Advance(time.Hour)
		s.Deliver(t)
		if s.Sent(t, account.MailNotices) != 1 {
			t.Errorf("it was not sent: %+v", s.LastMail(t, account.MailNotices))
		}
		for range 10 {
			notify(account.MailUsernameChanged, "")
		}
		if got, want := count(), "15 2 1"; got != want {
			t.Errorf("in the next hour: %s, want %s", got, want)
		}
		s.Clock.Advance(8 * 24 * time.Hour)
		s.SweepAll(t)
		if left, err := s.Store.Notices(t.Context(), u.ID, 10); err != nil || len(left) != 0 {
			t.Errorf("the sweep left %v, %v", left, err)
		}
	}, authtest.Limited)
}

// TestNotMeHoldsPasskeysOfTheLastDays: one that a thief has added opens nothing
// alone any more. The owner's, which is asked for after the new password, is as
// good as before then; one that is a week old is left alone.
func TestNotMeHoldsPasskeysOfTheLastDays(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Prove(t, g)
		old := s.AddPasskeyTo(t, s.CallerOf(t, g))
		s.Clock.Advance(7*24*time.Hour + time.Minute)
		in, err := s.SignInBy(t, old, nil)
		if err != nil {
			t.Fatal(err)
		}
		young := s.AddPasskeyTo(t, s.CallerOf(t, in))
		if _, err := s.UpdateProfile(t.Context(), s.CallerOf(t, in), auth.ProfileChange{Username: account.TextInput("amina2")}); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		links := authtest.TokensOf(smtp, account.NotMe)
		if err := s.NotMe(t.Context(), authtest.Req, links[len(links)-1]); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignInBy(t, old, nil); err != nil {
			t.Errorf("the old one: %v", err)
		}
		_, err = s.SignInBy(t, young, nil)
		wantRefused(t, "the young one", err)
		if list, err := s.Store.Factors(t.Context(), g.User.ID); err != nil || len(list) != 2 {
			t.Errorf("%d factors, %v: whoever has the mailbox took one away", len(list), err)
		}

		s.Deliver(t)
		resets := authtest.TokensOf(smtp, account.ResetPassword)
		if err := s.Reset(t, resets[len(resets)-1], "nV7#another-31plum"); err != nil {
			t.Fatal(err)
		}
		_, err = s.SignInBy(t, young, nil)
		wantRefused(t, "after the new password", err)
		_, err = s.SignIn(t, "amina2", "nV7#another-31plum")
		challenge := due(t, err).Challenge
		asked, err := s.BeginPasskeyLogin(t.Context(), account.TextInput(challenge))
		if err != nil {
			t.Fatal(err)
		}
		step := secondStep(challenge, secondBy(asked.Ceremony, young.Get(asked.Challenge, nil)))
		if _, err := s.LoginSecond(t.Context(), authtest.Req, step); err != nil {
			t.Fatalf("after the password: %v", err)
		}
		if _, err := s.SignInBy(t, young, nil); err != nil {
			t.Errorf("alone, then: %v", err)
		}
	})
}
