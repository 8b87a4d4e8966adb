package shadow

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
)

// exchange is one request and the upstream's answer to it, as the copy needs
// them.
type exchange struct {
	route, method, path, query string
	client                     string // requests of one client go in their order
	header                     http.Header
	body                       []byte
	chunked                    bool // the body came without its length
	want                       answer
	ended                      bool        // the whole answer was passed on
	cut                        atomic.Bool // the request's body was not sent to its end
	skip                       string      // why there is nothing to compare
}

// answer is what is compared of one.
type answer struct {
	status                           int
	contentType, challenge, encoding string
	body                             []byte
}

func newAnswer(res *http.Response) answer {
	h := res.Header
	return answer{
		status: res.StatusCode, contentType: h.Get("Content-Type"),
		challenge: strings.Join(h.Values("WWW-Authenticate"), ", "), encoding: h.Get("Content-Encoding"),
	}
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange {
	return r.Context().Value(exchangeKey{}).(*exchange)
}

// take reads the request's body, so that it can be sent twice. One that is
// too large goes to the upstream alone.
func (x *exchange) take(r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	r.Body = &incoming{r.Body, x}
	if x.skip == "" && r.ContentLength > maxBody {
		x.skip = large
	}
	if x.skip != "" {
		return
	}
	held, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(held) > maxBody {
		x.skip = large
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(held), r.Body), r.Body}
		return
	}
	x.body, x.chunked = held, r.ContentLength < 0
	r.Body = io.NopCloser(bytes.NewReader(held))
}

// incoming is a request's body, which the upstream is not to be blamed for.
type incoming struct {
	io.ReadCloser
	x *exchange
}

func (b *incoming) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.x.cut.Store(true)
	}
	return n, err
}

// hold keeps what passes of an answer's body.
func (s *Shadow) hold(res *http.Response) error {
	s.upstream.answered()
	x := exchangeOf(res.Request)
	if x.skip != "" || res.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	x.want = newAnswer(res)
	res.Body = &holder{ReadCloser: res.Body, x: x}
	return nil
}

type holder struct {
	io.ReadCloser
	x *exchange
}

func (h *holder) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	switch x := h.x; {
	case len(x.want.body)+n > maxBody:
		x.skip, x.want.body = large, nil
	case x.skip == "":
		x.want.body = append(x.want.body, p[:n]...)
	}
	if errors.Is(err, io.EOF) {
		h.x.ended = true
	}
	return n, err
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// routeOf names a request in the report. Its path is one of the API's, but a
// client may make up a method.
func routeOf(r *http.Request) string {
	method := "other"
	if slices.Contains(methods, r.Method) {
		method = r.Method
	}
	return method + " " + r.URL.Path
}

// clientOf is who asks: the peer, or whom a trusted proxy in front names.
func (s *Shadow) clientOf(r *http.Request) string {
	if chain := r.Header.Get("X-Forwarded-For"); chain != "" && s.trusts(r) {
		return chain
	}
	return peer(r)
}

// trusts reports whether a request comes from a proxy that may say who the
// client is.
func (s *Shadow) trusts(r *http.Request) bool {
	ip, err := netip.ParseAddr(peer(r))
	ip = ip.Unmap().WithZone("")
	return err == nil && slices.ContainsFunc(s.o.Trusted, func(network netip.Prefix) bool { return network.Contains(ip) })
}

// peer is the address at the other end of the connection.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// failure says of an error what kind it is. Its text may quote an answer.
func failure(err error) string {
	var (
		timeout net.Error
		dial    *net.OpError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &dial) && dial.Op == "dial":
		return "unreachable"
	}
	return "broken answer"
}
