package smtptest

import (
	"crypto/subtle"
	"fmt"
	"io"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// session is one connection.
type session struct {
	server   *Server
	conn     *smtp.Conn
	loggedIn bool
	from, to string
	utf8     bool
	verdict  Verdict
	hangUp   bool // once the answer is written
}

func (s *session) AuthMechanisms() []string {
	if s.server.options.User == "" {
		return nil
	}
	if m := s.server.options.Mechanisms; m != nil {
		return m
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(_, user, password string) error {
		o := s.server.options
		if subtle.ConstantTimeCompare([]byte(user+"\x00"+password), []byte(o.User+"\x00"+o.Password)) == 0 {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "Not the password of " + user}
		}
		s.server.mu.Lock()
		s.server.logins++
		s.server.mu.Unlock()
		s.loggedIn = true
		return nil
	}
	if mechanism == sasl.Login {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(check), nil
}

// loginServer is AUTH LOGIN, which asks for the name and the password one
// after the other.
type loginServer struct {
	check func(identity, user, password string) error
	user  string
	asked int
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check("", l.user, string(response))
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	if s.server.options.User != "" && !s.loggedIn {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	s.from, s.utf8 = from, o.UTF8
	return answer(s.server.verdict("").Mail, from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to, s.verdict = to, s.server.verdict(to)
	return answer(s.verdict.Rcpt, to)
}

func (s *session) Data(r io.Reader) error {
	if s.verdict.Drop == DropAtData {
		return s.conn.Conn().Close()
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.verdict.Wait != nil {
		s.server.hold(1)
		<-s.verdict.Wait
		s.server.hold(-1)
	}
	if err := answer(s.verdict.Data, s.to); err != nil {
		return err
	}
	m, err := Parse(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "Not a mail: " + err.Error()}
	}
	m.From, m.To, m.UTF8, m.Helo = s.from, s.to, s.utf8, s.conn.Hostname()
	s.server.keep(m)
	if s.verdict.Drop == DropBeforeAnswer {
		return s.conn.Conn().Close()
	}
	s.hangUp = s.verdict.Drop == DropAfterAnswer
	return nil
}

// Reset is also called once a mail was answered.
func (s *session) Reset() {
	if s.hangUp {
		_ = s.conn.Conn().Close()
	}
	s.from, s.to, s.verdict = "", "", Verdict{}
}

func (s *session) Logout() error {
	s.server.count(-1)
	return nil
}

// answer refuses with a code, quoting an address as servers do.
func answer(code int, address string) error {
	if code == 0 {
		return nil
	}
	return &smtp.SMTPError{
		Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1},
		Message: fmt.Sprintf("<%s>: not today", address),
	}
}
