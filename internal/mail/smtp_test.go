package mail_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/smtptest"
)

const (
	user     = "clients@yoozak.ma"
	password = "s3cret/pass:word@smtp"
)

// sent hands an example to the server of a URL.
func sent(t *testing.T, smtpURL string) error {
	t.Helper()
	s, err := mail.NewSMTP(smtpURL, from)
	if err != nil {
		t.Fatal(err)
	}
	return s.Send(t.Context(), example(account.MailVerifyEmail, "fr"), link)
}

// private fails if an error's reason names the address or the password: it
// goes into logs and lists.
func private(t *testing.T, err error) string {
	t.Helper()
	reason := mail.Reason(err)
	for _, secret := range []string{"@", "amina", password, "s3cret", url.QueryEscape(password), user} {
		if strings.Contains(reason, secret) {
			t.Errorf("the reason %q has %q in it", reason, secret)
		}
	}
	if reason != strings.TrimSpace(reason) || reason == "" {
		t.Errorf("reason %q", reason)
	}
	return reason
}

func TestDeliversOverEachKindOfConnection(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]smtptest.Options{
		"plain":              {},
		"STARTTLS":           {TLS: smtptest.STARTTLS, Certificate: trusted},
		"TLS":                {TLS: smtptest.Implicit, Certificate: trusted},
		"STARTTLS, password": {TLS: smtptest.STARTTLS, Certificate: trusted, User: user, Password: password},
		"TLS, password":      {TLS: smtptest.Implicit, Certificate: trusted, User: user, Password: password},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t, o)
			if err := sent(t, s.URL()); err != nil {
				t.Fatal(err)
			}
			got := s.Messages()
			if len(got) != 1 || got[0].From != "bonjour@yoozak.ma" || got[0].To != "amina@example.ma" || !strings.Contains(got[0].Text, link) {
				t.Errorf("got %d mails: %+v", len(got), got)
			}
			if want := map[bool]int{true: 1}[o.User != ""]; s.Logins() != want {
				t.Errorf("%d logins, want %d", s.Logins(), want)
			}
		})
	}
}

// TestNothingIsSentUnlessTheConnectionIsSafe: whoever stands between us and
// the server must get neither the password nor a link.
func TestNothingIsSentUnlessTheConnectionIsSafe(t *testing.T) {
	t.Parallel()
	withTLS := func(u string) string { return strings.TrimSuffix(u, "?tls=none") }
	for name, test := range map[string]struct {
		o   smtptest.Options
		url func(string) string
	}{
		"no STARTTLS":              {smtptest.Options{User: user, Password: password}, withTLS},
		"no STARTTLS, no password": {smtptest.Options{}, withTLS},
		"STARTTLS, unknown certificate": {
			smtptest.Options{TLS: smtptest.STARTTLS, User: user, Password: password}, withTLS,
		},
		"TLS, unknown certificate": {
			smtptest.Options{TLS: smtptest.Implicit, User: user, Password: password}, withTLS,
		},
		"TLS, another's certificate": {
			smtptest.Options{TLS: smtptest.Implicit, User: user, Password: password, Certificate: trusted},
			func(u string) string { return strings.Replace(u, "127.0.0.1", "localhost", 1) },
		},
		"TLS without TLS": {
			smtptest.Options{User: user, Password: password},
			func(u string) string { return strings.Replace(withTLS(u), "smtp:", "smtps:", 1) },
		},
		"password without TLS": {smtptest.Options{User: user, Password: password}, func(u string) string { return u }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t, test.o)
			err := sent(t, test.url(s.URL()))
			if err == nil || mail.Permanent(err) {
				t.Fatalf("got %v, want an error that may pass", err)
			}
			t.Logf("reason: %s", private(t, err))
			if n, logins, attempts := len(s.Messages()), s.Logins(), s.Attempts("amina@example.ma"); n+logins+attempts > 0 {
				t.Errorf("%d mails, %d logins, %d recipients; want none", n, logins, attempts)
			}
		})
	}
}

func TestWrongPasswordIsNotToldNorForGood(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.Options{TLS: smtptest.STARTTLS, Certificate: trusted, User: user, Password: "another"})
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	err = sent(t, u.String())
	if err == nil || mail.Permanent(err) {
		t.Fatalf("got %v, want an error that may pass", err)
	}
	if strings.Contains(err.Error(), password) {
		t.Error("the error has the password in it")
	}
	if reason := private(t, err); !strings.Contains(reason, "535") {
		t.Errorf("reason %q, want the code", reason)
	}
	if len(s.Messages()) > 0 {
		t.Error("a mail was taken")
	}
}

// TestWhatTheServerAnswersDecides: a mailbox that does not exist is given up,
// everything that may pass or be mended is tried again.
func TestWhatTheServerAnswersDecides(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		verdict   smtptest.Verdict
		permanent bool
		reason    string
	}{
		"no such mailbox":        {smtptest.Verdict{Rcpt: 550}, true, "the SMTP server answered 550 5.1.1"},
		"moved":                  {smtptest.Verdict{Rcpt: 551}, true, "the SMTP server answered 551 5.1.1"},
		"full":                   {smtptest.Verdict{Rcpt: 552}, true, "the SMTP server answered 552 5.1.1"},
		"no such name":           {smtptest.Verdict{Rcpt: 553}, true, "the SMTP server answered 553 5.1.1"},
		"refused content":        {smtptest.Verdict{Data: 554}, true, "the SMTP server answered 554 5.1.1"},
		"greylisted":             {smtptest.Verdict{Rcpt: 451}, false, "the SMTP server answered 451 4.1.1"},
		"busy":                   {smtptest.Verdict{Rcpt: 421}, false, "the SMTP server answered 421 4.1.1"},
		"busy after the content": {smtptest.Verdict{Data: 451}, false, "the SMTP server answered 451 4.1.1"},
		"password expired":       {smtptest.Verdict{Mail: 530}, false, "the SMTP server answered 530 5.1.1"},
		// The sender is our setting, not the reader's mailbox.
		"sender refused":        {smtptest.Verdict{Mail: 550}, false, "the SMTP server answered 550 5.1.1"},
		"dropped":               {smtptest.Verdict{Drop: smtptest.DropAtData}, false, ""},
		"dropped at the answer": {smtptest.Verdict{Drop: smtptest.DropBeforeAnswer}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t, smtptest.Options{})
			s.Judge(func(to string, _ int) smtptest.Verdict {
				if to == "" {
					return smtptest.Verdict{Mail: test.verdict.Mail}
				}
				return test.verdict
			})
			err := sent(t, s.URL())
			if err == nil || mail.Permanent(err) != test.permanent {
				t.Fatalf("got %v, permanent %v; want permanent %v", err, mail.Permanent(err), test.permanent)
			}
			if reason := private(t, err); test.reason != "" && reason != test.reason {
				t.Errorf("reason %q, want %q", reason, test.reason)
			}
		})
	}
}

// TestMailThatWasTakenWasSent: a server that hangs up on us after "250" has
// the mail, and trying again would send it twice.
func TestMailThatWasTakenWasSent(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.Options{})
	s.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Drop: smtptest.DropAfterAnswer} })
	if err := sent(t, s.URL()); err != nil {
		t.Error(err)
	}
	if n := len(s.Messages()); n != 1 {
		t.Errorf("%d mails were taken", n)
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.Options{})
	s.Stop()
	err := sent(t, s.URL())
	if err == nil || mail.Permanent(err) {
		t.Fatalf("got %v, want an error that may pass", err)
	}
	private(t, err)
	err = sent(t, "smtps://"+url.UserPassword(user, password).String()+"@smtp.invalid")
	if err == nil || mail.Permanent(err) {
		t.Fatalf("no such host: got %v, want an error that may pass", err)
	}
	private(t, err)
}

// TestSilentServerIsLeft: with the time that the caller gives, or when the
// caller must end.
func TestSilentServerIsLeft(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it is the test's end
	s, err := mail.NewSMTP("smtps://"+l.Addr().String(), from)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = s.Send(ctx, example(account.MailVerifyEmail, "fr"), link)
	if err == nil || mail.Permanent(err) {
		t.Fatalf("got %v, want an error that may pass", err)
	}
	if reason := private(t, err); reason != "the SMTP server took too long" {
		t.Errorf("reason %q", reason)
	}
}

// TestServerThatHoldsItsAnswerIsLeft when the caller must end, a little later
// than that: the answer may be on its way.
func TestServerThatHoldsItsAnswerIsLeft(t *testing.T) {
	t.Parallel()
	smtp := smtptest.Start(t, smtptest.Options{})
	held, asked := make(chan struct{}), make(chan struct{})
	smtp.Judge(func(to string, _ int) smtptest.Verdict {
		if to != "" {
			close(asked)
		}
		return smtptest.Verdict{Wait: held}
	})
	defer close(held)
	s, err := mail.NewSMTP(smtp.URL(), from)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	began := time.Now()
	err = s.Send(ctx, example(account.MailVerifyEmail, "fr"), link)
	if took := time.Since(began); err == nil || took < time.Second || took > 15*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	if reason := private(t, err); mail.Permanent(err) || reason != "the server is stopping" {
		t.Errorf("reason %q", reason)
	}
}

// TestNoConnectionIsLeftOpen: an SMTP server takes only so many.
func TestNoConnectionIsLeftOpen(t *testing.T) {
	t.Parallel()
	for name, verdict := range map[string]smtptest.Verdict{"taken": {}, "refused": {Rcpt: 550}, "password": {}, "certificate": {}} {
		for _, kind := range []smtptest.TLS{smtptest.STARTTLS, smtptest.Implicit} {
			o := smtptest.Options{TLS: kind, Certificate: trusted, User: user, Password: password}
			if name == "certificate" {
				o.Certificate = nil
			}
			s := smtptest.Start(t, o)
			s.Judge(func(to string, _ int) smtptest.Verdict {
				if to == "" {
					return smtptest.Verdict{}
				}
				return verdict
			})
			u := s.URL()
			if name == "password" {
				u = strings.Replace(u, "s3cret", "wrong", 1)
			}
			if err := sent(t, u); (err == nil) != (name == "taken") {
				t.Errorf("%s: %v", name, err)
			}
			for deadline := time.Now().Add(time.Minute); s.Open() > 0; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%s: a connection is left open", name)
				}
			}
		}
	}
}

func TestURLsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, u := range []string{
		"", "smtp://", "mail.example.com", "http://mail.example.com", "smtp://mail.example.com?tls=none", "smtps://127.0.0.1?tls=none",
		"smtp://u:" + password + "@mail.example.com", "smtp://127.evil.example?tls=none", "smtp://mail.example.com:smtp", "smtp://mail.example.com?tls=maybe",
		"smtps://mail.example.com:99999999", "smtps://mail.example.com/inbox", "smtp://u:s3cret@mail.example.com:port",
	} {
		if _, err := mail.NewSMTP(u, from); err == nil {
			t.Errorf("%s was taken", u)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error for %s has the password in it", u)
		}
	}
	for _, f := range []string{"", "Yoozak", "a@b, c@d", "Yoozak <bonjour>"} {
		if _, err := mail.NewSMTP("smtps://mail.example.com", f); err == nil {
			t.Errorf("from %q was taken", f)
		}
	}
}
