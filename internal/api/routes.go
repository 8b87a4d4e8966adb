package api

import "net/http"

// route is one endpoint of the public API.
type route struct {
	method   string // besides OPTIONS, and HEAD where it is GET
	path     string // with the slash at its end
	status   int    // of success
	name     string // in answers to OPTIONS, in logs and metrics
	endpoint endpoint
	// looksAtToken: an Authorization header that is not good is refused even
	// though none is needed, as the reference does at registration.
	looksAtToken bool
}

// routes is the public API, in the order of its documentation. An endpoint
// made by handleAs needs a caller; one made by handle cannot know of one.
func (s *Server) routes() []route {
	return []route{
		{http.MethodPost, "/api/clients/auth/register/", http.StatusCreated, "Register", handle(s.register), true},
		{http.MethodPost, "/api/clients/auth/login/", http.StatusOK, "Login", handle(s.login), false},
		{http.MethodPost, "/api/clients/auth/token/refresh/", http.StatusOK, "Token Refresh", handle(s.refresh), false},
		{http.MethodGet, "/api/clients/clients/me/", http.StatusOK, "Me", handleAs(s.me), false},
	}
}
