package browser

import (
	"encoding/base32"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/totp"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// logIn goes through the login page.
func (b *tab) logIn(s *server, username, plain string) int {
	b.t.Helper()
	b.status(b.open(s.URL+"/account/login/"), http.StatusOK)
	b.fill("username", username)
	b.fill("password", plain)
	return b.press()
}

// pressed presses the button with a value.
func (b *tab) pressed(value string) int { //nolint:unparam // the button is named where it is pressed
	b.t.Helper()
	return b.load(chromedp.Click(chromedp.CSS(`button[value="` + value + `"]`)))
}

// follow follows the link to an address that ends so.
func (b *tab) follow(ending string) int {
	b.t.Helper()
	return b.load(chromedp.Click(chromedp.CSS(`main a[href$="` + ending + `"]`)))
}

// TestAccountOverview: log in, see, change the password, end another session,
// log out, and go back. On a narrow telephone that runs no scripts.
func TestAccountOverview(t *testing.T) {
	t.Parallel()
	forEachLanguage(t, func(t *testing.T, s *server, b *tab, lang string) {
		s.register(t, lang, "amina")
		b.status(b.open(s.URL+"/account/"), http.StatusOK) // the login came
		b.shows(lang, "page.login.title", "page.login.forgot")
		b.status(b.logIn(s, "amina", nextPassword), http.StatusBadRequest)
		b.shows(lang, "page.login.title", "page.login.refused")
		if p := b.inField("password"); p.Label != locale.Text(lang, "page.login.password", nil) || !strings.Contains(p.About, locale.Text(lang, "page.login.refused", nil)) {
			t.Errorf("a screen reader begins with %q, %q", p.Label, p.About)
		}
		b.fill("password", firstPassword)
		b.status(b.enter("password"), http.StatusOK)
		p := b.shows(lang, "page.overview.title", "page.overview.current", "page.overview.not_verified", "event.login")
		if !strings.Contains(p.Text, firstAddress) || !strings.Contains(p.Text, "amina") {
			t.Errorf("whose page is it?\n%s", p.Text)
		}

		b.status(b.load(chromedp.Click(chromedp.CSS(`button[name="end"]`))), http.StatusOK)
		b.shows(lang, "page.overview.title", "page.overview.session_ended", "event.session_ended")

		b.status(b.follow("password/"), http.StatusOK)
		b.shows(lang, "page.password.title", "page.password.current")
		b.fill("current_password", firstPassword)
		b.fill("new_password", nextPassword)
		b.fill("repeat", nextPassword)
		b.status(b.enter("repeat"), http.StatusOK)
		b.shows(lang, "page.overview.title", "page.password.done", "event.password_changed")
		if s.opens(t, "amina", firstPassword) || !s.opens(t, "amina", nextPassword) {
			t.Error("the password did not change")
		}

		b.status(b.pressed("logout"), http.StatusOK)
		b.shows(lang, "page.overview.leave", "page.logout.done")
		b.do(chromedp.NavigateBack()) // the next person at this screen
		if p := b.read(); strings.Contains(p.Text, firstAddress) || p.H1 != locale.Text(lang, "page.login.title", nil) {
			t.Errorf("the way back shows\n%s", p.Text)
		}
	})
}

// near holds that what is measured, in pixels, is none.
func (b *tab) near(what, script string) {
	b.t.Helper()
	if off, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](script)); err != nil || off > 1 {
		b.t.Errorf("%s: %.1f pixels, %v", what, off, err)
	}
}

// enrol sets an authenticator app up by the key that the page shows as text,
// and returns its secret and the recovery codes.
func (b *tab) enrol(s *server, lang string) (seed []byte, codes []string) {
	b.t.Helper()
	b.status(b.open(s.URL+"/account/factors/totp/?lang="+lang), http.StatusOK)
	b.shows(lang, "page.totp.title", "page.totp.intro")
	b.fill("name", firstNames[lang])
	b.status(b.press(), http.StatusOK)
	b.shows(lang, "page.totp.title", "page.totp.scan", "page.totp.secret")
	seed = b.secret()
	b.fill("code", totp.Code(seed, totp.StepAt(time.Now())))
	b.status(b.enter("code"), http.StatusOK)
	b.shows(lang, "page.totp.title", "page.factors.added", "page.codes.keep")
	return seed, b.recoveryCodes()
}

// recoveryCodes are those that the page shows.
func (b *tab) recoveryCodes() []string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll('.codes code')].map(c => c.innerText)`))
	if err != nil || len(text) != 10 {
		b.t.Fatalf("%d codes, %v", len(text), err)
	}
	return text
}

// secret is the key that the page shows as text.
func (b *tab) secret() []byte {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector('.secret code').innerText`))
	if err != nil {
		b.t.Fatal(err)
	}
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		b.t.Fatal(err)
	}
	return seed
}

// TestAccountFactor: set an authenticator app up, log in with it and with a
// recovery code, in another browser, and take it away.
func TestAccountFactor(t *testing.T) {
	t.Parallel()
	forEachLanguage(t, func(t *testing.T, s *server, b *tab, lang string) {
		s.register(t, lang, "amina")
		b.status(b.logIn(s, "amina", firstPassword), http.StatusOK)
		seed, codes := b.enrol(s, lang)
		// Back leads to the answer to a form, which the browser did not keep: it
		// offers to send the form again, and that gives another key.
		if err := chromedp.Do(b.ctx, chromedp.NavigateBack()); err == nil || !strings.Contains(err.Error(), "ERR_CACHE_MISS") {
			t.Errorf("the way back: %v", err)
		}

		other := openTab(t, tabOptions{language: lang})
		other.status(other.logIn(s, "amina", firstPassword), http.StatusOK)
		other.shows(lang, "page.second.title", "page.factor.code", "page.factor.use_recovery")
		other.inField("code")
		other.near("the box from the edge of the form", `(box => {
			const form = box.form.getBoundingClientRect(), b = box.getBoundingClientRect();
			return Math.min(Math.abs(b.left - form.left), Math.abs(b.right - form.right));
		})(document.querySelector('.check input'))`)
		other.fill("code", "000000")
		other.status(other.press(), http.StatusBadRequest)
		if p := other.inField("code"); !strings.Contains(p.About, locale.Text(lang, "factor_wrong", nil)) {
			t.Errorf("a screen reader says %q", p.About)
		}
		other.status(other.load(chromedp.Click(chromedp.CSS(`main a[href*="with=recovery"]`))), http.StatusOK)
		other.fill("recovery_code", strings.ToLower(codes[4]))
		other.status(other.enter("recovery_code"), http.StatusOK)
		other.shows(lang, "page.overview.title", "page.factors.totp")
		other.status(other.pressed("logout"), http.StatusOK)
		for _, secret := range append(codes, base32.StdEncoding.EncodeToString(seed)) {
			if strings.Contains(s.Output.String(), secret) {
				t.Errorf("the server's output has %s", secret)
			}
		}

		// Another password leaves it, and says so.
		other.open(s.URL + "/account/forgot-password/")
		other.fill("email", "amina@example.ma")
		other.status(other.press(), http.StatusAccepted)
		other.open(s.received(t, "reset_password", "amina@example.ma").Link)
		other.fill("new_password", firstPassword)
		other.fill("repeat", firstPassword)
		other.status(other.press(), http.StatusOK)
		other.shows(lang, "page.reset.title", "page.reset.done", "page.reset.factors", "page.reset.factors_why", "page.factors.totp")
		other.picture("reset-factors-" + lang)

		b.status(b.logIn(s, "amina", firstPassword), http.StatusOK)
		b.status(b.load(chromedp.Click(chromedp.CSS(`main a[href*="with=recovery"]`))), http.StatusOK)
		b.fill("recovery_code", codes[5])
		b.status(b.press(), http.StatusOK)
		b.open(s.URL + "/account/")
		b.near("a button's text from its middle", `(button => {
			const range = document.createRange();
			range.selectNodeContents(button);
			const text = range.getBoundingClientRect(), b = button.getBoundingClientRect();
			return Math.abs(text.top + text.bottom - b.top - b.bottom) / 2;
		})(document.querySelector('a.small'))`)
		b.status(b.load(chromedp.Click(chromedp.CSS(`a.small`))), http.StatusOK)
		b.shows(lang, "page.factors.totp", "page.factors.remove_last")
		b.status(b.load(chromedp.Click(chromedp.CSS(`button[name="remove"]`))), http.StatusOK)
		b.shows(lang, "page.overview.title", "page.factors.removed", "page.factors.none")
	})
}

// TestAccountByKeyboard reaches and presses everything without a mouse, in
// the order of the page.
func TestAccountByKeyboard(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	s.register(t, "fr", "amina")
	b := openTab(t, tabOptions{language: "fr"})
	b.open(s.URL + "/account/login/")
	b.tabTo("#username")
	b.do(chromedp.KeyEvent("amina"))
	b.tabTo("#password")
	b.do(chromedp.KeyEvent(firstPassword))
	b.status(b.load(chromedp.KeyEvent(kb.Enter)), http.StatusOK)
	b.shows("fr", "page.overview.title")
	b.tabTo(`a[href$="password/"]`)
	b.tabTo(`button[name="end"]`)
	b.tabTo(`button[value="logout"]`)
	b.status(b.load(chromedp.KeyEvent(kb.Enter)), http.StatusOK)
	b.shows("fr", "page.overview.leave", "page.logout.done")
}

// tabTo goes on from the keyboard until it is at what the selector says.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	for range 60 {
		b.do(chromedp.KeyEvent(kb.Tab))
		is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.activeElement.matches('`+selector+`')`))
		if err != nil {
			b.t.Fatal(err)
		}
		if is {
			return
		}
	}
	b.t.Fatalf("the keyboard does not come to %s", selector)
}

// accountScreens are what the pages of an account are read on. Those that are
// not rare have each language, width and scheme.
var accountScreens = []tabOptions{
	{language: "fr", width: 320, height: 640, scripts: true},
	{language: "fr", width: 1280, height: 860, scripts: true, dark: true, rare: true},
	{language: "fr", width: 768, height: 900, scripts: true},
	{language: "en", width: 320, height: 640, scripts: true, rare: true},
	{language: "en", width: 1280, height: 860, scripts: true, dark: true},
	{language: "ar", width: 320, height: 640, scripts: true, rare: true},
	{language: "ar", width: 320, height: 640, scripts: true, dark: true},
	{language: "ar", width: 1280, height: 860, scripts: true, dark: true, rare: true},
}

// TestAccountIsReadable goes through the pages of an account: nothing is wider
// than the window, and axe-core finds nothing. It takes most of the time, and
// looks at the rare screens in make test-long alone.
func TestAccountIsReadable(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	s.register(t, "fr", "amina-el-alaoui-el-mdaghri-avec-un-tres-long-nom-d.utilisateur@boutique.example.ma")
	s.longNames(t)
	for _, o := range accountScreens {
		t.Run(o.name(), func(t *testing.T) {
			b := openTab(t, o)
			fine := func(title string) {
				t.Helper()
				b.shows(o.language, title)
				b.unbroken()
				if !o.rare || yoozaktest.Long(0, 1) == 1 {
					b.accessible()
				}
				b.picture(strings.ReplaceAll(title, ".", "-"))
			}
			b.open(s.URL + "/account/login/")
			fine("page.login.title")
			b.press()
			fine("page.login.title")
			b.open(s.URL + "/account/register/")
			fine("page.register.title")
			b.fill("email", strings.Repeat("w", 140)+"@boutique.example.ma") // too long for a username, which is asked for
			b.status(b.press(), http.StatusBadRequest)
			fine("page.register.title")
			b.open(s.URL + "/account/second/")
			fine("page.second.gone")
			b.status(b.logIn(s, firstAddress, firstPassword), http.StatusOK)
			fine("page.overview.title")
			b.open(s.URL + "/account/?all=sessions")
			fine("page.overview.sessions")
			b.open(s.URL + "/account/password/")
			fine("page.password.title")
			b.press()
			fine("page.password.title")
			b.open(s.URL + "/account/confirm/")
			fine("page.prove.title")
			b.press()
			fine("page.prove.title")
			b.open(s.URL + "/account/factors/totp/")
			fine("page.totp.title")
			b.fill("name", strings.Repeat("w", 64))
			b.status(b.press(), http.StatusOK)
			fine("page.totp.title")
			b.press()
			fine("page.totp.title")
			b.open(s.URL + "/account/")
			b.status(b.pressed("logout"), http.StatusOK)
			fine("page.overview.leave")
		})
	}
}

// longNames gives the account names that are as long as names may be.
func (s *server) longNames(t *testing.T) {
	t.Helper()
	_, tokens := s.call(t, http.MethodPost, "auth/login/", "fr", "", "username", firstAddress, "password", firstPassword)
	access, _ := tokens["access"].(string)
	if status, answer := s.call(t, http.MethodPatch, "clients/me/", "fr", access, "first_name", strings.Repeat("فاطمة الزهراء ", 10), "last_name", strings.Repeat("m", 150)); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
}
