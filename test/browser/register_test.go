package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/yoozak/clients/internal/locale"
)

// TestRegisterByKeyboard comes from the login, errs once, and is in: on a narrow
// telephone that runs no scripts, with the keyboard alone.
func TestRegisterByKeyboard(t *testing.T) {
	t.Parallel()
	lastNames := map[string]string{"fr": "El Alaoui", "en": "El Alaoui", "ar": "العلوي"}
	forEachLanguage(t, func(t *testing.T, s *server, b *tab, lang string) {
		b.status(b.open(s.URL+"/account/login/"), http.StatusOK)
		b.tabTo(`a[href$="register/"]`)
		b.status(b.load(chromedp.KeyEvent(kb.Enter)), http.StatusOK)
		p := b.shows(lang, "page.register.title", "page.register.for_login", "page.reset.hint", "page.register.submit", "page.register.login")
		if got := strings.Join(p.Fields, " "); got != "first_name last_name email password repeat" {
			t.Errorf("fields %s", got)
		}
		b.tabTo("#first_name")
		b.do(chromedp.KeyEvent(firstNames[lang]))
		b.tabTo("#last_name")
		b.do(chromedp.KeyEvent(lastNames[lang]))
		b.tabTo("#email")
		b.do(chromedp.KeyEvent("Amina@example.ma"))
		b.tabTo("#password")
		b.do(chromedp.KeyEvent("xK4#"))
		b.tabTo("#repeat")
		b.do(chromedp.KeyEvent("xK4#"))
		b.tabTo("#send")
		b.status(b.load(chromedp.KeyEvent(kb.Enter)), http.StatusBadRequest)
		b.shows(lang, "page.register.title")
		p = b.inField("password")
		if short := locale.Text(lang, "page.field.short", locale.Args{"n": 8}); p.Label != locale.Text(lang, "page.login.password", nil) || !strings.Contains(p.About, short) || !strings.HasPrefix(p.Title, locale.Text(lang, "page.problem", nil)) {
			t.Errorf("a screen reader begins with %q, %q, %q; want %q", p.Title, p.Label, p.About, short)
		}
		b.do(chromedp.KeyEvent(firstPassword))
		b.tabTo("#repeat")
		b.do(chromedp.KeyEvent(firstPassword))
		b.status(b.load(chromedp.KeyEvent(kb.Enter)), http.StatusOK) // the names and the address were still there
		p = b.shows(lang, "page.overview.title", "page.register.done_mail", "page.code.enter", "page.overview.not_verified", "event.registered")
		if !strings.Contains(p.Text, firstNames[lang]+" "+lastNames[lang]) || !strings.Contains(p.Text, "Amina@example.ma") {
			t.Errorf("whose page is it?\n%s", p.Text)
		}
		b.status(b.open(s.URL+"/account/register/"), http.StatusOK) // there is nothing to do
		b.shows(lang, "page.overview.title")

		b.status(b.open(s.received(t, "verify_email", "Amina@example.ma").Link), http.StatusOK)
		b.status(b.press(), http.StatusOK)
		b.shows(lang, "page.verify.title", "page.verify.done")
		b.open(s.URL + "/account/")
		b.status(b.pressed("logout"), http.StatusOK)
		b.status(b.logIn(s, firstAddress, firstPassword), http.StatusOK)
		b.shows(lang, "page.overview.title")
	})
}
