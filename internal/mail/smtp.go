package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// SMTP says which server mails are handed to, and how. A URL is one of
//
//	smtps://user:password@host:465   TLS from the start
//	smtp://user:password@host:587    STARTTLS, or nothing is sent
//	smtp://127.0.0.1:25?tls=none     plain, for a server on this machine
type SMTP struct {
	URL, From string
	Helo      string   // how we greet; empty: the sender's domain
	Timeouts  Timeouts // the zero value: [DefaultTimeouts]
}

// Timeouts bound the parts of one delivery (RFC 5321, section 4.5.3.2).
type Timeouts struct {
	Connect  time.Duration // TCP, and TLS where it comes first
	Greeting time.Duration // until the server's first line
	Command  time.Duration // each answer to a command
	Begin    time.Duration // all of these together
	Content  time.Duration // the server reads the text
	Answer   time.Duration // to the end of the text: filters for viruses and spam work now
}

// DefaultTimeouts are the standard's where it matters most, and shorter where
// nothing is lost by another attempt.
var DefaultTimeouts = Timeouts{
	Connect: 30 * time.Second, Greeting: 2 * time.Minute, Command: 2 * time.Minute, Begin: 4 * time.Minute,
	Content: 3 * time.Minute, Answer: 10 * time.Minute,
}

// NewSMTP delivers to an SMTP server. Errors name the setting that is wrong,
// and none has the URL, which holds a password.
func NewSMTP(o SMTP) (*Sender, error) {
	s, err := newSender(o.From)
	if err != nil {
		return nil, fmt.Errorf("YOOZAK_MAIL_FROM: %w", err)
	}
	if o.Helo != "" {
		if s.helo, err = helo(o.Helo); err != nil {
			return nil, fmt.Errorf("YOOZAK_SMTP_HELO: %w", err)
		}
	}
	if s.smtp, err = readURL(o.URL); err != nil {
		return nil, fmt.Errorf("YOOZAK_SMTP_URL %w", err)
	}
	s.smtp.timeouts = o.Timeouts
	if o.Timeouts == (Timeouts{}) {
		s.smtp.timeouts = DefaultTimeouts
	}
	return s, nil
}

// helo is a name for EHLO: that of a host, or an address in brackets.
func helo(name string) (string, error) {
	ascii, err := asciiDomain(name)
	letters := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
	inner, literal := strings.CutPrefix(ascii, "[")
	if literal {
		inner = strings.TrimSuffix(inner, "]")
		letters += ":"
	}
	if err != nil || strings.Trim(inner, letters) != "" || strings.Trim(inner, ".-") == "" || literal != strings.HasSuffix(ascii, "]") {
		return "", fmt.Errorf("%q is not the name of a host, such as mail.shop.example", name)
	}
	return ascii, nil
}

// server is an SMTP server and how it wants to be spoken to.
type server struct {
	host     string
	port     int
	security security
	user     *url.Userinfo // nil: it knows us without
	timeouts Timeouts
	idle     idle
}

// security says when a connection is encrypted.
type security int

const (
	startTLS    security = iota // by a command, or nothing is sent
	implicitTLS                 // from the first byte
	noTLS                       // never; on this machine only
)

// Why a URL is refused. It is never quoted: it holds a password.
var (
	errURL = errors.New("must be smtps://user:password@host:465 or smtp://user:password@host:587; " +
		"in the user and the password, write % @ : / ? # as %25 %40 %3A %2F %3F %23, and letters that are not ASCII percent-encoded, too")
	errScheme    = errors.New("must begin with smtps:// or smtp://; ?tls=none is for a server on this machine only")
	errParameter = errors.New("has a parameter that there is not: the only one is ?tls=none, for a server on this machine; a ? in a password is written %3F")
	errUser      = errors.New("has a user without a password, or a password without a user")
	errPort      = errors.New("has a port that is no number from 1 to 65535")
)

func readURL(rawURL string) (*server, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.Opaque != "" || strings.Contains(rawURL, "#") {
		return nil, errURL
	}
	query, err := url.ParseQuery(u.RawQuery)
	option := query.Get("tls")
	if delete(query, "tls"); err != nil || len(query) > 0 {
		return nil, errParameter
	}
	s := &server{user: u.User}
	if s.host, err = asciiDomain(u.Hostname()); err != nil {
		return nil, errURL
	}
	switch {
	case u.Scheme == "smtps" && option == "":
		s.port, s.security = 465, implicitTLS
	case u.Scheme == "smtp" && option == "":
		s.port, s.security = 587, startTLS
	case u.Scheme == "smtp" && option == "none" && onThisMachine(s.host):
		s.port, s.security = 25, noTLS
	default:
		return nil, errScheme
	}
	if text := u.Port(); text != "" {
		if s.port, err = strconv.Atoi(text); err != nil || s.port < 1 || s.port > 65535 {
			return nil, errPort
		}
	}
	if s.user != nil {
		if password, _ := s.user.Password(); password == "" || s.user.Username() == "" {
			return nil, errUser
		}
	}
	return s, nil
}

// onThisMachine is asked of a name that is not looked up: what a resolver
// says may be false.
func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// lastAnswer is how long a server may still take for its answer to a text
// when we must end. quitTime is for the goodbye, which changes nothing.
const (
	lastAnswer = 5 * time.Second
	quitTime   = 5 * time.Second
)

// conversation is one connection to a server.
type conversation struct {
	*server
	conn   net.Conn
	client *smtp.Client
	until  time.Time // when all must be done that comes before the text
	mails  int       // that were sent over it
}

// send delivers one mail, over a connection that another mail has left open
// where there is one.
func (s *server) send(ctx context.Context, helo string, msg *gomail.Msg, beforeHandover func(context.Context) error) error {
	if c := s.idle.take(); c != nil {
		err := c.deliver(ctx, helo, msg, beforeHandover)
		if !gone(err) {
			return err
		}
	}
	return (&conversation{server: s}).deliver(ctx, helo, msg, beforeHandover)
}

// gone reports whether a connection had been closed by the server since the
// mail before: nothing of this one was handed over then.
func gone(err error) bool {
	var e *stepError
	if !errors.As(err, &e) || e.step != atSender {
		return false
	}
	answer := e.answer()
	return answer == nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) ||
		answer != nil && answer.Code == 421 // it closes the connection (RFC 5321, section 3.8)
}

// deliver sends a mail, and leaves the connection to the next.
func (c *conversation) deliver(ctx context.Context, helo string, msg *gomail.Msg, beforeHandover func(context.Context) error) error {
	begin, cancel := context.WithTimeout(ctx, c.timeouts.Begin)
	defer cancel()
	c.until = time.Now().Add(c.timeouts.Begin)
	if c.conn == nil {
		if err := c.connect(begin); err != nil {
			return ended(begin, err)
		}
	}
	stopWatching := context.AfterFunc(begin, func() { _ = c.conn.Close() })
	defer stopWatching()
	writer, err := c.begin(helo, msg, func() error {
		if beforeHandover == nil {
			return nil
		}
		return beforeHandover(begin)
	})
	if err != nil {
		c.quit(err)
		return ended(begin, err)
	}
	watching := stopWatching()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastAnswer, func() { _ = c.conn.Close() }) })()
	if err := c.content(writer, msg); err != nil {
		c.quit(err)
		return ended(ctx, err)
	}
	if c.mails++; !watching || ctx.Err() != nil || c.mails >= mostMails || !c.idle.keep(c) {
		c.quit(nil)
	}
	return nil
}

// ended adds that the attempt had to end, where that is why it failed.
func ended(ctx context.Context, err error) error {
	if e := (*stepError)(nil); ctx.Err() != nil && errors.As(err, &e) {
		e.err = fmt.Errorf("%w: %w", ctx.Err(), e.err)
	}
	return err
}

// connect opens the connection, encrypted where TLS comes first.
func (c *conversation) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeouts.Connect)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(c.host, strconv.Itoa(c.port)))
	if err != nil {
		return c.failed(atConnection, err)
	}
	if c.conn = conn; c.security != implicitTLS {
		return nil
	}
	encrypted := tls.Client(conn, c.tls())
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return errors.Join(c.failed(atTLS, err), conn.Close())
	}
	c.conn = encrypted
	return nil
}

func (c *conversation) tls() *tls.Config {
	return &tls.Config{ServerName: c.host, MinVersion: tls.VersionTLS12}
}

// begin does all that comes before the text, which the server then waits for.
func (c *conversation) begin(helo string, msg *gomail.Msg, beforeHandover func() error) (io.WriteCloser, error) {
	if c.client == nil {
		if err := c.introduce(helo); err != nil {
			return nil, err
		}
	}
	if err := beforeHandover(); err != nil {
		return nil, err
	}
	if err := c.envelope(msg); err != nil {
		return nil, err
	}
	var writer io.WriteCloser
	err := c.do(atData, func() (err error) { writer, err = c.client.Data(); return err })
	return writer, err
}

// introduce is what a connection begins with: who we are.
func (c *conversation) introduce(helo string) error {
	if err := c.greet(helo); err != nil {
		return err
	}
	if c.security == startTLS {
		if offered, _ := c.client.Extension("STARTTLS"); !offered {
			return c.failed(atTLS, errNoSTARTTLS)
		}
		if err := c.do(atTLS, func() error { return c.client.StartTLS(c.tls()) }); err != nil {
			return err
		}
	}
	return c.login()
}

func (c *conversation) greet(helo string) error {
	_ = c.conn.SetDeadline(c.within(c.timeouts.Greeting)) // what fails here fails below, too
	client, err := smtp.NewClient(c.conn, c.host)
	if err != nil {
		return c.failed(atGreeting, err)
	}
	c.client = client
	return c.do(atHello, func() error { return client.Hello(helo) })
}

// Mechanisms of AUTH, the best first. Those that show the password are for a
// connection that nobody else reads: an encrypted one, or within this machine.
var (
	overTLS  = []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "NTLM", "CRAM-MD5", "PLAIN", "LOGIN"}
	overNone = []string{"SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"}
)

// login shows the user and password of the URL, if it has them.
func (c *conversation) login() error {
	if c.user == nil {
		return nil
	}
	offered, list := c.client.Extension("AUTH")
	if !offered {
		return c.failed(atLogin, errNoAUTH)
	}
	known := overTLS
	if c.security == noTLS {
		known = overNone
	}
	mechanisms := strings.Fields(strings.ToUpper(list))
	at := slices.IndexFunc(known, func(name string) bool { return slices.Contains(mechanisms, name) })
	if at < 0 {
		return c.failed(atLogin, errNoMechanism)
	}
	auth, err := c.auth(known[at])
	if err != nil {
		return c.failed(atLogin, err)
	}
	return c.do(atLogin, func() error { return c.client.Auth(auth) })
}

func (c *conversation) auth(mechanism string) (smtp.Auth, error) {
	user := c.user.Username()
	password, _ := c.user.Password()
	switch mechanism {
	case "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS":
		state, err := c.client.GetTLSConnectionState()
		if err != nil {
			return nil, err
		}
		if mechanism == "SCRAM-SHA-1-PLUS" {
			return smtp.ScramSHA1PlusAuth(user, password, state), nil
		}
		return smtp.ScramSHA256PlusAuth(user, password, state), nil
	case "SCRAM-SHA-256":
		return smtp.ScramSHA256Auth(user, password), nil
	case "SCRAM-SHA-1":
		return smtp.ScramSHA1Auth(user, password), nil
	case "NTLM":
		return smtp.NTLMAuth(user, password, ""), nil
	case "CRAM-MD5":
		return smtp.CRAMMD5Auth(user, password), nil
	case "LOGIN":
		return smtp.LoginAuth(user, password, c.host, c.security == noTLS), nil
	}
	return smtp.PlainAuth("", user, password, c.host, c.security == noTLS), nil
}

// envelope names the sender and the reader.
func (c *conversation) envelope(msg *gomail.Msg) error {
	from, err := msg.GetSender(false)
	if err != nil {
		return err
	}
	to, err := msg.GetRecipients()
	if err != nil {
		return err
	}
	// SMTPUTF8 is asked for where it is needed only: a server further on that
	// does not have it returns the mail (RFC 6531, section 3.2).
	offered, _ := c.client.Extension("SMTPUTF8")
	c.client.SkipSMTPUTF8(ascii(from) && ascii(to[0]))
	if !offered && !ascii(from) {
		return c.failed(atSender, errNoSMTPUTF8)
	}
	if !offered && !ascii(to[0]) {
		return c.failed(atRecipient, errNoSMTPUTF8)
	}
	if err := c.do(atSender, func() error { return c.client.Mail(from) }); err != nil {
		return err
	}
	return c.do(atRecipient, func() error { return c.client.Rcpt(to[0]) })
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c >= utf8.RuneSelf })
}

// content sends the text. Once its end was sent, the server may have taken
// the mail, whatever becomes of its answer.
func (c *conversation) content(writer io.WriteCloser, msg *gomail.Msg) error {
	_ = c.conn.SetDeadline(time.Now().Add(c.timeouts.Content))
	if _, err := msg.WriteTo(writer); err != nil {
		return c.failed(atContent, err)
	}
	_ = c.conn.SetDeadline(time.Now().Add(c.timeouts.Answer))
	return c.failed(atAnswer, writer.Close())
}

// do is one command, or a few that belong together.
func (c *conversation) do(at step, command func() error) error {
	_ = c.conn.SetDeadline(c.within(c.timeouts.Command)) // what fails here fails in the command, too
	return c.failed(at, command())
}

func (c *conversation) within(d time.Duration) time.Time {
	if t := time.Now().Add(d); t.Before(c.until) {
		return t
	}
	return c.until
}

func (c *conversation) failed(at step, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{step: at, security: c.security, port: c.port, err: err}
}

// quit says goodbye, as servers like it, unless the connection is of no use
// any more, and closes it.
func (c *conversation) quit(err error) {
	defer c.conn.Close() //nolint:errcheck // most often the server has closed it
	var answered *stepError
	if c.client == nil || errors.As(err, &answered) && answered.answer() == nil {
		return
	}
	_ = c.conn.SetDeadline(time.Now().Add(quitTime))
	_ = c.client.Quit() // the mail's fate is known
}
