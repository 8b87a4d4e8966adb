package browser

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/totp"
)

// storefront serves a page of another origin than the API, with the modules given.
func storefront(t *testing.T, modules map[string]string, body string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if code, is := modules[strings.TrimPrefix(r.URL.Path, "/")]; is {
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			_, _ = w.Write([]byte(code))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>shop</title><h1>shop</h1>` + body + `</html>`))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// run evaluates a script that returns a promise of a text.
func (b *tab) run(script string) string {
	b.t.Helper()
	yes := true
	res, err := chromedp.Call(b.ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression: `(async () => { ` + script + ` })().then(String, e => 'failed: ' + e.name + ': ' + e.message)`, AwaitPromise: &yes, ReturnByValue: &yes, UserGesture: &yes,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	var text string
	if err := json.Unmarshal(res.Result.Value, &text); err != nil {
		b.t.Fatalf("%s: %v", res.Result.Value, err)
	}
	return text
}

// TestDocumentedClient is docs/start.md's session.js, in a page of another
// origin, as people copy it.
func TestDocumentedClient(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t), "YOOZAK_CORS_LOOPBACK=true", "YOOZAK_REFRESH_ROTATION=true")
	code := strings.Replace(guideCode(t, "start", "client"), "http://127.0.0.1:8000", s.URL, 1)
	// Each frame is what another tab would be: it has the code for itself, and
	// shares the storage and the locks of the browser.
	shop := storefront(t, map[string]string{"session.js": code}, `<script type="module">window.api = await import('/session.js')</script>`)
	b := openTab(t, tabOptions{language: "en", scripts: true})
	b.open(shop)
	wait := `while (!window.api) await new Promise(r => setTimeout(r, 10));`
	step := func(what, script, want string) {
		t.Helper()
		if got := b.run(wait + script); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	step("a refused form", `return api.register({ username: 'a b' }).then(() => 'registered', e => [e.status, Object.keys(e.fields), e.requestId.length > 5])`,
		"400,username,password,true")
	step("register", `return (await api.register({ username: 'amina', password: '`+firstPassword+`', email: '`+firstAddress+`' })).username`, "amina")
	step("a call", `return (await api.call('GET', 'clients/me/')).email`, firstAddress)
	step("a wrong login", `return api.login('amina', 'wrong').then(() => 'in', e => [e.status, e.message.length > 10])`, "401,true")
	step("login", `return (await api.login('amina', '`+firstPassword+`')).username`, "amina")
	if token := b.run(`return localStorage.getItem('X-Device-Token') !== null`); token != "true" {
		t.Error("the device token is not kept")
	}

	// Four tabs, each with three calls, with an access token that is not good.
	step("four tabs", `
		const tabs = await Promise.all([1, 2, 3, 4].map(async () => {
			const frame = document.body.appendChild(document.createElement('iframe'))
			frame.src = '/tab'
			await new Promise(r => frame.onload = r)
			while (!frame.contentWindow.api) await new Promise(r => setTimeout(r, 10))
			return frame.contentWindow.api
		}))
		localStorage.setItem('session', JSON.stringify({ ...JSON.parse(localStorage.getItem('session')), access: 'not.good.more' }))
		const names = await Promise.all(tabs.flatMap(tab => [1, 2, 3].map(() => tab.call('GET', 'clients/me/'))))
		return [names.length, new Set(names.map(n => n.username)).size]`, "12,1")
	step("after that", `return (await api.call('PATCH', 'clients/me/', { first_name: 'Amina' })).first_name`, "Amina")

	usage := strings.NewReplacer("./session.js", shop+"/session.js", "amina", "salma", "kV7-pazouk-42", firstPassword, "'", `"`).Replace(guideCode(t, "start", "session"))
	step("what the guide does with it", `await import(URL.createObjectURL(new Blob([String.raw`+"`"+usage+"`"+`], { type: 'text/javascript' })))
		const saved = localStorage.getItem('session')
		await api.login('salma', 'zellige-9-minaret')
		await api.logout()
		await api.login('amina', '`+firstPassword+`')
		return saved`, "null")

	// Somebody else logs in, as in another tab, while the answer to a renewal or a proof is on its way.
	meanwhile := func(path, act string) string {
		return `
		const amina = localStorage.getItem('session'), real = fetch
		await api.register({ username: 'salma' + Math.random(), password: '` + firstPassword + `' })
		const salma = localStorage.getItem('session')
		localStorage.setItem('session', JSON.stringify({ ...JSON.parse(amina), access: '` + path + `' === 'confirm' ? JSON.parse(amina).access : 'not.good.more' }))
		const tab = document.body.appendChild(document.createElement('iframe'))
		tab.src = '/tab'
		await new Promise(r => tab.onload = r)
		while (!tab.contentWindow.api) await new Promise(r => setTimeout(r, 10))
		window.fetch = async (...asked) => {
			const answer = await real(...asked)
			if (asked[0].includes('` + path + `')) {
				tab.contentWindow.stays = true
				localStorage.setItem('session', salma)
			}
			return answer
		}
		const shown = await ` + act + `.then(() => 'done', e => e.status)
		window.fetch = real
		for (let i = 0; tab.contentWindow.stays && i < 500; i++) await new Promise(r => setTimeout(r, 20)) // the other tab shows nothing of amina's any more
		const after = [shown, !tab.contentWindow.stays, localStorage.getItem('session') === salma, (await api.call('GET', 'clients/me/')).last_name]
		localStorage.setItem('session', amina)
		return after`
	}
	step("somebody else logs in during a renewal", meanwhile("refresh", `api.call('PATCH', 'clients/me/', { last_name: 'Alaoui' })`), "401,true,true,")
	step("somebody else logs in during a proof", meanwhile("confirm", `api.confirm({ password: '`+firstPassword+`' })`), "done,true,true,")
	step("login again", `return (await api.login('amina', '`+firstPassword+`')).username`, "amina")

	// Logged out means logged out: here, and on the server.
	step("logout", `
		const session = localStorage.getItem('session')
		await api.logout()
		const gone = localStorage.getItem('session')
		localStorage.setItem('session', session)
		const after = await api.call('GET', 'clients/me/').then(() => 'in', e => e.status)
		return [gone, after, localStorage.getItem('session'), localStorage.getItem('X-Device-Token') !== null]`, ",401,,true")

	// The log comes a moment later: one refresh for the four tabs and one while
	// somebody else logged in, which succeeded, and the last, which did not.
	refreshes := func(status int) int {
		return len(regexp.MustCompile(fmt.Sprintf(`"method":"POST","route":"Token Refresh","status":%d`, status)).FindAllString(s.Output.String(), -1))
	}
	for end := time.Now().Add(10 * time.Second); refreshes(http.StatusUnauthorized) == 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if good, bad := refreshes(http.StatusOK), refreshes(http.StatusUnauthorized); good != 2 || bad != 1 {
		t.Errorf("%d and %d refreshes for twelve calls of four tabs, one while somebody logged in and one after the logout, want 2 and 1", good, bad)
	}
}

// TestDocumentedSecondFactor is docs/factors.md's way without the SDK: a
// second step, two tabs whose token is over, a device that is trusted, and a
// proof before an act.
func TestDocumentedSecondFactor(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t), "YOOZAK_CORS_LOOPBACK=true", "YOOZAK_REFRESH_ROTATION=true")
	shop := storefront(t, map[string]string{
		"session.js": strings.Replace(guideCode(t, "start", "client"), "http://127.0.0.1:8000", s.URL, 1), "factors.js": guideCode(t, "factors", "hand"),
	}, `<script type="module">window.api = { ...await import('/session.js'), ...await import('/factors.js') }</script>`)
	b := openTab(t, tabOptions{language: "en", scripts: true})
	b.open(shop)
	run := func(script string) string {
		t.Helper()
		return b.run(`while (!window.api) await new Promise(r => setTimeout(r, 10)); ` + script)
	}
	step := func(what, script, want string) {
		t.Helper()
		if got := run(script); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	run(`await api.register({ username: 'amina', password: '` + firstPassword + `' })`)
	secret := run(`return (window.app = await api.call('POST', 'auth/factors/totp/', { name: 'Pixel' })).secret`)
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatalf("%q: %v", secret, err)
	}
	first := totp.StepAt(time.Now())
	step("an app", `window.codes = (await api.call('POST', 'auth/factors/totp/confirm/', { code: '`+totp.Code(seed, first)+`' })).recovery_codes; return codes.length`, "10")
	step("a wrong code", `await api.logout(); return api.logIn('amina', '`+firstPassword+`', async () => ({ code: '12345' })).then(() => 'in', e => [e.status, e.code, Object.keys(e.fields)])`, "400,code=invalid,code")
	step("the second step", `return (await api.logIn('amina', '`+firstPassword+`', async methods => {
		if (methods.join() !== 'totp,recovery_code') throw new Error(methods)
		return { code: '`+totp.Code(seed, first+1)+`', trust: true }
	})).username`, "amina")
	step("two tabs with a token that is over", `
		const frame = document.body.appendChild(document.createElement('iframe'))
		frame.src = '/tab'
		await new Promise(r => frame.onload = r)
		while (!frame.contentWindow.api) await new Promise(r => setTimeout(r, 10))
		localStorage.setItem('session', JSON.stringify({ ...JSON.parse(localStorage.getItem('session')), access: 'not.good.more' }))
		return (await Promise.all([api, frame.contentWindow.api].map(tab => tab.call('GET', 'clients/me/')))).map(me => me.username)`, "amina,amina")
	step("a trusted device", `await api.logout(); return (await api.logIn('amina', '`+firstPassword+`', () => { throw new Error('asked') })).username`, "amina")
	step("a proof", `return (await api.callConfirmed('GET', 'clients/me/export/', undefined, async methods => ({ recovery_code: codes[0] }))).user.username`, "amina")
	step("the proof is good for a while", `return (await api.call('GET', 'clients/me/export/')).user.username`, "amina")
	step("logout", `await api.logout(); return api.call('GET', 'clients/me/').then(() => 'in', e => e.status)`, "401")
}

// TestDocumentedNumbers is docs/accounts.md's way from a number as people type it
// to the one form in which it is a name.
func TestDocumentedNumbers(t *testing.T) {
	t.Parallel()
	b := openTab(t, tabOptions{language: "en", scripts: true})
	b.open(storefront(t, map[string]string{"e164.js": guideCode(t, "accounts", "numbers")}, ""))
	for typed, want := range map[string]string{
		"0612345678": "+212612345678", "+212612345678": "+212612345678", "00212612345678": "+212612345678", "06-12-34-56-78": "+212612345678",
		"٠٦١٢٣٤٥٦٧٨": "+212612345678", "۰۶۱۲۳۴۵۶۷۸": "+212612345678", "+212 612 345 678": "+212612345678", "+212 (0)6 12 34 56 78": "+212612345678",
		"\u200e+212 6 12 34 56 78\u202c": "+212612345678", "06.12.34.56.78": "+212612345678", "+33 6 12 34 56 78": "+33612345678",
		"O661000001": "null", "amina": "null", "": "null", "06": "null", "+": "null", "+0612345678": "null", "06123456789012345": "null",
	} {
		if got := b.run(fmt.Sprintf(`return (await import('/e164.js')).e164(%q)`, typed)); got != want {
			t.Errorf("%q: %s, want %s", typed, got, want)
		}
	}
}
