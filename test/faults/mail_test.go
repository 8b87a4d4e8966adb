package faults

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// atOnce is how many mails a server delivers at a time.
const atOnce = 4

// post is an SMTP server as they are on the network: with TLS, and a
// password.
func post(t *testing.T) (smtp *smtptest.Server, env []string) {
	t.Helper()
	certificate := smtptest.NewCertificate("127.0.0.1")
	smtp = smtptest.Start(t, smtptest.Options{
		TLS: smtptest.Implicit, Certificate: certificate, User: "clients@yoozak.ma", Password: "s3cret/pass:word@smtp",
	})
	return smtp, []string{
		"YOOZAK_SMTP_URL=" + smtp.URL(), "SSL_CERT_FILE=" + certificate.File(t.TempDir()), "YOOZAK_PUBLIC_URL=https://clients.yoozak.ma",
		"YOOZAK_MAIL_FROM=Yoozak <bonjour@yoozak.ma>",
	}
}

func address(n int) string { return fmt.Sprintf("user%d@example.ma", n) }

// registerMany registers so many people, each of whom is owed a mail.
func registerMany(t *testing.T, s *server, total int) {
	t.Helper()
	var (
		wg   sync.WaitGroup
		next atomic.Int64
	)
	for range 8 {
		wg.Go(func() {
			for n := int(next.Add(1)); n <= total; n = int(next.Add(1)) {
				a, err := s.call(http.MethodPost, "/api/clients/auth/register/",
					fmt.Sprintf(`{"username":"user%d","password":%q,"email":%q}`, n, goodPassword, address(n)))
				if err != nil || a.status != http.StatusCreated {
					t.Errorf("user %d: %d %s %v", n, a.status, a.body, err)
				}
			}
		})
	}
	wg.Wait()
}

// perAddress says how many mails each address got.
func perAddress(smtp *smtptest.Server) map[string]int {
	m := map[string]int{}
	for _, mail := range smtp.Messages() {
		m[mail.To]++
	}
	return m
}

// waitFor polls until something is so.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("it never came to this: %s", what)
}

// yoozak runs a command on the database.
func yoozak(t *testing.T, database string, args ...string) string {
	t.Helper()
	return yoozaktest.Run(t, []string{"YOOZAK_DATABASE_URL=" + database}, args...)
}

// listed is a line of "yoozak mail list".
type listed struct{ id, state, attempts, failure string }

var listLine = regexp.MustCompile(`(?m)^(\d+) +verify_email +\d+ +\S+ \S+ +(sent|given up|due)(?: \S+ \S+)? +(\d+) *(.*)$`)

func mailList(t *testing.T, database string) []listed {
	t.Helper()
	out := yoozak(t, database, "mail", "list", "--limit", "1000")
	if strings.Contains(out, "@") {
		t.Errorf("the list has addresses:\n%s", out)
	}
	var all []listed
	for _, m := range listLine.FindAllStringSubmatch(out, -1) {
		all = append(all, listed{m[1], m[2], m[3], strings.TrimSpace(m[4])})
	}
	if lines := strings.Count(out, "\n") - 1; lines != len(all) {
		t.Fatalf("%d of %d lines can be read:\n%s", len(all), lines, out)
	}
	return all
}

// countState is how many mails are sent, due or given up.
func countState(all []listed, state string) (n int) {
	for _, m := range all {
		if m.state == state {
			n++
		}
	}
	return n
}

// TestMailsSurviveKill9: the process is killed while it delivers 200 mails
// and some were taken without its hearing of it. Every mail arrives; those
// that were under way may arrive twice, no others.
func TestMailsSurviveKill9(t *testing.T) {
	durable(t, func(t *testing.T, url string) {
		const total, before = 200, 60
		smtp, env := post(t)
		var attempts atomic.Int64
		killed := make(chan struct{})
		smtp.Judge(func(to string, _ int) smtptest.Verdict {
			if to != "" && attempts.Add(1) > before {
				return smtptest.Verdict{Wait: killed} // takes the mail, answers nobody
			}
			return smtptest.Verdict{}
		})
		s := start(t, url, env...)
		registerMany(t, s, total)
		waitFor(t, "the server delivers", func() bool { return smtp.Held() == atOnce })
		s.Kill()
		close(killed)
		waitFor(t, "the mails under way were taken", func() bool { return len(smtp.Messages()) == before+atOnce })

		underWay := 0
		for _, m := range mailList(t, url) {
			if m.state == "due" && m.attempts != "0" { // leased: due in minutes, or when somebody asks
				underWay++
				yoozak(t, url, "mail", "retry", m.id)
			}
		}
		if underWay != atOnce {
			t.Errorf("%d mails were under way, want %d", underWay, atOnce)
		}
		again := start(t, url, env...)
		waitFor(t, "every mail arrived", func() bool { return len(perAddress(smtp)) == total })
		waitFor(t, "every mail is noted as sent", func() bool { return countState(mailList(t, url), "sent") == total })
		again.Stop(t)
		for n := 1; n <= total; n++ {
			if got := perAddress(smtp)[address(n)]; got < 1 || got > 2 {
				t.Errorf("%s got %d mails", address(n), got)
			}
		}
		if more := len(smtp.Messages()) - total; more > atOnce {
			t.Errorf("%d mails came twice, want at most %d", more, atOnce)
		}
		if log := s.Output.String() + again.Output.String(); strings.Contains(log, "s3cret") || strings.Contains(log, "@example.ma") {
			t.Error("the log has the password or an address")
		}
	})
}

// TestMailsWaitForTheSMTPServer: it is down when mails are owed, comes up,
// refuses some for good, and is mended.
func TestMailsWaitForTheSMTPServer(t *testing.T) {
	durable(t, func(t *testing.T, url string) {
		const total, refused = 6, 2
		smtp := smtptest.Start(t, smtptest.Options{})
		smtp.Stop()
		s := start(t, url, "YOOZAK_SMTP_URL="+smtp.URL(), "YOOZAK_PUBLIC_URL=https://clients.yoozak.ma", "YOOZAK_MAIL_FROM=bonjour@yoozak.ma")
		registerMany(t, s, total)
		waitFor(t, "each mail was tried", func() bool {
			tried := 0
			for _, m := range mailList(t, url) {
				if m.state == "due" && m.attempts == "1" && strings.HasPrefix(m.failure, "the SMTP server cannot be reached") {
					tried++
				}
			}
			return tried == total
		})
		again := smtptest.Start(t, smtptest.Options{Address: smtp.Address()})
		again.Judge(func(to string, _ int) smtptest.Verdict {
			if to == address(1) || to == address(2) {
				return smtptest.Verdict{Rcpt: 550}
			}
			return smtptest.Verdict{}
		})
		waitFor(t, "the mails were taken, or refused for good", func() bool {
			all := mailList(t, url)
			return countState(all, "sent") == total-refused && countState(all, "given up") == refused
		})
		for _, m := range mailList(t, url) {
			if want := map[string]string{"given up": "the SMTP server answered 550 5.1.1 at RCPT TO", "sent": ""}[m.state]; m.failure != want {
				t.Errorf("%s, failure %q, want %q", m.state, m.failure, want)
			}
		}
		again.Judge(nil)
		if out := yoozak(t, url, "mail", "retry", "--all"); !strings.HasPrefix(out, "2 to be tried again") {
			t.Errorf("mail retry --all: %s", out)
		}
		waitFor(t, "all mails are sent", func() bool { return countState(mailList(t, url), "sent") == total })
		s.Stop(t)
		for n := 1; n <= total; n++ {
			if got := perAddress(again)[address(n)]; got != 1 {
				t.Errorf("%s got %d mails, want 1", address(n), got)
			}
		}
	})
}

// TestSIGTERMSendsNoMailTwice, and loses none: mails under way are finished,
// the others are the next server's.
func TestSIGTERMSendsNoMailTwice(t *testing.T) {
	durable(t, func(t *testing.T, url string) {
		const total = 100
		smtp, env := post(t)
		var attempts atomic.Int64
		stopping := make(chan struct{})
		smtp.Judge(func(to string, _ int) smtptest.Verdict {
			if to != "" && attempts.Add(1) > total/4 {
				return smtptest.Verdict{Wait: stopping}
			}
			return smtptest.Verdict{}
		})
		s := start(t, url, env...)
		registerMany(t, s, total)
		waitFor(t, "the server delivers", func() bool { return smtp.Held() == atOnce })
		s.Signal(t, syscall.SIGTERM)
		close(stopping) // likely before the server has heard of the signal; the test holds either way
		s.WaitStopped(t)
		sent := len(smtp.Messages())
		again := start(t, url, env...)
		waitFor(t, "every mail is sent", func() bool { return countState(mailList(t, url), "sent") == total })
		again.Stop(t)
		for n := 1; n <= total; n++ {
			if got := perAddress(smtp)[address(n)]; got != 1 {
				t.Errorf("%s got %d mails, want 1", address(n), got)
			}
		}
		t.Logf("%d of %d were sent before the end", sent, total)
	})
}
