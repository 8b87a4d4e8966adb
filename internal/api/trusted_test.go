package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/totp"
)

const devicesPath = "/api/clients/auth/devices/"

// second logs the person in with a second factor.
func (p *person) second(t *testing.T, seed []byte, trust string, headers ...string) answer {
	t.Helper()
	p.clock.advance(30 * time.Second) // each step is used once
	due := p.login(t, goodPassword)
	if due.status != http.StatusUnauthorized {
		t.Fatalf("%d %s", due.status, due.body)
	}
	code := totp.Code(seed, totp.StepAt(p.clock.now()))
	return p.post(t, "/api/clients/auth/login/second/", `{"challenge":"`+due.field("challenge")+`","code":"`+code+`","trust":`+trust+`}`, headers...)
}

// TestTrustedDeviceGoesByHeaderAndCookie, by a cookie for this host alone where
// there is HTTPS, and is nowhere in a body.
func TestTrustedDeviceGoesByHeaderAndCookie(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(o *settings) {
		o.web.TrustedProxies, o.web.CORSOrigins = loopback, []string{"https://shop.example"}
	}, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		seed := p.addTOTP(t)
		if a := p.second(t, seed, "false"); a.status != http.StatusOK || a.header.Get("X-Trusted-Device") != "" || strings.Contains(strings.Join(a.header["Set-Cookie"], " "), "trusted") {
			t.Errorf("trust: false: %d %v", a.status, a.header)
		}
		if a := p.second(t, seed, `"perhaps"`); a.status != http.StatusBadRequest || a.header.Get("X-Error-Code") != "trust=not_boolean" {
			t.Errorf("trust: perhaps: %d %s %v", a.status, a.body, a.header)
		}
		for name, headers := range map[string][]string{
			"yoozak_trusted":        nil,
			"__Host-yoozak_trusted": {"X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.7", "Origin", "https://shop.example"},
		} {
			a := p.second(t, seed, "true", headers...)
			raw := a.header.Get("X-Trusted-Device")
			if a.status != http.StatusOK || len(raw) != 43 || strings.Contains(a.body, raw) {
				t.Fatalf("%s: %d, token %q", name, a.status, raw)
			}
			cookie := ""
			for _, c := range a.header["Set-Cookie"] {
				if strings.HasPrefix(c, name+"=") {
					cookie = c
				}
			}
			want := name + "=" + raw + "; Path=/; Max-Age=2592000; HttpOnly;"
			if headers != nil {
				want += " Secure;"
			}
			if want += " SameSite=Lax"; cookie != want {
				t.Errorf("cookie %q, want %q", cookie, want)
			}
			if headers != nil && !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "X-Trusted-Device") {
				t.Error("a page of another origin cannot read the header")
			}
			for how, shown := range map[string][]string{
				"header": {"X-Trusted-Device", raw}, "cookie": {"Cookie", name + "=" + raw},
			} {
				in := p.post(t, loginPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`, append(shown, headers...)...)
				if in.status != http.StatusOK || in.header.Get("X-Trusted-Device") != "" {
					t.Errorf("%s by %s: %d %s", name, how, in.status, in.body)
				}
			}
			p.access = a.field("access")
		}
		if strings.Contains(s.log.String(), "trusted_devices") {
			t.Error("the log tells of the table")
		}
	})
}

func TestTrustedDevicesAreListedAndEnded(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		if a := p.as(t, http.MethodGet, devicesPath, ""); a.status != http.StatusOK || a.body != "[]" {
			t.Errorf("none: %d %s", a.status, a.body)
		}
		seed := p.addTOTP(t)
		grant := p.second(t, seed, "true", "User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		p.access = grant.field("access")
		a := p.call(t, http.MethodGet, devicesPath, "", "Authorization", "Bearer "+p.access, "Accept-Language", "fr", "X-Trusted-Device", grant.header.Get("X-Trusted-Device"))
		var list []map[string]any
		if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list) != 1 {
			t.Fatalf("%d %s, %v", a.status, a.body, err)
		}
		d := list[0]
		if d["device"] != "Firefox sur Linux" || d["current"] != true || d["last_used_at"] != nil || d["ip"] != "127.0.0.1" || len(d) != 7 {
			t.Errorf("%v", d)
		}
		path := devicesPath + d["id"].(string) + "/"
		other := newPerson(t, s)
		if a := other.as(t, http.MethodDelete, path, ""); a.status != http.StatusNotFound {
			t.Errorf("another's: %d %s", a.status, a.body)
		}
		p.clock.advance(5*time.Minute + time.Second)
		if a := p.as(t, http.MethodDelete, path, ""); a.status != http.StatusForbidden || a.field("code") != "confirm_required" {
			t.Errorf("long after the login: %d %s", a.status, a.body)
		}
		p.access = p.second(t, seed, "false").field("access")
		if a := p.as(t, http.MethodDelete, path, ""); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := p.as(t, http.MethodDelete, path, ""); a.status != http.StatusNotFound {
			t.Errorf("again: %d %s", a.status, a.body)
		}
	})
}

// TestNotMeAndRecoveryOnTheWire: bodies, statuses and codes.
func TestNotMeAndRecoveryOnTheWire(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		for _, path := range []string{"/api/clients/auth/not-me/", "/api/clients/auth/recovery/stop/", "/api/clients/auth/recovery/finish/"} {
			for body, code := range map[string]string{
				`{}`: "token=required", `{"token":null}`: "token=null", `{"token":""}`: "token=blank", `{"token":[1]}`: "token=not_text", `{"token":"x"}`: "token=invalid",
			} {
				if a := s.post(t, path, body); a.status != http.StatusBadRequest || a.header.Get("X-Error-Code") != code {
					t.Errorf("%s %s: %d %s %s", path, body, a.status, a.body, a.header.Get("X-Error-Code"))
				}
			}
			if a := s.call(t, http.MethodGet, path, ""); a.status != http.StatusMethodNotAllowed {
				t.Errorf("GET %s: %d", path, a.status)
			}
		}
		p := newPerson(t, s)
		p.prove(t)
		const recovery = "/api/clients/auth/recovery/"
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if a := p.as(t, method, recovery, ""); a.status != http.StatusNotFound {
				t.Errorf("%s without one: %d %s", method, a.status, a.body)
			}
		}
		seed := p.addTOTP(t)
		p.clock.advance(7*24*time.Hour + time.Minute) // a younger one stops nothing that the staff begin
		p.access = p.second(t, seed, "false").field("access")
		if err := s.app.Staff.Recover(t.Context(), s.user(t, p.name).ID, "", "lost it"); err != nil {
			t.Fatal(err)
		}
		a := p.as(t, http.MethodGet, recovery, "")
		if a.status != http.StatusOK || a.field("email") != account.MaskEmail(p.email) || !strings.Contains(a.body, `"by_staff":true`) {
			t.Errorf("%d %s", a.status, a.body)
		}
		p.clock.advance(5 * time.Minute)
		if a := p.as(t, http.MethodDelete, recovery, ""); a.status != http.StatusForbidden || a.field("code") != "confirm_required" {
			t.Errorf("without a proof: %d %s", a.status, a.body)
		}
		p.access = p.second(t, seed, "false").field("access")
		if a := p.as(t, http.MethodDelete, recovery, ""); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.body)
		}
		p.mailed(t, account.MailRecoveryStopped, p.email)
	})
}

// TestLinksOfAnOwnerOnTheWire: each of them is used once.
func TestLinksOfAnOwnerOnTheWire(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		use := func(path, token string) {
			t.Helper()
			if a := s.post(t, path, `{"token":"`+token+`"}`); a.status != http.StatusNoContent {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
			if a := s.post(t, path, `{"token":"`+token+`"}`); a.status != http.StatusBadRequest || a.header.Get("X-Error-Code") != "token=used" {
				t.Errorf("%s again: %d %s", path, a.status, a.body)
			}
		}
		robbed, stops, finishes := newPerson(t, s), newPerson(t, s), newPerson(t, s)
		robbed.prove(t)
		robbed.as(t, http.MethodPost, "/api/clients/auth/password/change/", `{"current_password":"`+goodPassword+`","new_password":"`+newPassword+`"}`)
		use("/api/clients/auth/not-me/", s.tokenMailed(t, account.MailPasswordChanged, robbed.email))
		if robbed.alive(t) || robbed.login(t, newPassword).status != http.StatusUnauthorized {
			t.Error("the session lives, or the password opens the account")
		}
		for _, p := range []*person{stops, finishes} {
			p.prove(t)
			p.addTOTP(t)
			if err := s.app.Staff.Recover(t.Context(), s.user(t, p.name).ID, "", "lost it"); err != nil {
				t.Fatal(err)
			}
		}
		use("/api/clients/auth/recovery/stop/", s.tokenMailed(t, account.MailRecoveryStarted, stops.email))
		s.clock.advance(25 * time.Hour)
		if err := s.auth.TellRecoveries(t.Context(), s.clock.now()); err != nil {
			t.Fatal(err)
		}
		use("/api/clients/auth/recovery/finish/", s.tokenMailed(t, account.MailRecoveryReady, finishes.email))
	})
}
