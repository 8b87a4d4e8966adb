package openapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/openapi"
	"github.com/yoozak/clients/internal/yoozaktest"
)

var update = flag.Bool("update", false, "write internal/openapi/examples instead of comparing them")

// TestExamplesAreRealAnswers asks a server for every example of the document,
// in each of its languages.
func TestExamplesAreRealAnswers(t *testing.T) {
	t.Parallel()
	compare := func(file string, examples func(t *testing.T) []openapi.Example) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			got := examples(t)
			name := filepath.Join("../../internal/openapi/examples", file)
			text := written(t, got)
			if *update {
				if err := os.WriteFile(name, text, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			committed, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(committed), string(text)); diff != "" {
				t.Errorf("a server answers otherwise (-committed +answered): go test ./openapi -run Examples -update, then go test ./internal/openapi -update\n%s", diff)
			}
		})
	}
	for _, lang := range openapi.Languages {
		compare(lang+".json", func(t *testing.T) []openapi.Example { return examples(t, lang) })
		compare("staff."+lang+".json", func(t *testing.T) []openapi.Example { return staffExamples(t, lang) })
	}
}

// written is a list of examples, each on lines of its own.
func written(t *testing.T, all []openapi.Example) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	password = "kV7-pazouk-42"
	another  = "zellige-9-minaret"
	breached = "hondastars"
)

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func bearer(access string) []string { return []string{"Authorization", "Bearer " + access} }

// person registers and returns the answer.
func (s *server) person(t *testing.T, username, email string) answer {
	t.Helper()
	a := s.send(t, "POST", "auth/register/", fmt.Sprintf(`{"username":%q,"password":%q,"email":%q,"first_name":"Prénom","last_name":"Nom"}`, username, password, email))
	if a.status != 201 {
		t.Fatalf("register: %d %s", a.status, a.body)
	}
	return a
}

// token is the one in the n-th mail of a kind.
func (s *server) token(t *testing.T, kind, to string, n int) string {
	t.Helper()
	return mailtest.Wait(t, s.mails, kind, to, n).Token
}

// examples are one life of an account, with what goes wrong beside it.
func examples(t *testing.T, lang string) []openapi.Example {
	limited := start(t, lang) // only there devices are known
	limited.theFourCalls(t)
	limited.throttled(t)
	s := start(t, lang, "YOOZAK_RATE_LIMITS=off")
	s.person(t, "votre_username", "votre@email.com")
	a := s.send(t, "POST", "auth/login/", `{"username":"votre_username","password":"`+password+`"}`)
	s.tokens(t, a)
	s.sessions(t, a)
	s.addresses(t, a)
	s.passwords(t)
	s.profile(t)
	s.services(t)
	s.secondFactors(t)
	s.wayBack(t)
	s.passkeys(t)
	s.mailedCodes(t)
	s.everyOperation(t)
	named := start(t, lang, "YOOZAK_JWT_ISSUER=https://accounts.shop.example") // by default the issuer is no URL
	named.example(t, "getServerMetadata", "200", "GET", "/.well-known/oauth-authorization-server", "")
	return append(append(limited.examples, named.examples...), s.examples...)
}

func (s *server) theFourCalls(t *testing.T) {
	t.Helper()
	const form = `{"username":"votre_username","password":"` + password + `","email":"votre@email.com","first_name":"Prénom","last_name":"Nom"}`
	s.example(t, "register", "201", "POST", "auth/register/", form)
	for _, row := range []struct{ code, body string }{
		{"username=taken", form},
		{"username=required, password=required", `{}`},
		{"username=invalid, email=invalid", `{"username":"votre username","password":"` + password + `","email":"votre"}`},
		{"username=blank", `{"username":"","password":"` + password + `"}`},
		{"password=too_short, password=too_common, password=entirely_numeric", `{"username":"nadia","password":"12345"}`},
		{"password=too_similar", `{"username":"nadia_benali","password":"nadia_benali1"}`},
		{"password=breached", `{"username":"nadia","password":"` + breached + `"}`},
		{"password=too_long", `{"username":"nadia","password":"` + strings.Repeat("x", 1025) + `"}`},
		{"non_field_errors=not_object", `[]`},
		{"parse_error", `{"username":`},
	} {
		s.example(t, "register", "400 "+row.code, "POST", "auth/register/", row.body)
	}
	s.shorten()
	s.example(t, "register", "401 token_not_valid", "POST", "auth/register/", form, bearer("token.refuse.ici")...)

	in := s.example(t, "login", "200", "POST", "auth/login/", `{"username":"votre_username","password":"`+password+`"}`)
	s.example(t, "login", "400 username=required, password=required", "POST", "auth/login/", `{}`)
	s.example(t, "login", "401 invalid_credentials", "POST", "auth/login/", `{"username":"votre_username","password":"votre_password"}`)

	s.example(t, "refreshToken", "200", "POST", "auth/token/refresh/", `{"refresh":`+quoted(in.field("refresh"))+`}`)
	s.example(t, "refreshToken", "400 refresh=required", "POST", "auth/token/refresh/", `{}`)
	s.example(t, "refreshToken", "401 token_not_valid", "POST", "auth/token/refresh/", `{"refresh":"votre_refresh_token"}`)
	s.example(t, "getMe", "200", "GET", "clients/me/", "", bearer(in.field("access"))...)
}

// shorten cuts what no reader wants to see whole.
func (s *server) shorten() {
	for i, e := range s.examples {
		s.examples[i].Request = bytes.ReplaceAll(e.Request, bytes.Repeat([]byte("x"), 1025), []byte("xxxxxxxxxxxxxxxx…"))
	}
}

func (s *server) tokens(t *testing.T, in answer) {
	t.Helper()
	s.example(t, "verifyToken", "200", "POST", "auth/token/verify/", `{"token":`+quoted(in.field("access"))+`}`)
	s.example(t, "verifyToken", "400 token=blank", "POST", "auth/token/verify/", `{"token":""}`)
	s.example(t, "verifyToken", "401 token_not_valid", "POST", "auth/token/verify/", `{"token":"votre_token"}`)
	s.example(t, "checkToken", "204", "GET", "auth/token/check/", "", bearer(in.field("access"))...)
	s.example(t, "checkToken", "401 not_authenticated", "GET", "auth/token/check/", "")
}

func (s *server) sessions(t *testing.T, in answer) {
	t.Helper()
	mine := bearer(in.field("access"))
	list := s.example(t, "listSessions", "200", "GET", "auth/sessions/", "", mine...)
	var sessions []struct {
		ID      string `json:"id"`
		Current bool   `json:"current"`
	}
	if err := json.Unmarshal(list.body, &sessions); err != nil {
		t.Fatal(err)
	}
	s.example(t, "listEvents", "200", "GET", "auth/events/", "", mine...)
	s.example(t, "listEvents", "400 before=not_integer", "GET", "auth/events/?before=hier", "", mine...)
	for _, one := range sessions {
		if !one.Current {
			s.example(t, "endSession", "204", "DELETE", "auth/sessions/"+one.ID+"/", "", mine...)
		}
	}
	s.example(t, "endSession", "404 not_found", "DELETE", "auth/sessions/97d500e91ed96da126431742506daad5/", "", mine...)

	other := s.person(t, "hind", "")
	s.example(t, "logout", "400 refresh=null", "POST", "auth/logout/", `{"refresh":null}`)
	s.example(t, "logout", "401 token_not_valid", "POST", "auth/logout/", `{"refresh":"votre_refresh_token"}`)
	s.example(t, "logout", "204", "POST", "auth/logout/", `{"refresh":`+quoted(other.field("refresh"))+`}`)
	other = s.send(t, "POST", "auth/login/", `{"username":"hind","password":"`+password+`"}`)
	s.example(t, "logoutAll", "204", "POST", "auth/logout/all/", "", bearer(other.field("access"))...)
}

func (s *server) addresses(t *testing.T, in answer) {
	t.Helper()
	mine := bearer(in.field("access"))
	link := func(token string) string { return `{"token":` + quoted(token) + `}` }

	s.person(t, "salma", "votre@email.com")
	nobody := s.send(t, "POST", "auth/login/", `{"username":"hind","password":"`+password+`"}`)
	s.example(t, "resendVerification", "202", "POST", "auth/email/verify/resend/", "", mine...)
	s.example(t, "resendVerification", "400 email=no_address", "POST", "auth/email/verify/resend/", "", bearer(nobody.field("access"))...)
	s.token(t, "verify_email", "votre@email.com", 3) // so that all are there, whatever their order
	var own, others string
	for _, m := range mailtest.Of(t, s.mails, "verify_email") {
		if strings.Contains(m.Text, "salma") {
			others = m.Token
		} else {
			own = m.Token
		}
	}
	s.example(t, "verifyEmail", "204", "POST", "auth/email/verify/", link(own))
	s.example(t, "verifyEmail", "400 token=invalid", "POST", "auth/email/verify/", `{"token":"votre_token"}`)
	s.example(t, "verifyEmail", "400 token=used", "POST", "auth/email/verify/", link(own))
	s.example(t, "verifyEmail", "400 token=verified_elsewhere", "POST", "auth/email/verify/", link(others))
	s.example(t, "resendVerification", "400 email=already_verified", "POST", "auth/email/verify/resend/", "", mine...)
	s.example(t, "disownEmail", "204", "POST", "auth/email/disown/", link(others))
	s.example(t, "disownEmail", "400 token=used", "POST", "auth/email/disown/", link(others))

	s.example(t, "changeEmail", "400 password=wrong", "POST", "auth/email/change/", `{"password":"votre_password","email":"nouvelle@email.com"}`, mine...)
	s.example(t, "changeEmail", "400 email=invalid", "POST", "auth/email/change/", `{"password":"`+password+`","email":"nouvelle"}`, mine...)
	s.example(t, "changeEmail", "400 email=unchanged", "POST", "auth/email/change/", `{"password":"`+password+`","email":"votre@email.com"}`, mine...)
	s.example(t, "changeEmail", "202", "POST", "auth/email/change/", `{"password":"`+password+`","email":"nouvelle@email.com"}`, mine...)
	confirm := s.token(t, "confirm_email", "nouvelle@email.com", 1)
	s.example(t, "confirmEmail", "204", "POST", "auth/email/change/confirm/", link(confirm))
	s.example(t, "confirmEmail", "400 token=used", "POST", "auth/email/change/confirm/", link(confirm))

	s.example(t, "getSecurity", "200", "GET", "clients/me/security/", "", mine...)
	s.export(t, mine)

	undo := s.token(t, "email_changed", "votre@email.com", 1)
	s.example(t, "undoEmailChange", "204", "POST", "auth/email/change/undo/", link(undo))
	s.example(t, "undoEmailChange", "400 token=used", "POST", "auth/email/change/undo/", link(undo))
}

// export waits until the mails before it are known to have gone out: the
// outbox notes that a moment after they did.
func (s *server) export(t *testing.T, mine []string) {
	t.Helper()
	s.token(t, "email_changed", "votre@email.com", 1)
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		a := s.send(t, "GET", "clients/me/export/", "", mine...)
		if !bytes.Contains(a.body, []byte(`"sent_at":null`)) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a mail did not go out: %s", a.body)
		}
	}
	s.example(t, "exportMe", "200", "GET", "clients/me/export/", "", mine...)
	// The events before it are in another example; how often it was asked for
	// until the mails had gone is nobody's business.
	e := &s.examples[len(s.examples)-1]
	var all struct {
		Events []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal(e.Response, &all); err != nil {
		t.Fatal(err)
	}
	first, rest, _ := bytes.Cut(e.Response, []byte(`"events":[`))
	_, rest, _ = bytes.Cut(rest, []byte(`],"sessions_truncated"`))
	oldest := all.Events[len(all.Events)-1]
	e.Response = fmt.Appendf(nil, `%s"events":[%s],"sessions_truncated"%s`, first, oldest, rest)
}

func (s *server) passwords(t *testing.T) {
	t.Helper()
	in := s.person(t, "amina", "amina@email.com")
	mine := bearer(in.field("access"))
	s.example(t, "changePassword", "400 current_password=wrong", "POST", "auth/password/change/", `{"current_password":"votre_password","new_password":"`+another+`"}`, mine...)
	s.example(t, "changePassword", "400 new_password=too_short, new_password=too_common", "POST", "auth/password/change/", `{"current_password":"`+password+`","new_password":"soleil"}`, mine...)
	s.example(t, "changePassword", "204", "POST", "auth/password/change/", `{"current_password":"`+password+`","new_password":"`+another+`"}`, mine...)

	s.example(t, "requestPasswordReset", "202", "POST", "auth/password/reset/", `{"email":"amina@email.com"}`)
	s.example(t, "requestPasswordReset", "400 email=invalid", "POST", "auth/password/reset/", `{"email":"amina"}`)
	token := s.token(t, "reset_password", "amina@email.com", 1)
	body := func(token, password string) string {
		return `{"token":` + quoted(token) + `,"new_password":` + quoted(password) + `}`
	}
	s.example(t, "resetPassword", "400 new_password=breached", "POST", "auth/password/reset/confirm/", body(token, breached))
	s.example(t, "resetPassword", "204", "POST", "auth/password/reset/confirm/", body(token, "maison-bleue-27"))
	s.example(t, "resetPassword", "400 token=used", "POST", "auth/password/reset/confirm/", body(token, "maison-bleue-27"))
	s.example(t, "resetPassword", "400 token=invalid", "POST", "auth/password/reset/confirm/", body("votre_token", "maison-bleue-27"))
}

func (s *server) profile(t *testing.T) {
	t.Helper()
	in := s.person(t, "meryem", "meryem@email.com")
	mine := bearer(in.field("access"))
	rename := func(to string) string { return `{"username":"` + to + `","password":"` + password + `"}` }
	s.example(t, "updateMe", "200", "PATCH", "clients/me/", `{"first_name":"Amina"}`, mine...)
	s.example(t, "updateMe", "400 password=blank", "PATCH", "clients/me/", `{"username":"meryem.b","password":""}`, mine...)
	s.example(t, "updateMe", "400 password=wrong", "PATCH", "clients/me/", `{"username":"meryem.b","password":"votre_password"}`, mine...)
	s.example(t, "updateMe", "400 username=taken", "PATCH", "clients/me/", rename("votre_username"), mine...)
	for _, name := range []string{"meryem.b", "meryem.c"} {
		if a := s.send(t, "PATCH", "clients/me/", rename(name), mine...); a.status != 200 {
			t.Fatalf("rename: %d %s", a.status, a.body)
		}
	}
	s.example(t, "updateMe", "400 username=changed_too_often", "PATCH", "clients/me/", rename("meryem.d"), mine...)
	s.example(t, "closeMe", "400 password=wrong", "DELETE", "clients/me/", `{"password":"votre_password"}`, mine...)
	s.example(t, "closeMe", "204", "DELETE", "clients/me/", `{"password":"`+password+`"}`, mine...)
	other := bearer(s.person(t, "zineb", "").field("access"))
	s.example(t, "closeMeByPost", "400 password=blank", "POST", "clients/me/close/", `{"password":""}`, other...)
	s.example(t, "closeMeByPost", "204", "POST", "clients/me/close/", `{"password":"`+password+`"}`, other...)
}

// services are the examples of other programs, and of what is no route.
func (s *server) services(t *testing.T) {
	t.Helper()
	credentials := func(args ...string) []string {
		out := yoozaktest.Run(t, append([]string{"YOOZAK_DATABASE_URL=sqlite:" + s.database}, s.env...), append([]string{"service", "create"}, args...)...)
		found := regexp.MustCompile(`client_id: (\S+)\s+client_secret: (\S+)`).FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("no credentials in %s", out)
		}
		return []string{
			"Content-Type", "application/x-www-form-urlencoded",
			"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(found[1]+":"+found[2])),
		}
	}
	all, asks := credentials("orders", "--scope", "introspect", "--scope", "revoke"), credentials("mails", "--scope", "introspect")
	in := s.person(t, "fatima", "fatima@email.com")
	form := url.Values{"token": {in.field("access")}}.Encode()
	nobody := []string{"Content-Type", "application/x-www-form-urlencoded", "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("orders:x"))}
	s.example(t, "introspectToken", "200", "POST", "auth/token/introspect/", form, all...)
	s.example(t, "introspectToken", "400 invalid_request", "POST", "auth/token/introspect/", "x=1", all...)
	s.example(t, "service", "401 invalid_client", "POST", "auth/token/introspect/", form, nobody...)
	s.example(t, "revokeToken", "200", "POST", "auth/token/revoke/", form, all...)
	s.example(t, "revokeToken", "400 invalid_request", "POST", "auth/token/revoke/", "x=1", all...)
	s.example(t, "service", "403 unauthorized_client", "POST", "auth/token/revoke/", form, asks...)
	s.example(t, "getKeySet", "200", "GET", "/.well-known/jwks.json", "")
	s.example(t, "getServerMetadata", "404 not_found", "GET", "/.well-known/oauth-authorization-server", "")
	s.example(t, "getHealth", "200", "GET", "/healthz", "")
	s.example(t, "getReadiness", "200", "GET", "/readyz", "")
}

// everyOperation has the errors that any request may get.
func (s *server) everyOperation(t *testing.T) {
	t.Helper()
	s.example(t, "common", "401 not_authenticated", "GET", "clients/me/", "")
	s.example(t, "common", "401 bad_authorization_header", "GET", "clients/me/", "", bearer("votre token")...)
	s.example(t, "common", "401 token_not_valid", "GET", "clients/me/", "", bearer("votre_token")...)
	s.example(t, "common", "406 not_acceptable", "GET", "clients/me/", "", "Accept", "text/html")
	s.example(t, "common", "413 too_large", "POST", "auth/login/", strings.Repeat(" ", 65<<10))
	s.example(t, "common", "415 unsupported_media_type", "POST", "auth/login/", "x", "Content-Type", "text/plain")
}

func (s *server) throttled(t *testing.T) {
	t.Helper()
	const wrong = `{"username":"hind","password":"votre_password"}`
	for range 5 {
		s.send(t, "POST", "auth/login/", wrong)
	}
	s.example(t, "common", "429 throttled", "POST", "auth/login/", wrong)
	s.examples[len(s.examples)-1].Request = nil // of no operation
}
