package auth_test

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/mail"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// mailing has mails delivered to an SMTP server of ours, by the limits of a
// fresh installation.
func mailing(t *testing.T, smtp *smtptest.Server) setting {
	t.Helper()
	return mailingBy(t, mail.SMTP{URL: smtp.URL()})
}

func mailingBy(t *testing.T, o mail.SMTP) setting {
	t.Helper()
	o.From = "Yoozak <bonjour@yoozak.ma>"
	sender, err := mail.NewSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *auth.Options, _ *token.Options) {
		o.EraseAfter = 30 * 24 * time.Hour
		o.Mail = auth.MailOptions{
			Sender: sender, Verify: true, Delivers: true, PerAddress: 5,
			Link: func(kind account.ChallengeKind, raw, _ string) string {
				return "https://x.example/" + string(kind) + "#" + raw
			},
		}
	}
}

func quietly(w io.Writer) setting {
	return func(o *auth.Options, _ *token.Options) { o.Log = slog.New(slog.NewTextHandler(w, nil)) }
}

// forEachPost runs a test with a server on each engine and the SMTP server
// that it hands its mails to.
func forEachPost(t *testing.T, test func(t *testing.T, s *server, smtp *smtptest.Server), settings ...setting) {
	t.Helper()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		smtp := smtptest.Start(t, smtptest.Options{})
		test(t, newServer(t, st, append([]setting{mailing(t, smtp)}, settings...)...), smtp)
	})
}

// lease and hold are auth's mailLease and mailHold: no wait for another
// attempt is as long.
const (
	lease = auth.MailLease
	hold  = auth.MailHold
)

// deliver has the server send what is due now, and returns when each attempt
// has ended. The clock stands still meanwhile.
func (s *server) deliver(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.RunMail(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	now := s.clock.now().Truncate(time.Microsecond)
	busy := func(m account.Mail) bool {
		return !m.DueAt.IsZero() && (!m.DueAt.After(now) || m.DueAt.Equal(now.Add(lease)) || m.DueAt.Equal(now.Add(hold)))
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if !slices.ContainsFunc(s.outbox(t), busy) {
			return
		}
	}
	t.Fatalf("mails are still due: %+v", s.outbox(t))
}

// outbox are the rows, the oldest first.
func (s *server) outbox(t *testing.T) []account.Mail {
	t.Helper()
	all, err := s.Mails(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// last is the newest row of a kind.
func (s *server) last(t *testing.T, kind account.MailKind) account.Mail {
	t.Helper()
	all := s.outbox(t)
	for _, m := range slices.Backward(all) {
		if m.Kind == kind {
			return m
		}
	}
	t.Fatalf("no mail %s in %+v", kind, all)
	return account.Mail{}
}

var linkPattern = regexp.MustCompile(`https://x\.example/([a-z-]+)#([\w-]{43})`)

// tokens are those of the mails of a kind, the oldest first.
func tokensOf(smtp *smtptest.Server, kind account.ChallengeKind) []account.Input {
	var all []account.Input
	for _, m := range smtp.Messages() {
		if found := linkPattern.FindStringSubmatch(m.Text); found != nil && found[1] == string(kind) {
			all = append(all, account.TextInput(found[2]))
		}
	}
	return all
}

// wantTokens fails unless there are so many mails of a kind.
func wantTokens(t *testing.T, smtp *smtptest.Server, kind account.ChallengeKind, n int) []account.Input {
	t.Helper()
	all := tokensOf(smtp, kind)
	if len(all) != n {
		t.Fatalf("%d mails with a link to %s, want %d", len(all), kind, n)
	}
	return all
}

func (s *server) requestReset(t *testing.T, email string) {
	t.Helper()
	if err := s.RequestReset(t.Context(), req, account.TextInput(email), account.Input{}); err != nil {
		t.Fatal(err)
	}
}

func (s *server) reset(t *testing.T, link account.Input, plain string) error {
	t.Helper()
	_, err := s.ResetPassword(t.Context(), req, auth.PasswordReset{Token: link, New: account.TextInput(plain)})
	return err
}

// prove notes that somebody reads the mailbox of their address.
func (s *server) prove(t *testing.T, g auth.LoginResult) {
	t.Helper()
	err := s.store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
		return tx.SetProof(t.Context(), g.User.ID, g.User.Email, s.clock.now())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// caller is who has the access token of a grant, with the test's peer.
func (s *server) caller(t *testing.T, g auth.LoginResult) *auth.Caller {
	t.Helper()
	c, err := s.Authenticate(t.Context(), g.Access)
	if err != nil {
		t.Fatal(err)
	}
	c.Request = req
	return c
}

func (s *server) changeEmail(t *testing.T, g auth.LoginResult, email string) error {
	t.Helper()
	return s.ChangeEmail(t.Context(), s.caller(t, g), auth.EmailChange{Password: account.TextInput(good), Email: account.TextInput(email)})
}
