package api_test

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// mailed waits for the newest mail of a kind to an address and returns its
// plain text, or "" when there is none in time.
func (s *server) mailed(t testing.TB, kind account.MailKind, to string, within time.Duration) string {
	t.Helper()
	for until := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(s.mails, "*-"+string(kind)+".eml"))
		if err != nil {
			t.Fatal(err)
		}
		for i := len(files) - 1; i >= 0; i-- {
			if text := plainText(t, files[i], to); text != "" {
				return text
			}
		}
		if time.Now().After(until) {
			return ""
		}
	}
}

// plainText is the text of a mail file, or "" when it is for somebody else.
func plainText(t testing.TB, path, to string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was read
	m, err := mail.ReadMessage(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if !strings.Contains(m.Header.Get("To"), to) {
		return ""
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	part, err := multipart.NewReader(m.Body, params["boundary"]).NextRawPart()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(part))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return string(text)
}

var linkToken = regexp.MustCompile(`https://shop\.example/[a-z-]+#([A-Za-z0-9_-]+)`)

// tokenMailed is the token of the link in the newest such mail.
func (s *server) tokenMailed(t testing.TB, kind account.MailKind, to string) string {
	t.Helper()
	m := linkToken.FindStringSubmatch(s.mailed(t, kind, to, 20*time.Second))
	if m == nil {
		t.Fatalf("no %s mail with a link to %s", kind, to)
	}
	return m[1]
}

// allMails is the text of every mail of a kind to an address.
func (s *server) allMails(t testing.TB, kind account.MailKind, to string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.mails, "*-"+string(kind)+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range files {
		b.WriteString(plainText(t, f, to))
	}
	return b.String()
}
