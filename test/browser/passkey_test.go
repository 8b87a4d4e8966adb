package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/store/storetest"
)

// passkeyPage has the calls of a page that uses passkeys, as the standard's
// JSON makes them short. Each returns what the API says.
const passkeyPage = `<!doctype html><html lang="en"><title>shop</title><h1>shop</h1><script>
const json = { 'Content-Type': 'application/json' };
let access = '';
async function call(path, body) {
	const headers = access ? { ...json, Authorization: 'Bearer ' + access } : json;
	const res = await fetch('API/api/clients/auth/' + path, { method: 'POST', headers, body: JSON.stringify(body) });
	return { status: res.status, ...await res.json() };
}
async function enrol(name) {
	const { ceremony, options } = await call('factors/passkeys/options/', {});
	const credential = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
	return call('factors/passkeys/', { ceremony, credential: credential.toJSON(), name });
}
async function sign(path, body) {
	const { ceremony, options } = await call(path, body);
	const credential = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
	return { ceremony, credential: credential.toJSON() };
}
async function login() {
	const r = await call('login/passkey/', await sign('login/passkey/options/', {}));
	return { ...r, said: [r.status, r.code].join(' ') };
}
// In a frame: whoever is around it asks.
addEventListener('message', async e => {
	if (e.data === 'login') e.source.postMessage(await login().then(r => r.said, e => e.name), '*');
});
</script></html>`

// passkeyShop serves the page at localhost, where browsers allow passkeys
// without TLS; api is where it calls, once that is known.
func passkeyShop(t *testing.T, api *atomic.Pointer[string]) (origin string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(strings.ReplaceAll(passkeyPage, "API", *api.Load())))
	}))
	t.Cleanup(srv.Close)
	return strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
}

// TestPasskeysInABrowser goes through everything that a page does with passkeys,
// with Chromium's own authenticator: enrolment, login without a name, a second
// step, a confirmation; and what must be refused: a copy of the key, an answer
// that comes again, a page of another origin, a page in a frame of one.
func TestPasskeysInABrowser(t *testing.T) {
	t.Parallel()
	var api atomic.Pointer[string]
	origin, other := passkeyShop(t, &api), passkeyShop(t, &api)
	s := start(t, storetest.SQLite(t), "YOOZAK_CORS_LOOPBACK=true", "YOOZAK_PASSKEY_RP_ID=localhost", "YOOZAK_PASSKEY_ORIGINS="+origin)
	api.Store(&s.URL)
	b := openTab(t, tabOptions{language: "en", scripts: true})
	authenticator := b.authenticator()
	b.open(origin)
	step := func(what, code, want string) {
		t.Helper()
		if got := b.run(code); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	step("registration", `const r = await call('register/', { username: 'amina', password: '`+firstPassword+`', email: '`+firstAddress+`' });
		access = r.access; return r.status`, "201")
	step("enrolment", `const r = await enrol('phone'); return [r.status, r.kind, r.name, r.recovery_codes.length, r.backed_up].join(' ')`, "201 passkey phone 10 false")
	step("again with the same authenticator", `try { await enrol('phone') } catch (e) { return e.name } return 'made'`, "InvalidStateError")
	step("login without a name", `access = ''; const r = await login(); access = r.access; return [r.status, r.user.username, atob(r.access.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')).includes('"amr":["pop","mfa"]')].join(' ')`, "200 amina true")
	step("second step", `access = ''; const w = await call('login/', { username: 'amina', password: '`+firstPassword+`' });
		const a = await sign('login/passkey/options/', { challenge: w.challenge });
		const r = await call('login/second/', { challenge: w.challenge, ceremony: a.ceremony, assertion: a.credential });
		access = r.access; return [w.status, w.code, w.methods, r.status].join(' ')`, "401 second_factor_required passkey,recovery_code 200")
	step("confirmation", `const a = await sign('confirm/passkey/options/', {}); const r = await call('confirm/', { ceremony: a.ceremony, assertion: a.credential }); return r.status`, "200")
	step("an answer again", `access = ''; const a = await sign('login/passkey/options/', {});
		return [(await call('login/passkey/', a)).status, (await call('login/passkey/', a)).status].join(' ')`, "200 400")

	// A page of another origin, for which the browser knows the key, too.
	b.open(other)
	step("a page of another origin", `return (await login()).said`, "401 passkey_refused")
	step("our page in a frame of another origin", `
		const frame = document.createElement('iframe');
		frame.allow = 'publickey-credentials-get *';
		frame.src = '`+origin+`';
		await new Promise(r => { frame.onload = r; document.body.append(frame) });
		const said = new Promise(r => addEventListener('message', e => r(e.data)));
		frame.contentWindow.postMessage('login', '*');
		return said`, "401 passkey_refused")

	// A copy of the key, which has not counted what the first has signed.
	keys, err := chromedp.Call(b.ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: authenticator})
	if err != nil || len(keys.Credentials) != 1 {
		t.Fatalf("%d keys, %v", len(keys.Credentials), err)
	}
	key := keys.Credentials[0]
	copied := map[string]any{ // the library's type says more than Chromium takes
		"credentialId": key.CredentialID, "isResidentCredential": true, "rpId": key.RpID, "privateKey": key.PrivateKey, "userHandle": key.UserHandle, "signCount": 0,
	}
	if err := set(b.ctx, webauthn.ClearCredentials, webauthn.ClearCredentialsParams{AuthenticatorID: authenticator}); err != nil {
		t.Fatal(err)
	}
	add := cdp.Command[map[string]any, cdp.Empty]{Method: webauthn.AddCredential.Method}
	if err := set(b.ctx, add, map[string]any{"authenticatorId": authenticator, "credential": copied}); err != nil {
		t.Fatal(err)
	}
	b.open(origin)
	step("a copy of the key", `return (await login()).said`, "401 passkey_refused")

	// A key that cannot tell who holds it does not stand for the password.
	if err := set(b.ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: authenticator, IsUserVerified: false}); err != nil {
		t.Fatal(err)
	}
	step("not verified", `try { const r = await login(); return r.status } catch (e) { return e.name }`, "NotAllowedError")
}
