package openapi

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/web"
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
	objects      map[string]string   // the schema of a field that is an object
	unauthorized []string            // of 401 where no access token is needed
	forbidden    []string            // of 403, beside those of proof
	proof        bool                // it needs a proof that is not old: 403 confirm_required
	notFound     []string            // of 404
	takes        []string            // headers
	headers      []string            // of success

	numbered bool     // the id of the path is a number
	input    string   // what the body is called, where another operation has the same with other fields required
	needs    []string // fields that it requires, beside those that always are
	conflict []string // of 409
}

var (
	newPasswordCodes = []string{"too_similar", "too_short", "too_common", "entirely_numeric", "breached", "of_house"}
	linkCodes        = []string{"invalid", "used", "expired"}
	provingCodes     = append(slices.Clone(linkCodes), "verified_elsewhere")
	callerCodes      = []string{"not_authenticated", "bad_authorization_header", "token_not_valid", "user_not_found", "user_inactive"}
	tokenCodes       = []string{"token_not_valid", "user_not_found", "user_inactive"}

	notThere        = []string{"not_found"}
	noPasskeys      = []string{"passkeys_off"}
	knownDevice     = []string{web.DeviceHeader}
	mailedCodeCodes = []string{"invalid", "wrong", "used", "too_many_tries"}
	factorCodes     = []string{"blank", "one_required", "other_kind", "invalid", "wrong", "used", "unusable", "factor_locked"}
	recoveryCodes   = []string{"blank", "invalid", "other_kind", "wrong"}
	ceremonyCodes   = []string{"required", "blank", "invalid"}

	// What the standard calls what an authenticator answers.
	registration = map[string]string{"credential": "RegistrationResponseJSON"}
	signature    = map[string]string{"credential": "AuthenticationResponseJSON"}
	assertion    = map[string]string{"assertion": "AuthenticationResponseJSON"}
)

// The specification's four calls come first, then the others in the order of
// their routes.
var operations = []operation{
	{
		route: "POST auth/register/", id: "register", tag: "auth", fields: auth.RegisterFields,
		codes:        map[string][]string{"username": {"invalid", "taken"}, "password": newPasswordCodes, "email": {"taken"}},
		unauthorized: callerCodes[1:], headers: []string{web.CodeHeader},
	},
	{
		route: "POST auth/login/", id: "login", tag: "auth", fields: auth.LoginFields,
		unauthorized: []string{"invalid_credentials", "second_factor_required"}, takes: []string{web.DeviceHeader, web.TrustedHeader},
	},
	{route: "POST auth/token/refresh/", id: "refreshToken", tag: "auth", fields: auth.RefreshFields, unauthorized: tokenCodes},
	{route: "GET clients/me/", id: "getMe", tag: "account"},

	{
		route: "POST auth/login/second/", id: "loginSecond", tag: "factors", fields: auth.LoginSecondFields, objects: assertion,
		codes: map[string][]string{
			"challenge": linkCodes, "code": factorCodes, "recovery_code": recoveryCodes, "ceremony": ceremonyCodes, "assertion": {"passkey_refused"},
		},
		unauthorized: []string{"invalid_credentials"}, forbidden: []string{"passkey_changed"}, notFound: noPasskeys,
		takes: knownDevice, headers: []string{web.TrustedHeader},
	},
	{
		route: "POST auth/confirm/", id: "confirm", tag: "factors", fields: auth.ConfirmFields, objects: assertion,
		codes: map[string][]string{
			"password": {"required", "blank", "wrong"}, "code": append(slices.Clone(factorCodes), "required", "too_many_tries"), "recovery_code": recoveryCodes,
			"ceremony": ceremonyCodes, "assertion": {"passkey_refused"}, "code_id": {"blank", "invalid"},
		},
		proof: true, forbidden: []string{"passkey_changed"}, notFound: noPasskeys, takes: knownDevice,
	},
	{route: "GET auth/factors/", id: "listFactors", tag: "factors"},
	{
		route: "PATCH auth/factors/{id}/", id: "renameFactor", tag: "factors", fields: auth.RenameFactorFields,
		codes: map[string][]string{"name": {"required", "invalid"}}, notFound: notThere,
	},
	{route: "DELETE auth/factors/{id}/", id: "removeFactor", tag: "factors", proof: true, notFound: notThere, conflict: []string{"last_owner"}},
	{
		route: "POST auth/factors/totp/", id: "enrolApp", tag: "factors", fields: auth.TOTPEnrolmentFields,
		codes: map[string][]string{"password": {"blank", "wrong"}, "name": {"invalid"}, "non_field_errors": {"too_many"}}, proof: true,
	},
	{
		route: "POST auth/factors/totp/confirm/", id: "confirmApp", tag: "factors", fields: auth.TOTPConfirmationFields,
		codes: map[string][]string{
			"id": {"blank", "required", "used", "expired"}, "code": {"required", "blank", "invalid", "wrong", "wrong_clock"}, "non_field_errors": {"too_many"},
		},
		proof: true, notFound: notThere, takes: knownDevice,
	},
	{
		route: "POST auth/factors/recovery/", id: "renewRecoveryCodes", tag: "factors",
		codes: map[string][]string{"non_field_errors": {"no_factor", "changed_meanwhile"}}, proof: true,
	},
	{
		route: "POST auth/factors/undo/", id: "undoFactor", tag: "factors", fields: auth.FactorUndoFields,
		codes: map[string][]string{"token": linkCodes, "password": {"wrong"}}, forbidden: []string{"recovery_refused"},
	},
	{
		route: "POST auth/confirm/passkey/options/", id: "beginPasskeyConfirm", tag: "passkeys",
		codes: map[string][]string{"non_field_errors": {"no_passkey"}}, notFound: noPasskeys,
	},
	{
		route: "POST auth/login/passkey/options/", id: "beginPasskeyLogin", tag: "passkeys", fields: auth.BeginPasskeyLoginFields,
		codes: map[string][]string{"challenge": append(slices.Clone(linkCodes), "no_passkey")}, notFound: noPasskeys,
	},
	{
		route: "POST auth/login/passkey/", id: "loginPasskey", tag: "passkeys", fields: auth.LoginPasskeyFields, objects: signature,
		codes: map[string][]string{"ceremony": {"invalid"}}, unauthorized: []string{"passkey_refused"}, forbidden: []string{"passkey_changed"}, notFound: noPasskeys,
	},
	{
		route: "POST auth/factors/passkeys/options/", id: "beginPasskey", tag: "passkeys", fields: auth.BeginPasskeyFields,
		codes: map[string][]string{"password": {"blank", "wrong"}, "non_field_errors": {"too_many"}}, proof: true, notFound: noPasskeys,
	},
	{
		route: "POST auth/factors/passkeys/", id: "addPasskey", tag: "passkeys", fields: auth.AddPasskeyFields, objects: registration,
		codes: map[string][]string{"ceremony": {"invalid"}, "credential": {"passkey_refused"}, "name": {"invalid"}, "non_field_errors": {"too_many"}},
		proof: true, notFound: noPasskeys,
	},
	{
		route: "POST auth/code/", id: "requestCode", tag: "codes", fields: auth.CodeRequestFields,
		codes: map[string][]string{
			"purpose": {"not_offered"}, "to": {"required", "blank", "other_address", "not_verified", "already_verified", "no_address"},
		},
		unauthorized: callerCodes, proof: true, takes: knownDevice,
	},
	{
		route: "POST auth/code/confirm/", id: "useCode", tag: "codes", fields: auth.UseCodeFields,
		codes:        map[string][]string{"code_id": {"invalid"}, "code": append(slices.Clone(mailedCodeCodes), "verified_elsewhere")},
		unauthorized: append(slices.Clone(callerCodes[1:]), "second_factor_required"),
	},
	{route: "POST auth/token/verify/", id: "verifyToken", tag: "auth", fields: auth.OAuthTokenFields, unauthorized: tokenCodes},
	{route: "GET auth/token/check/", id: "checkToken", tag: "services", headers: []string{web.UserHeader, web.SessionHeader}},
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
	{route: "DELETE auth/sessions/{id}/", id: "endSession", tag: "sessions", proof: true, notFound: notThere},
	{route: "GET auth/devices/", id: "listDevices", tag: "devices", takes: []string{web.TrustedHeader}},
	{route: "DELETE auth/devices/{id}/", id: "endTrust", tag: "devices", proof: true, notFound: notThere},
	{route: "GET auth/events/", id: "listEvents", tag: "sessions", codes: map[string][]string{"before": {"not_integer"}}},
	{route: "POST auth/not-me/", id: "notMe", tag: "recovery", fields: auth.LinkFields, codes: map[string][]string{"token": linkCodes}},
	{route: "GET auth/recovery/", id: "getRecovery", tag: "recovery", notFound: notThere},
	{route: "DELETE auth/recovery/", id: "stopRecovery", tag: "recovery", proof: true, notFound: notThere},
	{route: "POST auth/recovery/stop/", id: "stopRecoveryByLink", tag: "recovery", fields: auth.LinkFields, codes: map[string][]string{"token": linkCodes}},
	{route: "POST auth/recovery/finish/", id: "finishRecovery", tag: "recovery", fields: auth.LinkFields, codes: map[string][]string{"token": provingCodes}},
	{
		route: "POST auth/password/change/", id: "changePassword", tag: "password", fields: auth.PasswordChangeFields,
		codes: map[string][]string{"current_password": {"blank", "wrong"}, "new_password": newPasswordCodes}, proof: true,
	},
	{route: "POST auth/password/reset/", id: "requestPasswordReset", tag: "password", fields: auth.RequestResetFields, takes: knownDevice},
	{
		route: "POST auth/password/reset/confirm/", id: "resetPassword", tag: "password", fields: auth.PasswordResetFields,
		codes: map[string][]string{
			"token": append([]string{"required", "blank", "one_required"}, linkCodes...), "code_id": {"required", "blank", "invalid"},
			"code": append([]string{"required", "blank"}, mailedCodeCodes...), "new_password": newPasswordCodes,
		},
	},
	{route: "POST auth/email/verify/", id: "verifyEmail", tag: "email", fields: auth.LinkFields, codes: map[string][]string{"token": provingCodes}},
	{
		route: "POST auth/email/verify/resend/", id: "resendVerification", tag: "email", fields: auth.ResendVerificationFields,
		codes: map[string][]string{"email": {"no_address", "already_verified"}},
	},
	{route: "POST auth/email/disown/", id: "disownEmail", tag: "email", fields: auth.LinkFields, codes: map[string][]string{"token": linkCodes}},
	{
		route: "POST auth/email/change/", id: "changeEmail", tag: "email", fields: auth.EmailChangeFields,
		codes: map[string][]string{"password": {"blank", "wrong"}, "email": {"unchanged", "taken"}}, proof: true,
	},
	{route: "POST auth/email/change/confirm/", id: "confirmEmail", tag: "email", fields: auth.LinkFields, codes: map[string][]string{"token": provingCodes}},
	{route: "POST auth/email/change/undo/", id: "undoEmailChange", tag: "email", fields: auth.LinkFields, codes: map[string][]string{"token": linkCodes}},
	{
		route: "PATCH clients/me/", id: "updateMe", tag: "account", fields: auth.ProfileFields,
		codes: map[string][]string{"username": {"blank", "invalid", "taken", "changed_too_often"}, "password": {"blank", "wrong"}}, proof: true,
	},
	{route: "DELETE clients/me/", id: "closeMe", tag: "account", fields: auth.CloseAccountFields, codes: map[string][]string{"password": {"blank", "wrong"}}, proof: true, conflict: []string{"last_owner"}},
	{route: "POST clients/me/close/", id: "closeMeByPost", tag: "account", fields: auth.CloseAccountFields, codes: map[string][]string{"password": {"blank", "wrong"}}, proof: true, conflict: []string{"last_owner"}},
	{route: "GET clients/me/security/", id: "getSecurity", tag: "account"},
	{route: "GET clients/me/export/", id: "exportMe", tag: "account", proof: true},
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
func (p part) describedRoutes() []described {
	routes := map[string]api.Route{}
	for _, rt := range api.Routes() {
		if rt.OfStaff() != p.staff {
			continue
		}
		routes[rt.Method+" "+strings.TrimPrefix(rt.Path, "/api/clients/")] = rt
	}
	var all []described
	for _, op := range p.operations {
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
	for _, f := range reflect.VisibleFields(op.In) {
		if name := f.Tag.Get(tag); name != "" {
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

// needsBody reports whether a request without a body is refused.
func (op described) needsBody() bool {
	return op.isService() || len(op.needs) > 0 || slices.ContainsFunc(op.badRequest(), func(f fieldCodes) bool { return slices.Contains(f.codes, "required") })
}

func (op described) field(name string) auth.Field {
	f, _ := op.ruled(name)
	return f
}

// ruled is the field of a name, and whether there is a rule for it.
func (op described) ruled(name string) (f auth.Field, is bool) {
	i := slices.IndexFunc(op.fields, func(f auth.Field) bool { return f.Name == name })
	if i < 0 {
		return auth.Field{Name: name}, false
	}
	return op.fields[i], true
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
	for _, name := range slices.Concat(names, op.in("query"), slices.Sorted(maps.Keys(op.codes))) {
		if slices.ContainsFunc(all, func(f fieldCodes) bool { return f.field == name }) {
			continue
		}
		var codes []string
		if slices.Contains(names, name) {
			codes = codesOfText(op.field(name))
		} else if f, ruled := op.ruled(name); ruled { // of the query, where everything is text
			codes = slices.DeleteFunc(codesOfText(f), func(code string) bool { return code == "null" || code == "not_text" })
		}
		for _, code := range op.codes[name] {
			if !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
		all = append(all, fieldCodes{name, codes})
	}
	if op.readsBody() {
		body := []string{"not_object", "no_data"}
		if i := slices.IndexFunc(all, func(f fieldCodes) bool { return f.field == "non_field_errors" }); i >= 0 {
			body = append(body, all[i].codes...)
			all = slices.Delete(all, i, i+1)
		}
		all = append(all, fieldCodes{"non_field_errors", body})
	}
	return all
}

// refusals are the codes of an operation's answers with a status from 401 on;
// none: it has no such answer.
func (op described) refusals(status int) []string {
	switch status {
	case http.StatusUnauthorized:
		if op.Requires == api.Anyone {
			return op.unauthorized
		}
	case http.StatusConflict:
		return op.conflict
	case http.StatusForbidden:
		if op.Requires == api.Staff {
			return slices.Concat(staffCodes, op.forbidden)
		}
		if !op.isService() {
			codes := op.forbidden
			if op.proof {
				codes = append([]string{"confirm_required"}, codes...)
			}
			return codes
		}
	case http.StatusNotFound:
		return op.notFound
	}
	if op.isService() {
		return oauthCodes[status]
	}
	return commonCodes[status]
}

// refusalText is the key of what is said of such an answer.
func (op described) refusalText(status int) string {
	if status == http.StatusConflict {
		return "response.409"
	}
	if slices.Equal(op.notFound, noPasskeys) && status == http.StatusNotFound {
		return "response.404.passkeys"
	}
	return fmt.Sprintf("op.%s.%d", op.id, status)
}

// refusalSchema is the body of a refusal that is the operation's own. Where
// answers of a status differ, it has the fields of each: generators have no
// good type for one of several.
func (op described) refusalSchema(status int, codes []string) string {
	switch {
	case slices.Contains(codes, "second_factor_required"):
		return "LoginRefused"
	case status == http.StatusUnauthorized && op.OptionalAuth:
		return "AuthenticationError"
	case slices.Contains(codes, "confirm_required"), slices.Contains(codes, "passkey_changed"):
		return "ConfirmRequired"
	}
	return "Detail"
}

// codesOfText are those of the rules that every text has, or every object, or
// every boolean: see [auth.Field].
func codesOfText(f auth.Field) []string {
	switch f.Format {
	case "boolean":
		if f.Required {
			return []string{"required", "null", "not_boolean"}
		}
		return []string{"null", "not_boolean"}
	case "integer", "integers":
		return []string{"not_integer"}
	case "object":
		codes := []string{"null", "blank", "not_object", "null_character", "incomplete_character"}
		if f.Required {
			codes = append([]string{"required"}, codes...)
		}
		return codes
	}
	codes := []string{"null"}
	if f.Required {
		codes = []string{"required", "null", "blank"}
	}
	if f.Format == "email" { // whatever it is
		codes = append(codes, "invalid")
	} else {
		codes = append(codes, "not_text")
	}
	if f.Format == "day" || f.Choices != nil {
		codes = append(codes, "invalid")
	}
	codes = append(codes, "null_character", "incomplete_character")
	if f.Min > 0 {
		codes = append(codes, "too_short")
	}
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

// common is the errors that any request of a part may get.
func (p part) common() map[int][]string {
	if !p.staff {
		return commonCodes
	}
	all := maps.Clone(commonCodes)
	all[http.StatusForbidden] = staffCodes
	return all
}

// commonCodes are the errors that any other request may get. Those of the
// body come only where it is read.
var commonCodes = map[int][]string{
	http.StatusUnauthorized:          callerCodes,
	http.StatusForbidden:             {"confirm_required"},
	http.StatusNotFound:              {"not_found"},
	http.StatusNotAcceptable:         {"not_acceptable"},
	http.StatusRequestTimeout:        {"request_timeout"},
	http.StatusRequestEntityTooLarge: {"too_large"},
	http.StatusUnsupportedMediaType:  {"unsupported_media_type"},
	http.StatusTooManyRequests:       {"throttled"},
	http.StatusInternalServerError:   {"internal_error"},
	http.StatusServiceUnavailable:    {"unavailable"},
}
