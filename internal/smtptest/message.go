package smtptest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Message is a mail as a mail program reads it. From, To and UTF8 are those of
// the envelope, Helo is how the client greeted.
type Message struct {
	From, To   string
	UTF8       bool
	Helo       string
	Raw        []byte
	Header     mail.Header
	Text, HTML string
}

// Decoded is a header line in letters.
func (m Message) Decoded(name string) string {
	s, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return s
}

// Parse reads a mail that has one text and one HTML part, in this order, and
// nothing else.
func Parse(raw []byte) (Message, error) {
	m := Message{Raw: raw}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m, err
	}
	m.Header = parsed.Header
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return m, err
	}
	if kind != "multipart/alternative" {
		return m, fmt.Errorf("a mail of type %s", kind)
	}
	parts := multipart.NewReader(parsed.Body, params["boundary"])
	if m.Text, err = part(parts, "text/plain"); err != nil {
		return m, err
	}
	if m.HTML, err = part(parts, "text/html"); err != nil {
		return m, err
	}
	if _, err := parts.NextRawPart(); !errors.Is(err, io.EOF) {
		return m, fmt.Errorf("after the HTML: %w", err)
	}
	return m, nil
}

func part(parts *multipart.Reader, want string) (string, error) {
	p, err := parts.NextRawPart()
	if err != nil {
		return "", err
	}
	kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	if kind != want || !strings.EqualFold(params["charset"], "utf-8") {
		return "", fmt.Errorf("a part %s, want %s in UTF-8", p.Header.Get("Content-Type"), want)
	}
	var body io.Reader = p
	if encoding := p.Header.Get("Content-Transfer-Encoding"); strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(p)
	} else if encoding != "" && !strings.EqualFold(encoding, "7bit") && !strings.EqualFold(encoding, "8bit") {
		return "", fmt.Errorf("a part in %s", encoding)
	}
	data, err := io.ReadAll(body)
	return strings.ReplaceAll(string(data), "\r\n", "\n"), err
}
