package api

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// healthz says that the process answers; a supervisor restarts it otherwise.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	x := exchangeOf(w)
	x.route = "healthz"
	writeJSON(x, http.StatusOK, statusBody{Status: "ok"})
}

// readyz says whether the database answers and its schema is up to date; a
// balancer sends requests elsewhere otherwise.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(w)
	x.route = "readyz"
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.o.Ready(ctx); err != nil {
		s.o.Log.WarnContext(ctx, "not ready", "request_id", x.id, "error", err.Error())
		x.Header().Set("Retry-After", "2")
		writeJSON(x, http.StatusServiceUnavailable, statusBody{Status: "unavailable"})
		return
	}
	writeJSON(x, http.StatusOK, statusBody{Status: "ok"})
}

type statusBody struct {
	Status string `json:"status"`
}

// jwks publishes the keys that verify access tokens. It may be cached: a new
// key is published for longer than this before it signs. Pages of any origin
// may read it.
func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) {
	x := exchangeOf(w)
	x.route = "jwks"
	h := x.Header()
	allowAll(h)
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("Cache-Control", "public, max-age=60")
	if _, err := x.Write(s.o.Keys()); err != nil {
		x.failed = err
	}
}

// jwksOptions answers a preflight of the key set.
func (s *Server) jwksOptions(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(w)
	x.route = "jwks"
	const methods = "GET, HEAD, OPTIONS"
	allowAll(x.Header())
	x.Header().Set("Allow", methods)
	if !s.cors.preflight(x, r, methods, s.o.Log) {
		x.WriteHeader(http.StatusNoContent)
	}
}

// notFound answers a path that there is not. A preflight of one is answered
// as any other, or the page would be told of CORS instead of its mistake.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	if s.cors.preflight(w, r, "GET, POST, PATCH, DELETE, HEAD, OPTIONS", s.o.Log) {
		return
	}
	err := errNotFound
	if strings.Contains(r.URL.Path, "//") { // most often a base URL that ends in one
		err = errTwoSlashes
	}
	s.writeError(r.Context(), exchangeOf(w), err)
}
