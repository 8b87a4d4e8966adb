package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/store/storetest"
)

// onSQLite is a server for what the transport does by itself, whatever the
// engine.
func onSQLite(t *testing.T, change func(*settings)) *server {
	t.Helper()
	return newServer(t, storetest.Open(t, storetest.SQLite(t)), change)
}

// preflight asks as a browser does before a page sends.
func (s *server) preflight(t *testing.T, path, origin, method string, headers string) answer {
	t.Helper()
	pairs := []string{"Origin", origin, "Access-Control-Request-Method", method}
	if headers != "" {
		pairs = append(pairs, "Access-Control-Request-Headers", headers)
	}
	return s.call(t, http.MethodOptions, path, "", pairs...)
}

// sends reports whether a browser would send a header after a preflight.
func (a answer) sends(header string) bool {
	for name := range strings.SplitSeq(a.header.Get("Access-Control-Allow-Headers"), ",") {
		if strings.EqualFold(strings.TrimSpace(name), header) {
			return true
		}
	}
	return false
}

// TestPagesSendTheHeadersOfTheirLibraries: those that django-cors-headers
// allows by default, of jQuery, axios, tracing and idempotency.
func TestPagesSendTheHeadersOfTheirLibraries(t *testing.T) {
	t.Parallel()
	for _, origins := range [][]string{{"https://shop.example"}, {"*"}} {
		s := onSQLite(t, func(o *settings) { o.web.CORSOrigins = origins })
		asked := strings.Split("accept,accept-encoding,authorization,content-type,dnt,origin,user-agent,x-csrftoken,x-requested-with,"+
			"sentry-trace,baggage,traceparent,tracestate,x-datadog-trace-id,newrelic,idempotency-key,x-device-token,x-app-version,cache-control", ",")
		a := s.preflight(t, loginPath, "https://shop.example", http.MethodPost, strings.Join(asked, ","))
		for _, header := range asked {
			if a.status != http.StatusNoContent || !a.sends(header) {
				t.Errorf("%v: %s is not allowed: %d %v", origins, header, a.status, a.header)
			}
		}
		if a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%v: credentials are allowed", origins)
		}
		if got := s.preflight(t, loginPath, "https://shop.example", http.MethodPost, ""); !got.sends("Authorization") || !got.sends("Content-Type") {
			t.Errorf("a preflight that names no header: %v", got.header)
		}
	}
}

// TestPreflightAllowsNamesOfHeadersOnly: what is none does not come back.
func TestPreflightAllowsNamesOfHeadersOnly(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, func(o *settings) { o.web.CORSOrigins = []string{"https://shop.example"} })
	long := strings.Repeat("a", 65)
	a := s.preflight(t, loginPath, "https://shop.example", http.MethodPost, `x-good, x bad, "x-quoted", x-<script>, é,, `+long+", x-last")
	if got := a.header.Get("Access-Control-Allow-Headers"); !a.sends("x-good") || !a.sends("x-last") || strings.ContainsAny(got, `"<>é`) || strings.Contains(got, "bad") || strings.Contains(got, long) {
		t.Errorf("allowed %q", got)
	}
	var many []string
	for i := range 500 {
		many = append(many, fmt.Sprintf("x-%d", i))
	}
	a = s.preflight(t, loginPath, "https://shop.example", http.MethodPost, strings.Join(many, ","))
	if got := strings.Count(a.header.Get("Access-Control-Allow-Headers"), ","); got > 100 {
		t.Errorf("%d headers came back", got)
	}
	if a := s.preflight(t, loginPath, "https://evil.example", http.MethodPost, "x-good"); a.header.Get("Access-Control-Allow-Headers") != "" {
		t.Errorf("a foreign origin: %v", a.header)
	}
}

// TestOriginsBelowAnother: https://*.shop.example is every name below, and
// neither that name itself nor one that only ends like it.
func TestOriginsBelowAnother(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, func(o *settings) {
		o.web.CORSOrigins = []string{"https://*.shop.example", "http://*.dev.example:8080"}
	})
	for origin, want := range map[string]bool{
		"https://a.shop.example": true, "https://a.b.shop.example": true, "https://xn--bcher-kva.shop.example": true, "https://my_branch.shop.example": true,
		"http://x.dev.example:8080": true, "https://A.Shop.Example": true,
		"https://shop.example": false, "https://.shop.example": false, "https://a..shop.example": false, "https://evilshop.example": false,
		"http://a.shop.example": false, "https://a.shop.example:444": false, "https://a.shop.example.evil.example": false,
		"https://evil.example/.shop.example": false, "https://evil.example#.shop.example": false, "https://u@a.shop.example": false,
		"https://evil.example:1.shop.example": false, "http://x.dev.example": false, "https://*.shop.example": false, "null": false,
	} {
		a := s.preflight(t, loginPath, origin, http.MethodPost, "content-type")
		if got := a.header.Get("Access-Control-Allow-Origin"); (got == origin) != want || !want && got != "" {
			t.Errorf("%s: allowed %q, want %v", origin, got, want)
		}
	}
}

// TestPagesOfThisMachineOnly: the setting opens no other origin.
func TestPagesOfThisMachineOnly(t *testing.T) {
	t.Parallel()
	on := onSQLite(t, func(o *settings) { o.web.CORSLoopback = true })
	off := onSQLite(t, nil)
	for origin, want := range map[string]bool{
		"http://localhost": true, "http://localhost:3000": true, "http://127.0.0.1:5173": true, "http://[::1]:8080": true, "https://localhost:8443": true,
		"http://localhost.evil.example": false, "http://localhost:3000.evil.example": false, "http://evil.example": false, "http://127.0.0.1.evil.example": false,
		"http://localhost:": false, "http://localhost:3000:": false, "http://localhost:123456": false, "http://evil.example/localhost": false, "http://a@localhost": false, "http://localhost:80@evil.example": false,
		"http://127.0.0.2": false, "http://192.168.1.5:3000": false, "http://0.0.0.0:3000": false, "file://localhost": false, "null": false, "http://[::1]evil.example": false, "http://xlocalhost": false,
	} {
		a := on.preflight(t, loginPath, origin, http.MethodPost, "content-type")
		if got := a.header.Get("Access-Control-Allow-Origin"); (got == origin) != want || !want && got != "" {
			t.Errorf("%s: allowed %q, want %v", origin, got, want)
		}
		if a := off.preflight(t, loginPath, origin, http.MethodPost, "content-type"); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is allowed without the setting", origin)
		}
	}
}

// TestTheLogTellsOnceOfARefusedOrigin: nothing else tells an operator why a
// page fails.
func TestTheLogTellsOnceOfARefusedOrigin(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, func(o *settings) { o.web.CORSOrigins = []string{"https://shop.example"} })
	told := func() int { return strings.Count(s.logged(), "YOOZAK_CORS_ORIGINS") }
	for range 3 {
		s.preflight(t, loginPath, "https://other.example", http.MethodPost, "")
		s.preflight(t, loginPath, "https://shop.example", http.MethodPost, "")
	}
	if got := told(); got != 1 || !strings.Contains(s.logged(), `"level":"WARN","msg":"a web page was refused`) || !strings.Contains(s.logged(), `"origin":"https://other.example"`) {
		t.Errorf("told %d times, want once:\n%s", got, s.logged())
	}
	s.preflight(t, loginPath, "http://localhost:3000", http.MethodPost, "")
	if got := told(); got != 2 {
		t.Errorf("another origin: told %d times in all, want 2", got)
	}
	for i := range 500 {
		s.preflight(t, loginPath, fmt.Sprintf("https://%d.example", i), http.MethodPost, "")
	}
	if got := told(); got > 100 {
		t.Errorf("told %d times: anybody can fill the log and the memory", got)
	}
}

// TestKeySetIsForEveryPage: it is public, as the metadata are, whatever the
// configured origins.
func TestKeySetIsForEveryPage(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, func(o *settings) {
		o.web.CORSOrigins, o.api.Issuer = []string{"https://shop.example"}, "https://accounts.shop.example"
	})
	const keySet = "application/jwk-set+json"
	for path, mediaType := range map[string]string{"/.well-known/jwks.json": keySet, "/.well-known/jwks.json/": keySet, metadataPath: "application/json"} {
		for _, origin := range []string{"https://shop.example", "https://other.example", "null"} {
			a := s.call(t, http.MethodGet, path, "", "Origin", origin)
			if a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Content-Type") != mediaType {
				t.Errorf("%s from %s: %d %v", path, origin, a.status, a.header)
			}
			p := s.preflight(t, path, origin, http.MethodGet, "x-requested-with")
			if p.status != http.StatusNoContent || p.header.Get("Access-Control-Allow-Origin") != "*" || !p.sends("x-requested-with") {
				t.Errorf("preflight of %s from %s: %d %v", path, origin, p.status, p.header)
			}
		}
	}
	if strings.Contains(s.logged(), "YOOZAK_CORS_ORIGINS") {
		t.Error("the log says that a page was refused")
	}
}

// TestAPageIsToldOfItsWrongPath: without an answer to the preflight a browser
// says that CORS is to blame.
func TestAPageIsToldOfItsWrongPath(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, func(o *settings) { o.web.CORSOrigins = []string{"https://shop.example"} })
	for _, path := range []string{"/api/clients/auth/nope/", "//api/clients/auth/login/"} {
		p := s.preflight(t, path, "https://shop.example", http.MethodPost, "content-type")
		if p.status != http.StatusNoContent || p.header.Get("Access-Control-Allow-Origin") != "https://shop.example" || !strings.Contains(p.header.Get("Access-Control-Allow-Methods"), "POST") {
			t.Errorf("preflight of %s: %d %v", path, p.status, p.header)
		}
		if a := s.post(t, path, "{}", "Origin", "https://shop.example"); a.status != http.StatusNotFound || a.header.Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
	}
}
