package attack

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var webPages = group{
	title: "Pages",
	about: "The pages that links in mails lead to, and the one where people register. Each answer is read tag by tag: only the tags of our own page may be there, no attribute that runs a script, and no address but our own.",
	on:    []string{"ES256"},
	rows:  pageRows,
}

func TestPages(t *testing.T) {
	t.Parallel()
	webPages.play(t, start(t, "ES256", ""), "ES256")
}

const (
	forgotPage   = "/account/forgot-password/"
	resetPage    = "/account/reset-password/"
	registerPage = "/account/register/"
)

var pageKinds = []string{"reset-password", "verify-email", "confirm-email", "undo-email"}

// ourTags are all that our pages are made of.
var ourTags = []string{"!doctype", "html", "head", "meta", "title", "link", "body", "main", "p", "h1", "form", "label", "input", "div", "button", "nav", "a", "header", "bdi", "dl", "dt", "dd", "ul", "li", "img", "wbr", "span"}

var (
	anyTag = regexp.MustCompile(`<\s*/?\s*([^\s>/]*)([^>]*)>`)
	// ourLink is a language, the button of the page, our style sheet or icon,
	// or the page that asks for another link; none can lead to another site.
	ourLink = regexp.MustCompile(`^(\?lang=(fr|en|ar)|#send|(\.\./)*(style\.css|favicon\.svg)\?[0-9a-f]+|(\.\./)*forgot-password/?\?lang=(fr|en|ar)|(\.\./)*(code|login|register)/(\?lang=(fr|en|ar))?)$`)

	attributes = regexp.MustCompile(`([^\s="]+)(?:="([^"]*)")?`)
)

// harmless fails when a page has anything that is not ours.
func harmless(t *testing.T, a answer) {
	t.Helper()
	harmlessFor(t, a, "no-referrer")
}

// harmlessFor is harmless for a page with another Referrer-Policy: that of an
// account has no secret in its address.
func harmlessFor(t *testing.T, a answer, referrer string) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Frame-Options":         "DENY", "Referrer-Policy": referrer, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if l := a.header.Get("Content-Language"); l != "fr" && l != "en" && l != "ar" {
		t.Errorf("Content-Language is %q", l)
	}
	for _, tag := range anyTag.FindAllStringSubmatch(a.body, -1) {
		if !slices.Contains(ourTags, strings.ToLower(tag[1])) {
			t.Errorf("a tag %.40q", tag[0])
		}
		for _, attribute := range attributes.FindAllStringSubmatch(tag[2], -1) {
			name, value := strings.ToLower(attribute[1]), html.UnescapeString(attribute[2])
			switch {
			case strings.HasPrefix(name, "on"), name == "style", name == "formaction", name == "http-equiv":
				t.Errorf("an attribute %.40q", attribute[0])
			case name == "href" || name == "src" || name == "action":
				if !ourLink.MatchString(value) {
					t.Errorf("a link to %.40q", value)
				}
			}
		}
	}
	if n := strings.Count(a.body, "<"); n != len(anyTag.FindAllString(a.body, -1)) {
		t.Errorf("%d brackets, %d tags", n, len(anyTag.FindAllString(a.body, -1)))
	}
}

func pageRows() []row {
	var rows []row
	var payloads []string
	for _, h := range hostile {
		if h.name == "HTML and scripts" || h.name == "templates" || h.name == "CR LF" || h.name == "bidirectional text" {
			payloads = append(payloads, h.values...)
		}
	}
	fits := func(v string) bool { return !strings.ContainsRune(v, 0) && len(v) < 5000 }
	for _, kind := range pageKinds {
		rows = append(rows,
			did("token of "+kind, "markup, templates and line breaks as the token of a link", "410 or 404, and nothing of it in the page", func(t *testing.T, s *server) {
				for _, v := range payloads {
					if !fits(v) {
						continue
					}
					a := s.send(t, http.MethodGet, "/account/"+kind+"/"+url.PathEscape(v), nil)
					wants(t, a, http.StatusGone, http.StatusNotFound)
					if a.status == http.StatusGone { // else it is a path that is none, answered in JSON
						harmless(t, a)
					}
					if strings.Contains(html.UnescapeString(a.body), v) {
						t.Errorf("%.40q is in the page", v)
					}
				}
			}),
			did("method at "+kind, "methods that do not exist", "405, and nothing in the page that is not ours", func(t *testing.T, s *server) {
				for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HACK", "A'B`C", "a&amp;b", "X#{7*7}", "%s%n", "{{7*7}}", "$!~|^"} {
					c := s.dial(t)
					c.say(head(method, "/account/"+kind+"/x", "Connection: close"))
					a, err := c.hear(t, http.MethodGet)
					if err != nil {
						t.Fatal(err)
					}
					if a.status == http.StatusMethodNotAllowed {
						harmless(t, a)
					} else {
						wants(t, a, http.StatusBadRequest)
					}
				}
			}),
			did("frame and type of "+kind, "a page of another site that shows ours in a frame, or reads it as a script", "headers that forbid it, on good and bad links", func(t *testing.T, s *server) {
				harmless(t, s.send(t, http.MethodGet, "/account/"+kind+"/x", nil))
				harmless(t, s.send(t, http.MethodPost, "/account/"+kind+"/x", "", "Content-Type", formType))
				harmless(t, s.send(t, http.MethodGet, "/account/"+kind+"/", nil))
			}),
			did("language of "+kind, "markup and addresses as ?lang=", "one of our languages, and nothing of it in the page", func(t *testing.T, s *server) {
				for _, v := range append(payloads, "de", "../en", "en\x00", "EN", "//evil.example", "https://evil.example", "en&lang=<b>") {
					a := s.send(t, http.MethodGet, "/account/"+kind+"/x?lang="+url.QueryEscape(v)+"&next=//evil.example", nil)
					harmless(t, a)
					if strings.Contains(a.body, "evil.example") {
						t.Error("another site is in the page")
					}
				}
			}),
		)
	}
	for _, tries := range hostile {
		rows = append(rows, did("address in the form: "+tries.name, "each of these texts as the address, which the page shows again", "400, 413 or 202, and what is shown is text", func(t *testing.T, s *server) {
			for _, v := range tries.values {
				a := s.send(t, http.MethodPost, forgotPage, "email="+url.QueryEscape(v), "Content-Type", formType)
				wants(t, a, http.StatusBadRequest, http.StatusAccepted, http.StatusRequestEntityTooLarge)
				harmless(t, a)
			}
		}))
	}
	rows = append(rows, registerRows()...)
	return append(rows,
		did("passwords are not shown again", "a new password that is refused", "it is nowhere in the page", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			page := resetPage + s.reset(t, p)
			for _, v := range []string{"x", "\"><script>alert(1)</script>", "12345678"} {
				a := s.send(t, http.MethodPost, page, url.Values{"new_password": {v}, "repeat": {v + "-not"}}.Encode(), "Content-Type", formType)
				wants(t, a, http.StatusBadRequest)
				harmless(t, a)
				if strings.Contains(a.body, `value="`+html.EscapeString(v)) {
					t.Error("the password is shown")
				}
			}
		}),
		did("a mail program opens the link", "GET and HEAD of a link, ten times, with headers of prefetching", "nothing happens: the button works afterwards, once", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			page := "/account/verify-email/" + s.mailTo(t, "verify_email", p.email).token
			for range 5 {
				wants(t, s.send(t, http.MethodGet, page, nil, "Purpose", "prefetch", "Sec-Purpose", "prefetch;prerender"), http.StatusOK)
				wants(t, s.send(t, http.MethodHead, page, nil), http.StatusOK)
			}
			if strings.Contains(s.as(t, p, http.MethodGet, securityPath, nil).body, `"email_verified":true`) {
				t.Error("opening the link verified the address")
			}
			wants(t, s.send(t, http.MethodPost, page, "", "Content-Type", formType), http.StatusOK)
			again := s.send(t, http.MethodPost, page, "", "Content-Type", formType)
			wants(t, again, http.StatusOK) // which says that there is nothing left to do
			if strings.Contains(again.body, "<form") {
				t.Error("the button is there again")
			}
		}),
		did("password in the query", "?new_password=…&repeat=… in a link that somebody else made, with an empty form", "400: only the form counts", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			page := resetPage + s.reset(t, p)
			const chosen = "kV7#chosen-42lemon"
			wants(t, s.send(t, http.MethodPost, page+"?new_password="+url.QueryEscape(chosen)+"&repeat="+url.QueryEscape(chosen), "", "Content-Type", formType), http.StatusBadRequest)
			wants(t, s.login(t, p.name, chosen), http.StatusUnauthorized)
			wants(t, s.login(t, p.name, p.password), http.StatusOK)
		}),
		did("token in the query and form", "?token= of the victim behind a path with one's own", "the path counts", func(t *testing.T, s *server) {
			mine, victim := s.newPerson(t), s.newPerson(t)
			own, theirs := s.mailTo(t, "verify_email", mine.email).token, s.mailTo(t, "verify_email", victim.email).token
			wants(t, s.send(t, http.MethodPost, "/account/verify-email/"+own+"?token="+theirs, "token="+theirs, "Content-Type", formType), http.StatusOK)
			if strings.Contains(s.as(t, victim, http.MethodGet, securityPath, nil).body, `"email_verified":true`) {
				t.Error("the victim's address is verified")
			}
		}),
		did("link of one page at another", "a verification link at the page for another password", "410", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			token := s.mailTo(t, "verify_email", p.email).token
			for _, kind := range []string{"reset-password", "confirm-email", "undo-email"} {
				wants(t, s.send(t, http.MethodPost, "/account/"+kind+"/"+token, "new_password=kV7%23x-42lemon&repeat=kV7%23x-42lemon", "Content-Type", formType), http.StatusGone)
			}
		}),
		did("forms too large", "a body of 17 KiB and of 1 MiB, 5,000 fields, bad escapes, semicolons", "400 or 413", func(t *testing.T, s *server) {
			for _, body := range []string{"email=" + strings.Repeat("a", 17<<10), "email=" + strings.Repeat("a", 1<<20), strings.Repeat("a=b&", 5000), "email=%zz", "email=a;b=c"} {
				a := s.send(t, http.MethodPost, forgotPage, body, "Content-Type", formType)
				wants(t, a, http.StatusBadRequest, http.StatusRequestEntityTooLarge)
				harmless(t, a)
			}
		}),
		did("other types of form", "JSON, text and multipart, as another site's page can send them", "400 as for an empty form, or 415", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			page := resetPage + s.reset(t, p)
			for _, kind := range []string{jsonType, "text/plain", "multipart/form-data; boundary=x", "multipart/form-data", "application/x-www-form-urlencoded; charset=utf-7", ""} {
				a := s.send(t, http.MethodPost, page, "--x\r\nContent-Disposition: form-data; name=\"new_password\"\r\n\r\nkV7#x-42lemon\r\n--x--\r\n", "Content-Type", kind)
				wants(t, a, http.StatusBadRequest, http.StatusUnsupportedMediaType)
				harmless(t, a)
			}
			wants(t, s.login(t, p.name, p.password), http.StatusOK)
		}),
		did("name in a mail", "an account whose name NFKC, right-to-left letters or markup make strange", "the mail's text and HTML have it as text only", func(t *testing.T, s *server) {
			for _, name := range []string{"عربي", "ⅷ", "@.+-_", "http.evil.example", "a@evil.example"} {
				p := s.register(t, name+s.newName(), s.newName()+"@customers.example")
				l := s.mailTo(t, "verify_email", p.email)
				s.leadsHomeOnly(t, l)
			}
		}),
		did("address in a header of a mail", "addresses with quotes, commas, brackets and line breaks, as far as they are taken", "one recipient, and no header that is not ours", func(t *testing.T, s *server) {
			for _, address := range []string{
				`"a,b"@customers.example`, `"a b"@customers.example`, `"a>b"@customers.example`, `"<evil@evil.example>"@customers.example`, `"a\"b"@customers.example`, `"a\\"@customers.example`, "\"a\x01\"@customers.example", "\"\x0bBcc: evil@evil.example\"@customers.example", "a@[127.0.0.1]", "a'b@customers.example", "a=?utf-8?q?=0d=0aBcc:x?=@customers.example", "!#$%&'*+/=?^_`{|}~-@customers.example", "a@xn--nxasmq6b.example", "a@bücher.example",
			} {
				name := s.newName()
				a := s.send(t, http.MethodPost, registerPath, fields{"username": name, "password": "kV7#pazouk-42lemon", "email": address})
				wants(t, a, http.StatusCreated, http.StatusBadRequest)
			}
			p := s.newPerson(t)
			s.mailTo(t, "verify_email", p.email) // those before it have been written, or refused
			s.onlyOurLetters(t)
		}),
	)
}

// registerRows are attacks on the page where people register.
func registerRows() []row {
	const chosen = "kV7#chosen-42lemon"
	form := func(email, password string) url.Values {
		return url.Values{"first_name": {"Amina"}, "last_name": {"Alaoui"}, "email": {email}, "password": {password}, "repeat": {password}}
	}
	send := func(t *testing.T, s *server, form url.Values, headers ...string) answer {
		t.Helper()
		return s.send(t, http.MethodPost, registerPage, form.Encode(), append([]string{"Content-Type", formType}, headers...)...)
	}
	var rows []row
	for _, tries := range hostile {
		rows = append(rows, did("registration: "+tries.name, "each of these texts in every field of the page, which shows them again", "400 or 413, what is shown is text, and the password is not shown", func(t *testing.T, s *server) {
			for _, v := range tries.values {
				typed := form(v, v)
				typed.Set("first_name", v)
				typed.Set("last_name", v)
				typed.Set("username", v)
				typed.Set("repeat", chosen) // else a text that is all of these would make an account
				a := send(t, s, typed)
				wants(t, a, http.StatusBadRequest, http.StatusRequestEntityTooLarge)
				harmlessFor(t, a, "same-origin")
				if strings.Contains(a.body, chosen) {
					t.Error("the password is shown")
				}
			}
		}))
	}
	return append(rows,
		did("registration from another site", "a form of another site, of a sibling and of a frame without an origin, sent to the page where people register", "403, no cookie and no account", func(t *testing.T, s *server) {
			for _, from := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", publicURL + ".evil.example"}} {
				email := s.newName() + "@customers.example"
				a := send(t, s, form(email, chosen), from...)
				wants(t, a, http.StatusForbidden)
				harmlessFor(t, a, "same-origin")
				if a.header.Get("Set-Cookie") != "" {
					t.Error("a cookie is set")
				}
				wants(t, s.login(t, email, chosen), http.StatusUnauthorized)
			}
		}),
		did("registration in the query", "what is to be registered as ?email=…&password=…&repeat=… in a link, with an empty form", "400: only the form counts", func(t *testing.T, s *server) {
			email := s.newName() + "@customers.example"
			wants(t, s.send(t, http.MethodPost, registerPage+"?"+form(email, chosen).Encode(), "", "Content-Type", formType), http.StatusBadRequest)
			wants(t, s.send(t, http.MethodGet, registerPage+"?"+form(email, chosen).Encode(), nil), http.StatusOK)
			wants(t, s.login(t, email, chosen), http.StatusUnauthorized)
		}),
		did("registration of another's address", "an address that somebody proved, in other letters, at the page", "400, and its owner logs in as before", func(t *testing.T, s *server) {
			p := s.newPerson(t)
			s.prove(t, p)
			for _, email := range []string{p.email, strings.ToUpper(p.email)} {
				wants(t, send(t, s, form(email, chosen)), http.StatusBadRequest)
			}
			wants(t, s.login(t, p.email, chosen), http.StatusUnauthorized)
			wants(t, s.login(t, p.email, p.password), http.StatusOK)
		}),
		did("registration that is too large", "a body of 17 KiB and of 1 MiB, 5,000 fields, bad escapes, other types", "400, 413 or 415", func(t *testing.T, s *server) {
			for _, body := range []string{"email=" + strings.Repeat("a", 17<<10), "first_name=" + strings.Repeat("a", 1<<20), strings.Repeat("a=b&", 5000), "email=%zz", "email=a;b=c"} {
				a := s.send(t, http.MethodPost, registerPage, body, "Content-Type", formType)
				wants(t, a, http.StatusBadRequest, http.StatusRequestEntityTooLarge)
				harmlessFor(t, a, "same-origin")
			}
			for _, kind := range []string{jsonType, "text/plain", "multipart/form-data; boundary=x", ""} {
				a := s.send(t, http.MethodPost, registerPage, `{"email":"a@customers.example"}`, "Content-Type", kind)
				wants(t, a, http.StatusBadRequest, http.StatusUnsupportedMediaType)
				harmlessFor(t, a, "same-origin")
			}
		}),
	)
}

// leadsHomeOnly fails when a mail has a link to anywhere else.
func (s *server) leadsHomeOnly(t *testing.T, l letter) {
	t.Helper()
	for _, link := range append(links.FindAllString(l.text, -1), links.FindAllString(strings.NewReplacer("\"", " ", "<", " ").Replace(l.html), -1)...) {
		if !strings.HasPrefix(link, publicURL+"/account/") {
			t.Errorf("a link leads to %.40s", link)
		}
	}
}

// onlyOurLetters reads every mail there is.
func (s *server) onlyOurLetters(t *testing.T) {
	t.Helper()
	ours := []string{"Date", "From", "To", "Subject", "Message-Id", "Mime-Version", "Content-Type", "Content-Language", "Auto-Submitted", "X-Auto-Response-Suppress", "User-Agent", "X-Mailer"}
	for _, l := range s.letters(t) {
		for name, values := range l.header {
			if !slices.Contains(ours, name) || len(values) != 1 {
				t.Errorf("a header of a mail: %s, %d times", name, len(values))
			}
		}
		to, err := l.header.AddressList("To")
		if err != nil || len(to) != 1 || strings.HasSuffix(to[0].Address, "@evil.example") {
			t.Errorf("a mail to %d recipients: %v", len(to), err)
		}
		if strings.Contains(fmt.Sprint(l.header), injected) {
			t.Error("a header has what was to be injected")
		}
	}
}
