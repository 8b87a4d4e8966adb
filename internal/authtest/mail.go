package authtest

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/outbox"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

func NoDelivery(o *app.Options, _ *token.Options) { o.Mail.Delivers = false }

// Mailed delivers mails and returns their tokens by kind.
func Mailed(t *testing.T, tokens chan<- [2]string) Setting {
	t.Helper()
	sender, err := mail.NewFolder(filepath.Join(t.TempDir(), "mails"), "Yoozak <no-reply@yoozak.ma>")
	if err != nil {
		t.Fatal(err)
	}
	sender = sender.With(mail.Options{Written: func(path string) {
		raw, err := os.ReadFile(path) //nolint:gosec // the sender's own
		if err != nil {
			t.Error(err)
			return
		}
		m, err := smtptest.Parse(raw)
		if err != nil {
			t.Error(err)
			return
		}
		if code := CodeOf(m); code != "" {
			name := strings.TrimSuffix(filepath.Base(path), ".eml")
			tokens <- [2]string{string(CodeIn(account.MailKind(name[strings.LastIndexByte(name, '-')+1:]))), code}
		}
	}})
	return func(o *app.Options, _ *token.Options) {
		o.Mail = app.Mail{
			Sender: sender, Verify: true, Delivers: true, PerAddress: 1000,
			Link: func(kind account.ChallengeKind, token, _ string) string {
				tokens <- [2]string{string(kind), token}
				return "https://shop.example/#" + token
			},
		}
	}
}

// CodeIn is what the function that [Server.Delivering] returns is asked for the
// six digits in a mail of a kind, instead of a link's token.
func CodeIn(kind account.MailKind) account.ChallengeKind {
	return account.ChallengeKind("code in " + string(kind))
}

var codePattern = regexp.MustCompile(`(?m):\s?\x{2066}?(\d{3}) (\d{3})\x{2069}?\s*$`)

// CodeOf is the six digits in a mail, or empty.
func CodeOf(m smtptest.Message) string {
	found := codePattern.FindStringSubmatch(m.Text)
	if found == nil {
		return ""
	}
	return found[1] + found[2]
}

// LoginCode lets people log in by a code.
func LoginCode(o *app.Options, _ *token.Options) { o.Mail.LoginCode = true }

// Delivering has the mails of [Mailed] delivered until the test ends. It returns
// the function that waits for the next token of a kind.
func (s *Server) Delivering(t *testing.T, tokens <-chan [2]string) (challenge func(account.ChallengeKind) account.Input) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var delivery sync.WaitGroup
	delivery.Go(func() { s.Outbox.Run(ctx) })
	t.Cleanup(func() {
		stop()
		delivery.Wait()
	})
	return func(kind account.ChallengeKind) account.Input {
		t.Helper()
		for {
			select {
			case got := <-tokens:
				if got[0] == string(kind) {
					return account.TextInput(got[1])
				}
			case <-time.After(time.Minute):
				t.Fatalf("no mail with a %s link", kind)
			}
		}
	}
}

// Mailing has mails delivered to an SMTP server of ours, by the limits of a
// fresh installation.
func Mailing(t *testing.T, smtp *smtptest.Server) Setting {
	t.Helper()
	return MailingBy(t, mail.SMTP{URL: smtp.URL()})
}

func MailingBy(t *testing.T, o mail.SMTP) Setting {
	t.Helper()
	o.From = "Yoozak <bonjour@yoozak.ma>"
	sender, err := mail.NewSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *app.Options, _ *token.Options) {
		o.EraseAfter = 30 * 24 * time.Hour
		o.Mail = app.Mail{
			Sender: sender, Verify: true, Delivers: true, PerAddress: 5,
			Link: func(kind account.ChallengeKind, raw, _ string) string {
				return "https://x.example/" + string(kind) + "#" + raw
			},
		}
	}
}

// ForEachPost runs a test with a server on each engine and the SMTP server
// that it hands its mails to.
func ForEachPost(t *testing.T, test func(t *testing.T, s *Server, smtp *smtptest.Server), settings ...Setting) {
	t.Helper()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		smtp := smtptest.Start(t, smtptest.Options{})
		test(t, New(t, st, append([]Setting{Mailing(t, smtp)}, settings...)...), smtp)
	})
}

// lease and hold are auth's mailLease and mailHold: no wait for another
// attempt is as long.
const (
	Lease = outbox.Lease
	Hold  = outbox.Hold
)

// Deliver has the server send what is due now, and returns when each attempt
// has ended. The clock stands still meanwhile.
func (s *Server) Deliver(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Outbox.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	now := s.Clock.Now().Truncate(time.Microsecond)
	busy := func(m account.Mail) bool {
		return !m.DueAt.IsZero() && (!m.DueAt.After(now) || m.DueAt.Equal(now.Add(Lease)) || m.DueAt.Equal(now.Add(Hold)))
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if !slices.ContainsFunc(s.AllMails(t), busy) {
			return
		}
	}
	t.Fatalf("mails are still due: %+v", s.AllMails(t))
}

// AllMails are the rows, the oldest first.
func (s *Server) AllMails(t *testing.T) []account.Mail {
	t.Helper()
	all, err := s.Staff.Mails(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// LastMail is the newest row of a kind.
func (s *Server) LastMail(t *testing.T, kind account.MailKind) account.Mail {
	t.Helper()
	all := s.AllMails(t)
	for _, m := range slices.Backward(all) {
		if m.Kind == kind {
			return m
		}
	}
	t.Fatalf("no mail %s in %+v", kind, all)
	return account.Mail{}
}

var LinkPattern = regexp.MustCompile(`https://x\.example/([a-z-]+)#([\w-]{43})`)

// tokens are those of the mails of a kind, the oldest first.
func TokensOf(smtp *smtptest.Server, kind account.ChallengeKind) []account.Input {
	var all []account.Input
	for _, m := range smtp.Messages() {
		if found := LinkPattern.FindStringSubmatch(m.Text); found != nil && found[1] == string(kind) {
			all = append(all, account.TextInput(found[2]))
		}
	}
	return all
}

// WantTokens fails unless there are so many mails of a kind.
func WantTokens(t *testing.T, smtp *smtptest.Server, kind account.ChallengeKind, n int) []account.Input {
	t.Helper()
	all := TokensOf(smtp, kind)
	if len(all) != n {
		t.Fatalf("%d mails with a link to %s, want %d", len(all), kind, n)
	}
	return all
}

func (s *Server) AskReset(t *testing.T, email string) {
	t.Helper()
	if err := s.RequestReset(t.Context(), Req, account.TextInput(email), account.Input{}); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) Reset(t *testing.T, link account.Input, plain string) error {
	t.Helper()
	_, err := s.ResetPassword(t.Context(), Req, auth.PasswordReset{Token: link, New: account.TextInput(plain)})
	return err
}

// Sent counts the mails of a kind that were delivered.
func (s *Server) Sent(t *testing.T, kind account.MailKind) int {
	t.Helper()
	n := 0
	for _, m := range s.AllMails(t) {
		if m.Kind == kind && !m.SentAt.IsZero() {
			n++
		}
	}
	return n
}
