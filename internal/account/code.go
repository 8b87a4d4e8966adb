package account

import (
	"maps"
	"slices"
	"strings"
)

// codes has what a program reads of an error, by the key of its text. Codes
// are part of the API: one that was published keeps its meaning. Texts that
// call for the same act of a program share one.
var codes = map[string]string{ //nolint:gosec // codes of errors: none is a password
	// Of fields.
	"field.required":             "required",
	"field.null":                 "null",
	"field.blank":                "blank",
	"field.invalid":              "not_text",
	"field.integer":              "not_integer",
	"field.boolean":              "not_boolean",
	"field.object":               "not_object",
	"field.max_length":           "too_long",
	"field.choice":               "invalid",
	"field.date":                 "invalid",
	"field.cursor":               "invalid",
	"field.one_of":               "one_required",
	"reason.short":               "too_short",
	"list.too_many":              "too_many",
	"field.null_characters":      "null_character",
	"field.surrogates":           "incomplete_character",
	"username.invalid":           "invalid",
	"username.taken":             "taken",
	"username.changed_too_often": "changed_too_often",
	"email.invalid":              "invalid",
	"email.none":                 "no_address",
	"email.verified":             "already_verified",
	"email.same":                 "unchanged",
	"email.proved_elsewhere":     "verified_elsewhere",
	"email.known":                "taken",
	"email.taken":                "taken",
	"email.unproved":             "not_verified",
	"password_too_similar":       "too_similar",
	"password_too_short":         "too_short",
	"password_too_long":          "too_long",
	"password_too_common":        "too_common",
	"password_entirely_numeric":  "entirely_numeric",
	"password_breached":          "breached",
	"password_of_house":          "of_house",
	"password_wrong":             "wrong",
	"challenge_invalid":          "invalid",
	"challenge_used":             "used",
	"challenge_expired":          "expired",
	"not_me_moved":               "invalid",
	"body.not_object":            "not_object",
	"body.no_data":               "no_data",

	// Of requests.
	"parse_error_json":       "parse_error",
	"parse_error_multipart":  "parse_error",
	"body_malformed":         "parse_error",
	"body_too_large":         "too_large",
	"request_timeout":        "request_timeout",
	"unsupported_media_type": "unsupported_media_type",
	"not_acceptable":         "not_acceptable",
	"method_not_allowed":     "method_not_allowed",
	"not_found":              "not_found",
	"not_found_slashes":      "not_found",

	// Of who is asking.
	"invalid_credentials": "invalid_credentials",
	"not_authenticated":   "not_authenticated",
	"bad_auth_header":     "bad_authorization_header",
	"token_invalid":       "token_not_valid",
	"token_no_exp":        "token_not_valid",
	"token_no_type":       "token_not_valid",
	"token_wrong_type":    "token_not_valid",
	"token_no_id":         "token_not_valid",
	"token_no_user":       "token_not_valid",
	"user_not_found":      "user_not_found",
	"user_inactive":       "user_inactive",

	// Of second factors.
	"second_factor_required": "second_factor_required",
	"confirm_required":       "confirm_required",
	"factor_wrong":           "wrong",
	"factor_used":            "used",
	"factor_format":          "invalid",
	"factor_one_of":          "one_required",
	"factor_other_kind":      "other_kind",
	"factor_unusable":        "unusable",
	"factor_locked":          "factor_locked",
	"factor_clock_behind":    "wrong_clock",
	"factor_clock_ahead":     "wrong_clock",
	"factor_confirmed":       "used",
	"factor_expired":         "expired",
	"factor_which":           "required",
	"factor_too_many":        "too_many",
	"factor_name":            "invalid",
	"factor_none":            "no_factor",
	"recovery_renewed":       "changed_meanwhile",
	"login_invalid":          "invalid",
	"login_used":             "used",
	"login_expired":          "expired",
	"recovery_refused":       "recovery_refused",
	"ceremony_invalid":       "invalid",
	"passkey_refused":        "passkey_refused",
	"passkey_changed":        "passkey_changed",
	"passkey_limit":          "too_many",
	"passkey_none":           "no_passkey",
	"passkeys_off":           "passkeys_off",
	"code_wrong":             "wrong",
	"code_used":              "used",
	"code_spent":             "too_many_tries",
	"code_unknown":           "invalid",
	"code_purpose":           "not_offered",
	"code_address":           "other_address",
	"code_unverified":        "not_verified",

	// Of the staff.
	"permission_denied":    "permission_denied",
	"staff_login_required": "staff_login_required",
	"edit_conflict":        "edit_conflict",
	"user_closed":          "user_closed",
	"user_not_closed":      "user_not_closed",
	"user_not_active":      "user_not_active",
	"last_owner":           "last_owner",
	"approval_over":        "approval_over",
	"role_over":            "role_over",

	// Of services, as OAuth names them (RFC 6749, section 5.2; RFC 7009, section 2.2.1).
	"invalid_client":         "invalid_client",
	"unauthorized_client":    "unauthorized_client",
	"unsupported_token_type": "unsupported_token_type",
	"two_credentials":        "invalid_request",

	// Of ours.
	"throttled":      "throttled",
	"unavailable":    "unavailable",
	"internal_error": "internal_error",
}

// CodeOf returns the code of the error whose text has this key, or "" if it
// is not an error's.
func CodeOf(key string) string { return codes[key] }

// maxCodes bounds what [Fields.Codes] returns, in bytes: it becomes a header.
const maxCodes = 1 << 10

// Codes has one "field=code" for each message, in their order, separated by
// ", ": "username=taken, password=too_common". Those that do not fit are left
// out from the end.
func (f Fields) Codes() string {
	var b strings.Builder
	for _, name := range f.Names() {
		for _, m := range f[name] {
			item := name + "=" + CodeOf(m.Key)
			if b.Len() > 0 {
				item = ", " + item
			}
			if b.Len()+len(item) > maxCodes {
				return b.String()
			}
			b.WriteString(item)
		}
	}
	return b.String()
}

// Codes returns every code once, sorted.
func Codes() []string {
	return slices.Compact(slices.Sorted(maps.Values(codes)))
}
