package api

import (
	"net/http"

	"github.com/yoozak/clients/internal/web"
)

// jwks publishes the keys that verify access tokens. It may be cached: a new
// key is published for longer than this before it signs. Pages of any origin
// may read it.
func (s *Server) jwks(rw http.ResponseWriter, _ *http.Request) {
	w := web.Writer(rw)
	w.Route = "jwks"
	h := w.Header()
	web.AllowAnyOrigin(h)
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("Cache-Control", "public, max-age=60")
	_, _ = w.Write(s.o.Keys()) // the client may be gone: there is nobody to tell
}

// jwksOptions answers a preflight of the key set.
func (s *Server) jwksOptions(rw http.ResponseWriter, r *http.Request) {
	w := web.Writer(rw)
	w.Route = "jwks"
	const methods = "GET, HEAD, OPTIONS"
	web.AllowAnyOrigin(w.Header())
	w.Header().Set("Allow", methods)
	if !w.Preflight(r, methods) {
		w.WriteHeader(http.StatusNoContent)
	}
}
