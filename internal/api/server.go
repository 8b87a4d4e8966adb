// Package api answers JSON over HTTP as Django REST Framework did: the same
// statuses, headers, bodies and words, in the order in which it looks at a
// request (Accept, credentials, method, body, fields). It turns requests
// into calls of package auth and errors into answers; it holds no rule about
// accounts and no text.
package api

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/web"
)

// Options are what a [Server] is made of.
type Options struct {
	Auth        *auth.Service
	Staff       *staff.Service
	Guard       *guard.Guard
	Keys        func() []byte // the JSON Web Key Set
	Issuer      string        // of tokens
	PublicURL   string        // where people reach the server; empty: nobody said
	Log         *slog.Logger
	RefreshHint time.Duration // tokens with less left are marked

	// The apps that may use passkeys: of Android by package the fingerprints of
	// the certificates that sign them, of iOS team and bundle id.
	AndroidApps map[string][]string
	IOSApps     []string
}

// Server answers the API. It stands behind [web.New].
type Server struct {
	auth *auth.Service
	o    Options
	mux  *http.ServeMux
}

// New makes the handler of the whole API.
func New(o Options) *Server {
	s := &Server{auth: o.Auth, o: o, mux: http.NewServeMux()}
	for path, res := range resources(s.routes()) {
		// The reference's paths end in a slash; some clients leave it out, and
		// a redirect would cost them a round trip or, in old ones, the body.
		s.mux.Handle(path+"{$}", s.serve(res))
		s.mux.Handle(path[:len(path)-1], s.serve(res))
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/jwks.json/{$}"} {
		s.mux.HandleFunc("GET "+path, s.jwks)
		s.mux.HandleFunc("OPTIONS "+path, jwksOptions)
	}
	s.publishApps(o.AndroidApps, o.IOSApps)
	s.publishMetadata(o.Issuer, o.PublicURL)
	s.mux.HandleFunc("GET /{$}", home)
	s.mux.HandleFunc("/", s.notFound)
	return s
}

// ServeHTTP is [http.Handler]'s.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !web.IsCleanPath(r.URL.Path) {
		s.notFound(w, r) // the mux would redirect to the clean path
		return
	}
	s.mux.ServeHTTP(w, r)
}

// documentation is where people find out about the API.
const documentation = "https://github.com/yoozak/clients"

type homeBody struct {
	Detail        string `json:"detail"`
	Documentation string `json:"documentation"`
}

// home says to whoever opens the server's address that it works and where the
// documents are.
func home(rw http.ResponseWriter, _ *http.Request) {
	w := web.Writer(rw)
	w.Route = "Home"
	w.WriteJSON(http.StatusOK, homeBody{
		Detail:        locale.Text(w.Language, "page.home.title", nil) + ".",
		Documentation: documentation,
	})
}
