package pages_test

import (
	"context"
	"encoding/base64"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/mailtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/totp"
)

// visitor is a browser: it keeps cookies, and says where its requests come from.
type visitor struct {
	*server
	cookies map[string]string // name and path, value
	set     []*http.Cookie    // by the last answer
	site    string            // Sec-Fetch-Site of what it sends; empty: it is too old to say
	agent   string
}

func (s *server) visitor() *visitor {
	return &visitor{server: s, cookies: map[string]string{}, site: "same-origin", agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
}

// ask sends one request and follows nothing.
func (b *visitor) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	var sent []string
	for key, value := range b.cookies {
		name, below, _ := strings.Cut(key, " ")
		if strings.HasPrefix(path, below) {
			sent = append(sent, name+"="+value)
		}
	}
	headers = append([]string{"Cookie", strings.Join(sent, "; "), "User-Agent", b.agent}, headers...)
	if b.site != "" {
		headers = append([]string{"Sec-Fetch-Site", b.site}, headers...)
	}
	a := b.call(t, method, path, body, headers...)
	b.set = (&http.Response{Header: a.header}).Cookies()
	for _, c := range b.set {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name+" "+c.Path)
		} else {
			b.cookies[c.Name+" "+c.Path] = c.Value
		}
	}
	return a
}

func (b *visitor) open(t *testing.T, path string) answer {
	t.Helper()
	return b.ask(t, http.MethodGet, path, "")
}

// send presses a button of a page; fields are name, value pairs.
func (b *visitor) send(t *testing.T, path string, fields ...string) answer {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.ask(t, http.MethodPost, path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// leadsTo fails unless the answer sends the browser from one page to another.
func (a answer) leadsTo(t *testing.T, from, want string) {
	t.Helper()
	base, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	to, err := base.Parse(a.header.Get("Location"))
	if err != nil || a.status != http.StatusSeeOther || to.String() != want {
		t.Fatalf("%d to %v, want 303 to %s; %v\n%s", a.status, to, want, err, a.body)
	}
}

// logIn goes through the login page.
func (b *visitor) logIn(t *testing.T, username string) {
	t.Helper()
	b.send(t, "/account/login/", "username", username, "password", firstPassword).leadsTo(t, "/account/login/", "/account/")
}

var boundField = regexp.MustCompile(`name="bound" value="([A-Za-z0-9_-]+)"`)

// bound is what a form carries that goes with a challenge.
func (a answer) bound(t *testing.T) string {
	t.Helper()
	m := boundField.FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("the form goes with no challenge:\n%s", a.body)
	}
	return m[1]
}

// addTOTP gives a user an authenticator app.
func (s *server) addTOTP(t *testing.T, username string) []byte {
	t.Helper()
	seed, u := totp.NewSecret(), s.user(t, username)
	err := s.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		return tx.CreateFactor(ctx, account.Factor{
			ID: token.NewID(), UserID: u.ID, Kind: account.TOTP, CreatedAt: s.clock.Now(), ConfirmedAt: s.clock.Now(), Secret: seed,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func (s *server) code(seed []byte) string { return totp.Code(seed, totp.StepAt(s.clock.Now())) }

func TestLogInSeeAndLogOut(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.ask(t, http.MethodGet, "/", "", "Accept", "text/html").shows(t, http.StatusOK, fr("page.overview.title"))
		b.open(t, "/account/").leadsTo(t, "/account/", "/account/login/")
		b.open(t, "/account/login/").shows(t, http.StatusOK, fr("page.login.title"), fr("page.login.forgot"))
		for _, wrong := range [][2]string{{"amina", nextPassword}, {"nobody", firstPassword}} {
			a := b.send(t, "/account/login/", "username", wrong[0], "password", wrong[1])
			a.shows(t, http.StatusBadRequest, fr("page.login.refused"), wrong[0])
			a.lacks(t, wrong[1])
			if len(b.set) > 0 {
				t.Errorf("a refused login set %v", b.set)
			}
		}
		b.send(t, "/account/login/", "username", "", "password", "").shows(t, http.StatusBadRequest, fr("page.field.blank"))

		b.logIn(t, "Amina@example.ma")
		if c := b.set[0]; c.Name != "yoozak_account" || c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.MaxAge != 0 || !c.Expires.IsZero() {
			t.Errorf("session cookie: %v", c)
		}
		a := b.open(t, "/account/")
		a.shows(t, http.StatusOK, "amina", address("amina"), fr("page.overview.not_verified"), fr("page.overview.current"), fr("event.login"), "Firefox sur Linux", "5\u00a0juin\u00a02026 à\u00a012:56")
		b.open(t, "/account/login/").leadsTo(t, "/account/login/", "/account/") // nothing to do there

		kept := b.cookies["yoozak_account /"]
		out := b.send(t, "/account/", "act", "logout")
		out.shows(t, http.StatusOK, fr("page.logout.done"))
		out.lacks(t, "amina")
		if b.cookies["yoozak_account /"] != "" {
			t.Error("the cookie is still there")
		}
		b.open(t, "/account/").leadsTo(t, "/account/", "/account/login/")
		b.cookies["yoozak_account /"] = kept // it opens nothing any more
		b.open(t, "/account/").leadsTo(t, "/account/", "/account/login/")
		if b.cookies["yoozak_account /"] != "" {
			t.Error("a dead session keeps its cookie")
		}
	})
}

// TestNoPageOfAnAccountMayBeKept, nor framed, nor load anything; and no token is in an
// address or in a page.
func TestNoPageOfAnAccountMayBeKept(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		pages := map[string]answer{
			"login": b.open(t, "/account/login/"), "first": b.open(t, "/account/"), "second": b.open(t, "/account/second/"),
			"register": b.open(t, "/account/register/"), "refused": b.send(t, "/account/register/", "email", "amina"),
			"in": b.send(t, "/account/login/", "username", "amina", "password", firstPassword),
		}
		raw := b.cookies["yoozak_account /"]
		pages["overview"], pages["password"], pages["confirm"] = b.open(t, "/account/"), b.open(t, "/account/password/"), b.open(t, "/account/confirm/")
		pages["out"] = b.send(t, "/account/", "act", "logout")
		for name, a := range pages {
			for header, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
				if got := a.header.Get(header); got != want {
					t.Errorf("%s: %s %q, want %q", name, header, got, want)
				}
			}
			if a.status != http.StatusSeeOther {
				for header, want := range map[string]string{
					"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
					"Referrer-Policy":         "same-origin", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
				} {
					if got := a.header.Get(header); got != want {
						t.Errorf("%s: %s %q, want %q", name, header, got, want)
					}
				}
			}
			a.lacks(t, raw, "<script", "<style", "style=", "http://", "https://")
			if strings.Contains(a.header.Get("Location"), raw) {
				t.Errorf("%s: a token in the address %s", name, a.header.Get("Location"))
			}
			if len(a.body) > 60<<10 {
				t.Errorf("%s: %d bytes", name, len(a.body))
			}
		}
	})
}

// TestOtherSitesCannotPressButtons: neither log in, nor out, nor anything
// else, with or without the cookie; nothing is even looked at.
func TestOtherSitesCannotPressButtons(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.logIn(t, "amina")
		sessions := func() int {
			u := s.user(t, "amina")
			live, err := s.store.LiveSessions(t.Context(), u.ID, s.clock.Now(), s.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			return len(live)
		}
		before := sessions()
		host := strings.TrimPrefix(s.url, "http://")
		for name, from := range map[string][]string{
			"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"}, // shop.example is not accounts.shop.example
			"origin": {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, "null": {"Sec-Fetch-Site", "", "Origin", "null"},
			"look-alike": {"Sec-Fetch-Site", "", "Origin", "http://" + host + ".evil.example"},
		} {
			for path, form := range map[string]string{
				"/account/": "act=logout-all", "/account/login/": "username=amina&password=" + url.QueryEscape(firstPassword), "/account/second/": "code=123456",
				"/account/register/": "email=thief%40example.ma&password=" + url.QueryEscape(firstPassword) + "&repeat=" + url.QueryEscape(firstPassword),
				"/account/confirm/":  "password=" + url.QueryEscape(firstPassword), "/account/password/": "current_password=" + url.QueryEscape(firstPassword),
			} {
				a := b.ask(t, http.MethodPost, path, form, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, from...)...)
				a.shows(t, http.StatusForbidden, fr("page.cross_origin"))
				if len(b.set) > 0 {
					t.Errorf("%s, %s: set %v", name, path, b.set)
				}
			}
		}
		if _, err := s.store.UserByUsername(t.Context(), "thief@example.ma"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another site made an account: %v", err)
		}
		if got := sessions(); got != before {
			t.Errorf("%d sessions, want %d", got, before)
		}
		b.site = "" // an old browser says the origin alone
		a := b.ask(t, http.MethodPost, "/account/", "act=logout", "Content-Type", "application/x-www-form-urlencoded", "Origin", s.url)
		a.shows(t, http.StatusOK, fr("page.logout.done"))
		b.site = "cross-site" // a link in a mail
		b.open(t, "/account/login/").shows(t, http.StatusOK, fr("page.login.title"))
	})
}

func TestCookiesWithHTTPS(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.https = true
		s.serve(t, s.app)
		s.register(t, "amina")
		s.addTOTP(t, "amina")
		b := s.visitor()
		b.send(t, "/account/login/", "username", "amina", "password", firstPassword).leadsTo(t, "/account/login/", "/account/second/")
		if c := b.set[0]; c.Name != "__Host-yoozak_second" || c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || !c.Secure || c.MaxAge != 300 || c.Domain != "" {
			t.Errorf("challenge: %v", c)
		}
		s.register(t, "omar")
		b = s.visitor()
		b.send(t, "/account/login/", "username", "omar", "password", firstPassword).leadsTo(t, "/account/login/", "/account/")
		if c := b.set[0]; c.Name != "__Host-yoozak_account" || c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || !c.Secure || c.Domain != "" {
			t.Errorf("session: %v", c)
		}
		b.open(t, "/account/").shows(t, http.StatusOK, "omar")
		// A cookie without the prefix may be anybody's.
		other := s.visitor()
		other.cookies["yoozak_account /"] = b.cookies["__Host-yoozak_account /"]
		other.open(t, "/account/").leadsTo(t, "/account/", "/account/login/")
	})
}

func TestSecondStepByCode(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		seed := s.addTOTP(t, "amina")
		b := s.visitor()
		const second = "/account/second/"
		b.send(t, "/account/login/?lang=ar", "username", "amina", "password", firstPassword).leadsTo(t, "/account/login/?lang=ar", second+"?lang=ar")
		if c := b.set[0]; c.Name != "yoozak_second" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 300 {
			t.Errorf("challenge cookie: %v", c)
		}
		challenge := b.cookies["yoozak_second /"]
		form := b.open(t, second)
		form.shows(t, http.StatusOK, fr("page.second.title"), fr("page.factor.code"))
		if out := `<a href="../login/">` + fr("page.second.other") + "</a>"; !strings.Contains(form.body, out) {
			t.Errorf("no way out for who has no code:\n%s", form.body)
		}
		form.lacks(t, challenge, "amina", "example.ma")
		if in := regexp.MustCompile(`<input id="code"[^>]*>`).FindString(form.body); !strings.Contains(in, `inputmode="numeric"`) || !strings.Contains(in, `autocomplete="one-time-code"`) || !strings.Contains(in, `dir="ltr"`) {
			t.Errorf("the input: %s", in)
		}
		bound := form.bound(t)
		wrong := b.send(t, second, "bound", bound, "code", "12345")
		wrong.shows(t, http.StatusBadRequest, fr("factor_format"))
		if !regexp.MustCompile(`(?s)<input id="code"[^>]* aria-describedby="code-about" aria-invalid="true" autofocus>\s*<div id="code-about"><p class="error">`).MatchString(wrong.body) {
			t.Errorf("the message is not tied to the field:\n%s", wrong.body)
		}
		b.send(t, second, "bound", bound, "code", "000000").shows(t, http.StatusBadRequest, fr("factor_wrong"))
		b.open(t, "/account/").leadsTo(t, "/account/", "/account/login/") // the challenge is no session
		code := s.code(seed)
		b.send(t, second, "bound", bound, "code", code[:3]+" "+code[3:]).leadsTo(t, second, "/account/")
		if b.cookies["yoozak_second /"] != "" {
			t.Error("the challenge is still there")
		}
		b.open(t, "/account/").shows(t, http.StatusOK, "amina")
		// The same form in another tab: nothing has expired, they are logged in.
		again := b.send(t, second, "bound", bound, "code", code)
		again.shows(t, http.StatusGone, fr("page.second.gone_why"))
		again.lacks(t, "expiré")
		// It works once, also for whoever copied it.
		thief := s.visitor()
		thief.cookies["yoozak_second /"] = challenge
		thief.open(t, second).shows(t, http.StatusGone, fr("page.second.gone"))
		thief.send(t, second, "bound", bound, "code", s.code(seed)).shows(t, http.StatusGone, fr("page.second.gone"))
	})
}

// TestSecondStepOfAnotherBrowser: a form that was led into another browser,
// or a challenge that was put into it, does nothing there, is no try and
// tells nothing.
func TestSecondStepOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		s.register(t, "thief")
		seed := s.addTOTP(t, "amina")
		s.addTOTP(t, "thief")
		const second = "/account/second/"
		one, two := s.visitor(), s.visitor()
		one.send(t, "/account/login/", "username", "amina", "password", firstPassword)
		bound := one.open(t, second).bound(t)
		tried := func() int {
			events, err := s.store.Events(t.Context(), store.EventFilter{UserID: s.user(t, "amina").ID}, 100)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, e := range events {
				if e.Kind == account.EventFactorRefused {
					n++
				}
			}
			return n
		}
		gone := func(b *visitor) {
			t.Helper()
			a := b.send(t, second, "bound", bound, "code", s.code(seed))
			a.shows(t, http.StatusGone, fr("page.second.gone"), fr("page.second.gone_why"))
			a.lacks(t, "amina", "<form", "example.ma")
			if b.cookies["yoozak_account /"] != "" {
				t.Error("it opened a session")
			}
		}
		gone(two) // no challenge at all
		two.send(t, "/account/login/", "username", "thief", "password", firstPassword)
		gone(two) // another one's
		two.send(t, second, "bound", "", "code", s.code(seed)).shows(t, http.StatusGone, fr("page.second.gone"))
		if n := tried(); n != 0 {
			t.Errorf("%d tries were counted", n)
		}
		// The first browser goes on as if nothing had been.
		one.send(t, second, "bound", bound, "code", s.code(seed)).leadsTo(t, second, "/account/")
		s.clock.Advance(6 * time.Minute)
		two.open(t, second).shows(t, http.StatusGone, fr("page.second.gone")) // it expired
	})
}

// TestLogKnowsNoCookie: at no level is a token, a challenge or a code logged.
func TestLogKnowsNoCookie(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		seed := s.addTOTP(t, "amina")
		b := s.visitor()
		b.send(t, "/account/login/", "username", "amina", "password", firstPassword)
		secrets := []string{b.cookies["yoozak_second /"], firstPassword}
		bound := b.open(t, "/account/second/").bound(t)
		b.send(t, "/account/second/", "bound", bound, "code", "987654")
		code := s.code(seed)
		b.send(t, "/account/second/", "bound", bound, "code", code)
		secrets = append(secrets, b.cookies["yoozak_account /"], "987654", code)
		b.open(t, "/account/")
		b.send(t, "/account/", "act", "logout")
		for _, secret := range secrets {
			if secret == "" || strings.Contains(s.log.String(), secret) {
				t.Errorf("the log has %q", secret)
			}
		}
	})
}

func TestEndAnotherSession(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina") // a session of an app
		s.clock.Advance(time.Minute)
		b := s.visitor()
		b.logIn(t, "amina")
		end := regexp.MustCompile(`<button class="small" name="end" value="([0-9a-f]{32})" aria-label="[^"]+">`)
		m := end.FindStringSubmatch(b.open(t, "/account/").body)
		if m == nil {
			t.Fatal("no session to end")
		}
		// Not long after the login, and then not without a proof.
		s.clock.Advance(6 * time.Minute)
		b.send(t, "/account/", "end", m[1]).leadsTo(t, "/account/", "/account/confirm/")
		prove := b.open(t, "/account/confirm/")
		prove.shows(t, http.StatusOK, fr("page.prove.title"), fr("page.factor.password_intro"), "amina", fr("page.login.forgot"))
		b.send(t, "/account/confirm/", "password", nextPassword).shows(t, http.StatusBadRequest, fr("password_wrong"))
		b.send(t, "/account/confirm/", "password", firstPassword).leadsTo(t, "/account/confirm/", "/account/")
		b.open(t, "/account/").shows(t, http.StatusOK, fr("page.prove.done"))
		b.open(t, "/account/").lacks(t, html.EscapeString(fr("page.prove.done"))) // said once
		b.send(t, "/account/", "end", m[1]).leadsTo(t, "/account/", "/account/")
		a := b.open(t, "/account/")
		a.shows(t, http.StatusOK, fr("page.overview.session_ended"), fr("event.session_ended"))
		if end.MatchString(a.body) {
			t.Errorf("it is still there:\n%s", a.body)
		}
		// Somebody else's, and none: nothing happens, and nothing is told.
		s.register(t, "omar")
		live, err := s.store.LiveSessions(t.Context(), s.user(t, "omar").ID, s.clock.Now(), s.clock.Now())
		if err != nil || len(live) != 1 {
			t.Fatal(len(live), err)
		}
		for _, id := range []string{live[0].ID, "x", ""} {
			b.send(t, "/account/", "end", id).leadsTo(t, "/account/", "/account/")
		}
		if live, err = s.store.LiveSessions(t.Context(), s.user(t, "omar").ID, s.clock.Now(), s.clock.Now()); err != nil || len(live) != 1 {
			t.Errorf("another's session was ended: %v", err)
		}
	})
}

func TestConfirmByCodeOfWhoHasAFactor(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.logIn(t, "amina")
		seed := s.addTOTP(t, "amina")
		s.clock.Advance(10 * time.Minute)
		b.open(t, "/account/password/").leadsTo(t, "/account/password/", "/account/confirm/?to=password")
		a := b.open(t, "/account/confirm/?to=password")
		a.shows(t, http.StatusOK, fr("page.factor.code_intro"))
		a.lacks(t, `type="password"`, fr("page.login.forgot"))
		b.send(t, "/account/confirm/?to=password", "password", firstPassword).shows(t, http.StatusBadRequest, fr("page.field.blank"))
		b.send(t, "/account/confirm/?to=password", "code", s.code(seed)).leadsTo(t, "/account/confirm/?to=password", "/account/password/")
		a = b.open(t, "/account/password/")
		a.shows(t, http.StatusOK, fr("page.password.title"), fr("page.prove.done"))
		a.lacks(t, "current_password") // the factor was shown instead
		b.send(t, "/account/password/", "new_password", nextPassword, "repeat", nextPassword).leadsTo(t, "/account/password/", "/account/")
		b.open(t, "/account/").shows(t, http.StatusOK, fr("page.password.done"))
		if s.opens(t, "amina", firstPassword) {
			t.Error("the password did not change")
		}
	}, rotating)
}

// rotating turns rotation on.
func rotating(o *app.Options) { o.Rotation = true }

// TestAConfirmationWhoseAnswerIsLost does not end the session, and a cookie
// that was replaced and seen does.
func TestAConfirmationWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.logIn(t, "amina")
		before := b.cookies["yoozak_account /"]
		b.send(t, "/account/confirm/", "password", firstPassword).leadsTo(t, "/account/confirm/", "/account/")
		after := b.cookies["yoozak_account /"]
		if after == before {
			t.Fatal("the confirmation gave no new token")
		}
		s.clock.Advance(time.Hour)
		b.cookies["yoozak_account /"] = before
		b.open(t, "/account/").shows(t, http.StatusOK, "amina")
		b.cookies["yoozak_account /"] = after
		b.open(t, "/account/").shows(t, http.StatusOK, "amina")
		s.clock.Advance(time.Hour)
		b.cookies["yoozak_account /"] = before // now two have it
		b.open(t, "/account/").leadsTo(t, "/account/", "/account/login/")
		b.cookies["yoozak_account /"] = after
		b.open(t, "/account/").leadsTo(t, "/account/", "/account/login/")
	}, rotating)
}

func TestChangePasswordOnItsPage(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b, other := s.visitor(), s.visitor()
		b.logIn(t, "amina")
		other.logIn(t, "amina")
		s.clock.Advance(time.Hour) // no proof is needed: the password is asked for
		const page = "/account/password/"
		b.open(t, page).shows(t, http.StatusOK, fr("page.password.title"), fr("page.password.current"), fr("page.login.forgot"), locale.Text("fr", "page.reset.hint", locale.Args{"n": 8}))
		for field, test := range map[string]struct{ current, next, repeat, message string }{
			"wrong":    {nextPassword, nextPassword, nextPassword, fr("password_wrong")},
			"none":     {"", nextPassword, nextPassword, fr("page.field.blank")},
			"mismatch": {firstPassword, nextPassword, nextPassword + "x", fr("page.reset.mismatch")},
			"short":    {firstPassword, "123", "123", locale.Text("fr", "page.field.short", locale.Args{"n": 8})},
		} {
			a := b.send(t, page, "current_password", test.current, "new_password", test.next, "repeat", test.repeat)
			a.shows(t, http.StatusBadRequest, test.message)
			a.lacks(t, firstPassword, nextPassword)
			if strings.Count(a.body, "aria-invalid") != 1 {
				t.Errorf("%s: the message is not at one field:\n%s", field, a.body)
			}
		}
		b.send(t, page, "current_password", firstPassword, "new_password", nextPassword, "repeat", nextPassword).leadsTo(t, page, "/account/")
		b.open(t, "/account/").shows(t, http.StatusOK, fr("page.password.done"), fr("event.password_changed"))
		other.open(t, "/account/").leadsTo(t, "/account/", "/account/login/")
		if !s.opens(t, "amina", nextPassword) {
			t.Error("the new password opens nothing")
		}
		// Without an address no link can come.
		if _, err := s.app.Auth.Register(t.Context(), req, auth.Registration{Username: account.TextInput("omar"), Password: account.TextInput(firstPassword)}); err != nil {
			t.Fatal(err)
		}
		omar := s.visitor()
		omar.logIn(t, "omar")
		for _, path := range []string{page, "/account/confirm/"} {
			omar.open(t, path).lacks(t, fr("page.login.forgot"))
		}
	})
}

// TestLogOutEverywhere also ends a login that waits.
func TestLogOutEverywhere(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b, other := s.visitor(), s.visitor()
		b.logIn(t, "amina")
		other.logIn(t, "amina")
		b.send(t, "/account/", "act", "logout-all").shows(t, http.StatusOK, fr("page.logout.done"))
		for _, one := range []*visitor{b, other} {
			one.open(t, "/account/").leadsTo(t, "/account/", "/account/login/")
		}
	})
}

// TestLoginComesBack to the page that asked for it, and to none of another
// site.
func TestLoginComesBack(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.open(t, "/account/password/").leadsTo(t, "/account/password/", "/account/login/?to=password")
		b.open(t, "/account/login/?to=password").shows(t, http.StatusOK, fr("page.login.again"))
		b.send(t, "/account/login/?to=password", "username", "amina", "password", firstPassword).leadsTo(t, "/account/login/", "/account/password/")
		b.send(t, "/account/", "act", "logout")
		seed := s.addTOTP(t, "amina")
		b.send(t, "/account/login/?to=password&lang=en", "username", "amina", "password", firstPassword).leadsTo(t, "/account/login/", "/account/second/?lang=en&to=password")
		bound := b.open(t, "/account/second/?lang=en&to=password").bound(t)
		b.send(t, "/account/second/?lang=en&to=password", "bound", bound, "code", s.code(seed)).leadsTo(t, "/account/second/", "/account/password/?lang=en")
		b.send(t, "/account/", "act", "logout")
		s.register(t, "omar")
		for _, to := range []string{"https://evil.example/", "//evil.example", "../../evil", "login", "second", "reset-password/x", "%0d%0aSet-Cookie:a=b", "\\\\evil"} {
			b.send(t, "/account/login/?to="+url.QueryEscape(to), "username", "omar", "password", firstPassword).leadsTo(t, "/account/login/", "/account/")
			b.send(t, "/account/", "act", "logout")
		}
	})
}

// TestPagesOfAccountsCanBeLeftOut: what mails lead to stays.
func TestPagesOfAccountsCanBeLeftOut(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.closed = true
		s.serve(t, s.app)
		m := s.link(t, account.ResetPassword, "amina")
		for _, path := range []string{"/account/", "/account/login/", "/account/register/", "/account/second/", "/account/confirm/", "/account/password/"} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				s.call(t, method, path, "").shows(t, http.StatusNotFound, fr("page.not_found"))
			}
		}
		s.call(t, http.MethodGet, "/", "", "Accept", "text/html").lacks(t, fr("page.overview.title"))
		a := s.press(t, m.Path)
		a.shows(t, http.StatusOK, fr("page.reset.done"))
		a.lacks(t, fr("page.login.title"))
		if a.header.Get("Set-Cookie") != "" {
			t.Errorf("a cookie that no page asks for: %s", a.header.Get("Set-Cookie"))
		}
		b := s.visitor()
		b.send(t, "/account/forgot-password/", "email", address("amina"))
		code := codeIn(t, mailtest.Wait(t, s.folder, string(account.MailResetPassword), address("amina"), 2))
		token := regexp.MustCompile(`name="token" value="([A-Za-z0-9_-]{43})"`).FindStringSubmatch(b.send(t, "/account/code/", "code", code).body)
		if token == nil {
			t.Fatal("the code of a mail does nothing")
		}
		done := b.send(t, "/account/code/", "token", token[1], "new_password", firstPassword, "repeat", firstPassword)
		done.shows(t, http.StatusOK, fr("page.reset.done"))
		done.lacks(t, fr("page.login.title")) // there is none
	})
}

// TestThePageOfLoginIsCounted, with the API and as it is; a device that is
// known has tries of its own.
func TestThePageOfLoginIsCounted(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		known := s.visitor()
		known.logIn(t, "amina")
		if known.cookies["yoozak_device /"] == "" {
			t.Fatalf("the browser is not known: %v", known.cookies)
		}
		known.send(t, "/account/", "act", "logout")
		stranger := s.visitor()
		status := 0
		for range 200 {
			a := stranger.send(t, "/account/login/", "username", "amina", "password", "wrong-Password-1")
			if status = a.status; status == http.StatusTooManyRequests {
				a.throttled(t, "fr")
				a.shows(t, status, "amina") // what was typed stays
				break
			}
		}
		if status != http.StatusTooManyRequests {
			t.Fatal("nobody counts wrong passwords")
		}
		known.logIn(t, "amina")
		left := 0
		for s.app.Guard.AllowRequest(t.Context(), guard.LoginPerNetwork, account.RequestInfo{IP: "127.0.0.1"}) == nil {
			left++
		}
		if left == 0 || left >= guard.LoginPerNetwork.Count-3 {
			t.Errorf("%d logins of the network are left", left)
		}
		s.visitor().send(t, "/account/login/", "username", "omar", "password", firstPassword).throttled(t, "fr")
	}, limited)
}

// TestCookiesOfNonsense are no session and no error.
func TestCookiesOfNonsense(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		caller := s.register(t, "amina")
		b := s.visitor()
		access, _, err := s.tokens.Issue(token.Access, caller.User.ID, caller.SessionID, token.NewID(), s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{"x", "a.b.c", strings.Repeat("x", 8000), "%00", access, base64.RawURLEncoding.EncodeToString([]byte("amina"))} {
			for _, name := range []string{"yoozak_account", "yoozak_second", "yoozak_note", "yoozak_device"} {
				b.cookies = map[string]string{name + " /": value}
				b.open(t, "/account/").leadsTo(t, "/account/", "/account/login/")
				b.open(t, "/account/login/").shows(t, http.StatusOK, fr("page.login.title"))
				b.open(t, "/account/register/").shows(t, http.StatusOK, fr("page.register.title"))
				b.open(t, "/account/second/").shows(t, http.StatusGone, fr("page.second.gone"))
			}
		}
		// A note says nothing of its own.
		b.cookies = map[string]string{}
		b.logIn(t, "amina")
		b.cookies["yoozak_note /"] = url.Values{"to": {""}, "done": {"<b>evil"}, "typed-x": {"y"}}.Encode()
		b.open(t, "/account/").lacks(t, "evil")
	})
}

func TestManySessionsAndNames(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.Open(t, storetest.SQLite(t)))
	s.register(t, "amina")
	b := s.visitor()
	for range 100 {
		s.opens(t, "amina", firstPassword)
	}
	s.clock.Advance(time.Minute)
	b.logIn(t, "amina")
	a := b.open(t, "/account/")
	if got := strings.Count(a.body, `name="end"`); got > 5 {
		t.Errorf("%d sessions at once", got)
	}
	a.shows(t, http.StatusOK, locale.Text("fr", "page.overview.sessions_all", locale.Args{"n": 100}), fr("page.overview.events_all"))
	for _, all := range []string{"sessions", "events"} {
		a := b.open(t, "/account/?all="+all)
		a.shows(t, http.StatusOK, fr("page.overview.back"))
		if !strings.Contains(a.body, "<h1>"+fr("page.overview."+all)+"</h1>") || strings.Contains(a.body, "<h2>") {
			t.Errorf("all %s: the heading is not what the page is about", all)
		}
		if len(a.body) > 60<<10 {
			t.Errorf("all %s: %d bytes", all, len(a.body))
		}
	}
	if got := strings.Count(b.open(t, "/account/?all=sessions").body, `name="end"`); got != 99 {
		t.Errorf("%d sessions, want 99 others", got)
	}
}
