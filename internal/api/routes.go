package api

import (
	"net/http"

	"github.com/yoozak/clients/internal/guard"
)

// Route is one endpoint of the public API and where it is.
type Route struct {
	Method string // besides OPTIONS, and HEAD where it is GET
	Path   string // with the slash at its end
	Name   string // in answers to OPTIONS, in logs and metrics
	Status int    // of success
	Endpoint

	// OptionalAuth: an Authorization header that is not good is refused even
	// though none is needed, as the reference does at registration.
	OptionalAuth bool
	// Limit is how often a network may ask, where that is asked before the
	// body is read, and after the checks that the reference makes before it
	// asks its throttles. The zero quota is for package auth alone to count.
	Limit guard.Quota
}

// Routes is the public API, for those who have to know all of it. Nothing of
// it can be called.
func Routes() []Route { return new(Server).routes() }

// routes is the public API, in the order of its documentation.
func (s *Server) routes() []Route {
	return []Route{
		post("/api/clients/auth/register/", "Register", anyone(s.register)).answers(http.StatusCreated).optionalAuth().limit(guard.RegisterPerNetwork),
		post("/api/clients/auth/login/", "Login", anyone(s.login)).limit(guard.LoginPerNetwork),
		post("/api/clients/auth/token/refresh/", "Token Refresh", anyone(s.refresh)),
		post("/api/clients/auth/token/verify/", "Token Verify", anyone(s.verifyToken)),
		get("/api/clients/auth/token/check/", "Token Check", caller(s.checkToken)).answers(http.StatusNoContent),
		post("/api/clients/auth/token/introspect/", "Token Introspect", service(s.introspect)),
		post("/api/clients/auth/token/revoke/", "Token Revoke", service(s.revokeToken)),
		post("/api/clients/auth/logout/", "Logout", anyone(s.logout)).answers(http.StatusNoContent),
		post("/api/clients/auth/logout/all/", "Logout All", caller(s.logoutAll)).answers(http.StatusNoContent),
		get("/api/clients/auth/sessions/", "Sessions", caller(s.sessions)),
		remove("/api/clients/auth/sessions/{id}/", "Session", caller(s.endSession)).answers(http.StatusNoContent),
		get("/api/clients/auth/events/", "Events", caller(s.events)),
		post("/api/clients/auth/password/change/", "Password Change", caller(s.changePassword)).answers(http.StatusNoContent),
		post("/api/clients/auth/password/reset/", "Password Reset", anyone(s.requestReset)).answers(http.StatusAccepted),
		post("/api/clients/auth/password/reset/confirm/", "Password Reset Confirm", anyone(s.resetPassword)).answers(http.StatusNoContent),
		post("/api/clients/auth/email/verify/", "Email Verify", anyone(s.verifyEmail)).answers(http.StatusNoContent),
		post("/api/clients/auth/email/verify/resend/", "Email Verify Resend", caller(s.resendVerification)).answers(http.StatusAccepted),
		post("/api/clients/auth/email/disown/", "Email Disown", anyone(s.disownEmail)).answers(http.StatusNoContent),
		post("/api/clients/auth/email/change/", "Email Change", caller(s.changeEmail)).answers(http.StatusAccepted),
		post("/api/clients/auth/email/change/confirm/", "Email Change Confirm", anyone(s.confirmEmail)).answers(http.StatusNoContent),
		post("/api/clients/auth/email/change/undo/", "Email Change Undo", anyone(s.undoEmail)).answers(http.StatusNoContent),
		get("/api/clients/clients/me/", "Me", caller(s.me)),
		patch("/api/clients/clients/me/", "Me", caller(s.updateMe)),
		remove("/api/clients/clients/me/", "Me", caller(s.closeMe)).answers(http.StatusNoContent),
		post("/api/clients/clients/me/close/", "Me Close", caller(s.closeMe)).answers(http.StatusNoContent), // for clients and proxies that send no body with DELETE
		get("/api/clients/clients/me/security/", "Security", caller(s.security)),
		get("/api/clients/clients/me/export/", "Export", caller(s.export)),
	}
}

func get(path, name string, e Endpoint) Route    { return newRoute(http.MethodGet, path, name, e) }
func post(path, name string, e Endpoint) Route   { return newRoute(http.MethodPost, path, name, e) }
func patch(path, name string, e Endpoint) Route  { return newRoute(http.MethodPatch, path, name, e) }
func remove(path, name string, e Endpoint) Route { return newRoute(http.MethodDelete, path, name, e) }

func newRoute(method, path, name string, e Endpoint) Route {
	return Route{Method: method, Path: path, Name: name, Status: http.StatusOK, Endpoint: e}
}

// answers is for an endpoint whose success is not 200.
func (rt Route) answers(status int) Route {
	rt.Status = status
	return rt
}

func (rt Route) limit(q guard.Quota) Route {
	rt.Limit = q
	return rt
}

func (rt Route) optionalAuth() Route {
	rt.OptionalAuth = true
	return rt
}
