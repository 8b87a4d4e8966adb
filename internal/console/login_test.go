package console_test

import (
	"errors"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/totp"
)

const session = "yoozak_console"

// TestStrangersDoNotLockStaffOut: who guesses at a password makes others wait,
// and not the browser in which its owner was logged in.
func TestStrangersDoNotLockStaffOut(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, authtest.Limited)
	b, m := s.works(t, "salma", account.Support)
	for wait := time.Duration(0); wait < 10*time.Minute; { // the waits grow
		s.Clock.Advance(wait)
		_, err := s.Login(t.Context(), authtest.Elsewhere(), auth.Credentials{Username: account.TextInput("salma"), Password: account.TextInput("wrong")})
		var e *account.Error
		if errors.As(err, &e) {
			wait = e.Wait
		}
	}
	if a := s.browser().send(t, "/console/login", "username", "salma", "password", authtest.Good); a.status != http.StatusTooManyRequests {
		t.Errorf("in another browser: %d\n%s", a.status, a.text())
	}
	b.logIn(t, m)
}

func TestLoginAsksForBoth(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		m := s.hires(t, "salma", account.Support)
		b := s.browser()
		if a := b.open(t, "/console/login"); !strings.Contains(a.body, `<a href="./../account/forgot-password/?lang=fr">Mot de passe oublié`) {
			t.Errorf("no way for who has forgotten the password:\n%s", a.body)
		}
		b.open(t, "/console/clients?search=amina").leadsTo(t, "/console/clients?search=amina", "/console/login?next=clients%3Fsearch%3Damina")
		if a := b.send(t, "/console/login", "username", "salma", "password", "wrong"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Connexion impossible") || !strings.Contains(a.body, `value="salma"`) {
			t.Errorf("a wrong password: %d\n%s", a.status, a.text())
		}
		login := "/console/login?next=" + url.QueryEscape("clients?search=amina")
		b.send(t, login, "username", "salma", "password", authtest.Good).leadsTo(t, login, "/console/login/factor?next=clients%3Fsearch%3Damina")
		if b.cookies[session] != "" {
			t.Error("half a login opened a session")
		}
		if a := b.open(t, "/console/login/factor?next=clients%3Fsearch%3Damina"); !strings.Contains(a.body, `<a href="../login?next=clients%3Fsearch%3Damina">Revenir à la connexion`) || !strings.Contains(a.text(), "Demandez de l’aide à un propriétaire") {
			t.Errorf("no way on without the telephone:\n%s", a.body)
		}
		b.open(t, "/console/clients").leadsTo(t, "/console/clients", "/console/login?next=clients")
		factor := "/console/login/factor?next=clients%3Fsearch%3Damina"
		bound := b.open(t, factor).field(t, "bound")
		if a := b.send(t, factor, "bound", bound, "code", s.WrongCode(m.seed).Text); a.status != http.StatusUnprocessableEntity || b.cookies[session] != "" {
			t.Errorf("a wrong code: %d\n%s", a.status, a.text())
		}
		if a := b.send(t, factor, "bound", "another", "code", totp.Code(m.seed, totp.StepAt(s.Clock.Now()))); a.status != http.StatusGone {
			t.Errorf("the form of another login: %d", a.status)
		}
		b.send(t, factor, "bound", bound, "code", totp.Code(m.seed, totp.StepAt(s.Clock.Now()))).leadsTo(t, factor, "/console/clients?search=amina")
		if a := b.open(t, "/console/clients?search=amina"); a.status != http.StatusOK {
			t.Errorf("logged in: %d\n%s", a.status, a.text())
		}
		if _, waits := b.cookies["yoozak_console_factor"]; waits {
			t.Error("the challenge stays in the browser")
		}
		before := b.cookies[session]
		b.logIn(t, m)
		if b.cookies[session] == before {
			t.Error("another login has the same cookie")
		}
		old := s.browser()
		old.cookies[session] = before
		old.open(t, "/console/").leadsTo(t, "/console/", "/console/login?why=ended")
	})
}

func TestCustomersAreNotLetIn(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	s.SignUp(t, "amina")
	b := s.browser()
	a := b.send(t, "/console/login", "username", "amina", "password", authtest.Good)
	if a.status != http.StatusForbidden || b.cookies[session] != "" || !strings.Contains(a.text(), "n’a pas accès") {
		t.Errorf("%d, cookies %v\n%s", a.status, b.cookies, a.text())
	}
	// A role that was not accepted is none; and a customer's token is none either.
	karim := s.SignUp(t, "karim").User
	authtest.Write(t, s.Store, setStaff(account.StaffMember{UserID: karim.ID, Role: account.Owner, GivenAt: s.Clock.Now()}))
	if a := b.send(t, "/console/login", "username", "karim", "password", authtest.Good); a.status != http.StatusForbidden {
		t.Errorf("a role that waits: %d", a.status)
	}
	g, err := s.SignIn(t, "amina", authtest.Good)
	if err != nil {
		t.Fatal(err)
	}
	b.cookies[session] = g.Refresh
	if a := b.open(t, "/console/clients"); a.status != http.StatusForbidden || strings.Contains(a.body, "example.ma") {
		t.Errorf("a customer's token in the cookie: %d", a.status)
	}
	for _, header := range []string{"Bearer " + g.Access, "Bearer " + g.Refresh} {
		s.browser().open(t, "/console/clients", "Authorization", header).leadsTo(t, "/console/clients", "/console/login?next=clients")
	}
}

// TestNothingButEnrolmentAnswers whoever has a role and no factor, of whom the
// role is suspended by it.
func TestNothingButEnrolmentAnswers(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.SignUp(t, "salma").User
	s.setRole(t, u.ID, account.Owner)
	b := s.browser()
	b.send(t, "/console/login?next=clients", "username", "salma", "password", authtest.Good).leadsTo(t, "/console/login", "/console/enrol?next=clients")
	for _, r := range []string{"", "clients", "me", "help", "nowhere/at/all"} {
		a := b.open(t, "/console/"+r)
		if !strings.Contains(a.header.Get("Location"), "enrol") {
			t.Errorf("/console/%s: %d to %s", r, a.status, a.header.Get("Location"))
		}
		if a := b.open(t, "/console/"+r, "HX-Request", "true", "HX-Target", "results"); !strings.Contains(a.header.Get("HX-Redirect"), "enrol") || a.body != "" {
			t.Errorf("part of /console/%s: %d %q", r, a.status, a.body)
		}
	}
	if a := b.send(t, "/console/me", "keys", "off"); !strings.Contains(a.header.Get("Location"), "enrol") {
		t.Errorf("POST: %d", a.status)
	}
	first := b.cookies[session]
	if a := b.open(t, "/console/enrol?next=clients"); a.status != http.StatusOK || !strings.Contains(a.text(), "suspendu") {
		t.Fatalf("enrol: %d\n%s", a.status, a.text())
	}
	shown := b.send(t, "/console/enrol?next=clients")
	secret := shown.secret(t)
	if shown.header.Get("Content-Encoding") != "" {
		t.Error("a page with a secret is compressed")
	}
	seed := authtest.Seed(t, secret)
	if a := b.send(t, "/console/enrol?next=clients", "id", shown.field(t, "id"), "code", s.WrongCode(seed).Text); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong code: %d\n%s", a.status, a.text())
	}
	done := b.send(t, "/console/enrol?next=clients", "id", shown.field(t, "id"), "code", totp.Code(seed, totp.StepAt(s.Clock.Now())))
	if done.status != http.StatusOK || strings.Count(done.body, "<li><code>") != 10 {
		t.Fatalf("enrolled: %d\n%s", done.status, done.text())
	}
	if b.cookies[session] == first {
		t.Error("the token of the session without a factor goes on")
	}
	b.open(t, "/console/clients").leadsTo(t, "/console/clients", "/console/login?next=clients")
	// The password alone was shown: with the factor the role waits for an owner.
	b.Clock.Advance(time.Minute)
	b.send(t, "/console/login", "username", "salma", "password", authtest.Good).leadsTo(t, "/console/login", "/console/login/factor")
	form := b.open(t, "/console/login/factor")
	a := b.send(t, "/console/login/factor", "bound", form.field(t, "bound"), "code", totp.Code(seed, totp.StepAt(b.Clock.Now())))
	if a.status != http.StatusForbidden || !strings.Contains(a.text(), "n’a pas accès") {
		t.Errorf("after all: %d\n%s", a.status, a.text())
	}
}

// secret is what a page shows once, as it is copied: without the spaces of a
// seed.
func (a answer) secret(t *testing.T) string {
	t.Helper()
	_, rest, found := strings.Cut(a.body, `<p class="secret"><code dir="ltr">`)
	inside, _, ends := strings.Cut(rest, "</code>")
	if !found || !ends {
		t.Fatalf("no secret: %d\n%s", a.status, a.text())
	}
	return strings.ReplaceAll(html.UnescapeString(inside), " ", "")
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, m := s.works(t, "salma", account.Support)
	for range 23 { // half an hour each, less a minute
		s.Clock.Advance(29 * time.Minute)
		if a := b.open(t, "/console/me"); a.status != http.StatusOK {
			t.Fatalf("at work: %d to %s", a.status, a.header.Get("Location"))
		}
	}
	s.Clock.Advance(31 * time.Minute)
	b.open(t, "/console/me").leadsTo(t, "/console/me", "/console/login?next=me&why=idle")
	b.logIn(t, m)
	for range 24 {
		s.Clock.Advance(29 * time.Minute)
		b.open(t, "/console/me")
	}
	s.Clock.Advance(25 * time.Minute) // twelve hours and more
	b.open(t, "/console/me").leadsTo(t, "/console/me", "/console/login?next=me&why=idle")

	b.logIn(t, m)
	token := b.cookies[session]
	a := b.send(t, "/console/logout")
	a.leadsTo(t, "/console/logout", "/console/login?why=out")
	if got := a.header.Get("Clear-Site-Data"); !strings.Contains(got, "storage") || !strings.Contains(got, "cache") || b.cookies[session] != "" {
		t.Errorf("log-out: %q, %v", got, b.cookies)
	}
	b.cookies[session] = token
	b.open(t, "/console/me").leadsTo(t, "/console/me", "/console/login?next=me&why=ended")
	b.logIn(t, m)
	b.open(t, "/console/logout").leadsTo(t, "/console/logout", "/console/")
	if a := b.open(t, "/console/me"); a.status != http.StatusOK {
		t.Errorf("a link logged out: %d", a.status)
	}
	authtest.Write(t, s.Store, takeStaff(m.ID))
	if a := b.open(t, "/console/me"); a.status != http.StatusForbidden {
		t.Errorf("a role that was taken: %d", a.status)
	}
	b.open(t, "/console/me").leadsTo(t, "/console/me", "/console/login?next=me")
}

func TestNextStaysInTheConsole(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "salma", account.Support)
	for _, next := range []string{
		"//evil.example", "/\\evil.example", "\\evil.example", "https://evil.example", "https:evil.example", "javascript:alert(1)", "/account/", "../account/", "clients/../../account/",
		"clients/%2e%2e/%2e%2e/account", "clients\r\nSet-Cookie: a=b", "clients\tx", ".", "..", "#x", "?\\x", "a//b", "x:y", strings.Repeat("a", 3000), "%ff", "user@evil.example:80", "%5cevil", "%2f%2fevil.example",
	} {
		b.open(t, "/console/login?next="+url.QueryEscape(next))
		a := b.open(t, "/console/login?next="+url.QueryEscape(next))
		at, err := url.Parse("https://accounts.example/console/login")
		if err != nil {
			t.Fatal(err)
		}
		to, err := at.Parse(a.header.Get("Location"))
		if err != nil || a.status != http.StatusSeeOther || to.Host != "accounts.example" || !strings.HasPrefix(to.Path, "/console/") || strings.Contains(to.Path, "..") {
			t.Errorf("next %q: %d to %s; %v", next, a.status, a.header.Get("Location"), err)
		}
	}
	for _, next := range []string{"clients?search=%D8%A7&cursor=x", "me", "clients"} {
		b.open(t, "/console/login?next="+url.QueryEscape(next)).leadsTo(t, "/console/login", "/console/"+next)
	}
}

func TestOtherSitesCannotAct(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "salma", account.Support)
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, {"Sec-Fetch-Site", "", "Origin", "null"},
	} {
		a := b.ask(t, http.MethodPost, "/console/me", "keys=off", append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
		if a.status != http.StatusForbidden || b.cookies["yoozak_console_keys"] != "" {
			t.Errorf("%v: %d", headers, a.status)
		}
	}
	if a := b.send(t, "/console/me", "keys", "off"); a.status != http.StatusSeeOther || b.cookies["yoozak_console_keys"] == "" {
		t.Errorf("our own: %d", a.status)
	}
	if a := b.ask(t, http.MethodDelete, "/console/me", ""); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("DELETE: %d, %q", a.status, a.header.Get("Allow"))
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	s.https = true
	s.serve(t)
	m := s.hires(t, "salma", account.Support)
	b := s.browser()
	first := b.send(t, "/console/login", "username", "salma", "password", authtest.Good)
	form := b.open(t, "/console/login/factor")
	second := b.send(t, "/console/login/factor", "bound", form.field(t, "bound"), "code", totp.Code(m.seed, totp.StepAt(s.Clock.Now())))
	for _, a := range []answer{first, second} {
		for _, c := range (&http.Response{Header: a.header}).Cookies() {
			if !strings.HasPrefix(c.Name, "__Host-yoozak_console") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("cookie %+v", c)
			}
		}
	}
	for _, path := range []string{"", "clients", "me", "help", "nowhere", "login?why=out", "enrol"} {
		a := b.open(t, "/console/"+path)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("/console/%s: %s %q, want %q", path, name, got, want)
			}
		}
		policy := a.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("/console/%s: policy %q lacks %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(a.body, " style=") || strings.Contains(a.body, "<style") || strings.Contains(a.body, " onclick") || strings.Contains(a.body, "hx-on") {
			t.Errorf("/console/%s: %s\n%s", path, policy, a.body)
		}
		if !strings.Contains(a.header.Get("Vary"), "HX-Request") && a.status != http.StatusSeeOther {
			t.Errorf("/console/%s varies by %q", path, a.header.Get("Vary"))
		}
	}
	if logged := s.log.String(); strings.Contains(logged, "search=") || strings.Contains(logged, authtest.Good) {
		t.Errorf("the log has what was asked:\n%s", logged)
	}
}

func TestLanguageIsKept(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "salma", account.Support)
	b.send(t, "/console/language", "language", "ar", "to", "clients?search=amina").leadsTo(t, "/console/language", "/console/clients?search=amina")
	if a := b.open(t, "/console/clients"); !strings.Contains(a.body, `<html lang="ar" dir="rtl">`) || !strings.Contains(a.text(), "الزبناء") {
		t.Errorf("not Arabic:\n%s", a.text())
	}
	b.send(t, "/console/language", "language", "de", "to", "//evil").leadsTo(t, "/console/language", "/console/")
	if a := b.open(t, "/console/clients"); !strings.Contains(a.body, `<html lang="fr" dir="ltr">`) {
		t.Error("a language that there is not")
	}
}
