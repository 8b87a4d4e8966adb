package outbox_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
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
		for _, want := range []string{"2 mails were given up", "the SMTP server answered 550 5.1.1", "yoozak mail list"} {
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

func TestOperatorIsToldOfABrokenChain(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"changed": {`UPDATE events SET actor = 'system' WHERE id = 3`},
		"no head": {`DELETE FROM event_chain`},
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
				s.SignUp(t, "amina")
				s.SealAll(t)
				tell(0)
				authtest.Execute(t, authtest.OpenRaw(t, url), statements...)
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
