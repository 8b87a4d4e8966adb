package attack

import (
	"errors"
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
)

// letter is a mail that the server wrote into its folder.
type letter struct {
	header mail.Header
	raw    string
	text   string // the plain part
	html   string
	link   string // the first
	token  string // in it
}

// mailTo waits for the newest mail of a kind to an address.
func (s *server) mailTo(t *testing.T, kind, address string) letter {
	t.Helper()
	var all []letter
	eventually(t, kind+" to "+address, func() bool { all = s.mailsTo(t, kind, address); return len(all) > 0 })
	return all[len(all)-1]
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for began := time.Now(); !so(); time.Sleep(30 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("in vain: ", what)
		}
	}
}

// mailsTo are the mails of a kind to an address, oldest first.
func (s *server) mailsTo(t *testing.T, kind, address string) []letter {
	t.Helper()
	var all []letter
	for _, l := range s.letters(t, kind) {
		if to, err := mail.ParseAddress(l.header.Get("To")); err == nil && to.Address == address {
			s.keep(l.token)
			all = append(all, l)
		}
	}
	return all
}

// letters are all mails, or all of a kind, oldest first.
func (s *server) letters(t *testing.T, kinds ...string) []letter {
	t.Helper()
	pattern := "*.eml"
	for _, kind := range kinds {
		pattern = "*-" + kind + ".eml"
	}
	paths, err := filepath.Glob(filepath.Join(s.mails, pattern))
	if err != nil {
		t.Fatal(err)
	}
	var all []letter
	for _, path := range paths {
		l, known := s.read.Load(path)
		if !known {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			l = readLetter(t, string(data))
			s.read.Store(path, l)
		}
		all = append(all, l.(letter))
	}
	return all
}

var links = regexp.MustCompile(`[a-z]+://\S+`)

func readLetter(t *testing.T, raw string) letter {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("a mail that is none: %v", err)
	}
	for name := range m.Header {
		if strings.EqualFold(name, injected) || name == "Bcc" || name == "Cc" {
			t.Errorf("a mail has the header %s", name)
		}
	}
	l := letter{header: m.Header, raw: raw}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/plain") {
			l.text = string(body)
		} else {
			l.html = string(body)
		}
	}
	l.link = links.FindString(l.text)
	if _, rest, ok := strings.Cut(l.link, "/account/"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		l.token, _, _ = strings.Cut(rest, "?")
	}
	return l
}
