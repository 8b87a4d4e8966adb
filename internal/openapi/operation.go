package openapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/auth"
)

// operation is what the document says of a route beside its types: a name
// that is a good one for a method, the rules of the fields that its body has,
// and the codes of the errors that its own rules add to those of every route
// of its kind.
type operation struct {
	route        string // method and path below /api/clients/
	id           string
	tag          string
	fields       []auth.Field
	codes        map[string][]string // of each field; of a service's "error"
	unauthorized []string            // of 401 where no access token is needed
	notFound     bool
	device       bool // it takes X-Device-Token
}

var (
	newPasswordCodes = []string{"too_similar", "too_short", "too_common", "entirely_numeric", "breached"}
	linkCodes        = []string{"invalid", "used", "expired"}
	provingCodes     = append(slices.Clone(linkCodes), "verified_elsewhere")
	callerCodes      = []string{"not_authenticated", "bad_authorization_header", "token_not_valid", "user_not_found", "user_inactive"}
	tokenCodes       = []string{"token_not_valid", "user_not_found", "user_inactive"}
)

// The specification's four calls come first, then the others in the order of
// their routes.
var operations = []operation{
	{
		route: "POST auth/register/", id: "register", tag: "auth", fields: auth.RegisterFields,
		codes:        map[string][]string{"username": {"invalid", "taken"}, "password": newPasswordCodes},
		unauthorized: callerCodes[1:],
	},
	{route: "POST auth/login/", id: "login", tag: "auth", fields: auth.LoginFields, unauthorized: []string{"invalid_credentials"}, device: true},
	{route: "POST auth/token/refresh/", id: "refreshToken", tag: "auth", fields: auth.RefreshFields, unauthorized: tokenCodes},
	{route: "GET clients/me/", id: "getMe", tag: "account"},

	{route: "POST auth/token/verify/", id: "verifyToken", tag: "auth", fields: auth.OAuthTokenFields, unauthorized: tokenCodes},
	{
		route: "POST auth/token/introspect/", id: "introspectToken", tag: "services", fields: auth.OAuthTokenFields,
		codes: map[string][]string{"error": {"invalid_request"}},
	},
	{
		route: "POST auth/token/revoke/", id: "revokeToken", tag: "services", fields: auth.OAuthTokenFields,
		codes: map[string][]string{"error": {"invalid_request", "unsupported_token_type"}},
	},
	{route: "POST auth/logout/", id: "logout", tag: "sessions", fields: auth.RefreshFields, unauthorized: tokenCodes[:1]},
	{route: "POST auth/logout/all/", id: "logoutAll", tag: "sessions"},
	{route: "GET auth/sessions/", id: "listSessions", tag: "sessions"},
	{route: "DELETE auth/sessions/{id}/", id: "endSession", tag: "sessions", notFound: true},
	{route: "GET auth/events/", id: "listEvents", tag: "sessions", codes: map[string][]string{"before": {"not_integer"}}},
	{
		route: "POST auth/password/change/", id: "changePassword", tag: "password", fields: auth.PasswordChangeFields,
		codes: map[string][]string{"current_password": {"wrong"}, "new_password": newPasswordCodes},
	},
	{route: "POST auth/password/reset/", id: "requestPasswordReset", tag: "password", fields: auth.RequestResetFields},
	{
		route: "POST auth/password/reset/confirm/", id: "resetPassword", tag: "password", fields: auth.PasswordResetFields,
		codes: map[string][]string{"token": linkCodes, "new_password": newPasswordCodes},
	},
	{route: "POST auth/email/verify/", id: "verifyEmail", tag: "email", fields: auth.LinkFields, codes: map[string][]string{"token": provingCodes}},
	{
		route: "POST auth/email/verify/resend/", id: "resendVerification", tag: "email",
		codes: map[string][]string{"email": {"no_address", "already_verified"}},
	},
	{route: "POST auth/email/disown/", id: "disownEmail", tag: "email", fields: auth.LinkFields, codes: map[string][]string{"token": linkCodes}},
	{
		route: "POST auth/email/change/", id: "changeEmail", tag: "email", fields: auth.EmailChangeFields,
		codes: map[string][]string{"password": {"wrong"}, "email": {"unchanged"}},
	},
	{route: "POST auth/email/change/confirm/", id: "confirmEmail", tag: "email", fields: auth.LinkFields, codes: map[string][]string{"token": provingCodes}},
	{route: "POST auth/email/change/undo/", id: "undoEmailChange", tag: "email", fields: auth.LinkFields, codes: map[string][]string{"token": linkCodes}},
	{
		route: "PATCH clients/me/", id: "updateMe", tag: "account", fields: auth.ProfileFields,
		codes: map[string][]string{"username": {"blank", "invalid", "taken", "changed_too_often"}, "password": {"required", "blank", "wrong"}},
	},
	{route: "DELETE clients/me/", id: "closeMe", tag: "account", fields: auth.CloseAccountFields, codes: map[string][]string{"password": {"wrong"}}},
	{route: "POST clients/me/close/", id: "closeMeByPost", tag: "account", fields: auth.CloseAccountFields, codes: map[string][]string{"password": {"wrong"}}},
	{route: "GET clients/me/security/", id: "getSecurity", tag: "account"},
	{route: "GET clients/me/export/", id: "exportMe", tag: "account"},
}

// path is the whole path of an operation.
func (op operation) path() string {
	_, below, _ := strings.Cut(op.route, " ")
	return "/api/clients/" + below
}

func (op operation) method() string {
	method, _, _ := strings.Cut(op.route, " ")
	return method
}

// described is an operation with its route.
type described struct {
	operation
	api.Route
}

// describedRoutes joins the table with the routes. A route without a row gets
// one by its name, so that the document has it and a test names it.
func describedRoutes() []described {
	routes := map[string]api.Route{}
	for _, rt := range api.Routes() {
		routes[rt.Method+" "+strings.TrimPrefix(rt.Path, "/api/clients/")] = rt
	}
	var all []described
	for _, op := range operations {
		all = append(all, described{op, routes[op.route]})
		delete(routes, op.route)
	}
	for _, route := range slices.Sorted(maps.Keys(routes)) {
		all = append(all, described{operation{route: route}, routes[route]})
	}
	return all
}

// in is the fields of the request that stand in one place, by its tag.
func (op described) in(tag string) []string {
	var names []string
	for i := range op.In.NumField() {
		if name := op.In.Field(i).Tag.Get(tag); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// readsBody reports whether the body is looked at: that of a service may hold
// its credentials.
func (op described) readsBody() bool {
	return len(op.in("json")) > 0 || op.Requires == api.OAuthClient
}

func (op described) field(name string) auth.Field {
	for _, f := range op.fields {
		if f.Name == name {
			return f
		}
	}
	return auth.Field{Name: name}
}

// fieldCodes is the codes of a field's errors in a 400, in the order in which
// they are found.
type fieldCodes struct {
	field string
	codes []string
}

// badRequest lists what may be wrong with each field of the body; there is
// none where nothing is read.
func (op described) badRequest() []fieldCodes {
	var all []fieldCodes
	names := op.in("json")
	for _, name := range append(names, slices.Sorted(maps.Keys(op.codes))...) {
		if slices.ContainsFunc(all, func(f fieldCodes) bool { return f.field == name }) {
			continue
		}
		var codes []string
		if slices.Contains(names, name) {
			codes = codesOfText(op.field(name))
		}
		for _, code := range op.codes[name] {
			if !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
		all = append(all, fieldCodes{name, codes})
	}
	if op.readsBody() {
		all = append(all, fieldCodes{"non_field_errors", []string{"not_object", "no_data"}})
	}
	return all
}

// codesOfText are those of the rules that every text has: see [auth.Field].
func codesOfText(f auth.Field) []string {
	codes := []string{"null"}
	if f.Required {
		codes = []string{"required", "null", "blank"}
	}
	if f.Format == "email" { // whatever it is
		codes = append(codes, "invalid")
	} else {
		codes = append(codes, "not_text")
	}
	codes = append(codes, "null_character", "incomplete_character")
	if f.Max > 0 {
		codes = append(codes, "too_long")
	}
	return codes
}

// oauthCodes are the errors that OAuth has for any request of a service.
var oauthCodes = map[int][]string{
	http.StatusUnauthorized:          {"invalid_client"},
	http.StatusForbidden:             {"unauthorized_client"},
	http.StatusNotAcceptable:         {"invalid_request"},
	http.StatusRequestTimeout:        {"invalid_request"},
	http.StatusRequestEntityTooLarge: {"invalid_request"},
	http.StatusUnsupportedMediaType:  {"invalid_request"},
	http.StatusTooManyRequests:       {"temporarily_unavailable"},
	http.StatusInternalServerError:   {"server_error"},
	http.StatusServiceUnavailable:    {"temporarily_unavailable"},
}

// commonCodes are the errors that any other request may get. Those of the
// body come only where it is read.
var commonCodes = map[int][]string{
	http.StatusUnauthorized:          callerCodes,
	http.StatusNotFound:              {"not_found"},
	http.StatusNotAcceptable:         {"not_acceptable"},
	http.StatusRequestTimeout:        {"request_timeout"},
	http.StatusRequestEntityTooLarge: {"too_large"},
	http.StatusUnsupportedMediaType:  {"unsupported_media_type"},
	http.StatusTooManyRequests:       {"throttled"},
	http.StatusInternalServerError:   {"internal_error"},
	http.StatusServiceUnavailable:    {"unavailable"},
}
