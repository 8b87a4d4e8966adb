package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/web"
)

// TestErrorsHaveACodeInAHeader: what a program reads, in the order of the
// body, which stays the reference's.
func TestErrorsHaveACodeInAHeader(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, nil)
	p := newPerson(t, s)
	for _, row := range []struct {
		method, path, body string
		headers            []string
		status             int
		want               string
	}{
		{"POST", registerPath, `{}`, nil, 400, "username=required, password=required"},
		{"POST", registerPath, `{"last_name":null,"username":"a b","password":"","email":"x"}`, nil, 400, "username=invalid, password=blank, email=invalid, last_name=null"},
		{"POST", registerPath, `{"username":"` + p.name + `","password":"123"}`, nil, 400, "username=taken"},
		{"POST", registerPath, `{"username":"` + randomName("n") + `","password":"123"}`, nil, 400, "password=too_short, password=too_common, password=entirely_numeric"},
		{"POST", registerPath, `{"username":["x"],"password":"` + strings.Repeat("x", 1025) + `"}`, nil, 400, "username=not_text, password=too_long"},
		{"POST", registerPath, `{"username":"a\u0000\ud800","password":"x"}`, nil, 400, "username=invalid, username=null_character, username=incomplete_character"},
		{"POST", loginPath, `{"username":"` + p.name + `","password":"x"}`, nil, 401, "invalid_credentials"},
		{"POST", loginPath, `[]`, nil, 400, "non_field_errors=not_object"},
		{"POST", loginPath, `null`, nil, 400, "non_field_errors=no_data"},
		{"POST", loginPath, `{`, nil, 400, "parse_error"},
		{"POST", loginPath, `{}`, []string{"Content-Type", "text/plain"}, 415, "unsupported_media_type"},
		{"POST", loginPath, strings.Repeat(" ", 65<<10), nil, 413, "too_large"},
		{"GET", loginPath, ``, nil, 405, "method_not_allowed"},
		{"POST", loginPath, `{}`, []string{"Accept", "text/html"}, 406, "not_acceptable"},
		{"GET", "/nowhere", ``, nil, 404, "not_found"},
		{"GET", "//nowhere", ``, nil, 404, "not_found"},
		{"GET", mePath, ``, nil, 401, "not_authenticated"},
		{"GET", mePath, ``, []string{"Authorization", "Bearer a b"}, 401, "bad_authorization_header"},
		{"GET", mePath, ``, []string{"Authorization", "Bearer junk"}, 401, "token_not_valid"},
		{"POST", refreshPath, `{"refresh":"junk"}`, nil, 401, "token_not_valid"},
		{"POST", "/api/clients/auth/email/verify/", `{"token":"junk"}`, nil, 400, "token=invalid"},
		{"POST", introspectPath, `{"token":"x"}`, nil, 401, "invalid_client"},
	} {
		headers := row.headers
		if row.body != "" && (len(headers) == 0 || headers[0] != "Content-Type") {
			headers = append([]string{"Content-Type", "application/json"}, headers...)
		}
		a := s.call(t, row.method, row.path, row.body, headers...)
		if got := a.header.Get(web.ErrorHeader); a.status != row.status || got != row.want {
			t.Errorf("%s %s %.60s: %d %q, want %d %q", row.method, row.path, row.body, a.status, got, row.status, row.want)
		}
		if code := a.field("code") + a.field("error"); code != "" && code != row.want {
			t.Errorf("%s: the body has %q, the header %q", row.path, code, row.want)
		}
	}
	if a := s.me(t, p.access); a.status != http.StatusOK || a.header.Get(web.ErrorHeader) != "" {
		t.Errorf("success has a code: %d %q", a.status, a.header.Get(web.ErrorHeader))
	}
}
