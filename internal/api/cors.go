package api

import (
	"net/http"
	"strings"
)

// cors lets web pages of the configured origins read our answers (Fetch
// standard, section 3.2). Tokens travel in a header that only scripts set,
// so no answer ever allows credentials.
type cors struct {
	any     bool
	origins map[string]bool
}

func newCORS(origins []string) cors {
	c := cors{origins: make(map[string]bool, len(origins))}
	for _, o := range origins {
		c.any = c.any || o == "*"
		c.origins[o] = true
	}
	return c
}

// A page cannot read a header that is not exposed to it, nor send one that
// is not allowed.
const (
	exposedHeaders = "X-Token-Refresh-Required, X-Request-Id, Retry-After, " + deviceHeader
	allowedHeaders = "Authorization, Content-Type, Accept, Accept-Language, X-Request-Id, " + deviceHeader
	preflightAge   = "7200" // seconds; the most that Chromium keeps
)

// allow marks the answer to a request from an allowed origin, errors too.
func (c cors) allow(h http.Header, r *http.Request) {
	origin := r.Header["Origin"]
	if len(origin) != 1 || !c.any && !c.origins[strings.ToLower(origin[0])] {
		return
	}
	if c.any {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", origin[0])
	}
	h.Set("Access-Control-Expose-Headers", exposedHeaders)
}

// preflight answers a browser that asks before it sends, and reports whether
// it did.
func (c cors) preflight(w http.ResponseWriter, r *http.Request, methods string) bool {
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" || r.Header.Get("Origin") == "" {
		return false
	}
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", allowedHeaders)
		h.Set("Access-Control-Max-Age", preflightAge)
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}
