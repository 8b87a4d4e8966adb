package openapi

import (
	"fmt"
	"strings"
)

// codeRow is what the page of errors says of a code beside its texts.
type codeRow struct {
	code   string
	status string
	show   string // to a customer: a key of the texts
}

// catalogue is every code that a client may see.
var catalogue = []struct {
	group string
	rows  []codeRow
}{
	{"fields", []codeRow{
		{"required", "400", "field"}, {"null", "400", "general"}, {"blank", "400", "field"}, {"not_text", "400", "general"}, {"not_integer", "400", "general"}, {"not_boolean", "400", "general"},
		{"too_long", "400", "field"}, {"null_character", "400", "field"}, {"incomplete_character", "400", "field"}, {"invalid", "400", "field"},
		{"taken", "400", "field"}, {"changed_too_often", "400", "field"},
		{"too_short", "400", "field"}, {"too_common", "400", "field"}, {"too_similar", "400", "field"}, {"entirely_numeric", "400", "field"}, {"breached", "400", "field"}, {"of_house", "400", "field"},
		{"wrong", "400", "field"},
		{"used", "400", "text"}, {"expired", "400", "text"}, {"verified_elsewhere", "400", "text"},
		{"no_address", "400", "text"}, {"already_verified", "400", "text"}, {"unchanged", "400", "field"},
		{"not_object", "400", "general"}, {"no_data", "400", "general"},
	}},
	{"requests", []codeRow{
		{"parse_error", "400", "general"}, {"not_found", "404", "text"}, {"method_not_allowed", "405", "general"}, {"not_acceptable", "406", "general"},
		{"request_timeout", "408", "text"}, {"too_large", "413", "text"}, {"unsupported_media_type", "415", "general"},
	}},
	{"caller", []codeRow{
		{"invalid_credentials", "401", "text"}, {"not_authenticated", "401", "login"}, {"bad_authorization_header", "401", "general"},
		{"token_not_valid", "401", "nothing"}, {"user_not_found", "401", "login"}, {"user_inactive", "401", "login"},
	}},
	{"factors", []codeRow{
		{"second_factor_required", "401", "second"}, {"confirm_required", "403", "confirm"},
		{"one_required", "400", "general"}, {"other_kind", "400", "field"}, {"wrong_clock", "400", "field"}, {"unusable", "400", "text"}, {"factor_locked", "400", "text"},
		{"too_many", "400", "text"}, {"no_factor", "400", "text"}, {"changed_meanwhile", "400", "text"}, {"recovery_refused", "403", "text"},
		{"passkey_refused", "400, 401", "text"}, {"passkey_changed", "403", "text"}, {"no_passkey", "400", "text"}, {"passkeys_off", "404", "hide"},
		{"too_many_tries", "400", "text"}, {"not_offered", "400", "hide"}, {"other_address", "400", "field"}, {"not_verified", "400", "text"},
	}},
	{"staff", []codeRow{
		{"permission_denied", "403", "hide"}, {"staff_login_required", "403", "login"}, {"edit_conflict", "409", "text"},
		{"user_closed", "409", "text"}, {"user_not_closed", "409", "text"}, {"user_not_active", "409", "text"},
		{"last_owner", "409", "text"}, {"approval_over", "409", "text"}, {"role_over", "409", "text"},
	}},
	{"server", []codeRow{{"throttled", "429", "countdown"}, {"unavailable", "503", "text"}, {"internal_error", "500", "support"}}},
	{"services", []codeRow{
		{"invalid_request", "400, 405, 406, 408, 413, 415", "nothing"}, {"unsupported_token_type", "400", "nothing"}, {"invalid_client", "401", "nothing"},
		{"unauthorized_client", "403", "nothing"}, {"temporarily_unavailable", "429, 503", "nothing"}, {"server_error", "500", "nothing"},
	}},
}

// ErrorsPage is docs/errors.md in one of [Languages].
func ErrorsPage(lang string) string {
	b := newBuilder(shops, lang)
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\n%s\n\n%s\n", b.text("errors.title"), b.text("errors.twin"), b.text("errors.intro"))
	for _, g := range catalogue {
		fmt.Fprintf(&out, "\n%s\n\n", b.text("errors."+g.group))
		if intro := "errors." + g.group + ".intro"; b.texts[intro] != "" {
			fmt.Fprintf(&out, "%s\n\n", b.text(intro))
		}
		fmt.Fprintf(&out, "%s\n| --- | --- | --- | --- | --- |\n", b.text("errors.columns"))
		for _, r := range g.rows {
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s |\n", r.code, r.status, b.text("error."+r.code+".cause"), b.text("error."+r.code+".remedy"), b.text("show."+r.show))
		}
	}
	return out.String()
}
