package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/limit"
)

// route is one endpoint of the public API.
type route struct {
	method   string // besides OPTIONS, and HEAD where it is GET
	path     string // with the slash at its end
	status   int    // of success
	name     string // in answers to OPTIONS, in logs and metrics
	endpoint endpoint
	// looksAtToken: an Authorization header that is not good is refused even
	// though none is needed, as the reference does at registration.
	optionalAuth bool
	// limit is how often a network may ask, where that is asked before the
	// body is read, and after the checks that the reference makes before it
	// asks its throttles. The zero quota is for package auth alone to count.
	limit limit.Quota
}

// inRules is for what package auth counts by itself.
var inRules limit.Quota

// routes is the public API, in the order of its documentation. An endpoint
// made by handleAs needs a caller; one made by handle cannot know of one; one
// made by handleService needs a service.
func (s *Server) routes() []route {
	return []route{
		{http.MethodPost, "/api/clients/auth/register/", http.StatusCreated, "Register", handle(s.register), true, guard.RegisterPerNetwork},
		{http.MethodPost, "/api/clients/auth/login/", http.StatusOK, "Login", handle(s.login), false, guard.LoginPerNetwork},
		{http.MethodPost, "/api/clients/auth/token/refresh/", http.StatusOK, "Token Refresh", handle(s.refresh), false, inRules},
		{http.MethodPost, "/api/clients/auth/token/verify/", http.StatusOK, "Token Verify", handle(s.verifyToken), false, inRules},
		{http.MethodPost, "/api/clients/auth/token/introspect/", http.StatusOK, "Token Introspect", handleService(s.introspect), false, inRules},
		{http.MethodPost, "/api/clients/auth/token/revoke/", http.StatusOK, "Token Revoke", handleService(s.revokeToken), false, inRules},
		{http.MethodPost, "/api/clients/auth/logout/", http.StatusNoContent, "Logout", handle(s.logout), false, inRules},
		{http.MethodPost, "/api/clients/auth/logout/all/", http.StatusNoContent, "Logout All", handleAs(s.logoutAll), false, inRules},
		{http.MethodGet, "/api/clients/auth/sessions/", http.StatusOK, "Sessions", handleAs(s.sessions), false, inRules},
		{http.MethodDelete, "/api/clients/auth/sessions/{id}/", http.StatusNoContent, "Session", handleAs(s.endSession), false, inRules},
		{http.MethodGet, "/api/clients/auth/events/", http.StatusOK, "Events", handleAs(s.events), false, inRules},
		{http.MethodPost, "/api/clients/auth/password/change/", http.StatusNoContent, "Password Change", handleAs(s.changePassword), false, inRules},
		{http.MethodPost, "/api/clients/auth/password/reset/", http.StatusAccepted, "Password Reset", handle(s.requestReset), false, inRules},
		{http.MethodPost, "/api/clients/auth/password/reset/confirm/", http.StatusNoContent, "Password Reset Confirm", handle(s.resetPassword), false, inRules},
		{http.MethodPost, "/api/clients/auth/email/verify/", http.StatusNoContent, "Email Verify", handle(s.verifyEmail), false, inRules},
		{http.MethodPost, "/api/clients/auth/email/verify/resend/", http.StatusAccepted, "Email Verify Resend", handleAs(s.resendVerification), false, inRules},
		{http.MethodPost, "/api/clients/auth/email/disown/", http.StatusNoContent, "Email Disown", handle(s.disownEmail), false, inRules},
		{http.MethodPost, "/api/clients/auth/email/change/", http.StatusAccepted, "Email Change", handleAs(s.changeEmail), false, inRules},
		{http.MethodPost, "/api/clients/auth/email/change/confirm/", http.StatusNoContent, "Email Change Confirm", handle(s.confirmEmail), false, inRules},
		{http.MethodPost, "/api/clients/auth/email/change/undo/", http.StatusNoContent, "Email Change Undo", handle(s.undoEmail), false, inRules},
		{http.MethodGet, "/api/clients/clients/me/", http.StatusOK, "Me", handleAs(s.me), false, inRules},
		{http.MethodPatch, "/api/clients/clients/me/", http.StatusOK, "Me", handleAs(s.updateMe), false, inRules},
		{http.MethodDelete, "/api/clients/clients/me/", http.StatusNoContent, "Me", handleAs(s.closeMe), false, inRules},
		{http.MethodPost, "/api/clients/clients/me/close/", http.StatusNoContent, "Me Close", handleAs(s.closeMe), false, inRules}, // for clients and proxies that send no body with DELETE
		{http.MethodGet, "/api/clients/clients/me/security/", http.StatusOK, "Security", handleAs(s.security), false, inRules},
		{http.MethodGet, "/api/clients/clients/me/export/", http.StatusOK, "Export", handleAs(s.export), false, inRules},
	}
}

// Paths are those of the public API, each once, without those that hold an
// id.
func Paths() []string {
	var paths []string
	for _, rt := range new(Server).routes() {
		if !strings.Contains(rt.path, "{") && !slices.Contains(paths, rt.path) {
			paths = append(paths, rt.path)
		}
	}
	return paths
}
