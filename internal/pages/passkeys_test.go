package pages_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/webauthntest"
)

const shopOrigin = "https://shop.example"

func withPasskeys(o *app.Options) {
	o.Passkeys = auth.PasskeyOptions{RPID: "shop.example", Name: "Yoozak", Origins: []string{shopOrigin}}
}

var signalOfPage = regexp.MustCompile(`data-signal="([^"]+)"`)

// signal is what the page tells the browser of passkeys; empty: nothing.
func (a answer) signal() string {
	m := signalOfPage.FindStringSubmatch(a.body)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// begins asks a page for what an authenticator is to sign.
func (b *visitor) begins(t *testing.T, path string) (ceremony string, challenge, handle []byte) {
	t.Helper()
	var begun struct {
		Ceremony string
		Options  struct {
			Challenge string
			User      struct{ ID string }
		}
	}
	a := b.send(t, path, "begin", "passkey")
	if err := json.Unmarshal([]byte(a.body), &begun); err != nil {
		t.Fatalf("%v:\n%s", err, a.body)
	}
	read := func(text string) []byte {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	return begun.Ceremony, read(begun.Options.Challenge), read(begun.Options.User.ID)
}

// TestBrowserIsToldOfPasskeys: which ones there are, after one is added or taken
// away; and of whoever comes with one that is gone, that it is.
func TestBrowserIsToldOfPasskeys(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		s.register(t, "amina")
		b := s.visitor()
		b.logIn(t, "amina")
		if a := b.open(t, "/account/"); a.signal() != "" || strings.Contains(a.body, "<script") {
			t.Errorf("who has never had one gets a script:\n%s", a.body)
		}
		key := webauthntest.NewKey("shop.example", shopOrigin, webauthntest.ES256)
		const page = "/account/passkeys/"
		ceremony, challenge, handle := b.begins(t, page)
		key.Handle = handle
		b.send(t, page, "ceremony", ceremony, "credential", key.Create(challenge, nil), "name", "phone").shows(t, http.StatusOK,
			fr("page.factors.added"), locale.Text("fr", "page.factors.others", locale.Args{"n": 1})) // that of the registration
		user, id := base64.RawURLEncoding.EncodeToString(handle), base64.RawURLEncoding.EncodeToString(key.ID)
		with := `{"rpId":"shop.example","userId":"` + user + `","allAcceptedCredentialIds":["` + id + `"]}`
		for _, path := range []string{"/account/", page} {
			if a := b.open(t, path); a.signal() != with || !strings.Contains(a.body, "passkey.js") {
				t.Errorf("%s: %s, want %s", path, a.signal(), with)
			}
		}

		signIn := func(b *visitor) answer {
			ceremony, challenge, _ := b.begins(t, "/account/login/")
			return b.send(t, "/account/login/", "ceremony", ceremony, "credential", key.Get(challenge, nil))
		}
		amina, err := s.store.UserByUsername(t.Context(), "amina")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.app.Staff.Disable(t.Context(), amina.ID, ""); err != nil {
			t.Fatal(err)
		}
		if a := signIn(s.visitor()); a.status != http.StatusBadRequest || a.signal() != "" {
			t.Errorf("of who is disabled: %d, %q", a.status, a.signal())
		}
		if err := s.app.Staff.Enable(t.Context(), amina.ID, ""); err != nil {
			t.Fatal(err)
		}
		b = s.visitor()
		signIn(b).leadsTo(t, "/account/login/", "/account/")
		manage := manageLink.FindStringSubmatch(b.open(t, "/account/").body)
		if manage == nil {
			t.Fatal("no link to the passkey")
		}
		b.send(t, "/account/factors/?id="+manage[1], "remove", "1").leadsTo(t, "/account/factors/", "/account/")
		if got, want := b.open(t, "/account/").signal(), `{"rpId":"shop.example","userId":"`+user+`","allAcceptedCredentialIds":[]}`; got != want {
			t.Errorf("after it was taken away: %s, want %s", got, want)
		}
		if a, want := signIn(s.visitor()), `{"rpId":"shop.example","credentialId":"`+id+`"}`; a.status != http.StatusBadRequest || a.signal() != want {
			t.Errorf("with one that is gone: %d, %s, want %s", a.status, a.signal(), want)
		}
	}, withPasskeys)
}
