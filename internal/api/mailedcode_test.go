package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/web"
)

const (
	codePath        = "/api/clients/auth/code/"
	codeConfirmPath = "/api/clients/auth/code/confirm/"
	resetPath       = "/api/clients/auth/password/reset/"
)

func loginCode(o *settings) { o.auth.Mail.LoginCode, o.auth.Mail.Verify = true, true }

// codeMailed is the code in the n-th mail of a kind to a person, the first
// being 1.
func (p *person) codeMailed(t *testing.T, kind account.MailKind, n int) string {
	t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		found := 0
		for _, m := range mailtest.Of(t, p.mails, string(kind)) {
			if !strings.Contains(m.To, p.email) {
				continue
			}
			if found++; found == n {
				return authtest.CodeOf(smtptest.Message{Text: m.Text})
			}
		}
	}
	t.Fatalf("no mail %d of %s", n, kind)
	return ""
}

// TestCodesOnTheWire: each purpose, from the request to what it gives.
func TestCodesOnTheWire(t *testing.T) {
	t.Parallel()
	forEachEngine(t, loginCode, func(t *testing.T, s *server) {
		name := randomName("p")
		registered := s.register(t, name)
		p := &person{server: s, name: name, email: name + "@example.ma", access: registered.field("access")}
		id := registered.header.Get(web.CodeHeader)
		if len(id) != 43 || strings.Contains(registered.body, id) {
			t.Fatalf("%s: %q, in the body: %s", web.CodeHeader, id, registered.body)
		}
		if a := s.post(t, loginPath, `{"username":"`+name+`","password":"`+goodPassword+`"}`); a.header.Get(web.CodeHeader) != "" {
			t.Errorf("a login has %s", web.CodeHeader)
		}
		p.codeMailed(t, account.MailVerifyEmail, 1)
		a := p.as(t, http.MethodPost, "/api/clients/auth/email/verify/resend/", `{"code_id":"`+id+`"}`)
		code := p.codeMailed(t, account.MailVerifyEmail, 2)
		if a.status != http.StatusAccepted || a.field("code_id") != id || a.field("detail") == "" || code != p.codeMailed(t, account.MailVerifyEmail, 1) {
			t.Errorf("resend: %d %s, code %s", a.status, a.body, code)
		}
		use := `{"code_id":"` + id + `","code":"` + code[:3] + ` ` + code[3:] + `"}`
		if a := p.post(t, codeConfirmPath, use); a.status != http.StatusBadRequest || a.header.Get(web.ErrorHeader) != "code=wrong" {
			t.Errorf("verify without a token: %d %s", a.status, a.body)
		}
		if a := p.post(t, codeConfirmPath, use, "Authorization", "Bearer junk"); a.status != http.StatusUnauthorized || a.field("code") != "token_not_valid" {
			t.Errorf("with a bad token: %d %s", a.status, a.body)
		}
		if a := p.as(t, http.MethodPost, codeConfirmPath, use); a.status != http.StatusOK || a.body != `{"purpose":"verify","token":null}` {
			t.Errorf("verify: %d %s", a.status, a.body)
		}

		a = p.post(t, resetPath, `{"email":"`+p.email+`"}`)
		id, code = a.field("code_id"), p.codeMailed(t, account.MailResetPassword, 1)
		if a := p.post(t, resetPath+"confirm/", `{"code_id":"`+id+`","code":"`+code+`","new_password":"`+newPassword+`"}`); a.status != http.StatusNoContent {
			t.Errorf("reset by code: %d %s", a.status, a.body)
		}
		a = p.post(t, codePath, `{"purpose":"reset","to":"`+p.email+`"}`)
		id, code = a.field("code_id"), p.codeMailed(t, account.MailResetPassword, 2)
		if a.status != http.StatusAccepted || a.body != `{"code_id":"`+id+`"}` {
			t.Errorf("ask: %d %s", a.status, a.body)
		}
		a = p.post(t, codeConfirmPath, `{"code_id":"`+id+`","code":`+strings.TrimLeft(code, "0")+`}`) // a number loses its zeros
		if code[0] != '0' && a.status != http.StatusOK || code[0] == '0' && a.status != http.StatusBadRequest {
			t.Errorf("the number %s: %d %s", code, a.status, a.body)
		}
		if a.status == http.StatusOK && (!strings.HasPrefix(a.body, `{"purpose":"reset","token":"`) || !strings.HasSuffix(a.body, `"}`)) {
			t.Errorf("reset: %s", a.body)
		}

		a = p.post(t, codePath, `{"purpose":"login","to":"`+p.email+`"}`)
		id, code = a.field("code_id"), p.codeMailed(t, account.MailLoginCode, 1)
		a = p.post(t, codeConfirmPath, `{"code_id":"`+id+`","code":"`+code+`"}`)
		if a.status != http.StatusOK || !strings.HasPrefix(a.body, `{"purpose":"login","token":null,"login":{"refresh":"`) || !strings.Contains(a.body, `"token_info"`) {
			t.Errorf("login: %d %s", a.status, a.body)
		}
		if a := p.post(t, codeConfirmPath, `{"code_id":"`+id+`","code":"`+code+`"}`); a.header.Get(web.ErrorHeader) != "code=used" {
			t.Errorf("login again: %d %s", a.status, a.body)
		}
		if a := p.post(t, codePath, `{"purpose":"confirm"}`); a.status != http.StatusUnauthorized || a.header.Get(web.ErrorHeader) != "not_authenticated" || a.field("code") != "" {
			t.Errorf("confirm without a login: %d %s", a.status, a.body)
		}
		a = p.login(t, newPassword)
		p.access = a.field("access")
		a = p.as(t, http.MethodPost, codePath, `{"purpose":"confirm"}`)
		id, code = a.field("code_id"), p.codeMailed(t, account.MailConfirmCode, 1)
		if a := p.as(t, http.MethodPost, "/api/clients/auth/confirm/", `{"code_id":"`+id+`","code":"`+code+`"}`); a.status != http.StatusOK || a.field("access") == "" {
			t.Errorf("confirm: %d %s", a.status, a.body)
		}
		for _, secret := range []string{id, code, p.email} {
			if strings.Contains(s.logged(), secret) {
				t.Errorf("the log has %s", secret)
			}
		}
	})
}

// TestBodiesThatAreNoCode: an error with a code, and no try.
func TestBodiesThatAreNoCode(t *testing.T) {
	t.Parallel()
	forEachEngine(t, loginCode, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		a := p.post(t, codePath, `{"purpose":"login","to":"`+p.email+`"}`)
		id, code := a.field("code_id"), p.codeMailed(t, account.MailLoginCode, 1)
		for _, test := range [][2]string{
			{`{"code_id":"ID","code":["000000","CODE"]}`, "code=not_text"},
			{`{"code_id":"ID","code":{"a":"CODE"}}`, "code=not_text"},
			{`{"code_id":"ID","code":null}`, "code=null"},
			{`{"code_id":"ID","code":true}`, "code=not_text"},
			{`{"code_id":"ID","code":""}`, "code=blank"},
			{`{"code_id":"ID"}`, "code=required"},
			{`{"code_id":"ID","code":"12345"}`, "code=invalid"},
			{`{"code_id":"ID","code":"1234567"}`, "code=invalid"},
			{`{"code_id":"ID","code":"O12345"}`, "code=invalid"},
			{`{"code_id":"ID","code":"` + strings.Repeat("1", 60<<10) + `"}`, "code=too_long"},
			{`{"code_id":["ID"],"code":"CODE"}`, "code_id=not_text"},
			{`{"code_id":null,"code":"CODE"}`, "code_id=null"},
			{`{"code":"CODE"}`, "code_id=required"},
			{`{"code_id":"` + strings.Repeat("A", 43) + `","code":"CODE"}`, "code_id=invalid"},
			{`{"code_id":"` + strings.Repeat("A", 65) + `","code":"CODE"}`, "code_id=too_long"},
			{`[]`, "non_field_errors=not_object"},
			{`{"code_id":"ID","code":"CODE","code":"000000x"}`, "code=invalid"}, // the last one counts, as in Django
			{``, "code_id=required, code=required"},
		} {
			body := strings.NewReplacer("ID", id, "CODE", code).Replace(test[0])
			if a := p.post(t, codeConfirmPath, body); a.status != http.StatusBadRequest || a.header.Get(web.ErrorHeader) != test[1] {
				t.Errorf("%.80s: %d %q, want %q", test[0], a.status, a.header.Get(web.ErrorHeader), test[1])
			}
		}
		if a := p.post(t, codeConfirmPath, `{"code_id":"`+id+`","code":"`+code+`"}`); a.status != http.StatusOK {
			t.Errorf("after what was no try: %d %s", a.status, a.body)
		}
		for _, test := range [][2]string{
			{`{"purpose":["login"],"to":"x@example.ma"}`, "purpose=not_text"},
			{`{"purpose":"step-up","to":"x@example.ma"}`, "purpose=not_offered"},
			{`{"purpose":"login"}`, "to=required"},
			{`{"purpose":"login","to":["a@example.ma","` + p.email + `"]}`, "to=invalid"},
			{`{"purpose":"login","to":"x"}`, "to=invalid"},
			{`{"purpose":"login","to":"x@example.ma","code_id":[1]}`, "code_id=not_text"},
		} {
			if a := p.post(t, codePath, test[0]); a.status != http.StatusBadRequest || a.header.Get(web.ErrorHeader) != test[1] {
				t.Errorf("%s: %d %q, want %q", test[0], a.status, a.header.Get(web.ErrorHeader), test[1])
			}
		}
	})
}
