package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

// exchange is one request and its answer: the ResponseWriter that handlers
// see, with what logs and errors need to know.
type exchange struct {
	http.ResponseWriter
	id       string
	language string
	route    string // "" is an unknown path
	oauth    bool   // a service asks: errors are OAuth's
	status   int
	failed   error // of writing the answer
}

func exchangeOf(w http.ResponseWriter) *exchange { return w.(*exchange) }

func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	return x.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// Headers that are the same on every answer; their slices are shared.
var (
	noStore = []string{"no-store"} // tokens and profiles are nobody's to keep
	noSniff = []string{"nosniff"}

	// An answer that is opened as a page loads nothing and is in nobody's
	// frame (ASVS 3.4.3, 3.4.6); the pages have a policy of their own.
	noContent  = []string{"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"}
	noReferrer = []string{"no-referrer"}
	// strictTransport keeps browsers from ever coming back without TLS
	// (RFC 6797). Subdomains may be somebody else's.
	strictTransport = []string{"max-age=31536000"}
	closing         = []string{"close"}
	vary            = []string{"Accept, Accept-Language, Authorization, Origin"}
)

// outermost gives every request its id and language, keeps a panic in one
// from ending others, and logs.
func (s *Server) outermost(next http.Handler) http.Handler {
	contentLanguage := map[string][]string{}
	for _, l := range locale.Languages() {
		contentLanguage[l] = []string{l}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		x := &exchange{ResponseWriter: w, id: requestID(r), language: locale.Match(r.Header.Get("Accept-Language"), s.o.Language)}
		h := w.Header()
		h["X-Request-Id"] = []string{x.id}
		h["Cache-Control"] = noStore
		h["X-Content-Type-Options"] = noSniff
		h["Content-Security-Policy"] = noContent
		h["Referrer-Policy"] = noReferrer
		h["Vary"] = vary
		if r.TLS != nil {
			h["Strict-Transport-Security"] = strictTransport
		}
		h["Content-Language"] = contentLanguage[x.language]
		s.cors.allow(h, r)
		if len(r.TransferEncoding) > 0 {
			// net/http does not tell whether the request also had a length, by
			// which a proxy in front may have cut it: what stands behind it is
			// then not a request (RFC 9112, section 6.1).
			h["Connection"] = closing
		}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares so
					s.finish(x, r, time.Since(began))
					panic(p)
				}
				s.o.Log.Error("panic", "request_id", x.id, "route", x.route, "panic", p, "stack", string(debug.Stack()))
				if x.status == 0 {
					writeJSON(x, http.StatusInternalServerError, detailBody{Detail: locale.Text(x.language, "internal_error", account.Args{"id": x.id})})
				}
			}
			s.finish(x, r, time.Since(began))
		}()
		if path := r.URL.Path; strings.Contains(path, "//") || strings.Contains(path, "/.") && hasDots(path) {
			s.notFound(x, r) // the mux would redirect to the clean path
			return
		}
		next.ServeHTTP(x, r)
	})
}

// hasDots reports whether a segment of the path is "." or "..".
func hasDots(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// finish counts and logs a request: never its path, which may be anything,
// nor its query, headers or body.
func (s *Server) finish(x *exchange, r *http.Request, took time.Duration) {
	route := x.route
	if route == "" {
		route = "unknown"
	}
	if s.o.Observe != nil {
		s.o.Observe(route, r.Method, x.status, took)
	}
	if !s.o.LogRequests {
		return
	}
	s.o.Log.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("request_id", x.id),
		slog.String("method", logged(r.Method)),
		slog.String("route", route),
		slog.Int("status", x.status),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("ip", s.clientIP(r)),
	)
}

// logged keeps a made-up method of a megabyte out of the log.
func logged(method string) string {
	if len(method) > 16 {
		return method[:16]
	}
	return method
}

var (
	requestPrefix = func() string {
		var b [6]byte
		_, _ = rand.Read(b[:])
		return hex.EncodeToString(b[:]) + "-"
	}()
	requestCount atomic.Uint64
)

// requestID takes the id that a proxy in front gave, if it is short and
// plain, or makes one: random for the process, then counted.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == "" {
		return id
	}
	return requestPrefix + strconv.FormatUint(requestCount.Add(1), 36)
}

// peer is who is asking.
func (s *Server) peer(x *exchange, r *http.Request) account.Peer {
	agent := r.UserAgent()
	if len(agent) > account.MaxUserAgent {
		agent = agent[:account.MaxUserAgent]
	}
	agent = strings.ReplaceAll(strings.ToValidUTF8(agent, "\uFFFD"), "\x00", "")
	return account.Peer{IP: s.clientIP(r), UserAgent: agent, Language: x.language, RequestID: x.id, DeviceToken: deviceToken(r)}
}

// clientIP is the address of the connection or, where that is a proxy that
// we trust, the right-most address in X-Forwarded-For that is not one: what
// stands to the left of it is whatever the client wrote.
func (s *Server) clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || len(s.o.TrustedProxies) == 0 || !s.trusted(host) {
		return host
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		ip, err := netip.ParseAddr(hop)
		if err != nil || ip.Zone() != "" { // a zone may be any text, and means nothing on another machine
			break
		}
		host = ip.Unmap().String()
		if !s.trusted(host) {
			break
		}
	}
	return host
}

// fromProxy reports whether the connection is a proxy's that we trust.
func (s *Server) fromProxy(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && s.trusted(host)
}

func (s *Server) trusted(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, network := range s.o.TrustedProxies {
		if network.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}
