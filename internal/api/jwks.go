package api

import (
	"net/http"

	"github.com/yoozak/clients/internal/web"
)

// jwks publishes the keys that verify access tokens. It may be cached: a new
// key is published for longer than this before it signs.
func (s *Server) jwks(rw http.ResponseWriter, _ *http.Request) {
	writePublic(rw, "jwks", "application/jwk-set+json", s.o.Keys())
}

func jwksOptions(rw http.ResponseWriter, r *http.Request) { publicOptions(rw, r, "jwks") }

// writePublic answers with a document that pages of any origin may read and
// anybody may keep for a minute.
func writePublic(rw http.ResponseWriter, route, mediaType string, body []byte) {
	w := web.Writer(rw)
	w.Route = route
	h := w.Header()
	web.AllowAnyOrigin(h)
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "public, max-age=60")
	_, _ = w.Write(body) // the client may be gone: there is nobody to tell
}

// publicOptions answers a preflight of such a document.
func publicOptions(rw http.ResponseWriter, r *http.Request, route string) {
	w := web.Writer(rw)
	w.Route = route
	const methods = "GET, HEAD, OPTIONS"
	web.AllowAnyOrigin(w.Header())
	w.Header().Set("Allow", methods)
	if !w.Preflight(r, methods) {
		w.WriteHeader(http.StatusNoContent)
	}
}
