package api_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/totp"
)

const (
	secondPath  = "/api/clients/auth/login/second/"
	confirmPath = "/api/clients/auth/confirm/"
	factorsPath = "/api/clients/auth/factors/"
)

// enrolled is what a set-up answered, and its confirmation.
type enrolled struct {
	ID     string
	Secret string
	URI    string
	QR     string
	Codes  []string `json:"recovery_codes"`
	Others *int     `json:"other_sessions"`
	device string
}

func (e enrolled) seed(t *testing.T) []byte {
	t.Helper()
	return authtest.Seed(t, e.Secret)
}

// code is that of the app at the server's time, so many steps off.
func (p *person) code(t *testing.T, e enrolled, off int64) string {
	t.Helper()
	return totp.Code(e.seed(t), totp.StepAt(p.clock.now())+off)
}

// enrol sets an authenticator app up.
func (p *person) enrol(t *testing.T, name string) (e enrolled) {
	t.Helper()
	a := p.as(t, http.MethodPost, factorsPath+"totp/", `{"name":"`+name+`"}`)
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s, %v", a.status, a.body, err)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
	}
	a = p.as(t, http.MethodPost, factorsPath+"totp/confirm/", `{"id":"`+e.ID+`","code":"`+p.code(t, e, 0)+`"}`)
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s, %v", a.status, a.body, err)
	}
	e.device = a.header.Get(deviceHeader)
	return e
}

// waits logs in and returns the challenge of the login that waits.
func (p *person) waits(t *testing.T, headers ...string) string {
	t.Helper()
	a := p.post(t, loginPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`, headers...)
	if a.status != http.StatusUnauthorized || a.field("code") != "second_factor_required" || a.field("challenge") == "" || a.header.Get("X-Error-Code") != "second_factor_required" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return a.field("challenge")
}

// TestAppFromSetUpToRemoval: each answer of an authenticator app's life.
func TestAppFromSetUpToRemoval(t *testing.T) {
	t.Parallel()
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		if a := p.as(t, http.MethodGet, factorsPath, ""); a.status != http.StatusOK || a.body != `{"factors":[],"recovery_codes_left":0}` {
			t.Errorf("at first: %d %s", a.status, a.body)
		}
		e := p.enrol(t, "my phone")
		if e.URI != "otpauth://totp/Yoozak:"+p.name+"?secret="+e.Secret+"&issuer=Yoozak" || !strings.HasPrefix(e.QR, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="`) ||
			len(e.Codes) != 10 || e.Others == nil || *e.Others != 0 || e.device == "" {
			t.Errorf("%+v", e)
		}
		factor := regexp.MustCompile(`^\{"factors":\[\{"id":"` + e.ID + `","kind":"totp","name":"my phone","created_at":"[^"]+","last_used_at":null\}\],"recovery_codes_left":10\}$`)
		if a := p.as(t, http.MethodGet, factorsPath, ""); a.status != http.StatusOK || !factor.MatchString(a.body) {
			t.Errorf("%d %s", a.status, a.body)
		}
		challenge := p.waits(t)
		if a := p.post(t, secondPath, `{"challenge":"`+challenge+`","code":"`+p.code(t, e, 4)+`"}`); a.status != http.StatusBadRequest || a.header.Get("X-Error-Code") != "code=wrong" {
			t.Errorf("a wrong code: %d %s %s", a.status, a.body, a.header.Get("X-Error-Code"))
		}
		a := p.post(t, secondPath, `{"challenge":"`+challenge+`","recovery_code":"`+strings.ToLower(e.Codes[0])+`"}`)
		if a.status != http.StatusOK || a.field("access") == "" || a.header.Get(deviceHeader) == "" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := p.post(t, secondPath, `{"challenge":"`+challenge+`","recovery_code":"`+e.Codes[1]+`"}`); a.status != http.StatusBadRequest || a.header.Get("X-Error-Code") != "challenge=used" {
			t.Errorf("the challenge again: %d %s", a.status, a.body)
		}
		if a := p.as(t, http.MethodPatch, factorsPath+e.ID+"/", `{"name":"  <b>\u0647اتف</b> "}`); a.status != http.StatusOK || !strings.Contains(a.body, `"name":"<b>هاتف</b>"`) {
			t.Errorf("rename: %d %s", a.status, a.body)
		}
		if a := p.as(t, http.MethodPost, factorsPath+"recovery/", ""); a.status != http.StatusOK || strings.Count(a.body, "-") != 50 {
			t.Errorf("new codes: %d %s", a.status, a.body)
		}
		s.clock.advance(6 * 60e9)
		for method, path := range map[string]string{http.MethodDelete: e.ID + "/", http.MethodPost: "recovery/"} {
			if a := p.as(t, method, factorsPath+path, ""); a.status != http.StatusForbidden || a.field("code") != "confirm_required" || !strings.Contains(a.body, `"methods":["totp","recovery_code"]`) {
				t.Errorf("%s later: %d %s", path, a.status, a.body)
			}
		}
		if a := p.as(t, http.MethodPost, factorsPath+"totp/", `{"password":"`+goodPassword+`"}`); a.status != http.StatusForbidden {
			t.Errorf("another app by the password: %d %s", a.status, a.body)
		}
		a = p.as(t, http.MethodPost, confirmPath, `{"code":"`+p.code(t, e, 0)+`"}`)
		if a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		p.access = a.field("access")
		if a := p.as(t, http.MethodDelete, factorsPath+e.ID+"/", ""); a.status != http.StatusNoContent {
			t.Errorf("remove: %d %s", a.status, a.body)
		}
		if a := p.as(t, http.MethodDelete, factorsPath+e.ID+"/", ""); a.status != http.StatusNotFound {
			t.Errorf("again: %d %s", a.status, a.body)
		}
		if a := p.login(t, goodPassword); a.status != http.StatusOK {
			t.Errorf("a login after that: %d %s", a.status, a.body)
		}
	})
}

// TestFactorsWantAnAccessToken.
func TestFactorsWantAnAccessToken(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		for _, call := range []string{"GET ", "PATCH x/", "DELETE x/", "POST totp/", "POST totp/confirm/", "POST recovery/"} {
			method, path, _ := strings.Cut(call, " ")
			for _, token := range []string{"", "junk", p.refresh} {
				headers := []string{"Content-Type", "application/json"}
				if token != "" {
					headers = append(headers, "Authorization", "Bearer "+token)
				}
				if a := s.call(t, method, factorsPath+path, `{}`, headers...); a.status != http.StatusUnauthorized {
					t.Errorf("%s with %.5q: %d %s", call, token, a.status, a.body)
				}
			}
		}
		if a := p.as(t, http.MethodDelete, factorsPath+"%00/", ""); a.status != http.StatusNotFound {
			t.Errorf("an id that cannot be: %d %s", a.status, a.body)
		}
		if a := p.as(t, http.MethodPatch, factorsPath+"%ff%fe/", `{"name":"x"}`); a.status != http.StatusNotFound {
			t.Errorf("an id that is no text: %d %s", a.status, a.body)
		}
	})
}

// TestBodiesOfTheWrongTypeAreNoTry: exactly one code, and a text.
func TestBodiesOfTheWrongTypeAreNoTry(t *testing.T) {
	t.Parallel()
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		e := p.enrol(t, "")
		challenge := p.waits(t)
		right := p.code(t, e, 1)
		for _, fields := range []string{
			`"code":["` + right + `"]`, `"code":["000000","` + right + `"]`, `"code":null`, `"code":true`, `"code":""`, `"code":{"a":1}`, `"code":" "`,
			`"code":"` + strings.Repeat("0", 50_000) + `"`, `"code":"` + right + `","recovery_code":"` + e.Codes[0] + `"`, `"code":null,"recovery_code":"` + e.Codes[0] + `"`,
			`"recovery_code":["` + e.Codes[0] + `"]`, `"recovery_code":null`, `"recovery_code":""`, `"recovery_code":{}`, `"recovery_code":false`, `"recovery_code":"x"`,
			`"code":"\ud800"`, `"code":"000\u0000000"`, `"code":"12345"`, `"code":1.5`, `"factor":"` + e.ID + `"`, `"verified":true`,
		} {
			for range 2 {
				if a := p.post(t, secondPath, `{"challenge":"`+challenge+`",`+fields+`}`); a.status != http.StatusBadRequest || a.field("access") != "" {
					t.Errorf("%.60s: %d %.200s", fields, a.status, a.body)
				}
			}
		}
		if a := p.post(t, secondPath, `{"challenge":"`+challenge+`","code":"`+strings.Repeat("0", 1<<20)+`"}`); a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("1 MiB: %d", a.status)
		}
		for _, bad := range []string{`["` + challenge + `"]`, `null`, `""`, `"` + strings.Repeat("x", 65) + `"`, `"\u0000"`, `"` + challenge[:42] + `"`} {
			if a := p.post(t, secondPath, `{"challenge":`+bad+`,"code":"`+right+`"}`); a.status != http.StatusBadRequest || !strings.HasPrefix(a.header.Get("X-Error-Code"), "challenge=") {
				t.Errorf("challenge %.30s: %d %s", bad, a.status, a.body)
			}
		}
		if a := p.post(t, secondPath, `{"challenge":"`+challenge+`","code":"`+right+`","user_id":1,"username":"x"}`); a.status != http.StatusOK {
			t.Errorf("the right one after all that: %d %s", a.status, a.body)
		}
	})
}

// TestHeadersNobodyCanParseSkipNothing: the factor is asked for, and no code is
// spent by what is refused.
func TestHeadersNobodyCanParseSkipNothing(t *testing.T) {
	t.Parallel()
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		e := p.enrol(t, "")
		device := e.device
		used := 0
		for _, headers := range [][]string{
			{"X-Forwarded-For", "a"}, {"X-Forwarded-For", ""}, {"X-Forwarded-For", "1.2.3.4, , b"}, {"X-Forwarded-For", strings.Repeat("9", 5000)}, {"X-Forwarded-For", "::ffff:1.2.3.4%eth0"},
			{"User-Agent", ""}, {"User-Agent", strings.Repeat("x", 60_000)}, {"User-Agent", "\xff\xfe"}, {"User-Agent", "أمينة"},
			{deviceHeader, "x"}, {deviceHeader, device[:20]}, {deviceHeader, strings.Repeat("A", len(device))}, {deviceHeader, device + "x"}, {"Cookie", "yoozak_device=" + device[1:]},
			{"Cookie", "yoozak_device"}, {"X-Trusted-Device", "true"}, {"X-Trusted-Device", ""}, {"Authorization", "Bearer x"}, {"Accept-Language", ";q=x,,"}, {"X-Request-Id", strings.Repeat("r", 5000)},
		} {
			s.clock.advance(3600e9) // so that tries are not what is tested
			challenge := p.waits(t, headers...)
			if a := p.post(t, secondPath, `{"challenge":"`+challenge+`","recovery_code":"x"}`, headers...); a.status != http.StatusBadRequest {
				t.Errorf("%.40q: %d %s", headers, a.status, a.body)
			}
			left := p.user(t, p.name)
			if used < 5 {
				if a := p.post(t, secondPath, `{"challenge":"`+challenge+`","recovery_code":"`+e.Codes[used]+`"}`, headers...); a.status == http.StatusOK {
					used++
				} else {
					t.Errorf("%.40q: %d %s", headers, a.status, a.body)
				}
			}
			if n, err := s.store.RecoveryCodesLeft(t.Context(), left.ID); err != nil || n != 10-used {
				t.Errorf("%.40q: %d codes are left, %v; want %d", headers, n, err, 10-used)
			}
		}
	})
}

// TestChallengeOpensNothingElse: it is as any text that is not known.
func TestChallengeOpensNothingElse(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		p.enrol(t, "")
		challenge := p.waits(t)
		random := strings.Repeat("A", len(challenge))
		for name, ask := range map[string]func(text string) answer{
			"bearer": func(text string) answer {
				return s.call(t, http.MethodGet, mePath, "", "Authorization", "Bearer "+text)
			},
			"refresh": func(text string) answer { return s.post(t, refreshPath, `{"refresh":"`+text+`"}`) },
			"verify":  func(text string) answer { return s.post(t, "/api/clients/auth/token/verify/", `{"token":"`+text+`"}`) },
			"logout":  func(text string) answer { return s.post(t, "/api/clients/auth/logout/", `{"refresh":"`+text+`"}`) },
			"device": func(text string) answer {
				return s.post(t, loginPath, `{"username":"`+p.name+`","password":"wrong"}`, deviceHeader, text)
			},
			"reset": func(text string) answer {
				return s.post(t, "/api/clients/auth/password/reset/confirm/", `{"token":"`+text+`","new_password":"`+newPassword+`"}`)
			},
			"verify e-mail": func(text string) answer { return s.post(t, "/api/clients/auth/email/verify/", `{"token":"`+text+`"}`) },
			"disown":        func(text string) answer { return s.post(t, "/api/clients/auth/email/disown/", `{"token":"`+text+`"}`) },
			"undo e-mail": func(text string) answer {
				return s.post(t, "/api/clients/auth/email/change/undo/", `{"token":"`+text+`"}`)
			},
			"undo factor": func(text string) answer { return s.post(t, factorsPath+"undo/", `{"token":"`+text+`","password":"x"}`) },
			"confirm":     func(text string) answer { return p.as(t, http.MethodPost, confirmPath, `{"challenge":"`+text+`"}`) },
		} {
			got, want := ask(challenge), ask(random)
			if got.status != want.status || got.body != want.body || got.status < 400 {
				t.Errorf("%s: %d %s, of a random text %d %s", name, got.status, got.body, want.status, want.body)
			}
		}
		reset := p.challenge(t, account.ResetPassword)
		if a := p.post(t, secondPath, `{"challenge":"`+reset+`","code":"123456"}`); a.status != http.StatusBadRequest || a.header.Get("X-Error-Code") != "challenge=invalid" {
			t.Errorf("a reset's token as challenge: %d %s", a.status, a.body)
		}
	})
}

// TestSecretOfAnAppIsShownOnce: in the answer to the set-up, and nowhere else in
// any form, neither while it waits nor later.
func TestSecretOfAnAppIsShownOnce(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := newServer(t, storetest.Open(t, url), func(o *settings) {
			box, err := secret.NewBox(authtest.EncryptionKey(1), secret.Bytes{})
			if err != nil {
				t.Fatal(err)
			}
			o.auth.Box = box
		})
		p := newPerson(t, s)
		p.prove(t)
		var waiting enrolled
		if a := p.as(t, http.MethodPost, factorsPath+"totp/", `{}`); json.Unmarshal([]byte(a.body), &waiting) != nil {
			t.Fatal(a.body)
		}
		e := p.enrol(t, "phone")
		challenge := p.waits(t)
		p.post(t, secondPath, `{"challenge":"`+challenge+`","code":"`+p.code(t, e, 5)+`"}`)
		p.mailed(t, account.MailFactorAdded, p.email)
		seen := map[string]string{
			"list": p.as(t, http.MethodGet, factorsPath, "").body, "export": p.as(t, http.MethodGet, mePath+"export/", "").body,
			"events": p.as(t, http.MethodGet, "/api/clients/auth/events/", "").body, "log": s.logged(), "database": openDatabase(t, url).dump(t),
			"confirmed again": p.as(t, http.MethodPost, factorsPath+"totp/confirm/", `{"id":"`+e.ID+`","code":"123456"}`).body,
			"mail":            fmt.Sprint(p.mailed(t, account.MailFactorAdded, p.email)),
		}
		for where, body := range seen {
			for _, app := range []enrolled{waiting, e} {
				for _, form := range []string{app.Secret, strings.ToLower(app.Secret), hex.EncodeToString(app.seed(t)), string(app.seed(t))} {
					if strings.Contains(body, form) {
						t.Errorf("the secret is in the %s", where)
					}
				}
			}
			for _, code := range e.Codes {
				if strings.Contains(body, code) || strings.Contains(body, strings.ReplaceAll(code, "-", "")) {
					t.Errorf("a recovery code is in the %s", where)
				}
			}
			if where != "mail" && strings.Contains(body, challenge) {
				t.Errorf("the challenge is in the %s", where)
			}
		}
	})
}

// TestNewFactorIsUndoneByTheLink of the notice, with the password of before.
func TestNewFactorIsUndoneByTheLink(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		p.prove(t)
		p.enrol(t, "of a thief")
		link := p.tokenMailed(t, account.MailFactorAdded, p.email)
		for body, code := range map[string]string{
			`{}`: "token=required", `{"token":"x","password":"x"}`: "token=invalid", `{"token":"` + link + `","password":"wrong"}`: "password=wrong",
			`{"token":"` + link + `","password":["x"]}`: "password=not_text", `{"token":null}`: "token=null",
		} {
			if a := s.post(t, factorsPath+"undo/", body); a.status != http.StatusBadRequest || a.header.Get("X-Error-Code") != code {
				t.Errorf("%.40s: %d %s", body, a.status, a.header.Get("X-Error-Code"))
			}
		}
		if a := s.post(t, factorsPath+"undo/", `{"token":"`+link+`"}`); a.status != http.StatusOK || !strings.HasPrefix(a.body, `{"undone":false,"recovery_ready_at":"`) {
			t.Errorf("without the password of before: %d %s", a.status, a.body)
		}
		if a := s.post(t, factorsPath+"undo/", `{"token":"`+link+`"}`); a.status != http.StatusForbidden || a.field("code") != "recovery_refused" {
			t.Errorf("again: %d %s", a.status, a.body)
		}
		if a := s.call(t, http.MethodGet, factorsPath+"undo/", ""); a.status != http.StatusMethodNotAllowed {
			t.Error("a look at it does it")
		}
		if a := s.post(t, factorsPath+"undo/", `{"token":"`+link+`","password":"`+goodPassword+`"}`); a.status != http.StatusOK || strings.TrimSpace(a.body) != `{"undone":true,"recovery_ready_at":null}` {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := p.me(t, p.access); a.status != http.StatusUnauthorized {
			t.Errorf("a session: %d", a.status)
		}
		reset := p.tokenMailed(t, account.MailResetPassword, p.email)
		if a := s.post(t, "/api/clients/auth/password/reset/confirm/", `{"token":"`+reset+`","new_password":"`+newPassword+`"}`); a.status != http.StatusNoContent {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := p.login(t, newPassword); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}
