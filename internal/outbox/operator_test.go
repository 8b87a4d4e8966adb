package outbox_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

const operator = "ops@yoozak.ma"

func operated(o *app.Options, _ *token.Options) {
	o.Mail.Operator, o.Mail.OperatorLanguage = operator, "en"
}

// TestOperatorIsToldOfMailsOnceADay, however many are given up and however
// many servers look.
func TestOperatorIsToldOfMailsOnceADay(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		tell := func(want int) {
			t.Helper()
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := s.Outbox.TellOfMails(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			s.Deliver(t)
			if got := smtp.Attempts(operator); got != want {
				t.Errorf("%d mails to the operator, want %d", got, want)
			}
		}
		smtp.Judge(func(to string, _ int) smtptest.Verdict {
			if to == operator || to == "" {
				return smtptest.Verdict{}
			}
			return smtptest.Verdict{Rcpt: 550}
		})
		tell(0) // nothing is wrong
		s.SignUp(t, "amina")
		s.SignUp(t, "badr")
		s.Deliver(t)
		tell(1)
		m := smtp.Messages()[0]
		for _, want := range []string{"2 mails were given up", "the SMTP server answered 550 5.1.1 at RCPT TO", "yoozak mail list"} {
			if m.To != operator || !strings.Contains(m.Text, want) {
				t.Errorf("to %s: lacks %q:\n%s", m.To, want, m.Text)
			}
		}
		for _, never := range []string{"amina", "badr", "example.ma"} {
			if strings.Contains(m.Text, never) {
				t.Errorf("names a customer, %q:\n%s", never, m.Text)
			}
		}
		s.SignUp(t, "chama")
		s.Deliver(t)
		s.Clock.Advance(23 * time.Hour)
		tell(1)
		s.Clock.Advance(2 * time.Hour)
		tell(2)
		s.Clock.Advance(72 * time.Hour) // all of it is old
		tell(2)
	}, operated)
}

// TestOperatorIsNotToldOfWhatTheyRestored: "yoozak restored" gives up the mails
// that waited in the backup, and says so to whoever runs it.
func TestOperatorIsNotToldOfWhatTheyRestored(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		s.SignUp(t, "amina")
		if r, err := s.Staff.Restored(t.Context(), 1); err != nil || r.Mails != 1 {
			t.Fatalf("%d mails given up, %v", r.Mails, err)
		}
		if err := s.Outbox.TellOfMails(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		if got := smtp.Attempts(operator); got != 0 {
			t.Errorf("%d mails to the operator", got)
		}
	}, operated)
}

// TestOperatorIsToldOfRefusedMessagesOnceADay, and of each once, however many
// servers look.
func TestOperatorIsToldOfRefusedMessagesOnceADay(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		tell := func(want int) {
			t.Helper()
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := s.Outbox.TellOfWebhooks(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			s.Deliver(t)
			if got := smtp.Attempts(operator); got != want {
				t.Errorf("%d mails to the operator, want %d", got, want)
			}
		}
		w, _ := s.Subscribe(t, "https://orders.example/hook?key=planted")
		giveUp := func(many int) {
			t.Helper()
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
				if _, err := tx.LeaseWebhook(ctx, w.ID, "a worker", s.Clock.Now(), s.Clock.Now()); err != nil {
					return err
				}
				return tx.CountGivenUp(ctx, w.ID, "a worker", many, "the answer was 404", s.Clock.Now())
			})
		}
		tell(0) // nothing is wrong
		giveUp(2)
		s.Clock.Advance(time.Minute)
		tell(1)
		m := smtp.Messages()[0]
		for _, want := range []string{w.ID + ": 2 in all", "the answer was 404", "yoozak webhook log", "yoozak webhook replay"} {
			if m.To != operator || !strings.Contains(m.Text, want) {
				t.Errorf("to %s: lacks %q:\n%s", m.To, want, m.Text)
			}
		}
		if strings.Contains(m.Text, "planted") {
			t.Errorf("tells the URL:\n%s", m.Text)
		}
		s.Clock.Advance(24*time.Hour + 10*time.Minute) // once was enough
		tell(1)
		giveUp(1)
		tell(2)
		s.Clock.Advance(23 * time.Hour)
		giveUp(1)
		tell(2)
		s.Clock.Advance(time.Hour + time.Second)
		tell(3)
		if m := smtp.Messages()[2]; !strings.Contains(m.Text, w.ID+": 4 in all") {
			t.Errorf("%s", m.Text)
		}
	}, operated)
}

// TestMailsToTheOperatorCauseNoOthers: that they do not arrive is no news.
func TestMailsToTheOperatorCauseNoOthers(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		smtp.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Rcpt: 550} })
		s.SignUp(t, "amina")
		s.Deliver(t)
		for range 5 {
			if err := s.Outbox.TellOfMails(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Deliver(t)
			s.Clock.Advance(25 * time.Hour)
		}
		if got := smtp.Attempts(operator); got != 2 { // within the time in which amina's mail is told of
			t.Errorf("%d mails to the operator, want 2", got)
		}
	}, operated)
}

// TestOperatorIsToldOfABrokenChain: of what is new at once, of what was verified
// before within the week.
func TestOperatorIsToldOfABrokenChain(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	for name, test := range map[string]struct {
		statement string
		after     time.Duration
	}{
		"changed":        {`UPDATE events SET actor = 'system' WHERE id = 4`, 0},
		"changed before": {`UPDATE events SET actor = 'system' WHERE id = 3`, week},
		"no head":        {`DELETE FROM event_chain`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.ForEachURL(t, func(t *testing.T, url string) {
				smtp := smtptest.Start(t, smtptest.Options{})
				s := authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtp), operated)
				tell := func(want int) {
					t.Helper()
					if err := s.Outbox.TellOfEvents(t.Context()); err != nil {
						t.Fatal(err)
					}
					s.Deliver(t)
					if got := smtp.Attempts(operator); got != want {
						t.Errorf("%d mails to the operator, want %d", got, want)
					}
				}
				s.SignUp(t, "amina") // 3
				s.SealAll(t)
				tell(0)
				s.SignUp(t, "badr")
				s.SealAll(t)
				authtest.Execute(t, authtest.OpenRaw(t, url), test.statement)
				if test.after > 0 {
					tell(0)
					s.Clock.Advance(test.after)
				}
				tell(1)
				tell(1)
				s.Clock.Advance(24*time.Hour + time.Second)
				tell(2)
				for _, m := range smtp.Messages() {
					if m.To == operator && !strings.Contains(m.Text, "yoozak events verify") {
						t.Errorf("lacks what to do:\n%s", m.Text)
					}
				}
			})
		})
	}
}

// TestWithoutOperatorNobodyIsTold.
func TestWithoutOperatorNobodyIsTold(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		smtp.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Rcpt: 550} })
		s.SignUp(t, "amina")
		s.Deliver(t)
		if err := s.Outbox.TellOfMails(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, m := range s.AllMails(t) {
			if m.Kind == account.MailOperatorMails {
				t.Errorf("%+v", m)
			}
		}
	})
}
