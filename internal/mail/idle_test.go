package mail_test

import (
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/smtptest"
)

// TestMailsShareAConnection, whose beginning (TLS, the password) costs more
// than a mail.
func TestMailsShareAConnection(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.Options{TLS: smtptest.STARTTLS, Certificate: trusted, User: user, Password: password})
	sender := newSMTP(t, mail.SMTP{URL: s.URL(), From: "Yoozak <bonjour@yoozak.ma>"})
	for range 3 {
		if err := sender.Send(t.Context(), example(account.MailVerifyEmail, "fr"), link); err != nil {
			t.Fatal(err)
		}
	}
	if s.Logins() != 1 || len(s.Messages()) != 3 {
		t.Errorf("%d mails over %d connections, want 3 over 1", len(s.Messages()), s.Logins())
	}
	for range 100 { // a server may take only so many over one
		if err := sender.Send(t.Context(), example(account.MailVerifyEmail, "fr"), link); err != nil {
			t.Fatal(err)
		}
	}
	if s.Logins() != 2 || len(s.Messages()) != 103 {
		t.Errorf("%d mails over %d connections, want 103 over 2", len(s.Messages()), s.Logins())
	}
}

// TestServerThatClosesBetweenMailsCostsNone: the next goes over another
// connection, in the same attempt.
func TestServerThatClosesBetweenMailsCostsNone(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.Options{})
	sender := newSMTP(t, mail.SMTP{URL: s.URL(), From: "Yoozak <bonjour@yoozak.ma>"})
	send := func(what string) {
		t.Helper()
		if err := sender.Send(t.Context(), example(account.MailVerifyEmail, "fr"), link); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	send("the first")
	s.Stop()
	again := smtptest.Start(t, smtptest.Options{Address: s.Address()})
	send("after the server was started anew")
	asked := 0
	again.Judge(func(to string, _ int) smtptest.Verdict {
		if to != "" {
			return smtptest.Verdict{}
		}
		if asked++; asked == 1 { // it wants to close the connection
			return smtptest.Verdict{Mail: 421}
		}
		return smtptest.Verdict{}
	})
	send("after the server said that it closes")
	if n := len(again.Messages()); n != 2 || asked != 2 {
		t.Errorf("%d mails, asked %d times; want 2, 2", n, asked)
	}
}

// TestRefusalOverASharedConnectionCounts: what the server answers to the
// second mail is its answer, and no reason to ask again.
func TestRefusalOverASharedConnectionCounts(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.Options{})
	s.Judge(func(_ string, attempt int) smtptest.Verdict {
		if attempt == 2 {
			return smtptest.Verdict{Rcpt: 550}
		}
		return smtptest.Verdict{}
	})
	sender := newSMTP(t, mail.SMTP{URL: s.URL(), From: "Yoozak <bonjour@yoozak.ma>"})
	if err := sender.Send(t.Context(), example(account.MailVerifyEmail, "fr"), link); err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), example(account.MailVerifyEmail, "fr"), link); !mail.Permanent(err) {
		t.Errorf("%v, want that the address is refused for good", err)
	}
	if err := sender.Send(t.Context(), example(account.MailVerifyEmail, "fr"), link); err != nil {
		t.Errorf("the third: %v", err)
	}
	if n := s.Attempts("amina@example.ma"); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
}
