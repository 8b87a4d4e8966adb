package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/outbox"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/yoozaktest"
)

func TestMailIsOwedOnlyByWhatWasCommitted(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.SignUp(t, "amina")
		r := authtest.Registration("amina")
		r.Email = account.TextInput("other@example.ma")
		if _, err := s.Register(t.Context(), authtest.Req, r); err == nil {
			t.Fatal("a taken name was registered")
		}
		var wg sync.WaitGroup
		for range 10 { // they lose inside the transaction, not before it
			wg.Go(func() { _, _ = s.Register(t.Context(), authtest.Req, authtest.Registration("badr")) })
		}
		wg.Wait()
		undone := errors.New("undone")
		err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return errors.Join(undone, tx.AddMail(t.Context(), account.Mail{Kind: account.MailVerifyEmail, Email: "x@example.ma", CreatedAt: s.Clock.Now()}))
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		var got []string
		for _, m := range s.AllMails(t) {
			got = append(got, m.Email)
		}
		if want := []string{"amina@example.ma", "badr@example.ma"}; !cmp.Equal(got, want) {
			t.Errorf("mails owed to %v, want %v", got, want)
		}
		s.Deliver(t)
		authtest.WantTokens(t, smtp, account.VerifyEmail, 2)
	})
}

func TestMailIsTriedAgainUntilItIsTaken(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		smtp.Judge(func(_ string, attempt int) smtptest.Verdict {
			if attempt <= 2 {
				return smtptest.Verdict{Rcpt: 451}
			}
			return smtptest.Verdict{}
		})
		s.SignUp(t, "amina")
		began := s.Clock.Now().Truncate(time.Microsecond)
		s.Deliver(t)
		m := s.LastMail(t, account.MailVerifyEmail)
		if m.Attempts != 1 || !m.DueAt.Equal(began.Add(10*time.Second)) || m.Failure != "the SMTP server answered 451 4.1.1 at RCPT TO" {
			t.Errorf("after one refusal: %+v", m)
		}
		s.Clock.Advance(10*time.Second - time.Microsecond)
		s.Deliver(t)
		if n := smtp.Attempts("amina@example.ma"); n != 1 {
			t.Errorf("%d attempts before it was due", n)
		}
		s.Clock.Advance(time.Microsecond)
		s.Deliver(t)
		if m = s.LastMail(t, account.MailVerifyEmail); m.Attempts != 2 || !m.DueAt.Equal(began.Add(70*time.Second)) {
			t.Errorf("after two refusals: %+v", m)
		}
		s.Clock.Advance(time.Minute)
		s.Deliver(t)
		if m = s.LastMail(t, account.MailVerifyEmail); m.Attempts != 3 || m.SentAt.IsZero() || !m.DueAt.IsZero() || m.Failure != "" {
			t.Errorf("when it was taken: %+v", m)
		}
		authtest.WantTokens(t, smtp, account.VerifyEmail, 1)
	})
}

// TestMailsThatFailedNeedNotWait: once the SMTP server is mended an operator has
// those sent at once that wait for their next try, and no others: not what is
// due later by itself, nor what another server has under way.
func TestMailsThatFailedNeedNotWait(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		retried := func(want int) {
			t.Helper()
			if n, err := s.Staff.RetryWaitingMails(t.Context()); n != want || err != nil {
				t.Fatalf("%d to be tried again, %v; want %d", n, err, want)
			}
		}
		smtp.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Rcpt: 451} })
		s.SignUp(t, "amina")
		retried(0) // it is due
		s.Deliver(t)
		failed := s.LastMail(t, account.MailVerifyEmail)
		later := account.Mail{Kind: account.MailVerifyEmail, UserID: failed.UserID, Email: failed.Email, Language: "fr", CreatedAt: s.Clock.Now(), DueAt: s.Clock.Now().Add(time.Hour)}
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.AddMail(ctx, later) })
		smtp.Judge(nil)
		retried(1)
		s.Deliver(t)
		authtest.WantTokens(t, smtp, account.VerifyEmail, 1)
		retried(0)

		s.Clock.Advance(time.Hour)
		now := s.Clock.Now()
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			claimed, err := tx.ClaimMails(ctx, 1, "another server's", now, now.Add(time.Minute))
			if err == nil && len(claimed) != 1 {
				err = errors.New("nothing was claimed")
			}
			return err
		})
		retried(0)
	})
}

func TestMailIsGivenUpAtOnceWhenRefusedForGood(t *testing.T) {
	t.Parallel()
	var log yoozaktest.Buffer
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		smtp.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Rcpt: 550} })
		s.SignUp(t, "amina")
		s.Deliver(t)
		if m := s.LastMail(t, account.MailVerifyEmail); m.Attempts != 1 || !m.DueAt.IsZero() || !m.SentAt.IsZero() || m.Failure != "the SMTP server answered 550 5.1.1 at RCPT TO" {
			t.Errorf("%+v, want it given up", m)
		}
		s.Clock.Advance(24 * time.Hour)
		s.Deliver(t)
		if n := smtp.Attempts("amina@example.ma"); n != 1 {
			t.Errorf("%d attempts, want 1", n)
		}
		if text := log.String(); strings.Contains(text, "example.ma") || !strings.Contains(text, "given_up=true") {
			t.Errorf("log: %s", text)
		}
	}, authtest.Quietly(&log))
}

func TestMailIsGivenUpAfterADay(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		smtp.Stop()
		s.SignUp(t, "amina")
		began := s.Clock.Now().Truncate(time.Microsecond)
		attempts := 0
		for m := s.LastMail(t, account.MailVerifyEmail); !m.DueAt.IsZero(); m = s.LastMail(t, account.MailVerifyEmail) {
			s.Clock.Advance(m.DueAt.Sub(s.Clock.Now()))
			s.Deliver(t)
			if attempts++; attempts > 20 {
				t.Fatal("it is never given up")
			}
		}
		m, took := s.LastMail(t, account.MailVerifyEmail), s.Clock.Now().Sub(began)
		if m.Attempts != 10 || attempts != 10 || took < 23*time.Hour || took > 25*time.Hour {
			t.Errorf("given up after %d attempts in %v: %+v", attempts, took, m)
		}

		again := smtptest.Start(t, smtptest.Options{Address: smtp.Address()})
		s.Deliver(t)
		authtest.WantTokens(t, again, account.VerifyEmail, 0) // until somebody asks
		if n, err := s.Staff.RetryMails(t.Context()); n != 1 || err != nil {
			t.Errorf("%d to be tried again, %v", n, err)
		}
		s.Deliver(t)
		link := authtest.WantTokens(t, again, account.VerifyEmail, 1)[0]
		if err := s.VerifyEmail(t.Context(), authtest.Req, link); err != nil {
			t.Errorf("the link of a mail that came late: %v", err)
		}
		if n, err := s.Staff.RetryMails(t.Context()); n != 0 || err != nil {
			t.Errorf("%d to be tried again, %v; want none", n, err)
		}
		if err := s.Staff.RetryMail(t.Context(), m.ID); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("a mail that was sent: %v", err)
		}
	})
}

// TestMailThatWasTakenButNotAnsweredIsSentAgain: better twice than never,
// and either link works, but not both.
func TestMailThatWasTakenButNotAnsweredIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, use := range []int{0, 1} {
		t.Run(fmt.Sprint("link ", use+1), func(t *testing.T) {
			t.Parallel()
			authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
				s.SignUp(t, "amina")
				s.Deliver(t)
				smtp.Judge(func(_ string, attempt int) smtptest.Verdict {
					if attempt == 2 {
						return smtptest.Verdict{Drop: smtptest.DropBeforeAnswer}
					}
					return smtptest.Verdict{}
				})
				s.AskReset(t, "amina@example.ma")
				s.Deliver(t)
				if err := s.Staff.RetryMail(t.Context(), s.LastMail(t, account.MailResetPassword).ID); err != nil {
					t.Fatal(err)
				}
				s.Deliver(t)
				links := authtest.WantTokens(t, smtp, account.ResetPassword, 2)
				if links[0] == links[1] {
					t.Error("the second mail has the link of the first: it was stored somewhere")
				}
				if err := s.Reset(t, links[use], "another-Pass-77"); err != nil {
					t.Fatal(err)
				}
				for i, link := range links {
					if err := s.Reset(t, link, "third-Pass-88"); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"token": {"challenge_used"}}) {
						t.Errorf("link %d after a reset: %v", i+1, err)
					}
				}
				if _, err := s.SignIn(t, "amina", "another-Pass-77"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestLeasesOutlastTheirWork: another server must not take a mail that is
// under way.
func TestLeasesOutlastTheirWork(t *testing.T) {
	t.Parallel()
	to := mail.DefaultTimeouts
	if authtest.Lease < to.Begin+time.Minute || authtest.Hold < to.Begin+to.Content+to.Answer+time.Minute {
		t.Errorf("leases of %v and %v; all before the text takes up to %v, the text and its answer %v", authtest.Lease, authtest.Hold, to.Begin, to.Content+to.Answer)
	}
}

// TestSlowAnswerMakesNoCopies: a server that takes longer than we wait may
// have the mail. It is asked once more, much later.
func TestSlowAnswerMakesNoCopies(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		held := make(chan struct{})
		defer close(held)
		smtp := smtptest.Start(t, smtptest.Options{})
		smtp.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Wait: held} })
		to := mail.DefaultTimeouts
		to.Answer = 50 * time.Millisecond
		s := authtest.New(t, st, authtest.MailingBy(t, mail.SMTP{URL: smtp.URL(), Timeouts: to}))
		s.SignUp(t, "amina")
		const failure = "the SMTP server did not answer after the whole text: the mail may have arrived"
		began := s.Clock.Now().Truncate(time.Microsecond)
		s.Deliver(t)
		if m := s.LastMail(t, account.MailVerifyEmail); m.Failure != failure || !m.DueAt.Equal(began.Add(time.Hour)) {
			t.Errorf("after one loss: %+v, want it due in an hour", m)
		}
		s.Clock.Advance(time.Hour - time.Second)
		s.Deliver(t)
		if n := smtp.Attempts("amina@example.ma"); n != 1 {
			t.Errorf("%d attempts within the hour, want 1", n)
		}
		s.Clock.Advance(time.Second)
		s.Deliver(t)
		if m := s.LastMail(t, account.MailVerifyEmail); m.Failure != failure || m.Attempts != 2 || !m.DueAt.IsZero() {
			t.Errorf("after two losses: %+v, want it given up", m)
		}
		if n, err := s.Staff.RetryMails(t.Context()); n != 1 || err != nil { // an operator may know better
			t.Errorf("%d to be tried again, %v", n, err)
		}
	})
}

// TestSlowMailIsHeld: while one server waits for an answer, another does not
// take the mail, and other mails go out.
func TestSlowMailIsHeld(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t).NewDatabase(t)
	held := make(chan struct{})
	smtp := smtptest.Start(t, smtptest.Options{})
	smtp.Judge(func(to string, _ int) smtptest.Verdict {
		if to == "amina@example.ma" {
			return smtptest.Verdict{Wait: held}
		}
		return smtptest.Verdict{}
	})
	slow, other := authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp)), authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp))
	slow.SignUp(t, "amina")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { slow.Outbox.Run(ctx); close(done) }()
	defer func() { stop(); <-done }()
	began := slow.Clock.Now().Truncate(time.Microsecond)
	authtest.Eventually(t, func() bool { return slow.LastMail(t, account.MailVerifyEmail).DueAt.Equal(began.Add(authtest.Hold)) })
	for _, s := range []*authtest.Server{slow, other} {
		s.Clock.Advance(13 * time.Minute)
	}
	other.SignUp(t, "badr")
	authtest.Eventually(t, func() bool { return len(smtp.Messages()) == 1 }) // by the slow one, whose other workers go on
	if claimed, err := outbox.ClaimMail(t.Context(), other.Outbox); claimed || err != nil {
		t.Errorf("another server's claim: %v %v, want that nothing is due", claimed, err)
	}
	close(held)
	authtest.Eventually(t, func() bool { return slow.AllMails(t)[0].DueAt.IsZero() })
	if n := smtp.Attempts("amina@example.ma"); n != 1 || len(smtp.Messages()) != 2 {
		t.Errorf("%d attempts, %d mails were taken; want 1 and 2", n, len(smtp.Messages()))
	}
}

// TestMailThatIsVoidedMeanwhileIsNotSent: its link would open nothing.
func TestMailThatIsVoidedMeanwhileIsNotSent(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		smtp := smtptest.Start(t, smtptest.Options{})
		s := authtest.New(t, st, authtest.Mailing(t, smtp), func(o *app.Options, _ *token.Options) {
			o.Mail.Link = func(account.ChallengeKind, string, string) string { // when the mail is made
				err := st.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
					return tx.CancelMails(t.Context(), 1, account.MailVerifyEmail)
				})
				if err != nil {
					t.Error(err)
				}
				return "https://x.example/"
			}
		})
		s.SignUp(t, "amina")
		s.Deliver(t)
		if m := s.LastMail(t, account.MailVerifyEmail); m.Failure != account.MailUnwanted || !m.DueAt.IsZero() || len(smtp.Messages()) != 0 {
			t.Errorf("%d mails were sent; %+v", len(smtp.Messages()), m)
		}
	})
}

// TestMailThatIsVoidedWhileItGoesOutWasSent: whoever got it used its link before
// the delivery was noted.
func TestMailThatIsVoidedWhileItGoesOutWasSent(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		held := make(chan struct{})
		smtp.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Wait: held} })
		s.SignUp(t, "amina")
		began := s.Clock.Now().Truncate(time.Microsecond)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.Outbox.Run(ctx); close(done) }()
		defer func() { stop(); <-done }()
		last := func() account.Mail { return s.LastMail(t, account.MailVerifyEmail) }
		authtest.Eventually(t, func() bool { return last().DueAt.Equal(began.Add(authtest.Hold)) }) // it is handed over
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			return tx.CancelMails(ctx, 1, account.MailVerifyEmail)
		})
		close(held)
		authtest.Eventually(t, func() bool { return !last().SentAt.IsZero() })
		if m := last(); m.Failure != "" || !m.DueAt.IsZero() || len(smtp.Messages()) != 1 {
			t.Errorf("%d mails were sent; %+v", len(smtp.Messages()), m)
		}
	})
}

// TestMailOfANewerServerWaitsForIt: it is not sent without words, not given
// up, not tried without end.
func TestMailOfANewerServerWaitsForIt(t *testing.T) {
	t.Parallel()
	var log yoozaktest.Buffer
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return tx.AddMail(t.Context(), account.Mail{Kind: "of_tomorrow", Email: "amina@example.ma", Language: "fr", CreatedAt: s.Clock.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			now := s.Clock.Now().Truncate(time.Microsecond)
			s.Deliver(t)
			if m := s.LastMail(t, "of_tomorrow"); m.DueAt.Before(now.Add(30*time.Second)) || m.DueAt.After(now.Add(15*time.Minute)) || m.Attempts != 0 || m.Failure == "" {
				t.Fatalf("%+v, want it due a little later and no attempt counted", m)
			}
			s.Clock.Advance(time.Hour)
		}
		if n := smtp.Attempts("amina@example.ma"); n != 0 || len(smtp.Messages()) != 0 {
			t.Errorf("%d attempts, %d mails", n, len(smtp.Messages()))
		}
		s.SignUp(t, "badr") // others go on
		s.Deliver(t)
		authtest.WantTokens(t, smtp, account.VerifyEmail, 1)
		if n := strings.Count(log.String(), "mail left to a newer server"); n < 1 || n > 2 {
			t.Errorf("logged %d times, want once on each engine:\n%s", n, log.String())
		}
	}, authtest.Quietly(&log))
}

// stuckLog panics, or hangs, where a notice is logged; that is the last thing
// that the notice does.
type stuckLog struct {
	slog.Handler
	release chan struct{} // nil: panic
}

func (h stuckLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != "unusual attempts at a password" {
		return h.Handler.Handle(ctx, r)
	}
	if h.release == nil {
		panic("a mistake in a notice")
	}
	<-h.release
	return nil
}

// TestNoticeCannotStopDelivery, whether it makes a mistake or takes for ever.
func TestNoticeCannotStopDelivery(t *testing.T) {
	t.Parallel()
	for name, release := range map[string]chan struct{}{"panics": nil, "hangs": make(chan struct{})} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			smtp := smtptest.Start(t, smtptest.Options{})
			st := storetest.Open(t, storetest.SQLite(t))
			s := authtest.New(t, st, authtest.Mailing(t, smtp), func(o *app.Options, _ *token.Options) {
				o.Log = slog.New(stuckLog{slog.DiscardHandler, release})
			})
			g := s.SignUp(t, "amina")
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { s.Outbox.Run(ctx); close(done) }()
			authtest.Eventually(t, func() bool { return len(smtp.Messages()) == 1 })
			s.Prove(t, g)
			s.Outbox.SuspectGuessing(1)
			authtest.Eventually(t, func() bool { return len(smtp.Messages()) == 2 }) // the notice itself
			s.AskReset(t, "amina@example.ma")
			authtest.Eventually(t, func() bool { return len(authtest.TokensOf(smtp, account.ResetPassword)) == 1 })
			if release != nil {
				close(release)
			}
			stop()
			<-done
		})
	}
}

// TestStopGivesNoMailUp: a server that ends leaves its mails to the
// next one, also at their last attempt.
func TestStopGivesNoMailUp(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		ctx, cancel := context.WithCancel(t.Context())
		held := make(chan struct{})
		smtp.Judge(func(to string, _ int) smtptest.Verdict {
			if to != "" {
				cancel()
			}
			return smtptest.Verdict{Wait: held}
		})
		for n := range 12 {
			s.SignUp(t, fmt.Sprint("user", n))
		}
		done := make(chan struct{})
		go func() { s.Outbox.Run(ctx); close(done) }()
		<-ctx.Done()
		close(held)
		<-done
		unsure := map[string]bool{} // whose whole text was sent when the server stopped
		for _, m := range s.AllMails(t) {
			unsure[m.Email] = strings.Contains(m.Failure, "may have arrived")
			if m.SentAt.IsZero() && (m.DueAt.IsZero() || m.DueAt.After(s.Clock.Now()) && !unsure[m.Email]) {
				t.Errorf("left for later: %+v, want it due", m)
			}
		}
		s.Deliver(t)
		s.Clock.Advance(time.Hour)
		s.Deliver(t)
		seen := map[string]int{}
		for _, m := range smtp.Messages() {
			seen[m.To]++
		}
		for n := range 12 {
			if to := fmt.Sprintf("user%d@example.ma", n); seen[to] != 1 && (!unsure[to] || seen[to] != 2) {
				t.Errorf("%s got %d mails, want 1", to, seen[to])
			}
		}
	})
}

// TestOfTwoServersOneSendsAMail: 300 mails, two servers on one database.
func TestOfTwoServersOneSendsAMail(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t).NewDatabase(t)
	smtp := smtptest.Start(t, smtptest.Options{})
	servers := []*authtest.Server{
		authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp)),
		authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp)),
	}
	const total = 300
	for n := range total {
		s := servers[0]
		err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return tx.AddMail(t.Context(), account.Mail{
				Kind: account.MailAccountClosed, Email: fmt.Sprintf("user%d@example.ma", n), Language: "fr", CreatedAt: s.Clock.Now(),
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(func() { s.Deliver(t) })
	}
	wg.Wait()
	seen := map[string]int{}
	for _, m := range smtp.Messages() {
		seen[m.To]++
	}
	if len(seen) != total || len(smtp.Messages()) != total {
		t.Errorf("%d mails to %d addresses, want %d once each", len(smtp.Messages()), len(seen), total)
	}
	for _, m := range servers[1].AllMails(t) {
		if m.SentAt.IsZero() || m.Attempts != 1 {
			t.Errorf("%+v", m)
		}
	}
}

func TestWithoutAWayOutMailsWait(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.SignUp(t, "amina")
		without := authtest.New(t, s.Store, func(o *app.Options, _ *token.Options) { o.Mail.Sender = nil })
		without.Clock.Set(s.Clock.Now())
		without.Deliver(t)
		if m := s.LastMail(t, account.MailVerifyEmail); m.Failure == "" || m.DueAt.IsZero() {
			t.Errorf("%+v, want it due again and a reason", m)
		}
		s.Clock.Advance(10 * time.Second)
		s.Deliver(t)
		authtest.WantTokens(t, smtp, account.VerifyEmail, 1)
	})
}

// TestMailFolderIsSweptWhenItsLinksAreWorthless: each kind after its time.
func TestMailFolderIsSweptWhenItsLinksAreWorthless(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	sender, err := mail.NewFolder(folder, "Yoozak <bonjour@yoozak.ma>")
	if err != nil {
		t.Fatal(err)
	}
	s := authtest.New(t, storetest.Open(t, storetest.SQLite(t)), func(o *app.Options, _ *token.Options) { o.Mail.Sender = sender })
	began := s.Clock.Now()
	for _, kind := range []string{"reset_password", "verify_email", "email_changed", "account_closed"} {
		path := filepath.Join(folder, "20260605-125656-000001-"+kind+".eml")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, began, began); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		after time.Duration
		left  int
	}{{24 * time.Hour, 4}, {time.Second, 1}, {6 * 24 * time.Hour, 0}} {
		s.Clock.Advance(step.after)
		if err := s.Outbox.Sweep(t.Context(), s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) != step.left {
			t.Errorf("after %v: %d files, %v; want %d", s.Clock.Now().Sub(began), len(left), err, step.left)
		}
	}
}

// Notices go to nobody who did not prove that they read the mailbox.
func TestNoticesGoToProvedAddressesOnly(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.Claims(t, "www.evil-x.example", "victim@example.ma")
		s.Deliver(t)
		before := len(smtp.Messages())
		change := func(old, next string) {
			t.Helper()
			g, err := s.SignIn(t, "www.evil-x.example", old)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.ChangePassword(t.Context(), s.CallerOf(t, g), auth.PasswordChange{Current: account.TextInput(old), New: account.TextInput(next)}); err != nil {
				t.Fatal(err)
			}
		}
		change(authtest.Good, "another-Pass-77")
		change("another-Pass-77", authtest.Good)
		g, err := s.SignIn(t, "www.evil-x.example", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.UpdateProfile(t.Context(), s.CallerOf(t, g), auth.ProfileChange{Username: account.TextInput("www.evil-y.example"), Password: account.TextInput(authtest.Good)})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, g), account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		if n := len(smtp.Messages()) - before; n != 0 {
			t.Errorf("%d mails to somebody who may know nothing of it", n)
		}
	})
}

// In the outbox, what somebody waits for goes before notices.
func TestResetGoesBeforeNotices(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.Claims(t, "hind", "hind@example.ma")
		s.Claims(t, "amina", "amina@example.ma")
		s.Deliver(t)
		s.Prove(t, g)
		for range 40 {
			err := s.Store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
				return tx.AddMail(t.Context(), account.Mail{Kind: account.MailUnusualAttempts, UserID: g.User.ID, Email: "hind@example.ma", Language: "fr", CreatedAt: s.Clock.Now().Add(-time.Minute)})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		before := len(smtp.Messages())
		s.AskReset(t, "amina@example.ma")
		// Notices that were taken before the reset was there wait for it to be there; those after them, for the reset itself.
		there, handed := make(chan struct{}), make(chan struct{})
		handOver := sync.OnceFunc(func() { close(handed) })
		defer time.AfterFunc(time.Minute, handOver).Stop()
		var notices atomic.Int32
		smtp.Judge(func(to string, _ int) smtptest.Verdict {
			switch {
			case to == "amina@example.ma":
				handOver()
				return smtptest.Verdict{}
			case to == "" || notices.Add(1) <= 4: // four are sent at once
				return smtptest.Verdict{Wait: there}
			}
			return smtptest.Verdict{Wait: handed}
		})
		go func() {
			defer close(there)
			for t.Context().Err() == nil && !slices.ContainsFunc(s.AllMails(t), func(m account.Mail) bool { return m.Kind == account.MailResetPassword }) {
				time.Sleep(5 * time.Millisecond)
			}
		}()
		s.Deliver(t)
		at := slices.IndexFunc(smtp.Messages()[before:], func(m smtptest.Message) bool { return authtest.LinkPattern.MatchString(m.Text) })
		// Four before it, three beside it, and what those three send while it is being taken; last without precedence.
		if at < 0 || at > 20 {
			t.Errorf("the reset was mail %d", at)
		}
	})
}

// TestClockSetBackHoldsUpNoMail: what was owed or put off by a clock that was
// a day ahead goes out; what waits for a good reason goes on waiting.
func TestClockSetBackHoldsUpNoMail(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		day := 24 * time.Hour
		add := func(m account.Mail) {
			t.Helper()
			m.Kind, m.Language, m.Details.Username = account.MailAccountClosed, "fr", "amina"
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.AddMail(ctx, m) })
		}
		now := s.Clock.Now()
		add(account.Mail{Email: "owed@example.ma", CreatedAt: now.Add(day)})
		add(account.Mail{Email: "turn@example.ma", CreatedAt: now, DueAt: now.Add(2 * time.Hour), DelayKey: "other"})
		add(account.Mail{Email: "retry@example.ma", CreatedAt: now, DueAt: now.Add(day)})
		add(account.Mail{Email: "waits@example.ma", CreatedAt: now, DueAt: now.Add(8 * time.Hour)})
		add(account.Mail{Email: "its-turn@example.ma", CreatedAt: now, DueAt: now.Add(time.Hour), DelayKey: "mine"})
		s.Deliver(t)
		if n := len(smtp.Messages()); n != 0 {
			t.Fatalf("%d mails went out before their time", n)
		}
		for range 2 { // what was done once is not done again
			if err := s.Outbox.Hasten(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.Deliver(t)
		sent := map[string]bool{}
		for _, m := range s.AllMails(t) {
			sent[m.Email] = !m.SentAt.IsZero()
			if m.CreatedAt.After(now.Add(time.Minute)) {
				t.Errorf("%s is owed since %v", m.Email, m.CreatedAt)
			}
		}
		want := map[string]bool{"owed@example.ma": true, "turn@example.ma": true, "retry@example.ma": true, "waits@example.ma": false, "its-turn@example.ma": false}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}
