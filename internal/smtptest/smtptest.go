// Package smtptest is an SMTP server for tests, on loopback: it speaks TLS,
// wants a password, and refuses, delays and drops connections as it is told.
// What it takes it keeps. Nothing of it is a mock: clients talk SMTP to it.
package smtptest

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/yoozak/clients/internal/porttest"
)

// Options are what a [Server] starts with. The zero value is a plain server
// that takes everything from everybody.
type Options struct {
	TLS            TLS
	Certificate    *Certificate // nil: one of its own, which nobody trusts
	User, Password string       // wanted before a mail is taken; empty: not
	Mechanisms     []string     // of AUTH that are offered with a user; none: PLAIN
	UTF8           bool         // SMTPUTF8 is offered
	Address        string       // to listen on again after a [Server.Stop]; empty: a port of the test's own
}

// TLS says when a connection is encrypted.
type TLS int

// The ways to encrypt.
const (
	Plain TLS = iota
	STARTTLS
	Implicit
)

// Verdict is what becomes of one attempt to deliver to an address. The zero
// value takes the mail. A code is that of the answer: 550, 451.
type Verdict struct {
	Mail, Rcpt, Data int             // answers to MAIL, to RCPT and to the content; 0: taken
	Drop             Drop            // close the connection instead of answering
	Wait             <-chan struct{} // answer to the content when it is closed; nil: at once
}

// Drop is when a connection is closed.
type Drop int

// When to close. The mail is taken from DropBeforeAnswer on: its sender
// cannot know.
const (
	DropNever        Drop = iota
	DropAtData            // after RCPT, before any of the content is read
	DropBeforeAnswer      // the content was read and kept
	DropAfterAnswer       // "250" was said
)

// Server takes mails.
type Server struct {
	options  Options
	address  string
	listener net.Listener
	server   *smtp.Server
	stopOnce sync.Once

	mu       sync.Mutex
	judge    func(to string, attempt int) Verdict
	attempts map[string]int
	logins   int
	open     int
	held     int // mails that came whole and wait for their verdict's Wait
	messages []Message
	arrived  chan struct{} // closed and replaced with each message
}

// Start returns a server that listens, and stops it when the test ends.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	if o.Address == "" {
		o.Address = porttest.Address(tb)
	}
	if o.Certificate == nil && o.TLS != Plain {
		o.Certificate = NewCertificate("127.0.0.1")
	}
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", o.Address)
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{options: o, address: l.Addr().String(), listener: l, attempts: map[string]int{}, arrived: make(chan struct{})}
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s.count(1)
		return &session{server: s, conn: c}, nil
	}))
	s.server.Domain = "smtptest"
	s.server.AllowInsecureAuth = true
	s.server.EnableSMTPUTF8 = o.UTF8
	s.server.ErrorLog = log.New(io.Discard, "", 0) // dropped connections are the tests' wish
	switch o.TLS {
	case STARTTLS:
		s.server.TLSConfig = o.Certificate.config()
	case Implicit:
		l = tls.NewListener(l, o.Certificate.config())
	}
	done := make(chan error, 1)
	go func() { done <- s.server.Serve(l) }()
	tb.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil && !errors.Is(err, net.ErrClosed) {
			tb.Errorf("SMTP server: %v", err)
		}
	})
	return s
}

// Stop closes the listener and every connection; nothing is taken any more.
func (s *Server) Stop() {
	s.stopOnce.Do(func() {
		_ = s.server.Close()
		_ = s.listener.Close() // which the server may not know of yet
	})
}

// Address is where the server listens.
func (s *Server) Address() string { return s.address }

// URL is how YOOZAK_SMTP_URL names the server, with the user and password
// that it wants.
func (s *Server) URL() string {
	u := url.URL{Scheme: "smtp", Host: s.address}
	if s.options.User != "" {
		u.User = url.UserPassword(s.options.User, s.options.Password)
	}
	switch s.options.TLS {
	case Plain:
		u.RawQuery = "tls=none"
	case Implicit:
		u.Scheme = "smtps"
	}
	return u.String()
}

// Judge has fn decide about each attempt from now on; attempt counts from 1
// for each address. It is called at RCPT (at MAIL for every address at once,
// as "" with attempt 0, for [Verdict.Mail] alone).
func (s *Server) Judge(fn func(to string, attempt int) Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge = fn
}

// Held is how many mails came whole and wait for [Verdict.Wait]: they are
// taken, whether or not who sent them is still there.
func (s *Server) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

func (s *Server) hold(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held += n
}

// Messages are those that were taken, in order.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Take is [Server.Messages], and forgets them.
func (s *Server) Take() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.messages
	s.messages = nil
	return taken
}

// Arrived is closed when one more message has been taken. Ask for it before
// [Server.Messages], so that none comes between.
func (s *Server) Arrived() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived
}

// Attempts is how often somebody tried to deliver to an address.
func (s *Server) Attempts(to string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts[to]
}

// Logins is how often the password was right.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Open is how many connections there are that greeted.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *Server) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += n
}

func (s *Server) verdict(to string) Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to != "" {
		s.attempts[to]++
	}
	if s.judge == nil {
		return Verdict{}
	}
	return s.judge(to, s.attempts[to])
}

func (s *Server) keep(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	close(s.arrived)
	s.arrived = make(chan struct{})
}
