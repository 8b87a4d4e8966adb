// Package mail puts the outbox's mails into words, in French, English and
// Arabic, as HTML and as text, and hands them to an SMTP server or, where
// none is configured, to a folder. It keeps nothing; when to try again is its
// caller's business. Errors never name an address: [Reason] is fit for a log.
package mail

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"github.com/yoozak/clients/internal/account"
)

// Sender delivers mails, to an SMTP server or into a folder.
type Sender struct {
	from   *mail.Address // its domain is in ASCII
	helo   string        // how we greet an SMTP server
	smtp   *server       // nil: the folder
	folder string
	o      Options

	beforeHandover func(context.Context) error // may be nil
}

// NewFolder writes each mail as a file NAME.eml, which mail programs open.
func NewFolder(path, from string) (*Sender, error) {
	s, err := newSender(from)
	if err != nil {
		return nil, err
	}
	s.folder = path
	return s, nil
}

func newSender(from string) (*Sender, error) {
	address, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address, such as Yoozak <bonjour@yoozak.ma>", from)
	}
	if address.Address, err = deliverable(address.Address); err != nil {
		return nil, fmt.Errorf("%q is not an address that SMTP servers take", from)
	}
	return &Sender{from: address, helo: domain(address.Address)}, nil
}

// domain is what stands behind the last @.
func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// Folder is where mails are written, or empty with SMTP.
func (s *Sender) Folder() string { return s.folder }

// BeforeHandover returns a Sender that asks fn before it hands a mail to an
// SMTP server that has let us in: from then on the server may have taken the
// mail, whatever becomes of its answer. An error of fn ends the attempt, and
// Send returns it.
func (s *Sender) BeforeHandover(fn func(context.Context) error) *Sender {
	other := *s
	other.beforeHandover = fn
	return &other
}

// Send delivers one mail; link is the way to act on it, for the kinds that
// have one. When ctx ends, an answer to the text that is under way is waited
// for, but not for long.
func (s *Sender) Send(ctx context.Context, m account.Mail, link string) error {
	msg, err := s.message(m, link)
	if err != nil {
		return err
	}
	if s.smtp == nil {
		return s.write(m, msg)
	}
	return s.smtp.send(ctx, s.helo, msg, s.beforeHandover)
}

// Try sends a mail that says no more than that it arrived, for who tries the
// settings.
func (s *Sender) Try(ctx context.Context, to string) error {
	msg, err := s.addressed(to)
	if err != nil {
		return err
	}
	msg.Subject("Yoozak: a mail to try the settings")
	msg.SetDate()
	msg.SetBodyString(gomail.TypeTextPlain, "This mail was sent by \"yoozak doctor --mail\". It arrived.\n")
	if s.smtp == nil {
		return errNoServer
	}
	return s.smtp.send(ctx, s.helo, msg, nil)
}

var errNoServer = errors.New("there is no SMTP server")

// ErrUnknownKind says that a mail is of a kind that this release has no words
// for: a newer server put it into the outbox, and can send it.
var ErrUnknownKind = errors.New("this release does not know this kind of mail")

// Known reports whether this release has words for a kind of mail.
func Known(kind account.MailKind) bool {
	_, known := kinds[kind]
	return known
}

// message is a whole mail. Its id is the outbox row's, so that a mail that
// is sent twice can be seen to be one.
func (s *Sender) message(m account.Mail, link string) (*gomail.Msg, error) {
	if !Known(m.Kind) {
		return nil, ErrUnknownKind
	}
	c := compose(m, link, s.Brand(), s.o)
	html, text, err := c.render()
	if err != nil {
		return nil, err
	}
	msg, err := s.addressed(m.Email)
	if err != nil {
		return nil, err
	}
	msg.Subject(c.Subject)
	msg.SetDateWithValue(m.CreatedAt)
	msg.SetMessageIDWithValue(fmt.Sprintf("%d.%d@%s", m.ID, m.CreatedAt.UnixMicro(), domain(s.from.Address)))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no machine should answer
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetGenHeader("Content-Language", m.Language)
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return msg, s.o.add(msg)
}

// addressed is an empty mail from the shop to somebody.
func (s *Sender) addressed(email string) (*gomail.Msg, error) {
	to, err := deliverable(email)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(s.from.String()); err != nil {
		return nil, err
	}
	if err := msg.To(to); err != nil {
		return nil, errAddress
	}
	return msg, nil
}

// Brand is what the sender is called. Without one, a nil Sender, it is ours.
func (s *Sender) Brand() string {
	if s != nil && s.from.Name != "" {
		return s.from.Name
	}
	return "Yoozak"
}

var errAddress = errors.New("the address cannot be written in a mail")

// deliverable is an address as it goes over the wire, of a reader as of the
// sender: its domain is in the letters that every server understands.
func deliverable(email string) (string, error) {
	at := strings.LastIndexByte(email, '@')
	if at < 0 || strings.ContainsFunc(email, unicode.IsControl) {
		return "", errAddress
	}
	host, err := asciiDomain(email[at+1:])
	if err != nil {
		return "", err
	}
	to := email[:at] + "@" + host
	if _, err := mail.ParseAddress("<" + to + ">"); err != nil { // an address alone: no name, no comment
		return "", errAddress
	}
	return to, nil
}

// asciiDomain writes a domain, or the name of a host, in ASCII. What the
// rules for domains refuse stays as it is if it is ASCII already: an address
// in brackets, a name with an underscore.
func asciiDomain(name string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(name)
	if err == nil {
		return ascii, nil
	}
	if strings.ContainsFunc(name, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return "", errAddress
	}
	return name, nil
}

// write makes the file under another name first, so that nobody reads half.
func (s *Sender) write(m account.Mail, msg *gomail.Msg) error {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%06d-%s.eml", m.CreatedAt.UTC().Format("20060102-150405"), m.ID, m.Kind)
	f, err := os.CreateTemp(s.folder, ".*.tmp") // readable by its owner alone
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	if _, err := msg.WriteTo(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	path := filepath.Join(s.folder, name)
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if s.o.Written != nil {
		s.o.Written(path)
	}
	return nil
}
