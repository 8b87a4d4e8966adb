package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/store/storetest"
)

// forEachLanguage runs a flow on a new server with a narrow telephone that
// runs no scripts.
func forEachLanguage(t *testing.T, flow func(t *testing.T, s *server, b *tab, lang string)) {
	t.Helper()
	for _, lang := range locale.Languages() {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := start(t, storetest.SQLite(t))
			flow(t, s, openTab(t, tabOptions{language: lang}), lang)
			s.keepsSecrets(t)
		})
	}
}

func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	forEachLanguage(t, forgottenPassword)
}

// TestForgottenPasswordOnBothEngines is the one flow on PostgreSQL, too.
func TestForgottenPasswordOnBothEngines(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := start(t, url)
		forgottenPassword(t, s, openTab(t, tabOptions{language: "fr"}), "fr")
		s.keepsSecrets(t)
	})
}

func forgottenPassword(t *testing.T, s *server, b *tab, lang string) {
	t.Helper()
	username := map[string]string{"fr": "amélie", "en": "amina", "ar": "أمينة"}[lang]
	s.register(t, lang, username)
	b.status(b.open(s.URL+"/account/forgot-password/"), http.StatusOK)
	b.shows(lang, "page.forgot.title", "page.forgot.intro", "page.forgot.email", "page.forgot.submit")
	b.fill("email", "amina")
	b.status(b.press(), http.StatusBadRequest)
	b.shows(lang, "page.forgot.title", "page.field.email")
	p := b.inField("email")
	if p.Label != locale.Text(lang, "page.forgot.email", nil) || !strings.Contains(p.About, locale.Text(lang, "page.field.email", nil)) {
		t.Errorf("a screen reader begins with %q, %q", p.Label, p.About)
	}
	b.fill("email", "Amina@Example.ma")
	b.status(b.press(), http.StatusAccepted)
	if p := b.shows(lang, "page.forgot.title", "page.forgot.done", "page.forgot.look", "page.forgot.other"); !strings.Contains(p.Text, "Amina@Example.ma") {
		t.Errorf("the page does not say which address:\n%s", p.Text)
	}

	m := s.received(t, "reset_password", "amina@example.ma")
	b.status(b.open(m.Link), http.StatusOK)
	p = b.shows(lang, "page.reset.title", "page.reset.intro", "page.reset.hint", "page.reset.submit")
	if strings.Join(p.Fields, " ") != "username new_password repeat" || p.Username != username {
		t.Errorf("fields %v, for %q", p.Fields, p.Username)
	}
	b.fill("new_password", "xK4#")
	b.fill("repeat", "xK4#")
	b.status(b.press(), http.StatusBadRequest)
	b.shows(lang, "page.reset.title")
	p = b.inField("new_password")
	short := locale.Text(lang, "page.field.short", locale.Args{"n": 8})
	if p.Label != locale.Text(lang, "page.reset.password", nil) || !strings.Contains(p.About, short) || !strings.HasPrefix(p.Title, locale.Text(lang, "page.problem", nil)) {
		t.Errorf("after a bad password: title %q, label %q, about %q; want %q", p.Title, p.Label, p.About, short)
	}
	b.fill("new_password", nextPassword)
	b.fill("repeat", nextPassword+"x")
	b.status(b.press(), http.StatusBadRequest)
	b.shows(lang, "page.reset.title", "page.reset.mismatch")
	b.inField("new_password")
	if s.opens(t, username, nextPassword) || !s.opens(t, username, firstPassword) {
		t.Error("a refused password changed something")
	}
	b.fill("new_password", nextPassword)
	b.fill("repeat", nextPassword)
	b.status(b.enter("repeat"), http.StatusOK)
	b.shows(lang, "page.reset.title", "page.reset.done")
	if s.opens(t, username, firstPassword) || !s.opens(t, username, nextPassword) {
		t.Error("the new password does not open the account, or the old one does")
	}
	s.received(t, "password_changed", "amina@example.ma")

	// The link is dead, and leads to another.
	b.status(b.open(m.Link), http.StatusGone)
	b.shows(lang, "page.bad_link", "challenge_used")
	b.status(b.load(chromedp.Click(chromedp.CSS("a.button"))), http.StatusOK)
	b.shows(lang, "page.forgot.title")
}

func TestVerifyAddress(t *testing.T) {
	t.Parallel()
	forEachLanguage(t, func(t *testing.T, s *server, b *tab, lang string) {
		access := s.register(t, lang, "amina")
		m := s.received(t, "verify_email", "amina@example.ma")
		b.status(b.open(m.Link), http.StatusOK)
		if p := b.shows(lang, "page.verify.title", "page.verify.intro"); !strings.Contains(p.Text, "amina@example.ma") {
			t.Errorf("the page does not say which address:\n%s", p.Text)
		}
		verified := func() any {
			_, security := s.call(t, http.MethodGet, "clients/me/security/", lang, access)
			return security["email_verified"]
		}
		if verified() != false {
			t.Errorf("verified by looking at the page: %v", verified())
		}
		b.status(b.press(), http.StatusOK)
		b.shows(lang, "page.verify.title", "page.verify.done")
		if verified() != true {
			t.Errorf("not verified: %v", verified())
		}
		b.status(b.open(m.Link), http.StatusOK)
		b.shows(lang, "page.verify.title", "page.verify.already")
	})
}

func TestChangeAddressAndUndo(t *testing.T) {
	t.Parallel()
	forEachLanguage(t, func(t *testing.T, s *server, b *tab, lang string) {
		access := s.register(t, lang, "amina")
		s.prove(t)
		s.changeEmail(t, lang, access, "thief@example.ma")
		b.status(b.open(s.received(t, "confirm_email", "thief@example.ma").Link), http.StatusOK)
		b.shows(lang, "page.confirm.title", "page.confirm.intro")
		b.status(b.press(), http.StatusOK)
		b.shows(lang, "page.confirm.title", "page.confirm.done")
		if got := s.address(t, "amina", firstPassword); got != "thief@example.ma" {
			t.Errorf("address %s", got)
		}

		b.status(b.open(s.received(t, "email_changed", "amina@example.ma").Link), http.StatusOK)
		b.shows(lang, "page.undo.title", "page.undo.intro")
		b.status(b.press(), http.StatusOK)
		b.shows(lang, "page.undo.title", "page.undo.done")
		if s.opens(t, "amina", firstPassword) {
			t.Error("the password still opens the account")
		}

		b.status(b.open(s.received(t, "reset_password", "amina@example.ma").Link), http.StatusOK)
		b.shows(lang, "page.reset.title")
		b.fill("new_password", nextPassword)
		b.fill("repeat", nextPassword)
		b.status(b.press(), http.StatusOK)
		b.shows(lang, "page.reset.title", "page.reset.done")
		if got := s.address(t, "amina", nextPassword); got != "amina@example.ma" {
			t.Errorf("address %s", got)
		}
	})
}

// TestLanguageLinks changes the language of a page by its links, also after
// a form came back with messages.
func TestLanguageLinks(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	s.register(t, "fr", "amina")
	b := openTab(t, tabOptions{language: "fr"})
	b.open(s.received(t, "verify_email", "amina@example.ma").Link)
	choose := func(lang string) int {
		return b.load(chromedp.Click(chromedp.CSS(`nav a[lang="` + lang + `"]`)))
	}
	for _, lang := range []string{"ar", "en", "fr", "ar"} {
		b.status(choose(lang), http.StatusOK)
		b.shows(lang, "page.verify.title", "page.verify.intro")
	}
	b.open(s.URL + "/account/forgot-password/")
	b.status(b.press(), http.StatusBadRequest)
	b.shows("fr", "page.forgot.title", "page.field.blank")
	b.status(choose("ar"), http.StatusOK)
	b.shows("ar", "page.forgot.title")
	b.status(b.press(), http.StatusBadRequest)
	b.shows("ar", "page.forgot.title", "page.field.blank")
}

// TestButtonIsInSight on a small telephone, also under what is wrong with a
// password, with the way back to a shop below it.
func TestButtonIsInSight(t *testing.T) {
	t.Parallel()
	for _, lang := range locale.Languages() {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := start(t, storetest.SQLite(t), "YOOZAK_SHOP_URL=https://boutique.example/", "YOOZAK_SUPPORT=aide@boutique.example")
			b := openTab(t, tabOptions{language: lang, width: 360, height: 640})
			s.register(t, lang, "amina")
			b.open(s.URL + "/account/forgot-password/")
			b.fill("email", firstAddress)
			b.press()
			b.open(s.received(t, "reset_password", firstAddress).Link)
			b.inSight("the form")
			for _, plain := range []string{"", "123456", "kV7#pazouk", "password1"} { // blank, three rules at once, not the same twice, common
				b.fill("new_password", plain)
				b.fill("repeat", strings.TrimPrefix(plain, "kV7"))
				b.status(b.press(), http.StatusBadRequest)
				b.inSight("after " + plain)
			}
		})
	}
}

// inSight fails when the button is below the window.
func (b *tab) inSight(when string) {
	b.t.Helper()
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](`[document.querySelector('button').getBoundingClientRect().bottom + scrollY, innerHeight]`))
	if err != nil {
		b.t.Fatal(err)
	}
	if at[0] > at[1] {
		b.t.Errorf("%s: the button ends at %.0f of %.0f pixels", when, at[0], at[1])
	}
}

// TestButtonsHaveAnEdgeInForcedColours: Windows' contrast themes take every
// background away.
func TestButtonsHaveAnEdgeInForcedColours(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t), "YOOZAK_SHOP_URL=https://boutique.example/")
	b := openTab(t, tabOptions{language: "fr", forced: true})
	for page, button := range map[string]string{"forgot-password/": "button", "undo-email/x": "a.button"} {
		b.open(s.URL + "/account/" + page)
		edge, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`(() => {
			const s = getComputedStyle(document.querySelector('`+button+`')), page = getComputedStyle(document.body);
			return [String(matchMedia('(forced-colors: active)').matches), s.borderTopStyle, s.borderTopWidth, s.borderTopColor, page.backgroundColor];
		})()`))
		if err != nil {
			t.Fatal(err)
		}
		if edge[0] != "true" || edge[1] != "solid" || edge[2] != "1px" || edge[3] == "rgba(0, 0, 0, 0)" || edge[3] == edge[4] {
			t.Errorf("%s: %v", page, edge)
		}
	}
}

// TestTheBrowserWouldComplain shows that the other tests would notice: here
// are scripts that do not run, and what a policy stops.
func TestTheBrowserWouldComplain(t *testing.T) {
	t.Parallel()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en" dir="ltr"><title>bad</title><h1 style="width:2000px">as it came</h1>
			<script>document.querySelector('h1').textContent = 'changed by a script'</script></html>`))
	}))
	t.Cleanup(bad.Close)
	for _, scripts := range []bool{false, true} {
		b := openTab(t, tabOptions{language: "en", scripts: scripts})
		b.open(bad.URL)
		p := b.read()
		if want := map[bool]string{false: "as it came", true: "changed by a script"}[scripts]; p.H1 != want {
			t.Errorf("scripts %v: %q, want %q", scripts, p.H1, want)
		}
		seen := strings.Join(b.seen(), "\n")
		if !strings.Contains(seen, "style-src") && !strings.Contains(seen, "inline style") {
			t.Errorf("the policy's violation went unnoticed: %q", seen)
		}
		b.mu.Lock()
		b.problems = nil
		b.mu.Unlock()
	}
}
