package web

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// cors lets web pages of the configured origins read our answers (Fetch
// standard, section 3.2). Tokens travel in a header that only scripts set,
// so no answer ever allows credentials.
type cors struct {
	any      bool
	loopback bool
	origins  map[string]bool
	below    []wildcard
	refused  refusedOrigins
}

// wildcard is https://*.shop.example:8443, cut at the asterisk.
type wildcard struct{ before, after string }

// newCORS takes origins as browsers write them, in lower case.
func newCORS(origins []string, loopback bool) *cors {
	c := &cors{loopback: loopback, origins: make(map[string]bool, len(origins))}
	for _, o := range origins {
		if before, after, found := strings.Cut(o, "://*."); found {
			c.below = append(c.below, wildcard{before + "://", "." + after})
			continue
		}
		c.any = c.any || o == "*"
		c.origins[o] = true
	}
	return c
}

// Headers of ours, beside the bodies.
const (
	CodeHeader    = "X-Code-Id"                // of the code in the mail to a new account's address
	DeviceHeader  = "X-Device-Token"           // by which a device is known
	ErrorHeader   = "X-Error-Code"             // what a program reads of an error: account.CodeOf
	HintHeader    = "X-Hint"                   // what a developer did wrong, where the answer must not say it
	RefreshHeader = "X-Token-Refresh-Required" // the token has little time left
	SessionHeader = "X-Session-Id"             // whose token a gateway asked about, with UserHeader
	TrustedHeader = "X-Trusted-Device"         // of a device on which no second factor is asked for
	UserHeader    = "X-User-Id"
)

// A page cannot read a header that is not exposed to it, nor send one that
// is not allowed. Pages send what their libraries add (tracing, CSRF tokens
// of another framework), so whatever they ask for is allowed: a header opens
// nothing here that a program without a browser could not open.
const (
	exposedHeaders = RefreshHeader + ", X-Request-Id, Retry-After, " + ErrorHeader + ", " + HintHeader + ", " + DeviceHeader + ", " + TrustedHeader + ", " + CodeHeader
	allowedHeaders = "Authorization, Content-Type, Accept, Accept-Language, X-Request-Id, X-Requested-With, " + DeviceHeader + ", " + TrustedHeader
	preflightAge   = "7200" // seconds; the most that Chromium keeps
)

// The most headers that a preflight may ask for, and the longest name.
const (
	maxAskedHeaders = 64
	maxHeaderName   = 64
)

// allowed reports whether a page of the origin may read our answers.
func (c *cors) allowed(origin string) bool {
	if c.any {
		return true
	}
	origin = strings.ToLower(origin)
	return c.origins[origin] || c.loopback && isLoopback(origin) ||
		slices.ContainsFunc(c.below, func(w wildcard) bool { return w.matches(origin) })
}

func (w wildcard) matches(origin string) bool {
	rest, before := strings.CutPrefix(origin, w.before)
	name, after := strings.CutSuffix(rest, w.after)
	return before && after && name != "" && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".") && !strings.Contains(name, "..") &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// isLoopback reports whether an origin is this machine's, on any port. A
// name such as localhost.shop.example is not.
func isLoopback(origin string) bool {
	rest, isHTTP := strings.CutPrefix(origin, "http://")
	if !isHTTP {
		rest, isHTTP = strings.CutPrefix(origin, "https://")
	}
	if !isHTTP {
		return false
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		if port, found := strings.CutPrefix(rest, host); found {
			number, hasPort := strings.CutPrefix(port, ":")
			return port == "" || hasPort && number != "" && len(number) <= 5 && strings.Trim(number, "0123456789") == ""
		}
	}
	return false
}

// allow marks the answer to a request from an allowed origin, errors too.
func (c *cors) allow(h http.Header, r *http.Request) {
	origin := r.Header["Origin"]
	if len(origin) != 1 || !c.allowed(origin[0]) {
		return
	}
	if c.any {
		AllowAnyOrigin(h)
	} else {
		h.Set("Access-Control-Allow-Origin", origin[0])
	}
	h.Set("Access-Control-Expose-Headers", exposedHeaders)
}

// StaffCORS has only pages read the answer that may call what is the staff's.
func (w *ResponseWriter) StaffCORS(r *http.Request) {
	h := w.Header()
	h.Del("Access-Control-Allow-Origin")
	h.Del("Access-Control-Expose-Headers")
	w.handler.staff.allow(h, r)
}

// AllowAnyOrigin lets every page read an answer that is public.
func AllowAnyOrigin(h http.Header) { h.Set("Access-Control-Allow-Origin", "*") }

// Preflight answers a browser that asks before it sends, and reports whether
// it did. It tells the operator of an origin that is refused: a browser shows
// no more of it than "blocked by CORS policy", and to its user only.
func (w *ResponseWriter) Preflight(r *http.Request, methods string) bool {
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" || r.Header.Get("Origin") == "" {
		return false
	}
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", askedHeaders(r))
		h.Set("Access-Control-Max-Age", preflightAge)
	} else if origin := r.Header.Get("Origin"); w.handler.cors.refused.first(origin, time.Now()) {
		w.handler.o.Log.WarnContext(r.Context(), "a web page was refused: its origin is not in YOOZAK_CORS_ORIGINS",
			"origin", shortened(origin), "page_of_this_machine", isLoopback(strings.ToLower(origin)))
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// askedHeaders are those that a preflight asks for, as far as they are names
// of headers, after those that are always allowed.
func askedHeaders(r *http.Request) string {
	names := strings.Split(allowedHeaders, ", ")
	asked := strings.Split(strings.Join(r.Header["Access-Control-Request-Headers"], ","), ",")
	for _, name := range asked[:min(len(asked), maxAskedHeaders)] {
		name = strings.TrimSpace(name)
		same := func(other string) bool { return strings.EqualFold(name, other) }
		if isHeaderName(name) && !slices.ContainsFunc(names, same) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// isHeaderName reports whether a text is a token (RFC 9110, section 5.6.2)
// of a length that a header has.
func isHeaderName(name string) bool {
	return name != "" && len(name) <= maxHeaderName &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~") == ""
}

// refusedOrigins are those that the log has been told of.
type refusedOrigins struct {
	mu    sync.Mutex
	told  map[string]bool
	since time.Time // when told was last empty
}

// Anybody may send any Origin: so only so many are remembered, and when they
// are too many, it begins anew only after a while.
const (
	maxRefused    = 100
	forgetRefused = time.Hour
)

// first reports whether the log is to be told of an origin.
func (o *refusedOrigins) first(origin string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	origin = shortened(origin)
	switch {
	case o.told[origin]:
		return false
	case o.told == nil, len(o.told) >= maxRefused && now.Sub(o.since) >= forgetRefused:
		o.told, o.since = map[string]bool{}, now
	case len(o.told) >= maxRefused:
		return false
	}
	o.told[origin] = true
	return true
}

// shortened keeps what a stranger wrote short enough for the log.
func shortened(text string) string {
	const most = 100
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
