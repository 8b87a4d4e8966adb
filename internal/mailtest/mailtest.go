// Package mailtest reads the mails that a server under test wrote into a
// folder, as their readers would: decoded, in the order of the outbox.
package mailtest

import (
	"encoding/base64"
	"errors"
	"fmt"
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

// Mail is one that somebody received.
type Mail struct {
	Kind              string // "reset_password"
	To, Subject       string
	Language          string
	Text, HTML        string
	Images            [][]byte // that the HTML shows
	Link, Path, Token string   // of the one thing to do; Path is Link without the server
}

// Read returns the mails of a folder that may not be there yet.
func Read(tb testing.TB, folder string) []Mail {
	tb.Helper()
	return Of(tb, folder, "*")
}

// Of is Read for the mails of one kind.
func Of(tb testing.TB, folder, kind string) []Mail {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*-"+kind+".eml")) // sorted: by the time in their names, then by number
	if err != nil {
		tb.Fatal(err)
	}
	var all []Mail
	for _, path := range paths {
		m, err := read(path)
		if err != nil {
			tb.Fatalf("%s: %v", filepath.Base(path), err)
		}
		all = append(all, m)
	}
	return all
}

// patience is how long a mail may take, where a machine runs every package at
// once. No test is about how long.
const patience = time.Minute

// Wait returns the n-th mail of a kind to an address, the first being 1, as
// soon as it is there.
func Wait(tb testing.TB, folder, kind, to string, n int) Mail {
	tb.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		seen := 0
		for _, m := range Of(tb, folder, kind) {
			if m.To == to {
				if seen++; seen == n {
					return m
				}
			}
		}
	}
	tb.Fatalf("no mail %s number %d to %s came within %v", kind, n, to, patience)
	return Mail{}
}

var (
	kindInName = regexp.MustCompile(`^\d{8}-\d{6}-\d+-(\w+)\.eml$`)
	linkInText = regexp.MustCompile(`(?m)^https?://[^/\s]+(/\S+)$`)
)

func read(path string) (Mail, error) {
	name := kindInName.FindStringSubmatch(filepath.Base(path))
	if name == nil {
		return Mail{}, errors.New("its name has no kind")
	}
	f, err := os.Open(path) //nolint:gosec // a test's own folder
	if err != nil {
		return Mail{}, err
	}
	defer f.Close() //nolint:errcheck // it was read
	msg, err := mail.ReadMessage(f)
	if err != nil {
		return Mail{}, err
	}
	to, err := msg.Header.AddressList("To")
	if err != nil || len(to) != 1 {
		return Mail{}, fmt.Errorf("to %v, %w", to, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil {
		return Mail{}, err
	}
	m := Mail{Kind: name[1], To: to[0].Address, Subject: subject, Language: msg.Header.Get("Content-Language")}
	if err := m.parts(msg.Body, msg.Header.Get("Content-Type")); err != nil {
		return Mail{}, err
	}
	if link := linkInText.FindStringSubmatch(m.Text); link != nil {
		m.Link, m.Path = link[0], link[1]
		m.Token = m.Path[strings.LastIndexByte(m.Path, '/')+1:]
		m.Token, _, _ = strings.Cut(m.Token, "?")
	}
	return m, nil
}

// parts reads the text and the HTML, which stand beside each other, or both
// beside an image that the HTML shows.
func (m *Mail) parts(r io.Reader, contentType string) error {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	for parts := multipart.NewReader(r, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if kind := part.Header.Get("Content-Type"); strings.HasPrefix(kind, "multipart/") {
			if err := m.parts(part, kind); err != nil {
				return err
			}
			continue
		}
		var body io.Reader = part
		switch strings.ToLower(part.Header.Get("Content-Transfer-Encoding")) {
		case "quoted-printable":
			body = quotedprintable.NewReader(part)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, part)
		}
		data, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(data), "\r\n", "\n")
		switch kind := part.Header.Get("Content-Type"); {
		case strings.HasPrefix(kind, "text/html"):
			m.HTML = text
		case strings.HasPrefix(kind, "text/plain"):
			m.Text = text
		case strings.HasPrefix(kind, "image/"):
			m.Images = append(m.Images, data)
		}
	}
}
