// Package api answers JSON over HTTP as Django REST Framework did: the same
// statuses, headers, bodies and words, in the order in which it looks at a
// request (Accept, credentials, method, body, fields). It turns requests
// into calls of package auth and errors into answers; it holds no rule about
// accounts and no text.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
)

// Options are what a [Server] is made of.
type Options struct {
	Auth           *auth.Service
	Guard          *guard.Guard
	Keys           func() []byte                   // the JSON Web Key Set
	Ready          func(ctx context.Context) error // nil: able to serve
	Log            *slog.Logger
	LogRequests    bool
	Observe        func(route, method string, status int, took time.Duration) // nil: nobody measures
	Language       string                                                     // of a client that asks for none
	RefreshHint    time.Duration
	CORSOrigins    []string // as browsers write them; "*" is all, https://*.shop.example every name below it
	CORSLoopback   bool     // and pages of this machine, on any port
	TrustedProxies []netip.Prefix
	HoldThrottled  time.Duration // how long an answer 429 is held back
	HTTPS          bool          // people reach us by https, whatever a request looks like
	Pages          Pages         // nil: none
}

// Pages answers the requests below [PagesPath], and those of browsers for
// "/", for people: what api knows of a request (who is asking, in which
// language) and does for each (its id, the log, panics) is theirs, too. It
// returns the name of the page.
type Pages func(w http.ResponseWriter, r *http.Request, req account.RequestInfo) (name string)

// PagesPath is where the pages are.
const PagesPath = "/account/"

// Server answers the API.
type Server struct {
	auth    *auth.Service
	o       Options
	cors    *cors
	proxies proxies
	held    atomic.Int64 // answers 429 that are held back now
}

// New makes the handler of the whole API.
func New(o Options) http.Handler {
	s := &Server{
		auth: o.Auth, o: o, cors: newCORS(o.CORSOrigins, o.CORSLoopback),
		proxies: proxies{networks: o.TrustedProxies, log: o.Log},
	}
	mux := http.NewServeMux()
	for path, res := range resources(s.routes()) {
		// The reference's paths end in a slash; some clients leave it out, and
		// a redirect would cost them a round trip or, in old ones, the body.
		mux.Handle(path+"{$}", s.serve(res))
		mux.Handle(path[:len(path)-1], s.serve(res))
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/jwks.json/{$}"} {
		mux.HandleFunc("GET "+path, s.jwks)
		mux.HandleFunc("OPTIONS "+path, s.jwksOptions)
	}
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	if o.Pages != nil {
		mux.HandleFunc(PagesPath, func(w http.ResponseWriter, r *http.Request) {
			x := exchangeOf(w)
			x.route = o.Pages(x, r, s.peer(x, r))
		})
	}
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("/", s.notFound)
	return s.outermost(mux)
}
