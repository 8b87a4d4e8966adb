package pages_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// whole is the page without what says where a line may break, or not.
func (a answer) whole() string {
	return regexp.MustCompile(`<wbr>|<span class="unbroken">([^<]*)</span>`).ReplaceAllString(a.body, "$1")
}

// shows fails unless the page has the text.
func (a answer) shows(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d:\n%s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.whole(), html.EscapeString(text)) {
			t.Errorf("the page does not say %q:\n%s", text, a.body)
		}
	}
}

func (a answer) lacks(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.whole(), text) {
			t.Errorf("the page has %q:\n%s", text, a.body)
		}
	}
}

// fr is a text of a shop that names no support.
func fr(key string) string { return locale.Text("fr", key, locale.Args{"team": "Yoozak"}) }

// done is what each page says when its button was pressed.
var done = map[account.ChallengeKind]string{
	account.ResetPassword: "page.reset.done", account.VerifyEmail: "page.verify.done",
	account.ConfirmEmail: "page.confirm.done", account.UndoEmail: "page.undo.done",
}

// another is how each page says that one gets another link.
var another = map[account.ChallengeKind]string{
	account.ResetPassword: "page.again", account.VerifyEmail: "page.verify.another",
	account.ConfirmEmail: "page.confirm.another", account.UndoEmail: "page.undo.another",
}

// why is what a page says of a bad link. Of those that come with what happened
// none tells people to ask for another.
func why(kind account.ChallengeKind, key string) string {
	switch kind {
	case account.ResetPassword, account.VerifyEmail, account.ConfirmEmail:
		return fr(key)
	}
	return fr(map[string]string{"challenge_used": "page.link_used", "challenge_expired": "page.link_expired", "challenge_invalid": "page.link_invalid"}[key])
}

// leadsToAnotherMail fails unless the page says where the mail is that it
// promises, and how to get another.
func (a answer) leadsToAnotherMail(t *testing.T, address string) {
	t.Helper()
	a.shows(t, http.StatusOK, fr("page.forgot.email"), address, fr("page.undo.look"), fr("mail.forgot"))
	if !strings.Contains(a.body, `href="../forgot-password/?lang=fr"`) {
		t.Errorf("no way to another mail:\n%s", a.body)
	}
}

// press fills in the page of a link rightly.
func (s *server) press(t *testing.T, path string) answer {
	t.Helper()
	return s.setPassword(t, path, nextPassword)
}

func TestButtonDoesWhatTheLinkIsFor(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		for _, kind := range kinds {
			username := strings.ReplaceAll(string(kind), "-", "")
			m := s.link(t, kind, username)
			s.get(t, m.Path).shows(t, http.StatusOK, username)
			a := s.press(t, m.Path)
			a.shows(t, http.StatusOK, fr(done[kind]))
			a.lacks(t, "<form", "<nav")
			u := s.user(t, username)
			switch kind {
			case account.ResetPassword:
				if s.opens(t, username, firstPassword) || !s.opens(t, username, nextPassword) {
					t.Error("the password did not change")
				}
			case account.VerifyEmail:
				if u.EmailVerifiedAt.IsZero() {
					t.Error("the address is not verified")
				}
			case account.ConfirmEmail:
				if u.Email != "new-"+address(username) {
					t.Errorf("address %s", u.Email)
				}
				a.shows(t, http.StatusOK, fr("page.forgot.email"), "new-"+address(username))
			case account.UndoEmail:
				if u.Email != address(username) || s.opens(t, username, firstPassword) {
					t.Errorf("address %s, or the password still opens the account", u.Email)
				}
				a.leadsToAnotherMail(t, address(username))
				s.received(t, account.MailResetPassword, address(username))
			}
			// A link works once, whatever is done with it.
			for _, again := range []answer{s.get(t, m.Path), s.press(t, m.Path)} {
				if kind == account.VerifyEmail { // and this one has done what it was for
					again.shows(t, http.StatusOK, fr("page.verify.already"))
					again.lacks(t, "<form", username)
					continue
				}
				again.shows(t, http.StatusGone, fr("page.bad_link"), why(kind, "challenge_used"))
				again.lacks(t, "<form", username)
			}
		}
	})
}

func TestLookingAtALinkDoesNotUseIt(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		for _, kind := range kinds {
			m := s.link(t, kind, strings.ReplaceAll(string(kind), "-", ""))
			for range 3 {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					if a := s.call(t, method, m.Path, "new_password="+nextPassword, "Content-Type", "application/x-www-form-urlencoded"); a.status != http.StatusOK {
						t.Errorf("%s %s: %d", method, kind, a.status)
					}
				}
			}
			if a := s.call(t, http.MethodHead, m.Path, ""); a.body != "" {
				t.Errorf("HEAD has a body: %s", a.body)
			}
			for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "BREW"} {
				a := s.call(t, method, m.Path, "")
				a.shows(t, http.StatusMethodNotAllowed, fr("page.problem"), locale.Text("fr", "method_not_allowed", locale.Args{"method": method}))
				if got := a.header.Get("Allow"); got != "GET, HEAD, POST" {
					t.Errorf("%s: Allow %q", method, got)
				}
			}
			s.press(t, m.Path).shows(t, http.StatusOK, fr(done[kind]))
		}
	})
}

func TestBadLinksSayWhy(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		for _, kind := range kinds {
			username := strings.ReplaceAll(string(kind), "-", "")
			m := s.link(t, kind, username)
			refused := func(path, key string) {
				t.Helper()
				title := "page.bad_link"
				if key == "challenge_invalid" {
					title = "page.invalid_link"
				}
				for _, a := range []answer{s.get(t, path), s.press(t, path), s.post(t, path, "new_password", "a", "repeat", "b")} {
					a.shows(t, http.StatusGone, fr(title), why(kind, key), fr(another[kind]))
					a.lacks(t, "<form", username)
					if asks := strings.Contains(a.whole(), "emandez-en un autre"); asks != (why(kind, key) == fr(key)) {
						t.Errorf("%s: tells people to ask for another: %v", kind, asks)
					}
					if again := strings.Contains(a.body, html.EscapeString(fr("page.again"))); again != (kind == account.ResetPassword) {
						t.Errorf("%s: offers another link: %v", kind, again)
					}
				}
			}
			path := "/account/" + string(kind) + "/"
			refused(path+"x", "challenge_invalid")
			refused(path+m.Token[:len(m.Token)-1], "challenge_invalid") // cut off by a mail program
			refused(path+m.Token+"/more", "challenge_invalid")
			refused(path+"%00%ff", "challenge_invalid")
			refused(path+strings.Repeat("x", 6000), "challenge_invalid")
			for _, other := range kinds {
				if other != kind {
					s.get(t, "/account/"+string(other)+"/"+m.Token).shows(t, http.StatusGone, why(other, "challenge_invalid"))
				}
			}
			shut := s.link(t, kind, username+"2")
			if err := s.app.Staff.Disable(t.Context(), s.user(t, username+"2").ID, ""); err != nil {
				t.Fatal(err)
			}
			if kind == account.UndoEmail { // it works again when the account does
				refused(shut.Path, "challenge_invalid")
			} else {
				refused(shut.Path, "challenge_used")
			}
			lifetime := map[account.ChallengeKind]time.Duration{account.ResetPassword: time.Hour, account.UndoEmail: 7 * 24 * time.Hour}[kind]
			if lifetime == 0 {
				lifetime = 24 * time.Hour
			}
			s.clock.Advance(lifetime - time.Second)
			s.get(t, m.Path).shows(t, http.StatusOK, username)
			s.clock.Advance(time.Second)
			refused(m.Path, "challenge_expired")
		}
	})
}

// TestRefusedPasswordsSayWhyBesideTheField goes through every message in
// every language; the link still works after all of them.
func TestRefusedPasswordsSayWhyBesideTheField(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		m := s.link(t, account.ResetPassword, "fatimazahra")
		path, _, _ := strings.Cut(m.Path, "?")
		for _, lang := range locale.Languages() {
			say := func(key string, args locale.Args) string { return locale.Text(lang, key, args) }
			for _, test := range []struct{ plain, repeat, field, message string }{
				{"", "", "new_password", say("page.field.blank", nil)},
				{" \t ", "", "new_password", say("page.field.blank", nil)},
				{"xK4#", "xK4#", "new_password", say("page.field.short", locale.Args{"n": 8})},
				{"password1", "password1", "new_password", say("page.field.common", nil)},
				{"83749261058", "83749261058", "new_password", say("password_entirely_numeric", nil)},
				{"Khadijah", "Khadijah", "new_password", say("password_breached", nil)},
				{"FatimaZahra1", "FatimaZahra1", "new_password", say("password_too_similar", locale.Args{"attribute": say("attribute.username", nil)})},
				{strings.Repeat("xy", 513), strings.Repeat("xy", 513), "new_password", say("password_too_long", locale.Args{"max": 1024})},
				{"nul\x00-8-characters", "nul\x00-8-characters", "new_password", say("field.null_characters", nil)},
				{nextPassword, nextPassword + "x", "new_password", say("page.reset.mismatch", nil)},
				{nextPassword, "", "new_password", say("page.reset.mismatch", nil)},
				// Of three rules that it breaks, the first.
				{"123456", "123456", "new_password", say("page.field.short", locale.Args{"n": 8})},
			} {
				a := s.post(t, path+"?lang="+lang, "new_password", test.plain, "repeat", test.repeat)
				a.shows(t, http.StatusBadRequest, test.message, "fatimazahra")
				if test.plain != "" {
					a.lacks(t, `value="`+html.EscapeString(test.plain)+`"`) // a password is never sent back
				}
				about := regexp.MustCompile(`(?s)<input id="` + test.field + `"[^>]* aria-describedby="` + test.field + `-about" aria-invalid="true" autofocus>\s*<div id="` + test.field + `-about"><p class="error">`)
				if !about.MatchString(a.body) || strings.Count(a.body, " autofocus") != 1 || strings.Count(a.body, "aria-invalid") != 1 || strings.Count(a.body, `class="error"`) != 1 {
					t.Errorf("%s: the message is not tied to %s alone:\n%s", lang, test.field, a.body)
				}
				if want := "<title>" + html.EscapeString(say("page.problem", nil)) + " – "; !strings.Contains(a.body, want) {
					t.Errorf("%s: the window's title does not begin with %s", lang, want)
				}
			}
		}
		// Space around a password is nobody's intention, in the API neither:
		// Python's spaces, which are more than Go's.
		s.post(t, m.Path, "new_password", " \x1c"+nextPassword+"\u00a0", "repeat", nextPassword+"\x1f").shows(t, http.StatusOK, fr("page.reset.done"))
		if !s.opens(t, "fatimazahra", nextPassword) {
			t.Error("the new password does not open the account")
		}
	})
}

func TestForgottenPasswordSaysTheSameToEverybody(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		s.get(t, "/account/forgot-password").shows(t, http.StatusOK, fr("page.forgot.intro"))
		known := s.post(t, "/account/forgot-password/?lang=ar", "email", " amina@example.ma ")
		unknown := s.post(t, "/account/forgot-password/?lang=ar", "email", "nobody@example.ma")
		known.shows(t, http.StatusAccepted, locale.Text("ar", "page.forgot.done", nil))
		if strings.ReplaceAll(known.body, "amina@", "nobody@") != unknown.body || known.status != unknown.status {
			t.Errorf("%d %s\n%d %s", known.status, known.body, unknown.status, unknown.body)
		}
		// It repeats what was typed, and says what else there is to do.
		known.shows(t, http.StatusAccepted, "amina@example.ma", locale.Text("ar", "page.forgot.look", nil), locale.Text("ar", "page.forgot.other", nil))
		if !strings.Contains(known.body, `href="../forgot-password/?lang=ar"`) {
			t.Errorf("no way to another address:\n%s", known.body)
		}
		// The mail speaks the page's language, and so does the page it leads to.
		m := s.received(t, account.MailResetPassword, address("amina"))
		if m.Language != "ar" || !strings.HasSuffix(m.Path, "?lang=ar") {
			t.Errorf("mail in %s, to %s", m.Language, m.Path)
		}
		s.get(t, m.Path).shows(t, http.StatusOK, locale.Text("ar", "page.reset.title", nil))
	})
}

func TestForgottenPasswordNeedsAnAddress(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		for typed, message := range map[string]string{
			"":                                       fr("page.field.blank"),
			"amina":                                  fr("page.field.email"),
			"amina@":                                 fr("page.field.email"),
			"\xff@example.ma":                        fr("page.field.email"),
			strings.Repeat("a", 250) + "@example.ma": locale.Text("fr", "field.max_length", locale.Args{"max": 254}),
		} {
			a := s.post(t, "/account/forgot-password/", "email", typed)
			a.shows(t, http.StatusBadRequest, message)
			if typed != "" && !strings.Contains(a.body, `value="`+strings.ToValidUTF8(typed, "\uFFFD")+`"`) {
				t.Errorf("%q has to be typed again:\n%s", typed, a.body)
			}
		}
	})
}

func TestWhatIsTypedIsNeverMarkup(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		for _, attempt := range []string{
			`"><script>alert(1)</script>`, `" autofocus onfocus=alert(1) x="`, `'><img src=x onerror=alert(1)>`,
			`</title><svg onload=alert(1)>`, "\x00\"><b>", `{{.Brand}}`, `javascript:alert(1)`,
		} {
			for _, a := range []answer{
				s.post(t, "/account/forgot-password/", "email", attempt),
				s.get(t, "/account/reset-password/"+escapePath(attempt)),
				s.get(t, "/account/"+escapePath(attempt)),
				s.get(t, "/account/forgot-password/?lang="+escapePath(attempt)),
				s.call(t, http.MethodPost, "/account/forgot-password/", "", "Content-Type", `text/`+strings.Map(printable, attempt)),
			} {
				a.lacks(t, "<script", "<img src=x", "<svg", "<b>", `" onfocus`, `" autofocus onfocus`, `href="javascript`)
				if !strings.Contains(a.body, `lang="fr" dir="ltr"`) {
					t.Errorf("%q chose a language:\n%s", attempt, a.body)
				}
			}
		}
		// What others chose as their username is text, too.
		m := s.link(t, account.VerifyEmail, "www.evil.example")
		s.get(t, m.Path).lacks(t, `href="www`, `href="//`)
	})
}

func printable(c rune) rune {
	if c < ' ' {
		return -1
	}
	return c
}

// escapePath leaves no slash, which would be another page.
func escapePath(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

func TestFormsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		m := s.link(t, account.ResetPassword, "amina")
		const form = "application/x-www-form-urlencoded"
		good := "new_password=" + nextPassword + "&repeat=" + nextPassword
		for _, path := range []string{m.Path, "/account/forgot-password/"} {
			for name, test := range map[string]struct {
				contentType, body string
				status            int
				message           string
			}{
				"large":       {form, good + "&x=" + strings.Repeat("x", 16<<10), http.StatusRequestEntityTooLarge, locale.Text("fr", "body_too_large", locale.Args{"max": 16})},
				"bad escape":  {form, good + "&x=%zz", http.StatusBadRequest, fr("page.failed")},
				"JSON":        {"application/json", "{}", http.StatusUnsupportedMediaType, "application/json"},
				"plain":       {"text/plain", good, http.StatusUnsupportedMediaType, "text/plain"},
				"no type":     {"", good, http.StatusUnsupportedMediaType, fr("page.problem")},
				"nonsense":    {";;", good, http.StatusUnsupportedMediaType, fr("page.problem")},
				"empty":       {form, "", http.StatusBadRequest, fr("page.field.blank")},
				"other names": {form + "; charset=utf-8", "password=x", http.StatusBadRequest, fr("page.field.blank")},
			} {
				a := s.call(t, http.MethodPost, path, test.body, "Content-Type", test.contentType)
				if a.status != test.status || !strings.Contains(a.body, html.EscapeString(test.message)) {
					t.Errorf("%s: %d, want %d and %q:\n%s", name, a.status, test.status, test.message, a.body)
				}
			}
		}
		// What a mail program appends to a link does no harm.
		s.press(t, m.Path+"&utm=100%&x;y=%zz").shows(t, http.StatusOK, fr("page.reset.done"))
	})
}

func TestPagesThatAreNone(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		for _, path := range []string{
			"/account/nowhere/", "/account/login/x", "/account/reset-password", "/account/reset-password/", "/account/verify-email/",
			"/account/forgot-password/x", "/account/style.css/x", "/account/page.html", "/account/pages.go", "/account/Reset-Password/x",
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				s.call(t, method, path, "").shows(t, http.StatusNotFound, fr("page.not_found"), fr("page.not_found.why"))
			}
		}
		// None of them sends a browser elsewhere.
		for _, path := range []string{"/account//evil.example", "//evil.example/account/", "/account/..//evil.example", `/account/\evil.example`, "/account/https://evil.example/"} {
			a := s.get(t, path)
			if a.status != http.StatusNotFound || a.header.Get("Location") != "" {
				t.Errorf("%s: %d, Location %q", path, a.status, a.header.Get("Location"))
			}
		}
	})
}

func TestHeadersOfEveryPage(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		m := s.link(t, account.ResetPassword, "amina")
		for name, a := range map[string]answer{
			"form": s.get(t, m.Path), "bad link": s.get(t, "/account/undo-email/x"), "not found": s.get(t, "/account/x"),
			"method": s.call(t, http.MethodPut, m.Path, ""), "mismatch": s.post(t, m.Path, "new_password", "a", "repeat", "b"),
			"forgot": s.post(t, "/account/forgot-password/", "email", "x@example.ma"), "done": s.press(t, m.Path),
		} {
			for header, want := range map[string]string{
				"Content-Security-Policy":    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
				"Referrer-Policy":            "no-referrer",
				"X-Frame-Options":            "DENY",
				"X-Content-Type-Options":     "nosniff",
				"Cross-Origin-Opener-Policy": "same-origin",
				"Cache-Control":              "no-store",
				"Content-Type":               "text/html; charset=utf-8",
				"Content-Language":           "fr",
				"Location":                   "",
			} {
				if got := a.header.Get(header); got != want {
					t.Errorf("%s: %s %q, want %q", name, header, got, want)
				}
			}
			for _, c := range (&http.Response{Header: a.header}).Cookies() { // the one that names the code of a mail
				if name != "forgot" || c.Name != "yoozak_code" || c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 900 {
					t.Errorf("%s: cookie %v", name, c)
				}
			}
			// Nothing that the policy would stop, and nothing from elsewhere.
			a.lacks(t, "<script", "<style", "style=", " onclick", "http://", "https://", m.Token)
		}
	})
}

// TestFormsAreDrawnWhole: what a page waits for before it is drawn stands
// behind all of its fields.
func TestFormsAreDrawnWhole(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		expect := regexp.MustCompile(`(?s)<head>.*<link rel="expect" href="#(\w+)" blocking="render">.*</head>`)
		m := s.link(t, account.ResetPassword, "amina")
		for _, a := range []answer{
			s.get(t, "/account/forgot-password/"), s.post(t, "/account/forgot-password/", "email", "amina"),
			s.get(t, m.Path), s.post(t, m.Path, "new_password", "amina", "repeat", "amina"),
		} {
			last := expect.FindStringSubmatch(a.body)
			if last == nil {
				t.Fatalf("the page is drawn at any time:\n%s", a.body)
			}
			if at := strings.Index(a.body, ` id="`+last[1]+`"`); at < strings.LastIndex(a.body, "<input") {
				t.Errorf("the page is drawn before its last field:\n%s", a.body)
			}
		}
		// Without a form there is nothing to wait for.
		for _, a := range []answer{s.press(t, m.Path), s.get(t, m.Path), s.get(t, "/account/x")} {
			a.lacks(t, `rel="expect"`)
		}
	})
}

func TestLanguageIsThatOfTheLinkThenThatOfTheBrowser(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		for _, test := range []struct{ query, accept, lang, dir string }{
			{"", "", "fr", "ltr"},
			{"", "ar-MA,ar;q=0.9", "ar", "rtl"},
			{"?lang=en", "ar", "en", "ltr"},
			{"?lang=ar", "en", "ar", "rtl"},
			{"?lang=xx", "en", "en", "ltr"},
			{"?lang=", "en", "en", "ltr"},
			{"?lang=AR", "", "fr", "ltr"},
			{"?lang=en&lang=ar", "", "en", "ltr"},
		} {
			for _, path := range []string{"/account/forgot-password/", "/account/verify-email/x", "/account/unknown/"} {
				a := s.call(t, http.MethodGet, path+test.query, "", "Accept-Language", test.accept)
				if want := fmt.Sprintf(`<html lang="%s" dir="%s">`, test.lang, test.dir); !strings.Contains(a.body, want) || a.header.Get("Content-Language") != test.lang {
					t.Errorf("%s%s for %q: Content-Language %s, no %s", path, test.query, test.accept, a.header.Get("Content-Language"), want)
				}
				for _, code := range locale.Languages() {
					current := strings.Contains(a.body, `href="?lang=`+code+`" lang="`+code+`" hreflang="`+code+`" dir="`+locale.Direction(code)+`" aria-current="true">`+locale.Text(code, "language.name", nil)+`</a>`)
					if current != (code == test.lang) {
						t.Errorf("%s%s: %s is current: %v", path, test.query, code, current)
					}
				}
			}
		}
	})
}

// TestLogKnowsPagesNotTokens is about everything that is logged, by package
// auth, too, at every level.
func TestLogKnowsPagesNotTokens(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		var secrets []string
		for _, kind := range kinds {
			m := s.link(t, kind, strings.ReplaceAll(string(kind), "-", ""))
			secrets = append(secrets, m.Token)
			s.get(t, m.Path)
			s.post(t, m.Path, "new_password", "short", "repeat", "short")
			s.press(t, m.Path)
			s.press(t, m.Path)
			s.call(t, http.MethodPut, m.Path, "")
		}
		s.get(t, "/account/madeup-page/madeup-token")
		s.get(t, "/account/forgot-password/?lang=madeup-query")
		s.post(t, "/account/forgot-password/", "email", "madeup-address")
		logged := s.log.String()
		for _, secret := range append(secrets, nextPassword, "madeup", "@example.ma") {
			if strings.Contains(logged, secret) {
				t.Errorf("the log has %q", secret)
			}
		}
		for _, route := range []string{"Page reset-password", "Page verify-email", "Page confirm-email", "Page undo-email", "Page forgot-password", "unknown"} {
			if !strings.Contains(logged, `"route":"`+route+`"`) {
				t.Errorf("the log has no %q:\n%s", route, logged)
			}
		}
	})
}

// TestPagesOutliveTheirDatabase: they say so, and what was typed stays.
func TestPagesOutliveTheirDatabase(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		gone, err := store.Open(t.Context(), "postgres://yoozak@127.0.0.1:1/gone", store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.serve(t, s.build(gone))
		link := s.get(t, "/account/reset-password/x")
		form := s.post(t, "/account/forgot-password/", "email", "amina@example.ma")
		for _, a := range []answer{link, form} {
			a.shows(t, http.StatusServiceUnavailable, fr("page.problem"), fr("page.failed"))
			if a.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
		b := s.visitor()
		a := b.signUp(t, "/account/register/")
		a.shows(t, http.StatusServiceUnavailable, fr("page.register.title"), fr("page.failed"), address("amina"), "El Alaoui")
		if a.lacks(t, firstPassword); len(b.set) > 0 {
			t.Errorf("set %v", b.set)
		}
		link.lacks(t, "<form")
		form.shows(t, http.StatusServiceUnavailable, fr("page.forgot.title"), "amina@example.ma")
		if !strings.Contains(s.log.String(), `"msg":"unavailable"`) {
			t.Errorf("nothing in the log:\n%s", s.log)
		}
		// A mistake of ours has a number to tell the support.
		defer gone.Close() //nolint:errcheck // it was never there
		closed, err := store.Open(t.Context(), storetest.SQLite(t), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := closed.Close(); err != nil {
			t.Fatal(err)
		}
		s.serve(t, s.build(closed))
		broken := s.get(t, "/account/reset-password/x")
		broken.shows(t, http.StatusInternalServerError, fr("page.problem"), broken.header.Get("X-Request-Id"))
	})
}
