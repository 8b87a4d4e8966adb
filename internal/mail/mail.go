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
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"github.com/yoozak/clients/internal/account"
)

// Sender delivers mails.
type Sender struct {
	from   *mail.Address
	client []gomail.Option // of SMTP
	host   string
	folder string // where there is no SMTP server
}

// NewSMTP delivers to the server of a URL:
//
//	smtps://user:password@host:465   TLS from the start
//	smtp://user:password@host:587    STARTTLS, or nothing is sent
//	smtp://127.0.0.1:25?tls=none     plain, for a server on this machine
//
// The error never has the URL, which holds a password.
func NewSMTP(rawURL, from string) (*Sender, error) {
	s, err := newSender(from)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("must be smtps://user:password@host:465 or smtp://user:password@host:587")
	}
	s.host = u.Hostname()
	s.client = []gomail.Option{gomail.WithTimeout(20 * time.Second), gomail.WithHELO(helo(s.from))}
	port := 587
	switch tls := u.Query().Get("tls"); {
	case u.Scheme == "smtps" && tls == "":
		port = 465
		s.client = append(s.client, gomail.WithSSL())
	case u.Scheme == "smtp" && tls == "":
		s.client = append(s.client, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case u.Scheme == "smtp" && tls == "none" && (s.host == "localhost" || strings.HasPrefix(s.host, "127.") || s.host == "::1"):
		port = 25
		s.client = append(s.client, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, errors.New("must begin with smtps:// or smtp://; ?tls=none is for a server on this machine only")
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, errors.New("has a port that is no number")
		}
	}
	s.client = append(s.client, gomail.WithPort(port))
	if u.User != nil {
		password, _ := u.User.Password()
		s.client = append(s.client, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	if _, err := gomail.NewClient(s.host, s.client...); err != nil {
		return nil, errors.New("cannot be used: check its host and port")
	}
	return s, nil
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
	return &Sender{from: address}, nil
}

func helo(from *mail.Address) string {
	_, domain, _ := strings.Cut(from.Address, "@")
	return domain
}

// Folder is where mails are written, or empty with SMTP.
func (s *Sender) Folder() string { return s.folder }

// Send delivers one mail; link is the way to act on it, for the kinds that
// have one.
func (s *Sender) Send(ctx context.Context, m account.Mail, link string) error {
	msg, err := s.message(m, link)
	if err != nil {
		return err
	}
	if s.folder != "" {
		return s.write(m, msg)
	}
	client, err := gomail.NewClient(s.host, s.client...)
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(ctx, msg)
}

// message is a whole mail. Its id is the outbox row's, so that a mail that
// is sent twice can be seen to be one.
func (s *Sender) message(m account.Mail, link string) (*gomail.Msg, error) {
	c := compose(m, link, s.Brand())
	html, text, err := c.render()
	if err != nil {
		return nil, err
	}
	to, err := deliverable(m.Email)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg()
	if err := msg.FromFormat(s.from.Name, s.from.Address); err != nil {
		return nil, err
	}
	if err := msg.To(to); err != nil {
		return nil, errAddress
	}
	msg.Subject(c.Subject)
	msg.SetDateWithValue(m.CreatedAt)
	msg.SetMessageIDWithValue(fmt.Sprintf("%d.%d@%s", m.ID, m.CreatedAt.UnixMicro(), helo(s.from)))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no machine should answer
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetGenHeader("Content-Language", m.Language)
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return msg, nil
}

// Brand is what the sender is called.
func (s *Sender) Brand() string {
	if s.from.Name != "" {
		return s.from.Name
	}
	return "Yoozak"
}

var errAddress = errors.New("the address cannot be written in a mail")

// deliverable writes a domain in the letters that every server understands.
func deliverable(email string) (string, error) {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return "", errAddress
	}
	domain, err := idna.Lookup.ToASCII(email[at+1:])
	if err != nil {
		domain = email[at+1:] // an address in brackets, perhaps
	}
	to := email[:at] + "@" + domain
	if _, err := mail.ParseAddress(to); err != nil {
		return "", errAddress
	}
	return to, nil
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
	return os.Rename(f.Name(), filepath.Join(s.folder, name))
}

// Permanent reports whether another attempt could not fare better: the
// server refused the address or the mail for good (RFC 5321, 5yz).
func Permanent(err error) bool {
	if errors.Is(err, errAddress) {
		return true
	}
	var send *gomail.SendError
	return errors.As(err, &send) && !send.IsTemp() && send.ErrorCode() >= 550 && send.ErrorCode() <= 559
}

// Reason says what went wrong without naming anybody: servers quote the
// address in what they answer.
func Reason(err error) string {
	var send *gomail.SendError
	switch {
	case errors.As(err, &send) && send.ErrorCode() != 0:
		return fmt.Sprintf("the SMTP server answered %d %s", send.ErrorCode(), send.EnhancedStatusCode())
	case errors.As(err, &send):
		return "SMTP: " + send.Reason.String()
	case errors.Is(err, context.DeadlineExceeded):
		return "the SMTP server took too long"
	case errors.Is(err, context.Canceled):
		return "the server is stopping"
	case errors.Is(err, errAddress):
		return err.Error()
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Op + ": " + path.Err.Error()
	}
	return "the SMTP server cannot be reached or does not take our credentials (" + fmt.Sprintf("%T", rootOf(err)) + ")"
}

func rootOf(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
