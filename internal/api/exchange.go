package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"runtime/debug"
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
	client   client
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
		from := s.proxies.client(r)
		x := &exchange{ResponseWriter: w, client: from, id: requestID(r, from.proxy), language: locale.Match(r.Header.Get("Accept-Language"), s.o.Language)}
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
		slog.String("ip", x.client.ip),
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

// peer is who is asking.
func (s *Server) peer(x *exchange, r *http.Request) account.RequestInfo {
	agent := r.UserAgent()
	if len(agent) > account.MaxUserAgent {
		agent = agent[:account.MaxUserAgent]
	}
	agent = strings.ReplaceAll(strings.ToValidUTF8(agent, "\uFFFD"), "\x00", "")
	return account.RequestInfo{IP: x.client.ip, UserAgent: agent, Language: x.language, RequestID: x.id, DeviceToken: deviceToken(r)}
}
