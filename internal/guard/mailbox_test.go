package guard_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// Whatever strangers cause, of one kind five mails an hour go to a mailbox
// and one is owed; and one kind takes nothing from another.
func TestStrangersCannotFillAMailboxNorUseUpWhatItsOwnerNeeds(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		owner := s.Claims(t, "owner", "amina@example.ma")
		s.Deliver(t)
		s.Prove(t, owner)
		for n := range 20 { // in every spelling that delivery takes for one
			email := []string{"amina@example.ma", "Amina+shop@example.ma", "amina+x@EXAMPLE.ma"}[n%3]
			s.Claims(t, fmt.Sprint("squatter", n), email)
			if err := s.RequestReset(t.Context(), authtest.Elsewhere(), account.TextInput("AMINA@example.ma"), account.Input{}); err != nil {
				t.Errorf("request %d: %v; want no word of a limit", n, err)
			}
		}
		s.Deliver(t)
		if n := s.Sent(t, account.MailVerifyEmail); n != 5 {
			t.Errorf("%d verifications, want 5", n)
		}
		// The owner's own request is one of those that strangers have sent: the
		// mail is in the mailbox, and its link works.
		if n := s.Sent(t, account.MailResetPassword); n != 5 {
			t.Errorf("%d resets, want 5", n)
		}
		links := authtest.TokensOf(smtp, account.ResetPassword)
		if err := s.Reset(t, links[len(links)-1], "another-Pass-77"); err != nil {
			t.Errorf("the owner's reset: %v", err)
		}
		if _, err := s.SignIn(t, "amina@example.ma", "another-Pass-77"); err != nil {
			t.Errorf("login: %v", err)
		}
		s.Clock.Advance(13 * time.Minute)
		s.Deliver(t)
		if v, r := s.Sent(t, account.MailVerifyEmail), s.Sent(t, account.MailResetPassword); v != 6 || r != 6 {
			t.Errorf("%d verifications and %d resets after the wait, want 6 and 6", v, r)
		}
		s.Clock.Advance(24 * time.Hour)
		s.Deliver(t)
		if v, r := s.Sent(t, account.MailVerifyEmail), s.Sent(t, account.MailResetPassword); v != 6 || r != 6 {
			t.Errorf("%d verifications and %d resets a day later, want no more", v, r)
		}
	}, authtest.Limited)
}

// Whoever has many accounts and asks over and over from one network leaves
// something to the owner of a mailbox, hour after hour; and no more mails than
// the quota go there.
func TestOneNetworkLeavesAMailboxToOthers(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		owner := s.Claims(t, "owner", "old@example.ma")
		asks := func(g auth.LoginResult, from account.RequestInfo) error {
			g, err := s.SignIn(t, g.User.Username, authtest.Good)
			if err != nil {
				t.Fatal(err)
			}
			c := s.CallerOf(t, g)
			c.Request = from
			return s.ChangeEmail(t.Context(), c, auth.EmailChange{Password: account.TextInput(authtest.Good), Email: account.TextInput("amina@example.ma")})
		}
		thieves := make([]auth.LoginResult, 4)
		for n := range thieves {
			thieves[n] = s.Claims(t, fmt.Sprint("thief", n), "")
		}
		one := authtest.Elsewhere()
		for hour := range 3 {
			sent := s.Sent(t, account.MailConfirmEmail)
			for range 4 { // every quarter of an hour
				for _, thief := range thieves {
					if err := asks(thief, one); err != nil && authtest.Outcome(err) == "" {
						t.Fatal(err)
					}
				}
				s.Deliver(t)
				s.Clock.Advance(15 * time.Minute)
				s.Deliver(t)
			}
			if err := asks(owner, authtest.Elsewhere()); err != nil {
				t.Errorf("hour %d: the owner is refused: %v", hour, err)
			}
			s.Deliver(t)
			if m := s.LastMail(t, account.MailConfirmEmail); m.UserID != owner.User.ID || m.SentAt.IsZero() {
				t.Errorf("hour %d: the owner's mail did not go out: %+v", hour, m)
			}
			if n := s.Sent(t, account.MailConfirmEmail) - sent; n > 9 { // five at once, and what an hour allows
				t.Errorf("hour %d: %d mails", hour, n)
			}
		}
	}, authtest.Limited)
}

// A mail that waited for its network's share waits for the mailbox's, too.
func TestMailOfAShareKeepsToTheQuota(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		asks := func(from account.RequestInfo, times int) {
			t.Helper()
			for range times {
				if err := s.RequestReset(t.Context(), from, account.TextInput("amina@example.ma"), account.Input{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		wantSent := func(at time.Duration, n int) {
			t.Helper()
			s.Deliver(t)
			if got := s.Sent(t, account.MailResetRequest); got != n {
				t.Errorf("after %s: %d went through, want %d", at, got, n)
			}
		}
		asks(authtest.Elsewhere(), 5) // the fifth waits for a quarter of an hour
		asks(authtest.Elsewhere(), 1)
		wantSent(0, 5)
		s.Clock.Advance(12 * time.Minute)
		asks(authtest.Elsewhere(), 1)
		wantSent(12*time.Minute, 6)
		s.Clock.Advance(3 * time.Minute)
		wantSent(15*time.Minute, 6)
		s.Clock.Advance(9*time.Minute + time.Second)
		wantSent(24*time.Minute, 7)
	}, authtest.Limited)
}

// A caller whose mail cannot be owed, because another account's waits for
// that mailbox, is told so.
func TestWhatIsNotOwedIsNotPromised(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		owner := s.Claims(t, "owner", "amina@example.ma")
		for n := range 5 { // the last one waits
			s.Claims(t, fmt.Sprint("squatter", n), "amina@example.ma")
		}
		if _, err := s.ResendVerification(t.Context(), s.CallerOf(t, owner), account.Input{}); authtest.Outcome(err) == "" || authtest.Outcome(err) == no {
			t.Errorf("resend: %v, want when to come again", err)
		}
		s.Deliver(t)
		s.Clock.Advance(13 * time.Minute)
		s.Deliver(t)
		s.Clock.Advance(13 * time.Minute)
		for range 2 {
			if _, err := s.ResendVerification(t.Context(), s.CallerOf(t, owner), account.Input{}); err != nil {
				t.Errorf("later: %v", err)
			}
		}
		s.Deliver(t)
		if n := s.Sent(t, account.MailVerifyEmail); n != 7 {
			t.Errorf("%d mails, want 7", n)
		}
		if err := s.AskEmailChange(t, owner, "new@example.ma"); err != nil { // another kind
			t.Errorf("change: %v", err)
		}
	}, authtest.Limited)
}

// The quota holds however many ask at once, on one server or two.
func TestQuotaOfAMailboxIsAtomic(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		smtp := smtptest.Start(t, smtptest.Options{})
		var servers []*authtest.Server
		for range 2 {
			st := storetest.Open(t, url)
			servers = append(servers, authtest.New(t, st, authtest.Mailing(t, smtp), func(o *app.Options, _ *token.Options) {
				l := guard.NewLimiter(guard.LimiterOptions{Store: st, Timeout: time.Minute, Now: o.Now, Log: slog.New(slog.DiscardHandler)})
				o.Limits = l
			}))
		}
		if servers[0].Store.Engine() == "sqlite" { // one server, which has its counts in memory
			servers = servers[:1]
		}
		var wg sync.WaitGroup
		for n := range 60 {
			wg.Go(func() {
				s := servers[n%len(servers)]
				if err := s.RequestReset(t.Context(), authtest.Elsewhere(), account.TextInput("amina@example.ma"), account.Input{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(servers[0].AllMails(t)); n != 6 {
			t.Errorf("%d requests are owed, want 5 and one that waits", n)
		}
	})
}

// A request that names an account, which may be nobody's, takes nothing from
// the owner's, who names none.
func TestResetOfOneNameTakesNoTurnOfTheAddress(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.Prove(t, s.Claims(t, "owner", "amina@example.ma"))
		s.Deliver(t)
		for range 40 {
			err := s.RequestReset(t.Context(), authtest.Elsewhere(), account.TextInput("amina@example.ma"), account.TextInput("nobody-at-all"))
			if err != nil {
				t.Fatal(err)
			}
		}
		s.Deliver(t)
		if n := len(authtest.TokensOf(smtp, account.ResetPassword)); n != 0 {
			t.Errorf("%d mails for a name that nobody has", n)
		}
		if err := s.RequestReset(t.Context(), authtest.Elsewhere(), account.TextInput("amina@example.ma"), account.Input{}); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		authtest.WantTokens(t, smtp, account.ResetPassword, 1)
	}, authtest.Limited)
}
