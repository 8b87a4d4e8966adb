package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const (
	// deliveryTimeout is for all of an attempt: the look-up of the name, the
	// connection and the answer.
	deliveryTimeout = 10 * time.Second

	// answerRead is how much of an answer is read, so that its connection can
	// be used again. It is shown to nobody: it may come from where we should
	// not have called.
	answerRead = 4 << 10
)

// sender makes attempts.
type sender struct{ client *http.Client }

func newSender(o Options) *sender {
	encrypted, plain := newTransport(policy{allow: o.Allow}, o), newTransport(policy{allow: o.Allow, plain: true}, o)
	return &sender{&http.Client{
		Transport:     byScheme{encrypted, plain},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// newTransport connects where the policy allows. Of the environment it takes
// nothing. To a proxy there is one way, which the operator named: the policy
// is not asked about it, and cannot be about what the proxy dials.
func newTransport(p policy, o Options) *http.Transport {
	t := &http.Transport{
		DialContext: p.dialer(o.Resolver).DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		MaxIdleConns: 4 * mostAtOnce, MaxIdleConnsPerHost: mostAtOnce, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: deliveryTimeout,
		MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
	}
	if o.Proxy != nil {
		t.Proxy = http.ProxyURL(o.Proxy)
		t.DialContext = (&net.Dialer{Timeout: deliveryTimeout, Resolver: o.Resolver}).DialContext
	}
	return t
}

// byScheme keeps connections without TLS apart: other addresses may be dialled
// for them.
type byScheme struct{ encrypted, plain *http.Transport }

// RoundTrip is http.RoundTripper's.
func (b byScheme) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return b.encrypted.RoundTrip(r)
	}
	return b.plain.RoundTrip(r)
}

func (b byScheme) CloseIdleConnections() {
	b.encrypted.CloseIdleConnections()
	b.plain.CloseIdleConnections()
}

// attempt is what came of one.
type attempt struct {
	status  int    // zero: no answer
	failure string // empty: delivered
	took    time.Duration
}

// send makes one attempt.
func (s *sender) send(ctx context.Context, url string, sign *signer, d account.Delivery, now time.Time) attempt {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	status, err := s.post(ctx, url, sign, d, now)
	a := attempt{status: status, took: time.Since(began)}
	switch {
	case err != nil:
		a.failure = reason(err)
	case status >= 300 && status < 400:
		a.failure = fmt.Sprintf("the answer was %d, and redirects are not followed", status)
	case status < 200 || status >= 300:
		a.failure = fmt.Sprintf("the answer was %d", status)
	}
	return a
}

func (s *sender) post(ctx context.Context, url string, sign *signer, d account.Delivery, now time.Time) (status int, err error) {
	body, err := newBody(d)
	if err != nil {
		return 0, err
	}
	signature, err := sign.sign(d.MessageID, now, body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Yoozak-Webhook")
	req.Header.Set("Webhook-Id", d.MessageID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", signature)
	res, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close() //nolint:errcheck // the status is all that counts
	_, _ = io.CopyN(io.Discard, res.Body, answerRead)
	return res.StatusCode, nil
}

// reason says why there was no answer, without the URL, which may have a
// secret in it.
func reason(err error) string {
	var (
		refused *RefusedError
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		network net.Error
	)
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer within " + deliveryTimeout.String()
	case errors.As(err, &dns):
		return "the name of the host is not found"
	case errors.As(err, &cert):
		return "its certificate is not good" + flaw(cert.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens at its address"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "it hung up without an answer"
	}
	return "the connection failed"
}

// flaw says what is wrong with a certificate, in words of ours: the library's
// quote it, and whoever answered wrote up to 256 KiB of it, which would go into
// each row, the log and the operator's mail.
func flaw(err error) string {
	var (
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &name):
		return ": it is for another name"
	case errors.As(err, &unknown):
		return ": no authority that is known here signed it"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return ": it has expired, or is not valid yet"
	}
	return ""
}
