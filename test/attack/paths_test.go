package attack

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

var paths = group{
	title: "Paths and methods",
	about: "Ways around a proxy's rules about paths, files and doors of other programs, and headers that claim to be another request.",
	on:    []string{"ES256"},
	rows:  pathRows,
}

func TestPaths(t *testing.T) {
	t.Parallel()
	paths.play(t, start(t, "ES256", ""), "ES256")
}

func pathRows() []row {
	var rows []row
	around := func(target string, statuses ...int) {
		holds := "404, or 401 where it is the profile or a route of the staff's after all; never a redirect or a profile"
		rows = append(rows, row{name: "around: `" + strings.ReplaceAll(target, "\x00", "NUL") + "`", tries: "another spelling of the profile's path, without a token", holds: holds, play: func(t *testing.T, s *server) {
			s.raw(t, head(http.MethodGet, target), statuses...)
		}})
	}
	for _, target := range []string{
		"//api/clients/clients/me/", "/api//clients/clients/me/", "/api/clients/clients/me//", "/api/./clients/clients/me/", "/api/x/../clients/clients/me/",
		"/healthz/../api/clients/clients/me/", "/.well-known/../api/clients/clients/me/", "/account/../api/clients/clients/me/", "/api/%2e/clients/clients/me/",
		"/api/x/%2e%2e/clients/clients/me/", "/api/x/%2E%2E/clients/clients/me/", "/api/x/..%2fclients/clients/me/", "/api%2fclients%2fclients%2fme%2f/x", "/api/clients/clients/me/%2e%2e/me/",
		"/api/clients/clients/me/..;/me/", "/api/clients/clients/me;/", "/api/clients/clients/me/;x=y", "/;/api/clients/clients/me/", "/api/clients/clients/me;.json",
		"/api/clients/clients/me/.json", "/api/clients/clients/me.json", "/api/clients/clients/me/%00", "/api/clients/clients/me%00/", "/api/clients/clients/me/%20", "/api/clients/clients/me%20/",
		"/api/clients/clients/me%0d%0a" + injected + ":%20yes", "/api/clients/clients/me/%0a", "/API/CLIENTS/CLIENTS/ME/", "/api/clients/Clients/me/", "/api/clients/clients/%4de/",
		"/api/clients/clients/me%252f", "/api/x/%252e%252e/clients/clients/me/", "/api%5cclients%5cclients%5cme/", "\\api\\clients\\clients\\me\\", "/api/x/..\\clients/clients/me/",
		"/api/%c0%ae%c0%ae/clients/clients/me/", "/api%c0%afclients/clients/me/", "/api%ef%bc%8fclients/clients/me/", "/api/clients/clients/me/%ef%bf%bf", "/api/clients/clients/m%65/x", "/./api/clients/clients/me/",
		"/../api/clients/clients/me/", "/api/clients/clients/me/...", "/api/clients/clients/{id}/", "/api/clients/auth/sessions/{id}/x", "/api/clients/clients/*", "/api/clients/clients/1/", "/api/clients/clients/", "/api/clients/auth/sessions/../../clients/me/",
	} {
		status := 404
		switch target {
		case "/api/clients/clients/me;/", "/api/clients/clients/me;.json", "/api/clients/clients/me.json", "/api/clients/clients/me%00/", "/api/clients/clients/me%20/",
			"/api/clients/clients/me%0d%0a" + injected + ":%20yes", "/api/clients/clients/%4de/", "/api/clients/clients/me%252f", "/api/clients/clients/{id}/",
			"/api/clients/clients/*", "/api/clients/clients/1/", "/api/clients/clients/":
			status = 401 // a customer of the staff's part, for which one has to log in
		}
		if strings.HasPrefix(target, "\\") {
			status = 400
		}
		around(target, status)
	}
	for _, target := range []string{"/api/clients/clients/%6de/", "/%61pi/clients/clients/me/", "/api/clients/clients/me", "/api/clients/clients/me/?x=/../", "/api/clients/clients/me/?%00"} {
		around(target, 401)
	}
	for _, target := range []string{
		"/.git/config", "/.env", "/yoozak.db", "/mails/", "/debug/pprof/", "/debug/vars", "/metrics", "/admin/", "/api/", "/api/schema/", "/graphql", "/server-status", "/actuator/env", "/phpinfo.php",
		"/wp-login.php", "/cgi-bin/.%2e/.%2e/bin/sh", "/static/..%2f..%2fetc/passwd", "/account/..%2f..%2fetc%2fpasswd", "/account/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/account/style.css/", "/account/page.html",
		"/.well-known/openid-configuration", "/.well-known/security.txt/..%2f..%2f", "/.well-known/jwks.json/..", "/jwks.json", "/.well-known//jwks.json", "/favicon.ico", "/robots.txt", "/%2e%2e%2f%2e%2e%2fyoozak.db", "/readyz/..", "/etc/passwd", "/C:/windows/win.ini", "/account/reset-password/..%2f..%2f..%2fetc%2fpasswd",
	} {
		rows = append(rows, row{name: "door: `" + target + "`", tries: "files, consoles and lists that other programs leave open", holds: "404, or 410 for a link that is not good", play: func(t *testing.T, s *server) {
			c := s.dial(t)
			c.say(head(http.MethodGet, target, "Connection: close"))
			a, err := c.hear(t, http.MethodGet)
			if err != nil {
				t.Fatal(err)
			}
			if target == "/account/style.css/" { // the style sheet, with a slash too many
				wants(t, a, http.StatusOK)
				return
			}
			wants(t, a, http.StatusNotFound, http.StatusGone)
			if strings.Contains(a.body, "root:") {
				t.Error("a file of the machine")
			}
		}})
	}
	for _, target := range []string{
		"//evil.example/", "//evil.example/%2e%2e", "/%2f%2fevil.example/", "/\\evil.example", "/%5cevil.example/", "//evil.example//..", "/api/clients/clients/me/?next=https://evil.example/", "/account/forgot-password/?next=//evil.example/&redirect=//evil.example&return_to=//evil.example",
		"/account//evil.example/", "/api/clients/auth/login/?url=https://evil.example", "///evil.example", "/https:/evil.example", "/.evil.example", "/account/forgot-password?lang=//evil.example",
	} {
		rows = append(rows, row{name: "redirect: `" + target + "`", tries: "a path or parameter that some server answers with a redirect to another site", holds: "no redirect at all", play: func(t *testing.T, s *server) {
			c := s.dial(t)
			c.say(head(http.MethodGet, target, "Connection: close"))
			a, err := c.hear(t, http.MethodGet)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(a.body, "evil.example") {
				t.Error("the answer names the other site")
			}
		}})
	}
	for _, header := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "_method"} {
		rows = append(rows, row{name: "method override: `" + header + "`", tries: "a GET that says it is a DELETE of the account", holds: "it is a GET; the account lives", play: func(t *testing.T, s *server) {
			wants(t, s.as(t, s.user, http.MethodGet, mePath+"?_method=DELETE", nil, header, "DELETE"), http.StatusOK)
			wants(t, s.send(t, http.MethodPost, loginPath, fields{"_method": "DELETE"}, header, "DELETE"), http.StatusBadRequest)
		}})
	}
	for _, header := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Override-URL", "X-Forwarded-Path", "X-Forwarded-Uri", "X-Accel-Redirect", "X-Forwarded-Prefix", "X-Script-Name", "Destination"} {
		rows = append(rows, row{name: "path override: `" + header + "`", tries: "an open path that says it is another", holds: "the open path's answer", play: func(t *testing.T, s *server) {
			if a := s.as(t, s.user, http.MethodGet, "/healthz", nil, header, mePath); a.body != `{"status":"ok"}` {
				t.Error("not the open path's answer")
			}
			wants(t, s.send(t, http.MethodGet, mePath, nil, header, "/healthz"), http.StatusUnauthorized)
		}})
	}
	for _, header := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "X-Originating-Ip", "X-Remote-Addr", "Client-Ip"} {
		rows = append(rows, row{name: "address: `" + header + "`", tries: "an address of one's own choice, with no proxy that is trusted", holds: "the session shows the connection's", play: func(t *testing.T, s *server) {
			s.comesFrom(t, "127.0.0.1", header, "203.0.113.66")
		}})
	}
	rows = append(rows,
		row{name: "address: behind a trusted proxy", tries: "addresses to the left of what the proxy wrote, and what is not an address", holds: "the right-most that is not the proxy's", play: func(t *testing.T, _ *server) {
			behind := start(t, "ES256", "", "YOOZAK_TRUSTED_PROXIES=127.0.0.1,10.0.0.0/8")
			for header, want := range map[string]string{
				"1.2.3.4, 203.0.113.7": "203.0.113.7", "203.0.113.7, 10.1.1.1": "203.0.113.7", "1.2.3.4, x": "127.0.0.1", "203.0.113.7, ' OR 1=1": "127.0.0.1",
				"::ffff:203.0.113.7": "203.0.113.7", ",": "127.0.0.1", "1.2.3.4, 203.0.113.7:80": "203.0.113.7", "203.0.113.7:80<script>": "127.0.0.1", "localhost": "127.0.0.1", "1.2.3.4,fe80::1%25x\"<script>": "fe80::1",
			} {
				behind.comesFrom(t, want, "X-Forwarded-For", header)
			}
		}},
		row{name: "request id", tries: "an X-Request-Id of one's own, with line breaks' escapes, HTML and 10,000 letters", holds: "one of ours instead", play: func(t *testing.T, s *server) {
			for _, id := range []string{"audit-approved-by-root-0001", "a b", "<script>", "%0d%0a" + injected, strings.Repeat("a", 10000), "a\u2028b", "\"},{\"", "../../x", ""} {
				if got := s.send(t, http.MethodGet, mePath, nil, "X-Request-Id", id).header.Get("X-Request-Id"); got == id {
					t.Errorf("%.20q came back", id)
				}
			}
		}},
		row{name: "origin", tries: "foreign origins, null, and origins that look nearly right", holds: "no answer allows them, and none allows credentials", play: func(t *testing.T, _ *server) {
			shop := start(t, "ES256", "", "YOOZAK_CORS_ORIGINS=https://shop.example")
			for _, origin := range []string{"https://evil.example", "null", "https://shop.example.evil.example", "https://evilshop.example", "http://shop.example", "https://shop.example:444", "https://shop.example/", "https://shop.example%60.evil.example", "https://shop.example\\.evil.example", "file://", "https://user@shop.example", "*"} {
				a := shop.as(t, shop.user, http.MethodGet, mePath, nil, "Origin", origin)
				p := shop.send(t, http.MethodOptions, mePath, nil, "Origin", origin, "Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "authorization")
				for _, got := range []answer{a, p} {
					if got.header.Get("Access-Control-Allow-Origin") != "" || got.header.Get("Access-Control-Allow-Credentials") != "" || got.header.Get("Access-Control-Allow-Methods") != "" {
						t.Errorf("%s is allowed", origin)
					}
				}
			}
			if a := shop.as(t, shop.user, http.MethodGet, mePath, nil, "Origin", "https://shop.example"); a.header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(a.header.Get("Vary"), "Origin") {
				t.Error("credentials are allowed, or a cache may mix origins up")
			}
		}},
		row{name: "cache", tries: "a profile under a name that caches keep: me/x.css, me.js, me/;.png", holds: "404, or 403 where it is a route of the staff's, and no-store on all that is private", play: func(t *testing.T, s *server) {
			for _, path := range []string{mePath + "x.css", strings.TrimSuffix(mePath, "/") + ".js", mePath + ";.png", mePath + "%3f.css", mePath + "%23.css"} {
				wants(t, s.as(t, s.user, http.MethodGet, path, nil), http.StatusNotFound, http.StatusForbidden)
			}
			for _, path := range []string{mePath, sessionsPath, exportPath, securityPath} {
				if got := s.as(t, s.user, http.MethodGet, path, nil).header.Get("Cache-Control"); got != "no-store" {
					t.Errorf("%s: Cache-Control %q", path, got)
				}
			}
		}},
	)
	return rows
}

// comesFrom logs somebody in with a header and looks where from, as the
// person sees it.
func (s *server) comesFrom(t *testing.T, want, header, value string) {
	t.Helper()
	p := s.newPerson(t)
	login := s.send(t, http.MethodPost, loginPath, fields{"username": p.name, "password": p.password}, header, value)
	a := s.send(t, http.MethodGet, sessionsPath, nil, "Authorization", "Bearer "+login.field("access"))
	var sessions []struct {
		IP      string
		Current bool
	}
	if err := json.Unmarshal([]byte(a.body), &sessions); err != nil {
		t.Fatal(err)
	}
	for _, n := range sessions {
		if n.Current && n.IP != want {
			t.Errorf("%s: %s: the session is from %q, want %s", header, value, n.IP, want)
		}
	}
}

var hosts = group{
	title: "Host headers",
	about: "Links in mails and pages must lead to the configured address, whatever a request calls the server: a link with a token to another host gives the account away.",
	on:    []string{"ES256"},
	rows:  hostRows,
}

func TestHosts(t *testing.T) {
	t.Parallel()
	hosts.play(t, start(t, "ES256", ""), "ES256")
}

func hostRows() []row {
	var rows []row
	for _, h := range [][2]string{
		{"Host", "evil.example"}, {"Host", "accounts.shop.example:@evil.example"}, {"Host", "accounts.shop.example.evil.example"}, {"Host", "evil.example:80"}, {"Host", "[::1]"}, {"Host", "localhost"},
		{"X-Forwarded-Host", "evil.example"}, {"X-Host", "evil.example"}, {"X-Forwarded-Server", "evil.example"}, {"Forwarded", "for=1.2.3.4;host=evil.example;proto=http"}, {"X-Forwarded-Proto", "http"},
		{"X-Forwarded-Scheme", "javascript"}, {"X-Forwarded-Port", "666"}, {"X-Forwarded-Prefix", "/evil"}, {"X-Original-Host", "evil.example"}, {"Referer", "https://evil.example/"}, {"Origin", "https://evil.example"}, {"Accept-Language", "fr\"><a href=//evil.example>"},
	} {
		if strings.ContainsAny(h[1], "@") && h[0] == "Host" { // not a host: refused before
			rows = append(rows, row{name: "`" + h[0] + ": " + h[1] + "`", tries: "a host with a user in it", holds: "400", play: func(t *testing.T, s *server) {
				s.raw(t, "GET /account/forgot-password/ HTTP/1.1\r\nHost: "+h[1]+"\r\n\r\n", 400)
			}})
			continue
		}
		rows = append(rows, row{name: "`" + h[0] + ": " + h[1] + "`", tries: "a registration and a page under another name; the link in the mail is read", holds: "the link leads to the configured address; the page does not name the other", play: func(t *testing.T, s *server) {
			name := s.newName()
			address := name + "@customers.example"
			a := s.send(t, http.MethodPost, registerPath, fields{"username": name, "password": "kV7#pazouk-42lemon", "email": address}, h[0], h[1])
			wants(t, a, http.StatusCreated)
			s.leadsHome(t, s.mailTo(t, "verify_email", address))
			page := s.send(t, http.MethodGet, "/account/forgot-password/", nil, h[0], h[1])
			wants(t, page, http.StatusOK)
			if strings.Contains(page.body, "evil") {
				t.Error("the page names the other host")
			}
		}})
	}
	return append(rows,
		row{name: "reset, all at once", tries: "a password reset with every such header, by the API and by the page", holds: "both links lead to the configured address", play: func(t *testing.T, s *server) {
			headers := []string{"Host", "evil.example", "X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example", "X-Forwarded-Proto", "http"}
			p, q := s.newPerson(t), s.newPerson(t)
			wants(t, s.send(t, http.MethodPost, resetPath, fields{"email": p.email}, headers...), http.StatusAccepted)
			wants(t, s.send(t, http.MethodPost, "/account/forgot-password/", "email="+q.email, append(headers, "Content-Type", formType)...), http.StatusAccepted)
			s.leadsHome(t, s.mailTo(t, "reset_password", p.email))
			s.leadsHome(t, s.mailTo(t, "reset_password", q.email))
		}},
		row{name: "no public address configured", tries: "the same where links lead to the listening address", holds: "the link leads to the listening address", play: func(t *testing.T, _ *server) {
			bare := start(t, "ES256", "", "YOOZAK_PUBLIC_URL=")
			p := bare.newPerson(t)
			wants(t, bare.send(t, http.MethodPost, authPath+"email/verify/resend/", nil, "Authorization", "Bearer "+p.access, "Host", "evil.example", "X-Forwarded-Host", "evil.example"), http.StatusAccepted)
			if l := bare.mailTo(t, "verify_email", p.email); !strings.HasPrefix(l.link, bare.url+"/account/") {
				t.Error("the link leads elsewhere")
			}
		}},
	)
}

// leadsHome fails when a mail has a link to anywhere else.
func (s *server) leadsHome(t *testing.T, l letter) {
	t.Helper()
	all := links.FindAllString(l.text+" "+strings.NewReplacer("\"", " ", "<", " ", "&amp;", "&").Replace(l.html), -1)
	if len(all) == 0 {
		t.Error("no link in the mail")
	}
	for _, link := range all {
		if !strings.HasPrefix(link, publicURL+"/account/") || !hasAnySuffix(link, "?lang=fr", "?lang=en", "?lang=ar") {
			t.Errorf("a link leads to %.40s…", link)
		}
	}
	if strings.Contains(l.raw, "evil") {
		t.Error("the mail names the other host")
	}
}

func hasAnySuffix(s string, suffixes ...string) bool {
	for _, suffix := range suffixes {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}
