package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// trusting is a server behind proxies of this machine and of 10.0.0.0/8.
func trusting(t *testing.T) *server {
	t.Helper()
	return onSQLite(t, func(o *settings) {
		limited(o) // which is what gives devices their cookie
		o.web.TrustedProxies = append([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, loopback...)
	})
}

// seenFrom sends a request and returns the address that the log has of it.
func (s *server) seenFrom(t *testing.T, headers ...string) string {
	t.Helper()
	s.call(t, http.MethodGet, "/healthz", "", headers...)
	lines := strings.Split(strings.TrimSpace(s.logged()), "\n")
	var line struct{ Msg, IP string }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil || line.Msg != "request" {
		t.Fatalf("last line of the log: %s, %v", lines[len(lines)-1], err)
	}
	return line.IP
}

// TestAddressesAsProxiesWriteThem: one that was not read would make all
// customers one, with one quota.
func TestAddressesAsProxiesWriteThem(t *testing.T) {
	t.Parallel()
	s := trusting(t)
	for header, want := range map[string]string{
		"203.0.113.7":                       "203.0.113.7",
		"203.0.113.7:51234":                 "203.0.113.7",
		"2001:db8::7":                       "2001:db8::7",
		"2001:DB8:0:0::7":                   "2001:db8::7",
		"[2001:db8::7]":                     "2001:db8::7",
		"[2001:db8::7]:443":                 "2001:db8::7",
		"2001:db8:0:0:0:0:0:7:443":          "2001:db8::7",
		`"203.0.113.7"`:                     "203.0.113.7",
		`"[2001:db8::7]:443"`:               "2001:db8::7",
		` "203.0.113.7:80" `:                "203.0.113.7",
		"\t203.0.113.7\t":                   "203.0.113.7",
		"203.0.113.7,":                      "203.0.113.7",
		"203.0.113.7, , ":                   "203.0.113.7",
		"203.0.113.7, 10.0.0.5:443":         "203.0.113.7",
		"198.51.100.1, 203.0.113.7:9":       "203.0.113.7",
		"198.51.100.1,203.0.113.7,10.1.2.3": "203.0.113.7",
		"203.0.113.7, [fd00::1]:80":         "203.0.113.7",
		"::ffff:203.0.113.7":                "203.0.113.7",
		"[::ffff:203.0.113.7]:80":           "203.0.113.7",
		"203.0.113.7, ::ffff:10.0.0.5":      "203.0.113.7",
		"fe80::1%eth0":                      "fe80::1",
		"[fe80::1%25eth0]:80":               "fe80::1",
		"203.0.113.7:":                      "203.0.113.7",
		// What is no address.
		"unknown": "127.0.0.1", "_hidden": "127.0.0.1", "shop.example": "127.0.0.1", "203.0.113.7:http": "127.0.0.1",
		"203.0.113.7:123456": "127.0.0.1", "203.0.113.7:80:80": "127.0.0.1", "203.0.113.300": "127.0.0.1", "[203.0.113.7": "127.0.0.1",
		"203.0.113.7]": "127.0.0.1", "203.0.113.7 198.51.100.1": "127.0.0.1", "203.0.113.7, unknown": "127.0.0.1", "unknown, 10.0.0.5": "10.0.0.5",
		",": "127.0.0.1", "": "127.0.0.1",
	} {
		if got := s.seenFrom(t, "X-Forwarded-For", header); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	if got := s.seenFrom(t, "X-Forwarded-For", "198.51.100.1", "X-Forwarded-For", "203.0.113.7:80", "X-Forwarded-For", "10.0.0.5"); got != "203.0.113.7" {
		t.Errorf("in three headers: %s", got)
	}
	if got := onSQLite(t, nil).seenFrom(t, "X-Forwarded-For", "203.0.113.7"); got != "127.0.0.1" {
		t.Errorf("from nobody who is trusted: %s", got)
	}
}

// TestAnAddressThatCannotBeReadIsToldOnce, and one that can is not.
func TestAnAddressThatCannotBeReadIsToldOnce(t *testing.T) {
	t.Parallel()
	s := trusting(t)
	told := func() int { return strings.Count(s.logged(), `"level":"WARN"`) }
	for _, header := range []string{"203.0.113.7:80", "fe80::1%eth0", "10.0.0.5", ""} {
		s.seenFrom(t, "X-Forwarded-For", header)
	}
	if got := told(); got != 0 {
		t.Errorf("told %d times of what can be read:\n%s", got, s.logged())
	}
	for i := range 5 {
		s.seenFrom(t, "X-Forwarded-For", fmt.Sprintf("unknown-%d", i))
	}
	if got := told(); got != 1 || !strings.Contains(s.logged(), "X-Forwarded-For") || !strings.Contains(s.logged(), "share one quota") {
		t.Errorf("told %d times, want once:\n%s", got, s.logged())
	}
	stranger := onSQLite(t, nil)
	stranger.seenFrom(t, "X-Forwarded-For", "unknown")
	if strings.Contains(stranger.logged(), `"level":"WARN"`) {
		t.Error("a stranger writes warnings into the log")
	}
}

// TestAProxyThatNamesNoClientIsToldOnce: all customers are one, and nothing
// else shows it. Health checks and services are no customers.
func TestAProxyThatNamesNoClientIsToldOnce(t *testing.T) {
	t.Parallel()
	told := func(s *server) int { return strings.Count(s.logged(), `"level":"WARN"`) }
	const login = "/api/clients/auth/login/"
	for name, headers := range map[string][]string{
		"no header":      nil,
		"an empty one":   {"X-Forwarded-For", " , "},
		"Forwarded only": {"Forwarded", "for=203.0.113.7"},
	} {
		s := trusting(t)
		s.call(t, http.MethodGet, "/healthz", "", headers...)
		s.call(t, http.MethodPost, login, "{}", "X-Forwarded-For", "203.0.113.7")
		s.call(t, http.MethodPost, "/api/clients/auth/token/introspect/", "token=x", append([]string{"Authorization", "Basic YTpi"}, headers...)...)
		if got := told(s); got != 0 {
			t.Errorf("%s: told %d times of a health check, a service, and a client that has a name:\n%s", name, got, s.logged())
		}
		for range 3 {
			s.call(t, http.MethodPost, login, "{}", headers...)
		}
		log := s.logged()
		if got := told(s); got != 1 || !strings.Contains(log, "YOOZAK_TRUSTED_PROXIES") || !strings.Contains(log, "X-Forwarded-For") {
			t.Errorf("%s: told %d times, want once, with the setting and the header:\n%s", name, got, log)
		}
		if want := fmt.Sprintf(`"sent_forwarded":%t`, headers != nil && headers[0] == "Forwarded"); !strings.Contains(log, want) {
			t.Errorf("%s: the log lacks %s:\n%s", name, want, log)
		}
	}
	direct := onSQLite(t, nil)
	direct.call(t, http.MethodPost, login, "{}")
	if got := told(direct); got != 0 {
		t.Errorf("without a trusted proxy: told %d times", got)
	}
}

// setsSecureCookie registers somebody and reports whether the cookie of
// their device is for HTTPS only.
func (s *server) setsSecureCookie(t *testing.T, headers ...string) bool {
	t.Helper()
	a := s.post(t, registerPath, `{"username":"`+randomName("c")+`","password":"`+goodPassword+`"}`, headers...)
	if a.status != http.StatusCreated || a.header.Get("Set-Cookie") == "" {
		t.Fatalf("%d %s, cookie %q", a.status, a.body, a.header.Get("Set-Cookie"))
	}
	return strings.Contains(a.header.Get("Set-Cookie"), "; Secure")
}

// TestSchemeOfAChainIsTheClients: of several proxies the outermost that is
// trusted knows how the client came.
func TestSchemeOfAChainIsTheClients(t *testing.T) {
	t.Parallel()
	s := trusting(t)
	for _, row := range []struct {
		proto, addresses string
		want             bool
	}{
		{"https", "", true},
		{"HTTPS", "203.0.113.7", true},
		{`"https"`, "203.0.113.7", true},
		{"https, https", "203.0.113.7", true},
		{"https,http", "", true},
		{"https,http,", "203.0.113.7", true},
		{"https, http", "203.0.113.7, 10.0.0.5", true},
		{"http, https", "203.0.113.7, 10.0.0.5", false},
		{"http, https", "198.51.100.1, 203.0.113.7", true}, // the client wrote the first of each
		{"https, http", "198.51.100.1, 203.0.113.7", false},
		{"http", "", false},
		{"http, http", "203.0.113.7", false},
		{"", "203.0.113.7", false},
		{",", "", false},
		{"httpss", "", false},
	} {
		headers := []string{"X-Forwarded-Proto", row.proto}
		if row.addresses != "" {
			headers = append(headers, "X-Forwarded-For", row.addresses)
		}
		if got := s.setsSecureCookie(t, headers...); got != row.want {
			t.Errorf("%q of %q: secure %v, want %v", row.proto, row.addresses, got, row.want)
		}
	}
	if !s.setsSecureCookie(t, "X-Forwarded-Proto", "https", "X-Forwarded-Proto", "http", "X-Forwarded-For", "203.0.113.7, 10.0.0.5") {
		t.Error("in two headers: not secure")
	}
	if onSQLite(t, limited).setsSecureCookie(t, "X-Forwarded-For", "203.0.113.7") {
		t.Error("without a scheme: secure")
	}
}

// TestRequestIDIsTheProxysOrOurs: what a stranger writes is not believed.
func TestRequestIDIsTheProxysOrOurs(t *testing.T) {
	t.Parallel()
	const id = "audit-approved-by-root-0001"
	behind, direct := trusting(t), onSQLite(t, nil)
	for given, want := range map[string]bool{id: true, "f47ac10b-58cc-4372-a567-0e02b2c3d479": true, "has space": false, strings.Repeat("x", 65): false, "a\"b": false, "é": false} {
		if got := behind.call(t, http.MethodGet, "/healthz", "", "X-Request-Id", given).header.Get("X-Request-Id"); (got == given) != want || got == "" {
			t.Errorf("the proxy's %q: %q came back", given, got)
		}
		if got := direct.call(t, http.MethodGet, "/healthz", "", "X-Request-Id", given).header.Get("X-Request-Id"); got == given || got == "" {
			t.Errorf("a stranger's %q: %q came back", given, got)
		}
	}
	p := newPerson(t, direct)
	p.call(t, http.MethodPost, loginPath, `{"username":"`+p.name+`","password":"`+goodPassword+`"}`, "Content-Type", "application/json", "X-Request-Id", id)
	if a := p.as(t, http.MethodGet, "/api/clients/clients/me/export/", ""); strings.Contains(a.body, id) || strings.Contains(direct.logged(), id) {
		t.Error("a stranger's id is in the events or in the log")
	}
}
