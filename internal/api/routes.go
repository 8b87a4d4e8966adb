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
// made by handleAs needs a caller; one made by handle cannot know of one; one
// made by handleService needs a service.
func (s *Server) routes() []route {
	return []route{
		{http.MethodPost, "/api/clients/auth/register/", http.StatusCreated, "Register", handle(s.register), true},
		{http.MethodPost, "/api/clients/auth/login/", http.StatusOK, "Login", handle(s.login), false},
		{http.MethodPost, "/api/clients/auth/token/refresh/", http.StatusOK, "Token Refresh", handle(s.refresh), false},
		{http.MethodPost, "/api/clients/auth/token/verify/", http.StatusOK, "Token Verify", handle(s.verifyToken), false},
		{http.MethodPost, "/api/clients/auth/token/introspect/", http.StatusOK, "Token Introspect", handleService(s.introspect), false},
		{http.MethodPost, "/api/clients/auth/token/revoke/", http.StatusOK, "Token Revoke", handleService(s.revokeToken), false},
		{http.MethodPost, "/api/clients/auth/logout/", http.StatusNoContent, "Logout", handle(s.logout), false},
		{http.MethodPost, "/api/clients/auth/logout/all/", http.StatusNoContent, "Logout All", handleAs(s.logoutAll), false},
		{http.MethodGet, "/api/clients/auth/sessions/", http.StatusOK, "Sessions", handleAs(s.sessions), false},
		{http.MethodDelete, "/api/clients/auth/sessions/{id}/", http.StatusNoContent, "Session", handleAs(s.endSession), false},
		{http.MethodPost, "/api/clients/auth/password/change/", http.StatusNoContent, "Password Change", handleAs(s.changePassword), false},
		{http.MethodPost, "/api/clients/auth/password/reset/", http.StatusAccepted, "Password Reset", handle(s.requestReset), false},
		{http.MethodPost, "/api/clients/auth/password/reset/confirm/", http.StatusNoContent, "Password Reset Confirm", handle(s.resetPassword), false},
		{http.MethodPost, "/api/clients/auth/email/verify/", http.StatusNoContent, "Email Verify", handle(s.verifyEmail), false},
		{http.MethodPost, "/api/clients/auth/email/verify/resend/", http.StatusAccepted, "Email Verify Resend", handleAs(s.resendVerification), false},
		{http.MethodPost, "/api/clients/auth/email/change/", http.StatusAccepted, "Email Change", handleAs(s.changeEmail), false},
		{http.MethodPost, "/api/clients/auth/email/change/confirm/", http.StatusNoContent, "Email Change Confirm", handle(s.confirmEmail), false},
		{http.MethodPost, "/api/clients/auth/email/change/undo/", http.StatusNoContent, "Email Change Undo", handle(s.undoEmail), false},
		{http.MethodGet, "/api/clients/clients/me/", http.StatusOK, "Me", handleAs(s.me), false},
		{http.MethodPatch, "/api/clients/clients/me/", http.StatusOK, "Me", handleAs(s.updateMe), false},
		{http.MethodDelete, "/api/clients/clients/me/", http.StatusNoContent, "Me", handleAs(s.closeMe), false},
		{http.MethodGet, "/api/clients/clients/me/security/", http.StatusOK, "Security", handleAs(s.security), false},
		{http.MethodGet, "/api/clients/clients/me/export/", http.StatusOK, "Export", handleAs(s.export), false},
	}
}
