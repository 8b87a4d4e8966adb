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
	"field.max_length":           "too_long",
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
	"password_too_similar":       "too_similar",
	"password_too_short":         "too_short",
	"password_too_long":          "too_long",
	"password_too_common":        "too_common",
	"password_entirely_numeric":  "entirely_numeric",
	"password_breached":          "breached",
	"password_wrong":             "wrong",
	"challenge_invalid":          "invalid",
	"challenge_used":             "used",
	"challenge_expired":          "expired",
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
