package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"syscall"
)

// step is a part of the conversation with an SMTP server.
type step int

const (
	atConnection step = iota
	atTLS
	atGreeting
	atHello
	atLogin
	atSender
	atRecipient
	atData
	atContent
	atAnswer // to the end of the text
)

// stepNames complete "at …".
var stepNames = map[step]string{
	atConnection: "the connection", atTLS: "TLS", atGreeting: "the greeting", atHello: "EHLO (see YOOZAK_SMTP_HELO)",
	atLogin: "AUTH, with the user and password of YOOZAK_SMTP_URL", atSender: "MAIL FROM", atRecipient: "RCPT TO", atData: "DATA",
	atContent: "the text", atAnswer: "the end of the text",
}

// What a server does not have.
var (
	errNoSTARTTLS  = errors.New("the SMTP server offers no STARTTLS, and nothing is sent without TLS (?tls=none is for a server on this machine)")
	errNoAUTH      = errors.New("the SMTP server offers no login (AUTH), and YOOZAK_SMTP_URL has a user and password")
	errNoMechanism = errors.New("the SMTP server offers no kind of login (AUTH) that we can use")
	errNoSMTPUTF8  = errors.New("the address has letters before the @ that are not ASCII, and the SMTP server does not take those (SMTPUTF8)")
)

// stepError is where a delivery failed, and why.
type stepError struct {
	step     step
	security security
	port     int
	err      error
}

func (e *stepError) Error() string { return "at " + stepNames[e.step] + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// answer is what the server answered, or nil if it did not.
func (e *stepError) answer() *textproto.Error {
	var answer *textproto.Error
	errors.As(e.err, &answer)
	return answer
}

// Permanent reports whether another attempt could not fare better: the
// server refused the address or the mail for good (RFC 5321, 5yz). That it
// refuses us (our password, our sender's address) is for the operator to mend.
func Permanent(err error) bool {
	if errors.Is(err, errAddress) {
		return true
	}
	var e *stepError
	if !errors.As(err, &e) || e.step < atRecipient {
		return false
	}
	answer := e.answer()
	return errors.Is(e.err, errNoSMTPUTF8) || answer != nil && answer.Code >= 550 && answer.Code <= 559
}

// Uncertain reports whether the mail may have been taken all the same: all of
// it was sent, and no answer was heard.
func Uncertain(err error) bool {
	var e *stepError
	return errors.As(err, &e) && e.step == atAnswer && e.answer() == nil
}

// Reason says what went wrong in words for an operator, without naming
// anybody: servers quote the address in what they answer.
func Reason(err error) string {
	var (
		e    *stepError
		path *os.PathError
	)
	switch {
	case Uncertain(err):
		return "the SMTP server did not answer after the whole text: the mail may have arrived"
	case errors.Is(err, context.Canceled):
		return "the server is stopping"
	case errors.As(err, &e):
		return e.reason()
	case errors.Is(err, errAddress), errors.Is(err, ErrUnknownKind):
		return rootOf(err).Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	case errors.As(err, &path):
		return path.Op + ": " + path.Err.Error()
	}
	return fmt.Sprintf("it failed (%T)", rootOf(err))
}

// enhancedCode is RFC 3463's, at the beginning of an answer.
var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

func (e *stepError) reason() string {
	if answer := e.answer(); answer != nil {
		text := fmt.Sprintf("the SMTP server answered %d", answer.Code)
		if code := enhancedCode.FindString(answer.Msg); code != "" {
			text += " " + code
		}
		return text + " at " + stepNames[e.step]
	}
	for _, known := range []error{errNoSTARTTLS, errNoAUTH, errNoMechanism, errNoSMTPUTF8} {
		if errors.Is(e.err, known) {
			return known.Error()
		}
	}
	if e.step == atConnection {
		return "the SMTP server cannot be reached: " + networkReason(e.err)
	}
	if e.step == atTLS {
		if why := tlsReason(e.err); why != "" {
			return why
		}
	}
	text := "the SMTP server failed at " + stepNames[e.step] + ": " + networkReason(e.err)
	if e.step == atGreeting && e.security == startTLS {
		if e.port == 465 {
			return text + "; port 465 wants smtps://"
		}
		return text + "; if it speaks TLS from the start, it wants smtps://"
	}
	return text
}

// networkReason names what happened to a connection.
func networkReason(err error) string {
	var (
		network net.Error
		name    *net.DNSError
		errno   syscall.Errno
		spoken  textproto.ProtocolError
	)
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return "there is no host of its name"
	case errors.As(err, &name):
		return "the name server does not know its name now"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "timed out"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "it closed the connection"
	case errors.As(err, &spoken):
		return "what it says is not SMTP"
	}
	return fmt.Sprintf("%T", rootOf(err))
}

// tlsReason says why no encrypted connection came about, or nothing where it
// is the network's fault.
func tlsReason(err error) string {
	var (
		plain     tls.RecordHeaderError
		alert     tls.AlertError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		other     *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &plain):
		return "the SMTP server does not speak TLS from the start at this port: a server with STARTTLS wants smtp://"
	case errors.As(err, &authority):
		return "the SMTP server's certificate is of no authority that we trust"
	case errors.As(err, &host):
		return "the SMTP server's certificate is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the SMTP server's certificate has expired or is not valid yet"
	case errors.As(err, &other):
		return "the SMTP server's certificate cannot be trusted"
	case errors.As(err, &alert):
		return "the SMTP server does not agree on TLS: " + alert.Error()
	}
	return ""
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
