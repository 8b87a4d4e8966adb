package mail_test

import (
	"context"
	"errors"
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
	return sentBy(t, mail.SMTP{URL: smtpURL, From: from})
}

func sentBy(t *testing.T, o mail.SMTP) error {
	t.Helper()
	return newSMTP(t, o).Send(t.Context(), example(account.MailVerifyEmail, "fr"), link)
}

func newSMTP(t *testing.T, o mail.SMTP) *mail.Sender {
	t.Helper()
	s, err := mail.NewSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
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
		"no such mailbox":        {smtptest.Verdict{Rcpt: 550}, true, "the SMTP server answered 550 5.1.1 at RCPT TO"},
		"moved":                  {smtptest.Verdict{Rcpt: 551}, true, "the SMTP server answered 551 5.1.1 at RCPT TO"},
		"full":                   {smtptest.Verdict{Rcpt: 552}, true, "the SMTP server answered 552 5.1.1 at RCPT TO"},
		"no such name":           {smtptest.Verdict{Rcpt: 553}, true, "the SMTP server answered 553 5.1.1 at RCPT TO"},
		"refused content":        {smtptest.Verdict{Data: 554}, true, "the SMTP server answered 554 5.1.1 at the end of the text"},
		"greylisted":             {smtptest.Verdict{Rcpt: 451}, false, "the SMTP server answered 451 4.1.1 at RCPT TO"},
		"busy":                   {smtptest.Verdict{Rcpt: 421}, false, "the SMTP server answered 421 4.1.1 at RCPT TO"},
		"busy after the content": {smtptest.Verdict{Data: 451}, false, "the SMTP server answered 451 4.1.1 at the end of the text"},
		"password expired":       {smtptest.Verdict{Mail: 530}, false, "the SMTP server answered 530 5.1.1 at MAIL FROM"},
		// The sender is our setting, not the reader's mailbox.
		"sender refused":        {smtptest.Verdict{Mail: 550}, false, "the SMTP server answered 550 5.1.1 at MAIL FROM"},
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
	s := newSMTP(t, mail.SMTP{URL: "smtps://" + l.Addr().String(), From: from})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = s.Send(ctx, example(account.MailVerifyEmail, "fr"), link)
	if err == nil || mail.Permanent(err) {
		t.Fatalf("got %v, want an error that may pass", err)
	}
	if reason := private(t, err); reason != "the SMTP server failed at TLS: timed out" {
		t.Errorf("reason %q", reason)
	}
}

// TestServerThatHoldsItsAnswerIsLeft when the caller must end, a little later
// than that: the answer may be on its way.
func TestServerThatHoldsItsAnswerIsLeft(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.Options{})
	held := make(chan struct{})
	server.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Wait: held} })
	defer close(held)
	ctx, cancel := context.WithCancel(t.Context())
	s := newSMTP(t, mail.SMTP{URL: server.URL(), From: from}).BeforeHandover(func(context.Context) error {
		time.AfterFunc(200*time.Millisecond, cancel) // most likely after the text; the test holds either way
		return nil
	})
	began := time.Now()
	err := s.Send(ctx, example(account.MailVerifyEmail, "fr"), link)
	if took := time.Since(began); err == nil || mail.Permanent(err) || took > 15*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	if reason := private(t, err); mail.Uncertain(err) != strings.Contains(reason, "may have arrived") {
		t.Errorf("reason %q, uncertain %v", reason, mail.Uncertain(err))
	}
}

// TestStopIsHeededAtOnceBeforeTheText: there nothing is lost.
func TestStopIsHeededAtOnceBeforeTheText(t *testing.T) {
	t.Parallel()
	l := silent(t, "220 hello\r\n")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	err := newSMTP(t, mail.SMTP{URL: "smtp://" + l + "?tls=none", From: from}).Send(ctx, example(account.MailVerifyEmail, "fr"), link)
	if took := time.Since(began); err == nil || took > 4*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	if reason := private(t, err); reason != "the server is stopping" || mail.Uncertain(err) {
		t.Errorf("reason %q", reason)
	}
}

// silent takes connections, says something first, and then nothing.
func silent(t *testing.T, first string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			_, _ = c.Write([]byte(first))
		}
	}()
	return l.Addr().String()
}

// short has one timeout of 50 ms and others that the test does not reach.
func short(which func(*mail.Timeouts) *time.Duration) mail.Timeouts {
	to := mail.DefaultTimeouts
	*which(&to) = 50 * time.Millisecond
	return to
}

// TestSlowAnswerToTheTextIsWaitedFor: it has a time of its own, whatever the
// others are.
func TestSlowAnswerToTheTextIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.Options{})
	held := make(chan struct{})
	server.Judge(func(string, int) smtptest.Verdict { return smtptest.Verdict{Wait: held} })
	const limit = 2 * time.Second
	to := mail.Timeouts{Connect: limit, Greeting: limit, Command: limit, Begin: limit, Content: limit, Answer: time.Minute}
	s := newSMTP(t, mail.SMTP{URL: server.URL(), From: from, Timeouts: to}).BeforeHandover(func(context.Context) error {
		time.AfterFunc(limit+limit/4, func() { close(held) })
		return nil
	})
	if err := s.Send(t.Context(), example(account.MailVerifyEmail, "fr"), link); err != nil {
		t.Fatal(mail.Reason(err))
	}
	if n := len(server.Messages()); n != 1 {
		t.Errorf("%d mails were taken", n)
	}
}

// TestOnlyALossAfterTheTextIsUncertain: there the server may have the mail.
func TestOnlyALossAfterTheTextIsUncertain(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	t.Cleanup(func() { close(held) })
	for name, test := range map[string]struct {
		verdict   smtptest.Verdict
		uncertain bool
	}{
		"no answer in time":      {smtptest.Verdict{Wait: held}, true},
		"dropped at the answer":  {smtptest.Verdict{Drop: smtptest.DropBeforeAnswer}, true},
		"refused after the text": {smtptest.Verdict{Data: 451}, false},
		"refused":                {smtptest.Verdict{Rcpt: 451}, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := smtptest.Start(t, smtptest.Options{})
			server.Judge(func(string, int) smtptest.Verdict { return test.verdict })
			err := sentBy(t, mail.SMTP{URL: server.URL(), From: from, Timeouts: short(func(to *mail.Timeouts) *time.Duration { return &to.Answer })})
			if err == nil || mail.Uncertain(err) != test.uncertain || mail.Permanent(err) {
				t.Fatalf("got %v, uncertain %v; want uncertain %v", err, mail.Uncertain(err), test.uncertain)
			}
			const maybe = "the SMTP server did not answer after the whole text: the mail may have arrived"
			if reason := private(t, err); (reason == maybe) != test.uncertain {
				t.Errorf("reason %q", reason)
			}
		})
	}
}

// TestNothingIsSentWhereTheCallerSaysNo: the hook comes before the text.
func TestNothingIsSentWhereTheCallerSaysNo(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.Options{})
	no := errors.New("no")
	s := newSMTP(t, mail.SMTP{URL: server.URL(), From: from}).BeforeHandover(func(context.Context) error { return no })
	if err := s.Send(t.Context(), example(account.MailVerifyEmail, "fr"), link); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	if n := len(server.Messages()); n != 0 {
		t.Errorf("%d mails were taken", n)
	}
}

// TestReasonNamesTheCause: an operator must know from it what to mend.
func TestReasonNamesTheCause(t *testing.T) {
	t.Parallel()
	withUser := func(u string) string {
		return strings.Replace(u, "://", "://"+url.UserPassword(user, password).String()+"@", 1)
	}
	noLogin := smtptest.Start(t, smtptest.Options{TLS: smtptest.STARTTLS, Certificate: trusted})
	otherLogin := smtptest.Start(t, smtptest.Options{User: user, Password: password, Mechanisms: []string{"GSSAPI"}})
	wrong := smtptest.Start(t, smtptest.Options{User: user, Password: "another"})
	plain := smtptest.Start(t, smtptest.Options{User: user, Password: password})
	implicit := smtptest.Start(t, smtptest.Options{TLS: smtptest.Implicit, Certificate: trusted})
	stranger := smtptest.Start(t, smtptest.Options{TLS: smtptest.Implicit})
	gone := smtptest.Start(t, smtptest.Options{})
	gone.Stop()
	quick := short(func(to *mail.Timeouts) *time.Duration { return &to.Greeting })
	command := short(func(to *mail.Timeouts) *time.Duration { return &to.Command })
	for name, test := range map[string]struct {
		url      string
		timeouts mail.Timeouts
		want     string
	}{
		"no STARTTLS":             {strings.TrimSuffix(plain.URL(), "?tls=none"), mail.Timeouts{}, "offers no STARTTLS"},
		"no AUTH":                 {withUser(noLogin.URL()), mail.Timeouts{}, "offers no login (AUTH)"},
		"no AUTH that we know":    {otherLogin.URL(), mail.Timeouts{}, "offers no kind of login (AUTH) that we can use"},
		"AUTH refused":            {strings.Replace(wrong.URL(), "another", url.QueryEscape(password), 1), mail.Timeouts{}, "answered 535 5.7.8 at AUTH"},
		"smtp:// at a TLS port":   {"smtp://" + implicit.Address(), quick, "timed out; if it speaks TLS from the start, it wants smtps://"},
		"smtps:// at a plain one": {"smtps://" + plain.Address(), mail.Timeouts{}, "does not speak TLS from the start at this port: a server with STARTTLS wants smtp://"},
		"certificate":             {stranger.URL(), mail.Timeouts{}, "certificate is of no authority that we trust"},
		"another's certificate":   {strings.Replace(implicit.URL(), "127.0.0.1", "localhost", 1), mail.Timeouts{}, "certificate is for another name"},
		"silent at the greeting":  {"smtp://" + silent(t, "") + "?tls=none", quick, "failed at the greeting: timed out"},
		"silent after that":       {"smtp://" + silent(t, "220 hello\r\n") + "?tls=none", command, "failed at EHLO (see YOOZAK_SMTP_HELO): timed out"},
		"a web server":            {"smtp://" + silent(t, "HTTP/1.1 400 Bad Request\r\n") + "?tls=none", mail.Timeouts{}, "what it says is not SMTP"},
		"turned away":             {"smtp://" + silent(t, "554 5.7.1 go away\r\n") + "?tls=none", mail.Timeouts{}, "answered 554 5.7.1 at the greeting"},
		"nobody listens":          {gone.URL(), mail.Timeouts{}, "cannot be reached: connection refused"},
		"no such host":            {"smtps://smtp.invalid", mail.Timeouts{}, "cannot be reached: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := sentBy(t, mail.SMTP{URL: test.url, From: from, Timeouts: test.timeouts})
			if err == nil || mail.Permanent(err) || mail.Uncertain(err) {
				t.Fatalf("got %v, want an error that may pass", err)
			}
			if reason := private(t, err); !strings.Contains(reason, test.want) {
				t.Errorf("reason %q, want %q in it", reason, test.want)
			}
		})
	}
}

// TestPasswordWithoutTLSOnThisMachine: nobody else reads a loopback, where no
// other URL can ask for it (see TestURLsThatAreRefused).
func TestPasswordWithoutTLSOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, mechanisms := range [][]string{{"PLAIN"}, {"LOGIN"}, {"PLAIN", "LOGIN"}} {
		s := smtptest.Start(t, smtptest.Options{User: user, Password: password, Mechanisms: mechanisms})
		if err := sent(t, s.URL()); err != nil {
			t.Errorf("%v: %s", mechanisms, private(t, err))
		}
		if len(s.Messages()) != 1 || s.Logins() != 1 {
			t.Errorf("%v: %d mails, %d logins; want one each", mechanisms, len(s.Messages()), s.Logins())
		}
	}
}

// TestWireIsASCIIWhereItHasToBe: both addresses and the greeting.
func TestWireIsASCIIWhereItHasToBe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		from, helo         string
		wantFrom, wantHelo string
	}{
		"sender's domain": {"Boutique <info@متجر.example>", "", "info@xn--pgbep1f.example", "xn--pgbep1f.example"},
		"accents":         {"bonjour@Éxample.ma", "", "bonjour@xn--xample-9ua.ma", "xn--xample-9ua.ma"},
		"own greeting":    {from, "mx1.Éxample.ma", "bonjour@yoozak.ma", "mx1.xn--xample-9ua.ma"},
		"literal":         {from, "[127.0.0.1]", "bonjour@yoozak.ma", "[127.0.0.1]"},
		"literal of IPv6": {from, "[IPv6:2001:db8::1]", "bonjour@yoozak.ma", "[IPv6:2001:db8::1]"},
	} {
		server := smtptest.Start(t, smtptest.Options{UTF8: true})
		if err := sentBy(t, mail.SMTP{URL: server.URL(), From: test.from, Helo: test.helo}); err != nil {
			t.Errorf("%s: %s", name, mail.Reason(err))
			continue
		}
		got := server.Messages()[0]
		if got.From != test.wantFrom || got.Helo != test.wantHelo || got.UTF8 {
			t.Errorf("%s: from %q, EHLO %q, SMTPUTF8 %v; want %q, %q, none", name, got.From, got.Helo, got.UTF8, test.wantFrom, test.wantHelo)
		}
		if header := got.Header.Get("From") + got.Header.Get("Message-Id"); strings.ContainsFunc(header, func(c rune) bool { return c > 127 }) {
			t.Errorf("%s: headers %q", name, header)
		}
	}
}

// TestLettersBeforeTheAtNeedSMTPUTF8, and nothing is sent to who lacks it.
func TestLettersBeforeTheAtNeedSMTPUTF8(t *testing.T) {
	t.Parallel()
	m := example(account.MailVerifyEmail, "fr")
	m.Email = "ıbrahim@example.ma"
	for _, offered := range []bool{true, false} {
		server := smtptest.Start(t, smtptest.Options{UTF8: offered})
		err := newSMTP(t, mail.SMTP{URL: server.URL(), From: from}).Send(t.Context(), m, link)
		if (err == nil) != offered || err != nil && !mail.Permanent(err) {
			t.Fatalf("SMTPUTF8 %v: %v", offered, err)
		}
		if err != nil {
			if reason := mail.Reason(err); !strings.Contains(reason, "SMTPUTF8") {
				t.Errorf("reason %q", reason)
			}
			continue
		}
		if got := server.Messages()[0]; !got.UTF8 || got.To != m.Email {
			t.Errorf("to %q, SMTPUTF8 %v", got.To, got.UTF8)
		}
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
		"smtps://mail.example.com:0", "smtps://mail.example.com?starttls=false", "smtps://mail.example.com?tls=none", "smtp://127.0.0.1?tls=none&x=1",
		"smtp://u:s3cret#b@mail.example.com", "smtp://u:12#s3cret@mail.example.com", "smtp://u:1/s3cret@mail.example.com", "smtp://u:1?s3cret@mail.example.com",
		"smtp://u:50%s3cret@mail.example.com", "smtps://mail.example.com#", "smtps://u@mail.example.com", "smtps://:s3cret@mail.example.com", "smtps://@mail.example.com",
		"smtp:u:s3cret@mail.example.com", "smtps://u:s3cret@mail.example.com?%zz",
	} {
		if _, err := mail.NewSMTP(mail.SMTP{URL: u, From: from}); err == nil {
			t.Errorf("%s was taken", u)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error for %s has the password in it", u)
		}
	}
	for _, f := range []string{"", "Yoozak", "a@b, c@d", "Yoozak <bonjour>", "Yoozak <a@xn--é.ma>", "\"a\x1b\"@b.ma"} {
		if _, err := mail.NewSMTP(mail.SMTP{URL: "smtps://mail.example.com", From: f}); err == nil {
			t.Errorf("from %q was taken", f)
		}
	}
}

// TestPasswordInAnSMTPURL: as it has to be written it is used as it is, and
// a refusal says how to write it.
func TestPasswordInAnSMTPURL(t *testing.T) {
	t.Parallel()
	for _, plain := range []string{"a#b", "a/b?c", "50%off", "p@ss+w:rd", "é€", " a b "} {
		s := smtptest.Start(t, smtptest.Options{User: user, Password: plain})
		if err := sent(t, s.URL()); err != nil {
			t.Errorf("%q: %s", plain, mail.Reason(err))
		}
	}
	for _, u := range []string{"smtps://u:a#b@mail.example.com", "smtps://u:a/b@mail.example.com", "smtps://u:a?b@mail.example.com", "smtps://u:50%off@mail.example.com"} {
		if _, err := mail.NewSMTP(mail.SMTP{URL: u, From: from}); err == nil || !strings.Contains(err.Error(), "%3F") {
			t.Errorf("%s: %v, want how to write the password", u, err)
		}
	}
}

func TestNamesThatAreNoGreeting(t *testing.T) {
	t.Parallel()
	for _, name := range []string{" ", "a b", "mail.example.com\r\nRSET", "[127.0.0.1", "127.0.0.1]", "a@b", "-", "[]", "mäil\x00.example"} {
		if _, err := mail.NewSMTP(mail.SMTP{URL: "smtps://mail.example.com", From: from, Helo: name}); err == nil {
			t.Errorf("EHLO %q was taken", name)
		}
	}
}
