package browser

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/store/storetest"
)

// startForPasskeys runs a server at localhost, where browsers allow passkeys
// without TLS: s.URL is there.
func startForPasskeys(t *testing.T, env ...string) *server {
	t.Helper()
	return startForPasskeysOn(t, storetest.SQLite(t), env...)
}

func startForPasskeysOn(t *testing.T, database string, env ...string) *server {
	t.Helper()
	var target atomic.Pointer[url.URL]
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target.Load())
		r.Out.Host = r.In.Host
	}}
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	origin := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	s := start(t, database, append([]string{"YOOZAK_PASSKEY_RP_ID=localhost", "YOOZAK_PASSKEY_ORIGINS=" + origin}, env...)...)
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	target.Store(at)
	s.URL = origin
	return s
}

// authenticator gives the browser one that knows its user, and waits for
// nobody.
func (b *tab) authenticator() webauthn.AuthenticatorID {
	b.t.Helper()
	b.spent = true
	if err := set(b.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	made, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
		IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	return made.AuthenticatorID
}

func (b *tab) usePasskey() int {
	b.t.Helper()
	return b.load(chromedp.Click(chromedp.CSS(`form.passkey button`)))
}

// comesTo waits for a page that a script goes to.
func (b *tab) comesTo(lang, title string) {
	b.t.Helper()
	for {
		if p, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector('h1')?.textContent ?? ''`)); err == nil && p == locale.Text(lang, title, nil) {
			return
		}
		if b.ctx.Err() != nil {
			b.t.Fatalf("it does not come to %s", title)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// noConditionalUI has the browser be one that offers no passkeys among the
// names that it fills in.
func (b *tab) noConditionalUI() {
	b.t.Helper()
	b.before(`PublicKeyCredential.isConditionalMediationAvailable = undefined`)
}

// before has a script run in each page that is opened from now on, before the
// page's own. It stays as long as the window, which no other test gets.
func (b *tab) before(script string) {
	b.t.Helper()
	b.spent = true
	_, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	if err != nil {
		b.t.Fatal(err)
	}
}

// recordSignals keeps what pages tell the browser of passkeys in its session's
// storage.
func (b *tab) recordSignals() {
	b.t.Helper()
	b.before(`for (const name of ['signalAllAcceptedCredentials', 'signalUnknownCredential']) {
		PublicKeyCredential[name] = async said => sessionStorage.setItem(name, JSON.stringify(said))
	}`)
}

// signalled waits for what a page told.
func (b *tab) signalled(name, want string) {
	b.t.Helper()
	for {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`sessionStorage.getItem('`+name+`') ?? ''`))
		if err == nil && strings.Contains(got, want) {
			return
		}
		if b.ctx.Err() != nil {
			b.t.Fatalf("%s: %s, want %s", name, got, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestPasskeysAmongNames: a button that was cancelled leaves the browser offering
// them as before, and one that is picked when the computer has slept is asked for
// anew.
func TestPasskeysAmongNames(t *testing.T) {
	t.Parallel()
	s := startForPasskeys(t)
	b := openTab(t, tabOptions{language: "fr", scripts: true})
	b.before(`
		window.asked = []
		PublicKeyCredential.isConditionalMediationAvailable = async () => true
		navigator.credentials.get = ({ mediation, signal }) => {
			asked.push(mediation ?? 'button')
			if (!mediation) return Promise.reject(new DOMException('', 'NotAllowedError'))
			return new Promise((resolve, reject) => {
				signal.addEventListener('abort', () => reject(signal.reason))
				window.pick = resolve
			})
		}`)
	wasAsked := func(want string) {
		t.Helper()
		for {
			got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`asked.join(' ')`))
			if err == nil && got == want {
				return
			}
			if b.ctx.Err() != nil {
				t.Fatalf("asked %q, want %q; %v", got, want, err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	b.status(b.open(s.URL+"/account/login/"), http.StatusOK)
	wasAsked("conditional")
	b.do(chromedp.Click(chromedp.CSS(`form.passkey button`)))
	wasAsked("conditional button conditional")
	const sleeps = `Date.now = () => performance.timeOrigin + performance.now() + 3600_000; pick({}); 'picked'`
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](sleeps)); err != nil {
		t.Fatal(err)
	}
	wasAsked("conditional button conditional button")
}

// TestAccountPasskey: add a passkey, log in with it alone, as the second step
// and as a proof. Its page is the only one that needs a script.
func TestAccountPasskey(t *testing.T) {
	t.Parallel()
	for _, lang := range locale.Languages() {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := startForPasskeys(t)
			s.register(t, lang, "amina")
			b := openTab(t, tabOptions{language: lang, scripts: true})
			b.status(b.logIn(s, "amina", firstPassword), http.StatusOK)
			b.authenticator()
			b.recordSignals()
			b.status(b.follow("passkeys/"), http.StatusOK)
			b.shows(lang, "page.passkeys.title", "page.passkeys.intro", "page.passkeys.submit")
			b.accessible()
			b.fill("name", "phone")
			b.status(b.usePasskey(), http.StatusOK)
			b.shows(lang, "page.passkeys.title", "page.factors.added", "page.codes.keep")
			b.open(s.URL + "/account/")
			if p := b.shows(lang, "page.overview.title", "page.factors.passkey"); !strings.Contains(p.Text, "phone") {
				t.Errorf("no name:\n%s", p.Text)
			}
			b.signalled("signalAllAcceptedCredentials", `"allAcceptedCredentialIds":["`)
			b.status(b.pressed("logout"), http.StatusOK)

			// Among the names that the browser fills in: this authenticator waits
			// for nobody.
			b.do(chromedp.Navigate(s.URL + "/account/login/"))
			b.comesTo(lang, "page.overview.title")
			b.status(b.pressed("logout"), http.StatusOK)

			// By the button, without a name.
			b.noConditionalUI()
			b.status(b.open(s.URL+"/account/login/"), http.StatusOK)
			b.accessible()
			b.status(b.usePasskey(), http.StatusOK)
			b.shows(lang, "page.overview.title")
			b.status(b.pressed("logout"), http.StatusOK)

			// As the second step.
			b.status(b.logIn(s, "amina", firstPassword), http.StatusOK)
			b.shows(lang, "page.second.title", "page.passkeys.use", "page.factor.use_recovery")
			b.accessible()
			b.status(b.usePasskey(), http.StatusOK)
			b.shows(lang, "page.overview.title")
			b.open(s.URL + "/account/confirm/")
			b.shows(lang, "page.prove.title", "page.passkeys.use")
			b.status(b.usePasskey(), http.StatusOK)
			b.shows(lang, "page.overview.title", "page.prove.done")
		})
	}
}
