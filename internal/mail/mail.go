// Package mail puts the outbox's mails into words, in French, English and
// Arabic, as HTML and as text, and hands them to an SMTP server or, where
// none is configured, to a folder. It keeps nothing; when to try again is its
// caller's business. Errors never name an address: [Reason] is fit for a log.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	dial   dialer // a TCP or a TLS connection
	folder string // where there is no SMTP server
	o      Options
}

type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
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
	s.host, s.dial = u.Hostname(), new(net.Dialer)
	s.client = []gomail.Option{gomail.WithTimeout(20 * time.Second), gomail.WithHELO(helo(s.from))}
	port := 587
	switch option := u.Query().Get("tls"); {
	case u.Scheme == "smtps" && option == "":
		port = 465
		s.dial = &tls.Dialer{Config: &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}}
		s.client = append(s.client, gomail.WithTLSPolicy(gomail.TLSOpportunistic)) // finds that it has TLS
	case u.Scheme == "smtp" && option == "":
		s.client = append(s.client, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case u.Scheme == "smtp" && option == "none" && onThisMachine(s.host):
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

// onThisMachine is asked of a name that is not looked up: what a resolver
// says may be false.
func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
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
// have one. When ctx ends, an answer that is under way is waited for, because
// a mail whose answer is not heard is sent again: but not for long.
func (s *Sender) Send(ctx context.Context, m account.Mail, link string) error {
	msg, err := s.message(m, link)
	if err != nil {
		return err
	}
	if s.folder != "" {
		return s.write(m, msg)
	}
	c := new(connection)
	defer c.close()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastAnswer, c.close) })()
	client, err := gomail.NewClient(s.host, append(slices.Clone(s.client), gomail.WithDialContextFunc(c.by(s.dial)))...)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() { // the server said so, whatever happened to the connection after that
		return nil
	}
	if err != nil && ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

// lastAnswer is how long a server may still take when the time is up.
const lastAnswer = 5 * time.Second

// connection is closed by us, at the latest when Send returns: the library
// keeps some open that failed before a mail was sent.
type connection struct {
	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func (c *connection) by(d dialer) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.closed {
			return nil, errors.Join(net.ErrClosed, conn.Close())
		}
		c.conn = conn
		return conn, nil
	}
}

func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.conn != nil {
		_ = c.conn.Close() // most often it is
	}
}

// message is a whole mail. Its id is the outbox row's, so that a mail that
// is sent twice can be seen to be one.
func (s *Sender) message(m account.Mail, link string) (*gomail.Msg, error) {
	c := compose(m, link, s.Brand(), s.o)
	html, text, err := c.render()
	if err != nil {
		return nil, err
	}
	to, err := deliverable(m.Email)
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
	msg.Subject(c.Subject)
	msg.SetDateWithValue(m.CreatedAt)
	msg.SetMessageIDWithValue(fmt.Sprintf("%d.%d@%s", m.ID, m.CreatedAt.UnixMicro(), helo(s.from)))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no machine should answer
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetGenHeader("Content-Language", m.Language)
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return msg, s.o.add(msg)
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
	if _, err := mail.ParseAddress("<" + to + ">"); err != nil { // an address alone: no name, no comment
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
	path := filepath.Join(s.folder, name)
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if s.o.Written != nil {
		s.o.Written(path)
	}
	return nil
}

// Permanent reports whether another attempt could not fare better: the
// server refused the address or the mail for good (RFC 5321, 5yz). That it
// refuses us (our password, our sender's address) is for the operator to mend.
func Permanent(err error) bool {
	if errors.Is(err, errAddress) {
		return true
	}
	var send *gomail.SendError
	return errors.As(err, &send) && send.Reason != gomail.ErrSMTPMailFrom && send.ErrorCode() >= 550 && send.ErrorCode() <= 559
}

// Reason says what went wrong without naming anybody: servers quote the
// address in what they answer.
func Reason(err error) string {
	var (
		send   *gomail.SendError
		answer *textproto.Error // to our greeting or password
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "the server is stopping"
	case errors.Is(err, context.DeadlineExceeded):
		return "the SMTP server took too long"
	case errors.As(err, &send) && send.ErrorCode() != 0:
		return strings.TrimSpace(fmt.Sprintf("the SMTP server answered %d %s", send.ErrorCode(), send.EnhancedStatusCode()))
	case errors.As(err, &send):
		return "SMTP: " + send.Reason.String()
	case errors.As(err, &answer):
		return fmt.Sprintf("the SMTP server answered %d to our greeting or our credentials", answer.Code)
	case errors.Is(err, errAddress):
		return err.Error()
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Op + ": " + path.Err.Error()
	}
	return "the SMTP server cannot be reached, offers no TLS that we trust, or does not take our credentials (" + fmt.Sprintf("%T", rootOf(err)) + ")"
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
