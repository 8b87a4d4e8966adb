package attack

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/pgtest"
)

// texts is a kind of hostile text.
type texts struct {
	name, tries string
	values      []string
	onPostgres  bool
}

var hostile = []texts{
	{"SQL metacharacters", "quotes, comments, statements and functions of both engines", []string{
		"' OR '1'='1", "' OR 1=1 --", "\" OR \"\"=\"", "'; DROP TABLE users; --", "admin'--", "x' UNION SELECT password_hash FROM users --", "1; SELECT pg_sleep(60)", "' || pg_sleep(60) --",
		"'; UPDATE users SET is_staff = true; --", "\\'; --", "' AND randomblob(1000000000) --", "$1", "$$; DROP TABLE users; $$", ":username", "?", "%", "_", "*", "%' ESCAPE '", "') ON CONFLICT DO UPDATE --", "NULL", "E'\\x27'", "\xbf\x27 OR 1=1",
	}, true},
	{"CR LF", "line breaks of all kinds, with a header, a mail's header and a line of the log behind them", []string{
		"a\r\n" + injected + ": yes", "a\n" + injected + ": yes", "a\r" + injected + ": yes", "a\r\n\r\n<h1>" + injected, "a@customers.example\r\nBcc: evil@evil.example", "a@customers.example\nBcc:evil@evil.example",
		"\"a\r\nBcc: evil@evil.example\"@customers.example", "a\u2028" + injected, "a\u2029" + injected, "a\u0085" + injected, "a%0d%0a" + injected + ":yes", "a\n{\"level\":\"ERROR\",\"msg\":\"" + injected + "\"}", "a\x0b\x0c" + injected, "嘊嘍" + injected,
	}, true},
	{"NUL and controls", "characters that end a text or bend a terminal", []string{
		"\x00", "a\x00b", "a\x00", "\x00' OR 1=1", "a\x1b[31mred\x1b[0m", "a\x1b]0;title\x07", "a\x08\x08\x08b", "\x7f", "\u009b31m", "\x01\x02\x03", "\ufeffa", "\ufffe", "\U0010ffff",
	}, true},
	{"templates", "what template engines, loggers and spreadsheets would compute", []string{
		"{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{{.Token}}", "{{constructor.constructor('return 1')()}}", "{% debug %}", "${jndi:ldap://127.0.0.1:1/a}", "{username}", "{brand}", "{n}", "%s%s%s%n", "%!d(MISSING)", "%d", "=cmd|' /C calc'!A0", "=1+1", "@SUM(1)", "*{7*7}", "[[${7*7}]]",
	}, false},
	{"shell characters", "what a shell would run", []string{
		"; sleep 60", "| sleep 60", "`sleep 60`", "$(sleep 60)", "&& sleep 60", "\n sleep 60", "> /tmp/x", "-rf", "--help", "../../etc/passwd", "~root", "a;b|c&d", "'$(id)'", "@/etc/passwd", "file:///etc/passwd", "http://169.254.169.254/",
	}, false},
	{"HTML and scripts", "what a page or mail program would run", []string{
		"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'-alert(1)-'", "javascript:alert(1)", "</title><svg onload=alert(1)>", "&lt;b&gt;", "<a href=//evil.example>", "<!--", "]]>", "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>", "\" onfocus=alert(1) autofocus=\"", "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
	}, false},
	{"bidirectional text", "overrides, isolates and invisible characters", []string{
		"\u202etxt.exe", "a\u202eb", "\u2066a\u2069", "\u200fa", "a\u200bb", "a\u200db", "a\u00adb", "\u061ca", "a\u2060b", "\u3164", "\u115f", "a\ufe0f", "\U000e0041", "\u0300\u0301\u0302",
	}, false},
	{"hard Unicode", "texts that have broken programs: composition, case, lone surrogates, length", []string{
		"ﷺ" + strings.Repeat("ﷺ", 40), "ﬁ", "İstanbul", "ß", "ǰ", "Å", "é", strings.Repeat("e\u0301", 150), "Z" + strings.Repeat("\u0335", 2000), "𝕒𝕕𝕞𝕚𝕟", "①②③", "½", "\u1e9b\u0323", "👨‍👩‍👧‍👦", "كلمة", "田中さん", "\U0001f4a9",
	}, true},
	{"length", "from nothing to what a body can hold", []string{
		"", " ", strings.Repeat("a", 150), strings.Repeat("a", 151), strings.Repeat("a", 254) + "@b.example", strings.Repeat("a.", 5000) + "@b.example", "a@" + strings.Repeat("b.", 5000) + "example", strings.Repeat("a", 1025), strings.Repeat("a", 60<<10), strings.Repeat("\u00e9", 30<<10), strings.Repeat("@", 30000), strings.Repeat("1", 5000), strings.Repeat("a-", 9000) + "@x", "\"" + strings.Repeat("\\a", 100) + "\"@b.example",
	}, false},
}

var fieldTexts = group{
	title: "Every text in every field",
	about: "Each field of each endpoint, as read from the source of the API, gets each of the texts, as JSON and as a form. A field that takes texts keeps them as they are " +
		"(trimmed; usernames after NFKC; refused with NUL or half a character); the others refuse them. SQL metacharacters, line breaks, controls and hard Unicode are played on both engines.",
	on:   []string{"SQLite", "PostgreSQL"},
	rows: fieldRows,
}

func TestEveryTextInEveryField(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		s := start(t, "ES256", "")
		fieldTexts.play(t, s, "SQLite")
		s.onlyOurLetters(t)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		s := start(t, "ES256", pgtest.Start(t).NewDatabase(t))
		fieldTexts.play(t, s, "PostgreSQL")
		s.onlyOurLetters(t)
	})
}

func fieldRows() []row {
	var rows []row
	for _, h := range hostile {
		on := []string{"SQLite"}
		if h.onPostgres {
			on = append(on, "PostgreSQL")
		}
		for _, e := range endpoints() {
			for _, field := range e.fields {
				rows = append(rows, row{
					name: h.name + ", " + e.name() + ": " + field, tries: h.tries, on: on,
					holds: "a 4xx, or the text is kept as it is; nobody else is touched",
					play:  func(t *testing.T, s *server) { s.playTexts(t, e, field, h.values) },
				})
			}
			for _, name := range e.inQuery {
				rows = append(rows, row{
					name: h.name + ", " + e.name() + ": " + name + " in the query", tries: h.tries, on: on,
					holds: "a 4xx; nobody else is touched",
					play: func(t *testing.T, s *server) {
						for _, v := range h.values {
							if len(v) > 5000 || v == "" {
								continue // the request line is too long, or it is another question
							}
							wants(t, s.send(t, e.Method, e.target("x")+"?"+name+"="+url.QueryEscape(v), nil, e.headers(s.user)...), http.StatusBadRequest)
						}
					},
				})
			}
			for _, name := range e.inPath {
				rows = append(rows, row{
					name: h.name + ", " + e.name() + ": " + name + " in the path", tries: h.tries, on: on,
					holds: "a 4xx, or the text is kept as it is; nobody else is touched",
					play: func(t *testing.T, s *server) {
						for _, v := range h.values {
							if len(v) > 5000 || v == "" {
								continue // the request line is too long, or it is another path
							}
							var body any
							if len(e.fields) > 0 {
								body = e.body(s, s.user)
							}
							wants(t, s.send(t, e.Method, e.target(url.PathEscape(v)), body, e.headers(s.user)...), http.StatusNotFound)
						}
					},
				})
			}
		}
	}
	return append(rows, row{
		name: "a bad session id among good ones", tries: "sessions whose id is NUL, or half a character, are ended while others work: their lookups share one query",
		holds: "404 for the bad, 200 for the good", on: []string{"SQLite", "PostgreSQL"},
		play: func(t *testing.T, s *server) {
			attacker := s.newPerson(t)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range 25 {
						for _, id := range []string{"%00", "%ff", "x%00y", "%ed%a0%80"} {
							wants(t, s.as(t, attacker, http.MethodDelete, sessionsPath+id+"/", nil), http.StatusNotFound)
						}
						wants(t, s.me(t, s.user.access), http.StatusOK)
					}
				})
			}
			all.Wait()
		},
	})
}

// playTexts sends each text in a field, the others being good.
func (s *server) playTexts(t *testing.T, e endpoint, field string, values []string) {
	t.Helper()
	p := s.newPerson(t)
	for i, v := range values {
		b := e.body(s, p)
		b[field] = v
		var a answer
		if i%3 == 2 && len(v) < 15<<10 { // also as forms
			form := url.Values{}
			for name, value := range b {
				form.Set(name, value.(string))
			}
			a = s.send(t, e.Method, e.Path, form.Encode(), append(e.headers(p), "Content-Type", formType)...)
		} else {
			a = s.send(t, e.Method, e.Path, b, e.headers(p)...)
		}
		if strings.Contains(field, "password") {
			s.keep(v)
		}
		switch {
		case a.status >= 400:
		case !e.takesText(field):
			t.Errorf("%.40q is taken: %s", v, a)
		case e.Path == registerPath:
			if strings.Contains(field, "name") {
				s.kept(t, a.field("access"), field, v)
			}
		case e.Path == mePath:
			s.kept(t, p.access, field, v)
		case e.Path == changePath: // it is a password now: start again
			if s.login(t, p.name, v).status != http.StatusOK {
				t.Errorf("%.40q was taken as a password and opens nothing", v)
			}
			p = s.newPerson(t)
		}
	}
}

// kept fails unless somebody's profile has the text as it was sent.
func (s *server) kept(t *testing.T, access, field, v string) {
	t.Helper()
	got := s.me(t, access).field(field)
	if !utf8.ValidString(v) {
		return // the client here has already replaced what is no character
	}
	if field == "username" { // NFKC may bring in a space, as in Django
		if strings.ContainsAny(got, "'\";\\<>{}$%\r\n\x00") {
			t.Errorf("a username is %.40q", got)
		}
		return
	}
	if want := strings.TrimFunc(v, func(c rune) bool {
		return strings.ContainsRune(" \t\n\r\v\f\u0085\u00a0\u2028\u2029\x1c\x1d\x1e\x1f", c)
	}); got != want {
		t.Errorf("%.40q became %.40q", want, got)
	}
}

var headerTexts = group{
	title: "Every text in every header",
	about: "The headers and parameters that the server reads, with the same texts; those that HTTP forbids in a header are written to the socket as they are.",
	on:    []string{"ES256"},
	rows:  headerRows,
}

func TestEveryTextInEveryHeader(t *testing.T) {
	t.Parallel()
	headerTexts.play(t, start(t, "ES256", ""), "ES256")
}

func headerRows() []row {
	var rows []row
	for _, name := range []string{"User-Agent", "Accept-Language", "Accept", "Content-Type", "X-Request-Id", "Origin", "Authorization", "X-Forwarded-For", "Referer", "Cookie", "Content-Encoding", "If-None-Match", "Access-Control-Request-Headers"} {
		for _, h := range hostile {
			rows = append(rows, row{name: h.name + ", header: " + name, tries: h.tries, holds: "an answer below 500, in which the text is not a header", play: func(t *testing.T, s *server) {
				for _, v := range h.values {
					if len(v) > 10<<10 {
						v = v[:10<<10]
					}
					c := s.dial(t)
					body := "username=nobody&password=wrong-password-1"
					c.say(strings.Join([]string{"POST " + loginPath + " HTTP/1.1", "Host: accounts.shop.example", "Connection: close", "Content-Length: 41", name + ": " + v, "", body}, "\r\n"))
					a, err := c.hear(t, http.MethodPost)
					if err != nil {
						t.Errorf("%.40q: %v", v, err)
					}
					if a.status < 400 {
						t.Errorf("%.40q: %s", v, a)
					}
					_ = c.Close()
				}
			}})
		}
	}
	for _, name := range []string{"format", "lang", "next", "callback", "_format", "_method", "page", "order_by", "fields"} {
		rows = append(rows, row{name: "parameter: " + name, tries: "all the texts in a parameter of a query", holds: "the answer is the same as without, or 404 for a format that is not JSON", play: func(t *testing.T, s *server) {
			for _, h := range hostile {
				for _, v := range h.values {
					if len(v) > 4<<10 {
						continue
					}
					a := s.as(t, s.user, http.MethodGet, mePath+"?"+name+"="+url.QueryEscape(v), nil)
					if a.status == http.StatusOK && !json.Valid([]byte(a.body)) || a.status != http.StatusOK && a.status != http.StatusNotFound {
						t.Errorf("%.40q: %s", v, a)
					}
				}
			}
		}})
	}
	rows = append(rows, row{name: "device in a session", tries: "all the texts as User-Agent of a login, then the list of sessions, and the notice of a change of password", holds: "a device's words or \"Unknown device\", never the text", play: func(t *testing.T, s *server) {
		p := s.newPerson(t)
		for _, h := range hostile {
			for _, v := range h.values {
				if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c == 0x7f }) || len(v) > 10<<10 {
					continue
				}
				wants(t, s.send(t, http.MethodPost, loginPath, fields{"username": p.name, "password": p.password}, "User-Agent", v), http.StatusOK)
			}
		}
		a := s.login(t, p.name, p.password) // the session before may have ended: there are a hundred at most
		p.access = a.field("access")
		s.prove(t, p) // who gets the notice
		var sessions []struct{ Device string }
		if err := json.Unmarshal([]byte(s.as(t, p, http.MethodGet, sessionsPath, nil).body), &sessions); err != nil {
			t.Fatal(err)
		}
		for _, n := range sessions {
			if n.Device != "Unknown device" && n.Device != "Program (Go)" {
				t.Errorf("a device is called %.40q", n.Device)
			}
		}
		wants(t, s.as(t, p, http.MethodPost, changePath, fields{"current_password": p.password, "new_password": p.password + "-2"}, "User-Agent", "<b>"+injected), http.StatusNoContent)
		if l := s.mailTo(t, "password_changed", p.email); strings.Contains(l.raw, injected) {
			t.Error("the mail shows the text")
		}
	}})
	return rows
}
