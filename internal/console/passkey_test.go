package console_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/webauthntest"
)

const factorPage = "/console/login/factor"

// asksFor has the page's script begin, and returns what the authenticator is to sign.
func (b *browser) asksFor(t *testing.T, bound string) (ceremony string, challenge []byte) {
	t.Helper()
	a := b.send(t, factorPage, "bound", bound, "begin", "passkey")
	var begun struct {
		Ceremony string
		Options  struct{ Challenge string }
	}
	if err := json.Unmarshal([]byte(a.body), &begun); err != nil || a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d, %v:\n%s", a.status, err, a.body)
	}
	challenge, err := base64.RawURLEncoding.DecodeString(begun.Options.Challenge)
	if err != nil {
		t.Fatal(err)
	}
	return begun.Ceremony, challenge
}

// TestStaffShowAPasskey: it is the second step of whoever has one, also where it
// is the only one; the page has no script of its own, and another's key opens
// nothing.
func TestStaffShowAPasskey(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		g := s.SignUp(t, "nadia")
		key := s.AddPasskeyTo(t, s.CallerOf(t, g))
		s.setRole(t, g.User.ID, account.Owner)
		s.Clock.Advance(time.Minute)
		b := s.browser()
		b.send(t, "/console/login", "username", "nadia", "password", authtest.Good).leadsTo(t, "/console/login", factorPage)
		page := b.open(t, factorPage)
		bound := page.field(t, "bound")
		if page.status != http.StatusOK || !strings.Contains(page.body, `data-passkey="show"`) || !strings.Contains(page.body, "passkey.js?") || !strings.Contains(page.body, "data-no-passkey") ||
			strings.Contains(page.header.Get("Content-Security-Policy"), "unsafe") || strings.Contains(page.body, `name="code"`) {
			t.Fatalf("%d %s\n%s", page.status, page.header.Get("Content-Security-Policy"), page.body)
		}
		if a := b.open(t, "/console/passkey.js"); a.status != http.StatusOK || !strings.Contains(a.header.Get("Content-Type"), "javascript") {
			t.Errorf("the script: %d", a.status)
		}
		if a := b.send(t, factorPage, "bound", "another", "begin", "passkey"); a.status != http.StatusGone {
			t.Errorf("of another login: %d", a.status)
		}
		ceremony, challenge := b.asksFor(t, bound)
		stranger := webauthntest.NewKey(authtest.RPID, authtest.Origin, webauthntest.ES256)
		stranger.Handle = key.Handle
		if a := b.send(t, factorPage, "bound", bound, "ceremony", ceremony, "credential", stranger.Get(challenge, nil)); a.status != http.StatusUnprocessableEntity && a.status != http.StatusBadRequest || !strings.Contains(a.body, `role="alert"`) {
			t.Errorf("another's key: %d\n%s", a.status, a.text())
		}
		ceremony, challenge = b.asksFor(t, bound)
		answer := key.Get(challenge, nil)
		b.send(t, factorPage, "bound", bound, "ceremony", ceremony, "credential", answer).leadsTo(t, factorPage, "/console/")
		if a := b.open(t, "/console/keys"); a.status != http.StatusOK {
			t.Errorf("logged in: %d\n%s", a.status, a.text())
		}
		if a := s.browser().send(t, factorPage, "bound", bound, "ceremony", ceremony, "credential", answer); a.status != http.StatusGone {
			t.Errorf("the answer again, by another browser: %d", a.status)
		}

		// With an app beside it: the code's form first, which needs no script.
		seed := s.AddTOTP(t, g.User.ID)
		s.Clock.Advance(time.Minute)
		other := s.browser()
		other.send(t, "/console/login", "username", "nadia", "password", authtest.Good).leadsTo(t, "/console/login", factorPage)
		page = other.open(t, factorPage)
		if !strings.Contains(page.body, `name="code"`) || !strings.Contains(page.body, `data-passkey="show"`) || strings.Contains(page.body, "data-no-passkey") {
			t.Errorf("both:\n%s", page.body)
		}
		if len(seed) == 0 || !strings.Contains(other.open(t, factorPage+"?with=recovery").body, `name="recovery_code"`) {
			t.Error("no way by a recovery code")
		}
		if a := s.browser().open(t, "/console/login"); strings.Contains(a.body, "passkey.js") {
			t.Error("a page that needs no script has it")
		}
	})
}
