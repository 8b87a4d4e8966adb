package api_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/mailtest"
)

// patience is how long a mail may take on a busy machine; no test is about
// how long.
const patience = time.Minute

// mailed waits for the newest mail of a kind to an address and returns its
// plain text, or "" when there is none in time.
func (s *server) mailed(t testing.TB, kind account.MailKind, to string) string {
	t.Helper()
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		for _, m := range slices.Backward(mailtest.Of(t, s.mails, string(kind))) {
			if strings.Contains(m.To, to) {
				return m.Text
			}
		}
		if time.Now().After(until) {
			return ""
		}
	}
}

// deliverAll waits until no mail is due any more.
func (s *server) deliverAll(t testing.TB) {
	t.Helper()
	due := func(m account.Mail) bool { return !m.DueAt.IsZero() }
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		all, err := s.app.Staff.Mails(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(all, due) {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("mails are still due: %+v", all)
		}
	}
}

var linkToken = regexp.MustCompile(`https://shop\.example/[a-z-]+#([A-Za-z0-9_-]+)`)

// tokenMailed is the token of the link in the newest such mail.
func (s *server) tokenMailed(t testing.TB, kind account.MailKind, to string) string {
	t.Helper()
	m := linkToken.FindStringSubmatch(s.mailed(t, kind, to))
	if m == nil {
		t.Fatalf("no %s mail with a link to %s", kind, to)
	}
	return m[1]
}

// allMails is the text of every mail of a kind to an address.
func (s *server) allMails(t testing.TB, kind account.MailKind, to string) string {
	t.Helper()
	var b strings.Builder
	for _, m := range mailtest.Of(t, s.mails, string(kind)) {
		if strings.Contains(m.To, to) {
			b.WriteString(m.Text)
		}
	}
	return b.String()
}
