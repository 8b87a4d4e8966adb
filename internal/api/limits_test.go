package api_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// limited turns limits on, counted in memory by a clock that stands, behind a
// proxy on loopback, so that a test says when and where each request is from.
func limited(o *settings) {
	o.clock.stop()
	l := guard.NewLimiter(guard.LimiterOptions{Now: o.auth.Now, Log: o.auth.Log})
	o.auth.Limits = l
	o.web.TrustedProxies = loopback
}

// from is the header of a proxy.
func from(ip string) []string { return []string{"X-Forwarded-For", ip, "Accept-Language", "en"} }

// useUp asks for a network as the endpoints do, until left of its quota is
// left.
func (s *server) useUp(t *testing.T, q guard.Quota, ip string, left int) {
	t.Helper()
	for i := range q.Count - left {
		if err := s.app.Guard.AllowRequest(t.Context(), q, account.RequestInfo{IP: ip}); err != nil {
			t.Fatalf("%s: %d of %d: %v", q.Name, i, q.Count, err)
		}
	}
}

// until429 is how many requests a network may make, at most most.
func (s *server) until429(t *testing.T, path string, most int, ip func(i int) string) int {
	t.Helper()
	for i := range most {
		if a := s.post(t, path, `{}`, from(ip(i))...); a.status == http.StatusTooManyRequests {
			return i
		}
	}
	return most
}

func always(ip string) func(int) string { return func(int) string { return ip } }

// TestEachNetworkHasItsLimit at the two endpoints that are counted before
// their body is read, as the reference does.
func TestEachNetworkHasItsLimit(t *testing.T) {
	t.Parallel()
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		for path, quota := range map[string]guard.Quota{registerPath: guard.RegisterPerNetwork, loginPath: guard.LoginPerNetwork} {
			want := yoozaktest.Long(10, quota.Count)
			s.useUp(t, quota, "203.0.113.1", want)
			if n := s.until429(t, path, want+1, always("203.0.113.1")); n != want {
				t.Errorf("%s: %d of the last %d", path, n, want)
			}
			if a := s.post(t, path, `{}`, from("203.0.113.2")...); a.status != http.StatusBadRequest {
				t.Errorf("%s: another address gets %d", path, a.status)
			}
		}
	})
}

// TestEveryEndpointIsCounted uses up what each has a share of, and asks it
// then: an endpoint that is new has no row here, which is an error.
func TestEveryEndpointIsCounted(t *testing.T) {
	t.Parallel()
	own := account.RequestInfo{IP: "127.0.0.1"} // the tests' own address
	until := func(act func(ctx context.Context, p *person, userID int64) error) func(*testing.T, *person) {
		return func(t *testing.T, p *person) {
			t.Helper()
			for id := p.user(t, p.name).ID; act(t.Context(), p, id) == nil; { //nolint:revive // until it is used up
			}
		}
	}
	admit := func(q guard.Quota) func(*testing.T, *person) {
		return until(func(ctx context.Context, p *person, _ int64) error { return p.app.Guard.AllowRequest(ctx, q, own) })
	}
	reads := until(func(ctx context.Context, p *person, id int64) error { return p.app.Guard.AllowRead(ctx, p.session, id) })
	writes := until(func(ctx context.Context, p *person, id int64) error { return p.app.Guard.AllowWrite(ctx, id) })
	exports := func(t *testing.T, p *person) {
		t.Helper()
		for i := range 5 {
			if a := p.as(t, http.MethodGet, mePath+"export/", ""); a.status == http.StatusTooManyRequests {
				t.Fatalf("export %d", i)
			}
		}
	}
	rows := map[string]func(*testing.T, *person){
		"POST " + registerPath:                           admit(guard.RegisterPerNetwork),
		"POST " + loginPath:                              admit(guard.LoginPerNetwork),
		"POST " + secondPath:                             admit(guard.LoginPerNetwork),
		"POST " + factorsPath + "undo/":                  admit(guard.LinkPerNetwork),
		"POST " + loginPath + "passkey/":                 admit(guard.LoginPerNetwork),
		"POST " + loginPath + "passkey/options/":         admit(guard.PasskeyPerNetwork),
		"POST " + refreshPath:                            admit(guard.TokenPerNetwork),
		"POST /api/clients/auth/token/verify/":           admit(guard.TokenPerNetwork),
		"POST /api/clients/auth/logout/":                 admit(guard.TokenPerNetwork),
		"POST /api/clients/auth/password/reset/":         admit(guard.ResetPerNetwork),
		"POST /api/clients/auth/code/":                   writes, // of strangers: see TestCodesOfWhoIsLoggedInCountForThem
		"POST /api/clients/auth/code/confirm/":           writes,
		"POST /api/clients/auth/password/reset/confirm/": admit(guard.LinkPerNetwork),
		"POST /api/clients/auth/email/verify/":           admit(guard.LinkPerNetwork),
		"POST /api/clients/auth/email/disown/":           admit(guard.LinkPerNetwork),
		"POST /api/clients/auth/email/change/confirm/":   admit(guard.LinkPerNetwork),
		"POST /api/clients/auth/email/change/undo/":      admit(guard.LinkPerNetwork),
		"POST /api/clients/auth/not-me/":                 admit(guard.LinkPerNetwork),
		"POST /api/clients/auth/recovery/stop/":          admit(guard.LinkPerNetwork),
		"POST /api/clients/auth/recovery/finish/":        admit(guard.LinkPerNetwork),
		"POST " + introspectPath: func(t *testing.T, p *person) {
			t.Helper()
			for p.post(t, revokePath, `{"client_id":"x","client_secret":"y"}`).status == http.StatusUnauthorized { //nolint:revive // until it is used up
			}
		},
		"POST /api/clients/auth/logout/all/":          reads, // the way out is open, whatever was written: see package auth
		"GET /api/clients/auth/token/check/":          reads,
		"GET /api/clients/auth/sessions/":             reads,
		"GET /api/clients/auth/devices/":              reads,
		"GET /api/clients/auth/recovery/":             reads,
		"DELETE /api/clients/auth/devices/{id}/":      writes,
		"DELETE /api/clients/auth/recovery/":          writes,
		"GET /api/clients/auth/events/":               reads,
		"GET " + factorsPath:                          reads,
		"GET " + mePath:                               reads,
		"GET " + mePath + "security/":                 reads,
		"DELETE /api/clients/auth/sessions/{id}/":     writes,
		"POST /api/clients/auth/password/change/":     writes,
		"POST " + confirmPath:                         writes,
		"POST " + confirmPath + "passkey/options/":    writes,
		"POST " + passkeysPath:                        writes,
		"POST " + passkeysPath + "options/":           writes,
		"POST /api/clients/auth/email/verify/resend/": writes,
		"POST /api/clients/auth/email/change/":        writes,
		"PATCH " + factorsPath + "{id}/":              writes,
		"DELETE " + factorsPath + "{id}/":             writes,
		"POST " + factorsPath + "totp/":               writes,
		"POST " + factorsPath + "totp/confirm/":       writes,
		"POST " + factorsPath + "recovery/":           writes,
		"PATCH " + mePath:                             writes,
		"POST " + mePath + "close/":                   writes,
		"DELETE " + mePath:                            writes,
		"GET " + mePath + "export/":                   exports,
	}
	rows["POST /api/clients/staff/password/"], rows["POST /api/clients/staff/accept/"] = admit(guard.LinkPerNetwork), writes
	rows["POST "+revokePath] = rows["POST "+introspectPath]
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		for _, rt := range api.Routes() {
			name := rt.Method + " " + rt.Path
			useUp := rows[name]
			if rt.Requires == api.Staff { // whose checks come after the count of every caller
				useUp = reads
			}
			if useUp == nil {
				t.Errorf("%s has no row: add one that uses up what it is counted by (reads, writes, or its own quota)", name)
				continue
			}
			s.clock.advance(2 * time.Hour) // all is full again
			p := newPerson(t, s)
			ask := func() answer { return p.as(t, rt.Method, strings.Replace(rt.Path, "{id}", "x", 1), "{}") }
			if a := ask(); a.status == http.StatusTooManyRequests {
				t.Errorf("%s is throttled at once", name)
			}
			p = newPerson(t, s)
			useUp(t, p)
			if a := ask(); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	})
}

// TestThrottledAnswer is Django REST Framework's, in each language, after the
// checks that it makes before and before the body is read.
func TestThrottledAnswer(t *testing.T) {
	t.Parallel()
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		s.useUp(t, guard.LoginPerNetwork, "203.0.113.1", 0)
		for language, want := range map[string]string{
			"en": `{"detail":"Request was throttled. Expected available in 1 second."}`,
			"fr": `{"detail":"Trop de demandes : réessayez dans 1 seconde."}`,
			"ar": `{"detail":"طلبات كثيرة جداً: أعد المحاولة بعد ثانية واحدة."}`,
		} {
			a := s.post(t, loginPath, `{}`, "X-Forwarded-For", "203.0.113.1", "Accept-Language", language)
			if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "1" || !strings.Contains(a.body, want) ||
				a.header.Get("Content-Language") != language || a.header.Get("Content-Type") != "application/json" || strings.Contains(a.body, "throttled\"") {
				t.Errorf("%s: %d %v %s", language, a.status, a.header, a.body)
			}
		}
		for _, test := range []struct {
			method, accept string
			want           int
		}{
			{http.MethodGet, "*/*", http.StatusMethodNotAllowed},
			{http.MethodOptions, "*/*", http.StatusOK},
			{http.MethodPost, "text/html", http.StatusNotAcceptable},
		} {
			if a := s.call(t, test.method, loginPath, "", "X-Forwarded-For", "203.0.113.1", "Accept", test.accept); a.status != test.want {
				t.Errorf("%s %s: %d, want %d", test.method, test.accept, a.status, test.want)
			}
		}
		if a := s.post(t, loginPath, strings.Repeat("x", 100<<10), from("203.0.113.1")...); a.status != http.StatusTooManyRequests {
			t.Errorf("a large body: %d", a.status)
		}
	})
}

// TestNetworkIsWhatOneCustomerHas: 64 bits of IPv6; and what a client writes
// into X-Forwarded-For gives it no other one.
func TestNetworkIsWhatOneCustomerHas(t *testing.T) {
	t.Parallel()
	const path = "/api/clients/auth/password/reset/"
	left := yoozaktest.Long(10, guard.ResetPerNetwork.Count)
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		for name, test := range map[string]struct {
			network string
			ip      func(i int) string
			want    int
		}{
			"one /64":            {"2001:db8:1:2::", func(i int) string { return fmt.Sprintf("2001:db8:1:2:%x::1", i) }, left},
			"many /64":           {"2001:db8:2::", func(i int) string { return fmt.Sprintf("2001:db8:2:%x::1", i) }, left + 1},
			"mapped IPv4":        {"203.0.113.9", func(i int) string { return []string{"203.0.113.9", "::ffff:203.0.113.9"}[i%2] }, left},
			"left hop made up":   {"203.0.113.10", func(i int) string { return fmt.Sprintf("198.51.100.%d, 203.0.113.10", i%256) }, left},
			"right-most trusted": {"127.0.0.9", func(i int) string { return fmt.Sprintf("198.51.%d.%d, 127.0.0.9", i/256, i%256) }, left + 1},
		} {
			s.useUp(t, guard.ResetPerNetwork, test.network, left)
			if got := s.until429(t, path, left+1, test.ip); got != test.want {
				t.Errorf("%s: %d, want %d", name, got, test.want)
			}
		}
	})
	forEachEngine(t, func(o *settings) { limited(o); o.web.TrustedProxies = nil }, func(t *testing.T, s *server) {
		s.useUp(t, guard.ResetPerNetwork, "127.0.0.1", left)
		n := s.until429(t, path, left+1, func(i int) string { return fmt.Sprintf("198.51.%d.%d", i/256, i%256) })
		if n != left {
			t.Errorf("nobody is trusted, but %d of the last %d got through", n, left)
		}
	})
}

// TestNameIsNotToldByTheGuard: known and unknown names are answered alike,
// header by header, at every step.
func TestNameIsNotToldByTheGuard(t *testing.T) {
	t.Parallel()
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		steps := func(name string) []string {
			var all []string
			for i := range 8 {
				a := s.post(t, loginPath, `{"username":"`+name+`","password":"wrong"}`, from(fmt.Sprintf("198.51.100.%d", i))...)
				a.header.Del("X-Request-Id")
				a.header.Del("Date")
				all = append(all, fmt.Sprint(a.status, a.header, a.body))
			}
			return all
		}
		known, unknown := steps(p.name), steps("nobody-"+p.name)
		if !slices.Equal(known, unknown) {
			t.Errorf("known:\n%s\nunknown:\n%s", strings.Join(known, "\n"), strings.Join(unknown, "\n"))
		}
		if !strings.HasPrefix(known[4], "401") || !strings.HasPrefix(known[5], "429") {
			t.Errorf("the guard is not there:\n%s", strings.Join(known, "\n"))
		}
	})
}

const deviceHeader = "X-Device-Token"

// TestDeviceIsKnownByHeaderOrCookie, and no body changes.
func TestDeviceIsKnownByHeaderOrCookie(t *testing.T) {
	t.Parallel()
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		name := randomName("d")
		registered := s.register(t, name)
		right := `{"username":"` + name + `","password":"` + goodPassword + `"}`
		a := s.post(t, loginPath, right, from("198.51.100.1")...)
		if strings.Contains(a.body, "device") || strings.Contains(registered.body, "device") {
			t.Errorf("the body has it: %s", a.body)
		}
		for _, made := range []answer{registered, a} {
			token := made.header.Get(deviceHeader)
			want := "yoozak_device=" + token + "; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax"
			if len(token) != guard.MaxDeviceToken || made.header.Get("Set-Cookie") != want {
				t.Errorf("%q\n%s\n%s", token, made.header.Get("Set-Cookie"), want)
			}
		}
		token := a.header.Get(deviceHeader)
		for i := range 9 {
			s.post(t, loginPath, `{"username":"`+name+`","password":"wrong"}`, from(fmt.Sprintf("198.51.100.%d", i))...)
		}
		for what, headers := range map[string][]string{
			"nothing": nil, "header": {deviceHeader, token}, "cookie": {"Cookie", "other=1; yoozak_device=" + token},
			"another's": {deviceHeader, s.register(t, randomName("o")).header.Get(deviceHeader)}, "noise": {deviceHeader, strings.Repeat("x", 5000)},
		} {
			want := http.StatusTooManyRequests
			if what == "header" || what == "cookie" {
				want = http.StatusOK
			}
			if a := s.post(t, loginPath, right, append(headers, from("198.51.100.99")...)...); a.status != want {
				t.Errorf("%s: %d, want %d", what, a.status, want)
			}
		}
		https := []string{"X-Forwarded-For", "198.51.100.98", "X-Forwarded-Proto", "https"}
		a = s.post(t, loginPath, right, append(https, deviceHeader, token)...)
		if want := "__Host-yoozak_device=" + a.header.Get(deviceHeader) + "; Path=/; Max-Age=15552000; HttpOnly; Secure; SameSite=Lax"; a.header.Get("Set-Cookie") != want {
			t.Errorf("behind HTTPS: %s\n%s", a.header.Get("Set-Cookie"), want)
		}
		token = a.header.Get(deviceHeader)
		for _, cookies := range []string{
			"__Host-yoozak_device=" + token, "yoozak_device=x; __Host-yoozak_device=" + token, // what a page of the same domain has set comes after
			"yoozak_device=" + token, // of a browser that was known before the prefix
		} {
			if a := s.post(t, loginPath, right, append(https, "Cookie", cookies)...); a.status != http.StatusOK {
				t.Errorf("behind HTTPS, %.20s: %d", cookies, a.status)
			}
		}
		if strings.Contains(s.logged(), token) {
			t.Error("the log has the token")
		}
	})
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		if a := s.register(t, randomName("d")); a.header.Get(deviceHeader) != "" || a.header.Get("Set-Cookie") != "" {
			t.Error("limits are off, but there is a token")
		}
	})
}

// TestOwnerComesBackByMail: on a new device, while strangers guess, by a link
// to choose another password.
func TestOwnerComesBackByMail(t *testing.T) {
	t.Parallel()
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		link := p.challenge(t, account.ResetPassword)
		strangers := func() {
			for i := range 9 {
				s.post(t, loginPath, `{"username":"`+p.name+`","password":"wrong"}`, from(fmt.Sprintf("198.51.100.%d", i))...)
			}
		}
		strangers()
		if a := p.login(t, goodPassword); a.status != http.StatusTooManyRequests {
			t.Fatalf("a new device: %d", a.status)
		}
		a := p.post(t, "/api/clients/auth/password/reset/confirm/", `{"token":"`+link+`","new_password":"`+newPassword+`"}`)
		device := a.header.Get(deviceHeader)
		if a.status != http.StatusNoContent || device == "" {
			t.Fatalf("%d %q", a.status, device)
		}
		strangers()
		if a := p.post(t, loginPath, `{"username":"`+p.name+`","password":"`+newPassword+`"}`, deviceHeader, device); a.status != http.StatusOK {
			t.Errorf("after the reset: %d %s", a.status, a.body)
		}
	})
}

// TestUserIsToldOfUnusualAttemptsOnceADay, in their language; nobody else is.
func TestUserIsToldOfUnusualAttemptsOnceADay(t *testing.T) {
	t.Parallel()
	forEachEngine(t, limited, func(t *testing.T, s *server) {
		p, closed := newPerson(t, s), newPerson(t, s)
		p.prove(t)
		closed.prove(t)
		if err := s.app.Staff.Disable(t.Context(), s.user(t, closed.name).ID, ""); err != nil {
			t.Fatal(err)
		}
		guess := func(name string, n int) {
			for i := range n {
				a := s.post(t, loginPath, `{"username":"`+name+`","password":"wrong"}`, from(fmt.Sprintf("198.51.100.%d", i))...)
				if a.status != http.StatusUnauthorized {
					t.Fatalf("%d %s", a.status, a.body)
				}
				s.clock.advance(15 * time.Minute)
			}
		}
		// mails is how many a person has, once what was noticed is mailed.
		mails := func(p *person) (n int) {
			t.Helper()
			newPerson(t, s).challenge(t, account.ResetPassword) // is mailed after it
			for _, m := range mailtest.Of(t, s.mails, string(account.MailUnusualAttempts)) {
				if m.To == p.email {
					n++
					if !strings.Contains(m.Text, p.name) || strings.Contains(m.Text, "http") {
						t.Errorf("the mail says:\n%s", m.Text)
					}
				}
			}
			return n
		}
		guess(p.name, 14)
		if n := mails(p); n != 0 {
			t.Errorf("%d mails after 14", n)
		}
		guess(p.name, 1)
		guess(closed.name, 16)
		guess("nobody-"+p.name, 16)
		if s.mailed(t, account.MailUnusualAttempts, p.email) == "" {
			t.Fatal("no mail after 15")
		}
		guess(p.name, 20)
		if n := mails(p); n != 1 {
			t.Errorf("%d mails on one day", n)
		}
		s.clock.advance(20 * time.Hour)
		guess(p.name, 20)
		n := 0
		for until := time.Now().Add(patience); n < 2 && time.Now().Before(until); {
			n = mails(p)
		}
		if n != 2 {
			t.Errorf("%d mails on two days", n)
		}
		files, _ := filepath.Glob(filepath.Join(s.mails, "*-unusual_attempts.eml"))
		if len(files) != 2 {
			t.Errorf("somebody else had one, too: %v", files)
		}
	})
}
