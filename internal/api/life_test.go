package api_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/store"
)

// person is a user in a test, logged in.
type person struct {
	*server
	name, email, access, refresh string
	session                      string
}

func newPerson(t *testing.T, s *server) *person {
	t.Helper()
	p := &person{server: s, name: randomName("p")}
	p.email = p.name + "@example.ma"
	a := s.register(t, p.name)
	p.access, p.refresh = a.field("access"), a.field("refresh")
	p.session, _ = payloadOf(p.access)["sid"].(string)
	return p
}

// as calls with the person's access token.
func (p *person) as(t *testing.T, method, path, body string) answer {
	t.Helper()
	return p.call(t, method, path, body, "Content-Type", "application/json", "Authorization", "Bearer "+p.access, "Accept-Language", "en")
}

func (p *person) login(t *testing.T, password string) answer {
	t.Helper()
	return p.post(t, loginPath, `{"username":"`+p.name+`","password":"`+password+`"}`)
}

// challenge has a mail sent and returns its token.
func (p *person) challenge(t *testing.T, kind account.ChallengeKind) string {
	t.Helper()
	switch kind {
	case account.ResetPassword:
		p.post(t, "/api/clients/auth/password/reset/", `{"email":"`+strings.ToUpper(p.email)+`"}`)
		return p.tokenMailed(t, account.MailResetPassword, p.email)
	case account.VerifyEmail:
		p.as(t, http.MethodPost, "/api/clients/auth/email/verify/resend/", "")
		return p.tokenMailed(t, account.MailVerifyEmail, p.email)
	case account.ConfirmEmail:
		p.as(t, http.MethodPost, "/api/clients/auth/email/change/", `{"password":"`+goodPassword+`","email":"new`+p.email+`"}`)
		return p.tokenMailed(t, account.MailConfirmEmail, "new"+p.email)
	default:
		p.prove(t) // only an address that was proved gets the way back
		token := p.challenge(t, account.ConfirmEmail)
		p.post(t, "/api/clients/auth/email/change/confirm/", `{"token":"`+token+`"}`)
		return p.tokenMailed(t, account.MailEmailChanged, p.email)
	}
}

// prove notes that the person reads the mailbox of their address.
func (p *person) prove(t *testing.T) {
	t.Helper()
	u := p.user(t, p.name)
	err := p.store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
		return tx.SetProof(t.Context(), u.ID, u.Email, p.clock.now())
	})
	if err != nil {
		t.Fatal(err)
	}
}

const newPassword = "tr0ub4dor&zellige"

// lifeRow is an endpoint of the table: what a good request to it is, and
// what kind of token opens it.
type lifeRow struct {
	method, path string
	status       int
	challenge    account.ChallengeKind // the token is one from a mail
	refresh      string                // the field that holds a refresh token
	ends         bool                  // it only ends a session: of one that is over there is nothing to say
	access       bool                  // the token is in the header
	fields       []string              // that are required, beside the token
	body         func(token string) string
	password     string // the field with the caller's password; it may be missing while their session's proof is good
	required     string // the same field, where it may not
}

func fixed(body string) func(string) string { return func(string) string { return body } }

var lifeRows = []lifeRow{
	{method: "POST", path: "/api/clients/auth/token/verify/", status: 200, refresh: "token", body: func(tk string) string { return `{"token":"` + tk + `"}` }},
	{method: "GET", path: "/api/clients/auth/token/check/", status: 204, access: true, body: fixed("")},
	{method: "POST", path: "/api/clients/auth/token/refresh/", status: 200, refresh: "refresh", body: func(tk string) string { return `{"refresh":"` + tk + `"}` }},
	{
		method: "POST", path: "/api/clients/auth/confirm/", status: 200, access: true, required: "password",
		fields: []string{"password"}, body: fixed(`{"password":"` + goodPassword + `"}`),
	},
	{method: "POST", path: "/api/clients/auth/logout/", status: 204, refresh: "refresh", ends: true, body: func(tk string) string { return `{"refresh":"` + tk + `"}` }},
	{method: "POST", path: "/api/clients/auth/logout/all/", status: 204, access: true, body: fixed("")},
	{method: "GET", path: "/api/clients/auth/sessions/", status: 200, access: true, body: fixed("")},
	{method: "DELETE", path: "/api/clients/auth/sessions/{id}/", status: 204, access: true, body: fixed("")},
	{method: "GET", path: "/api/clients/auth/factors/", status: 200, access: true, body: fixed("")},
	{method: "POST", path: "/api/clients/auth/factors/totp/", status: 201, access: true, body: fixed(`{"name":"phone"}`)},
	{method: "GET", path: "/api/clients/auth/devices/", status: 200, access: true, body: fixed("")},
	{method: "GET", path: "/api/clients/auth/events/", status: 200, access: true, body: fixed("")},
	{
		method: "POST", path: "/api/clients/auth/password/change/", status: 204, access: true, password: "current_password",
		fields: []string{"current_password", "new_password"},
		body:   fixed(`{"current_password":"` + goodPassword + `","new_password":"` + newPassword + `"}`),
	},
	{
		method: "POST", path: passkeysPath + "options/", status: 200, access: true, password: "password",
		body: fixed(`{"password":"` + goodPassword + `"}`),
	},
	{method: "POST", path: "/api/clients/auth/password/reset/", status: 202, fields: []string{"email"}, body: fixed(`{"email":"nobody@example.ma"}`)},
	{method: "POST", path: "/api/clients/auth/code/", status: 202, fields: []string{"purpose"}, body: fixed(`{"purpose":"reset","to":"nobody@example.ma"}`)},
	{
		method: "POST", path: "/api/clients/auth/password/reset/confirm/", status: 204, challenge: account.ResetPassword,
		fields: []string{"token", "new_password"}, body: func(tk string) string { return `{"token":"` + tk + `","new_password":"` + newPassword + `"}` },
	},
	{method: "POST", path: "/api/clients/auth/email/disown/", status: 204, challenge: account.VerifyEmail, body: func(tk string) string { return `{"token":"` + tk + `"}` }},
	{method: "POST", path: "/api/clients/auth/email/verify/", status: 204, challenge: account.VerifyEmail, fields: []string{"token"}, body: func(tk string) string { return `{"token":"` + tk + `"}` }},
	{method: "POST", path: "/api/clients/auth/email/verify/resend/", status: 202, access: true, body: fixed("")},
	{
		method: "POST", path: "/api/clients/auth/email/change/", status: 202, access: true, password: "password",
		fields: []string{"password", "email"}, body: fixed(`{"password":"` + goodPassword + `","email":"other@example.ma"}`),
	},
	{method: "POST", path: "/api/clients/auth/email/change/confirm/", status: 204, challenge: account.ConfirmEmail, fields: []string{"token"}, body: func(tk string) string { return `{"token":"` + tk + `"}` }},
	{method: "POST", path: "/api/clients/auth/email/change/undo/", status: 204, challenge: account.UndoEmail, fields: []string{"token"}, body: func(tk string) string { return `{"token":"` + tk + `"}` }},
	{method: "GET", path: "/api/clients/clients/me/", status: 200, access: true, body: fixed("")},
	{method: "PATCH", path: "/api/clients/clients/me/", status: 200, access: true, body: fixed(`{"first_name":"Nadia"}`)},
	{
		method: "DELETE", path: "/api/clients/clients/me/", status: 204, access: true, password: "password",
		fields: []string{"password"}, body: fixed(`{"password":"` + goodPassword + `"}`),
	},
	{
		method: "POST", path: "/api/clients/clients/me/close/", status: 204, access: true, password: "password",
		fields: []string{"password"}, body: fixed(`{"password":"` + goodPassword + `"}`),
	},
	{method: "GET", path: "/api/clients/clients/me/security/", status: 200, access: true, body: fixed("")},
	{method: "GET", path: "/api/clients/clients/me/export/", status: 200, access: true, body: fixed("")},
}

// token is what opens the row's endpoint for a person.
func (r lifeRow) token(t *testing.T, p *person) string {
	t.Helper()
	switch {
	case r.challenge != "":
		return p.challenge(t, r.challenge)
	case r.refresh != "":
		return p.refresh
	case r.access:
		return p.access
	}
	return ""
}

// ask makes the good request of the row with a token.
func (r lifeRow) ask(t *testing.T, p *person, token string) answer {
	t.Helper()
	return r.send(t, p, token, r.body(token))
}

func (r lifeRow) send(t *testing.T, p *person, token, body string) answer {
	t.Helper()
	headers := []string{"Content-Type", "application/json", "Accept-Language", "en"}
	if r.access {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	return p.call(t, r.method, strings.Replace(r.path, "{id}", p.session, 1), body, headers...)
}

// over checks the answer to a token whose session is over.
func (r lifeRow) over(t *testing.T, a answer, text, code string) {
	t.Helper()
	if !r.ends {
		r.refused(t, a, text, code)
	} else if a.status != r.status {
		t.Errorf("%d %s, want %d", a.status, a.body, r.status)
	}
}

// refused checks the answer to a token that is not good; text is part of
// what is said of one from a mail, code of another.
func (r lifeRow) refused(t *testing.T, a answer, text, code string) {
	t.Helper()
	switch {
	case r.challenge != "":
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, `{"token":["`+text) {
			t.Errorf("%d %s, want 400 and %q", a.status, a.body, text)
		}
	case r.refresh != "" || r.access:
		if a.status != http.StatusUnauthorized || a.field("code") != code || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%d %s, want 401 and code %s", a.status, a.body, code)
		}
	}
}

// TestLifeTable tries every endpoint with every kind of token, on both
// engines.
func TestLifeTable(t *testing.T) {
	t.Parallel()
	tested := []string{
		"POST " + registerPath, "POST " + loginPath, // the wire rows
		"POST " + introspectPath, "POST " + revokePath, // service_test.go
		"POST " + secondPath, // factor_test.go, like those that follow
		"PATCH " + factorsPath + "{id}/", "DELETE " + factorsPath + "{id}/", "POST " + factorsPath + "totp/confirm/",
		"POST " + factorsPath + "recovery/", "POST " + factorsPath + "undo/",
		"POST /api/clients/auth/not-me/", "POST /api/clients/auth/recovery/stop/", "POST /api/clients/auth/recovery/finish/", // trusted_test.go
		"DELETE /api/clients/auth/devices/{id}/", "GET /api/clients/auth/recovery/", "DELETE /api/clients/auth/recovery/",
		"POST " + loginPath + "passkey/", "POST " + loginPath + "passkey/options/", "POST " + confirmPath + "passkey/options/", "POST " + passkeysPath, // passkey_test.go
		"POST /api/clients/auth/code/confirm/", // mailedcode_test.go
	}
	for _, r := range lifeRows {
		tested = append(tested, r.method+" "+r.path)
	}
	for _, rt := range api.Routes() {
		if rt.OfStaff() { // staff_routes_test.go
			continue
		}
		if name := rt.Method + " " + rt.Path; !slices.Contains(tested, name) {
			t.Errorf("%s is not in the table: add a row to lifeRows, or its name to those tested elsewhere", name)
		}
	}
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		for _, r := range lifeRows {
			t.Run(r.method+strings.ReplaceAll(strings.TrimPrefix(r.path, "/api/clients"), "/", "_"), func(t *testing.T) {
				r.try(t, s)
			})
		}
	})
}

// TestExpiredTokens is the table's column that moves the clock: a server
// that is days ahead would take the mails of another on its database.
func TestExpiredTokens(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		for _, r := range lifeRows {
			if !r.access && r.refresh == "" && r.challenge == "" {
				continue
			}
			t.Run(r.method+strings.ReplaceAll(strings.TrimPrefix(r.path, "/api/clients"), "/", "_"), func(t *testing.T) {
				p := newPerson(t, s)
				token := r.token(t, p)
				s.clock.advance(7*24*time.Hour + time.Minute)
				r.over(t, r.ask(t, p, token), "This link has expired", "token_not_valid")
			})
		}
	})
}

func (r lifeRow) try(t *testing.T, s *server) {
	t.Run("success", func(t *testing.T) {
		p := newPerson(t, s)
		a := r.ask(t, p, r.token(t, p))
		if a.status != r.status || (a.body == "") != (r.status == http.StatusNoContent) {
			t.Errorf("%d %s, want %d", a.status, a.body, r.status)
		}
	})
	t.Run("wrong token", func(t *testing.T) {
		p := newPerson(t, s)
		for _, token := range []string{"junk", "a.b.c", p.name, strings.Repeat("A", 43), strings.Repeat("x", 5000)} {
			r.refused(t, r.ask(t, p, token), "This link is not valid", "token_not_valid")
		}
		if r.access {
			r.refused(t, r.ask(t, p, p.refresh), "", "token_not_valid")
			if a := p.call(t, r.method, strings.Replace(r.path, "{id}", p.session, 1), r.body("")); a.status != http.StatusUnauthorized {
				t.Errorf("without a token: %d %s", a.status, a.body)
			}
		}
		if r.refresh == "refresh" {
			r.refused(t, r.ask(t, p, p.access), "", "token_not_valid")
		}
		if r.challenge != "" { // one of another kind
			for _, kind := range []account.ChallengeKind{account.ResetPassword, account.VerifyEmail, account.ConfirmEmail} {
				if kind != r.challenge {
					r.refused(t, r.ask(t, p, p.challenge(t, kind)), "This link is not valid", "")
				}
			}
		}
	})
	t.Run("used token", func(t *testing.T) {
		p := newPerson(t, s)
		token := r.token(t, p)
		if r.challenge != "" {
			if a := r.ask(t, p, token); a.status != r.status {
				t.Fatalf("%d %s", a.status, a.body)
			}
		} else { // a token with a session is used up when that ends
			p.post(t, "/api/clients/auth/logout/", `{"refresh":"`+p.refresh+`"}`)
		}
		r.over(t, r.ask(t, p, token), "This link was already used", "token_not_valid")
	})
	t.Run("other user's token", func(t *testing.T) {
		p, q := newPerson(t, s), newPerson(t, s)
		before := p.user(t, p.name)
		q.session = p.session // which the path names
		a := r.ask(t, q, r.token(t, q))
		if strings.Contains(r.path, "{id}") {
			if a.status != http.StatusNotFound {
				t.Errorf("%d %s, want 404", a.status, a.body)
			}
		} else if a.status != r.status {
			t.Errorf("%d %s, want %d", a.status, a.body, r.status)
		}
		if strings.Contains(a.body, p.name) {
			t.Errorf("it tells about somebody else: %s", a.body)
		}
		if after := p.user(t, p.name); after != before {
			t.Errorf("somebody else changed:\n%+v\n%+v", before, after)
		}
		if a := p.me(t, p.access); a.status != http.StatusOK {
			t.Errorf("somebody else's session: %d %s", a.status, a.body)
		}
	})
	t.Run("inactive user", func(t *testing.T) {
		p := newPerson(t, s)
		token := r.token(t, p)
		u := p.user(t, p.name)
		if err := s.store.Tx(t.Context(), func(_ context.Context, tx *store.Store) error { return tx.SetActive(t.Context(), u.ID, false) }); err != nil {
			t.Fatal(err)
		}
		r.over(t, r.ask(t, p, token), "This link is not valid", "user_inactive")
	})
	t.Run("bad body", func(t *testing.T) {
		if len(r.fields) == 0 && r.refresh == "" {
			return
		}
		p := newPerson(t, s)
		s.clock.advance(6 * time.Minute) // the login is no proof any more
		fields := r.fields
		if r.refresh != "" {
			fields = []string{r.refresh}
		}
		for body, message := range map[string]string{`{}`: "required", `{"FIELD":null}`: "null", `{"FIELD":""}`: "blank", `{"FIELD":[1]}`: "valid", `{"FIELD":{"a":1}}`: "valid", `{"FIELD":true}`: "valid"} {
			for _, f := range fields {
				send := strings.ReplaceAll(body, "FIELD", f)
				if f == r.password && body == `{}` { // then the session has to have shown it lately
					send = strings.Replace(strings.Replace(r.body(""), `"`+f+`":"`+goodPassword+`"`, "", 1), "{,", "{", 1)
					if a := r.send(t, p, p.access, send); a.status != http.StatusForbidden || !strings.Contains(a.body, `"code":"confirm_required","methods":["password"]`) {
						t.Errorf("without a proof: %d %s", a.status, a.body)
					}
					continue
				}
				a := r.send(t, p, p.access, send)
				if a.status != http.StatusBadRequest || !strings.Contains(a.body, `"`+f+`":["`) || !strings.Contains(a.body, message) {
					t.Errorf("%s %s: %d %s", f, body, a.status, a.body)
				}
			}
		}
		for _, body := range []string{`{`, `[]`, `"x"`, `null`, `12`} {
			if a := r.send(t, p, p.access, body); a.status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", body, a.status, a.body)
			}
		}
		if a := p.call(t, r.method, r.path, "x", "Content-Type", "text/plain", "Authorization", "Bearer "+p.access); a.status != http.StatusUnsupportedMediaType {
			t.Errorf("text/plain: %d %s", a.status, a.body)
		}
		if field := r.password + r.required; field != "" {
			a := r.send(t, p, p.access, strings.Replace(r.body(""), goodPassword, "not-my-password-9", 1))
			if a.status != http.StatusBadRequest || !strings.Contains(a.body, `{"`+field+`":["This is not the right password."]}`) {
				t.Errorf("wrong password: %d %s", a.status, a.body)
			}
		}
	})
}
