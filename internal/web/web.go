// Package web is what every HTTP transport of the server shares. It gives a
// request its id, its language and its client's address, and an answer the
// headers that none may lack; it answers browsers that ask before they call
// us from another origin, keeps a panic in one request from ending others,
// counts and logs requests, and listens. It knows nothing of what is asked,
// and logs no path, query, header or body.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/trace"
)

// Options are what [New] needs to know.
type Options struct {
	Log            *slog.Logger
	LogRequests    bool
	Observe        func(route, method string, status int, took time.Duration) // nil: nobody measures
	Unavailable    func(err error)                                            // told why a request cannot be answered now; nil: nobody asks
	Ready          func(ctx context.Context) error                            // nil error: able to serve; an account.NotReady says why not
	Trace          *trace.Tracer                                              // nil: nothing is traced
	Stopping       func() bool                                                // nil: never; see [Servers.Drain]
	Language       string                                                     // of a client that asks for none
	CORSOrigins    []string                                                   // as browsers write them; "*" is all, https://*.shop.example every name below it
	StaffCORS      []string                                                   // the same for what is the staff's, of which the others count for nothing
	CORSLoopback   bool                                                       // and pages of this machine, on any port
	TrustedProxies []netip.Prefix
	HTTPS          bool // people reach us by https, whatever a request looks like
}

// handler is around all others.
type handler struct {
	o        Options
	cors     *cors
	staff    *cors
	proxies  proxies
	mux      *http.ServeMux
	fallback http.Handler
}

// New joins handlers by their patterns, as [http.ServeMux] has them, and adds
// /healthz and /readyz. The one of "/", which there must be, answers what no
// other does, and every path that is not clean: the mux would redirect. Each
// is given a [ResponseWriter].
func New(o Options, handlers map[string]http.Handler) http.Handler {
	h := &handler{
		o: o, cors: newCORS(o.CORSOrigins, o.CORSLoopback), staff: newCORS(o.StaffCORS, false), proxies: proxies{networks: o.TrustedProxies, log: o.Log},
		mux: http.NewServeMux(), fallback: handlers["/"],
	}
	for pattern, one := range handlers {
		h.mux.Handle(pattern, one)
	}
	h.mux.HandleFunc("GET /healthz", healthz)
	h.mux.HandleFunc("GET /readyz", h.readyz)
	return h
}

func (h *handler) stopping() bool { return h.o.Stopping != nil && h.o.Stopping() }

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

var contentLanguage = func() map[string][]string {
	all := map[string][]string{}
	for _, l := range locale.Languages() {
		all[l] = []string{l}
	}
	return all
}()

// ServeHTTP is [http.Handler]'s.
func (h *handler) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	began := time.Now()
	from := h.proxies.client(r)
	from.HTTPS = from.HTTPS || h.o.HTTPS
	w := &ResponseWriter{
		ResponseWriter: rw, Client: from, RequestID: requestID(r, from.proxy),
		Language: locale.Match(r.Header.Get("Accept-Language"), h.o.Language), handler: h,
	}
	h.setHeaders(w, r)
	r, span := h.o.Trace.Request(r, from.proxy)
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares so
				h.logRequest(w, r, time.Since(began), span)
				panic(p)
			}
			h.o.Log.Error("panic", "request_id", w.RequestID, "route", w.Route, "panic", p, "stack", string(debug.Stack()))
			if w.status == 0 {
				w.Header().Set(ErrorHeader, account.CodeOf("internal_error"))
				w.WriteJSON(http.StatusInternalServerError, internalError{locale.Text(w.Language, "internal_error", locale.Args{"id": w.RequestID})})
			}
		}
		h.logRequest(w, r, time.Since(began), span)
	}()
	if !IsCleanPath(r.URL.Path) {
		h.fallback.ServeHTTP(w, r)
		return
	}
	h.mux.ServeHTTP(w, r)
}

func (h *handler) setHeaders(w *ResponseWriter, r *http.Request) {
	header := w.Header()
	header["X-Request-Id"] = []string{w.RequestID}
	header["Cache-Control"] = noStore
	header["X-Content-Type-Options"] = noSniff
	header["Content-Security-Policy"] = noContent
	header["Referrer-Policy"] = noReferrer
	header["Vary"] = vary
	if r.TLS != nil {
		header["Strict-Transport-Security"] = strictTransport
	}
	header["Content-Language"] = contentLanguage[w.Language]
	h.cors.allow(header, r)
	if len(r.TransferEncoding) > 0 {
		// net/http does not tell whether the request also had a length, by
		// which a proxy in front may have cut it: what stands behind it is
		// then not a request (RFC 9112, section 6.1).
		header["Connection"] = closing
	}
}

// internalError is the answer to a request that panicked.
type internalError struct {
	Detail string `json:"detail"`
}

// IsCleanPath reports whether [http.ServeMux] takes a path as it is.
func IsCleanPath(path string) bool {
	return !strings.Contains(path, "//") && (!strings.Contains(path, "/.") || !hasDots(path))
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

// logRequest counts, traces and logs a request: never its path, which may be
// anything, nor its query, headers or body.
func (h *handler) logRequest(w *ResponseWriter, r *http.Request, took time.Duration, span trace.Span) {
	route := w.Route
	if route == "" {
		route = "unknown"
	}
	span.Answered(route, r.Method, w.RequestID, w.status)
	if h.o.Observe != nil {
		h.o.Observe(route, r.Method, w.status, took)
	}
	if !h.o.LogRequests {
		return
	}
	h.o.Log.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("request_id", w.RequestID),
		slog.String("method", r.Method[:min(len(r.Method), maxLoggedMethod)]),
		slog.String("route", route),
		slog.Int("status", w.status),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("ip", w.Client.IP),
	)
}

// maxLoggedMethod keeps a made-up method of a megabyte out of the log.
const maxLoggedMethod = 16
