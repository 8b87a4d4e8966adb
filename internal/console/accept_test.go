package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/console"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
	"github.com/yoozak/clients/internal/totp"
)

// bareLinks makes links that are their tokens alone.
func bareLinks(o *app.Options, _ *token.Options) {
	o.Mail.Link = func(_ account.ChallengeKind, raw, _ string) string { return raw }
}

// TestOwnersFirstDay: the link of "yoozak user create-owner" leads to a
// password, a login, a factor and the console, and nobody comes in with less.
func TestOwnersFirstDay(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st, bareLinks)
		offered, err := s.Staff.FirstOwner(t.Context(), "nadia@example.ma", "fr")
		if err != nil {
			t.Fatal(err)
		}
		b := s.browser()
		accept := "/console/accept/" + offered
		if a := b.open(t, "/console/accept/"+strings.Repeat("x", len(offered))); a.status != http.StatusGone {
			t.Errorf("another link: %d", a.status)
		}
		page := b.open(t, accept)
		if page.status != http.StatusOK || !strings.Contains(page.text(), "Propriétaire") {
			t.Fatalf("%d %s", page.status, page.text())
		}
		if a := b.send(t, accept, "new_password", "short"); a.status != http.StatusUnprocessableEntity || b.cookies["yoozak_console_offer"] != "" {
			t.Errorf("a short password: %d", a.status)
		}
		b.send(t, accept, "new_password", authtest.Good).leadsTo(t, accept, "/console/login")
		u, err := s.Store.UserByUsername(t.Context(), "nadia@example.ma")
		if err != nil {
			t.Fatal(err)
		}
		b.send(t, "/console/login", "username", u.Username, "password", authtest.Good).leadsTo(t, "/console/login", "/console/enrol")
		for _, path := range []string{"/console/", "/console/clients", "/console/me"} { // not yet
			b.open(t, path).leadsTo(t, path, "/console/enrol")
		}
		shown := b.send(t, "/console/enrol")
		seed := authtest.Seed(t, shown.secret(t))
		done := b.send(t, "/console/enrol", "id", shown.field(t, "id"), "code", totp.Code(seed, totp.StepAt(s.Clock.Now())))
		if done.status != http.StatusOK || strings.Count(done.body, "<li><code>") != 10 {
			t.Fatalf("enrolled: %d\n%s", done.status, done.text())
		}
		if m, err := s.Store.StaffMember(t.Context(), u.ID); err != nil || m.Counts() {
			t.Fatalf("the role counts before a login with the factor: %+v, %v", m, err)
		}
		s.Clock.Advance(time.Minute)
		b.send(t, "/console/login", "username", u.Username, "password", authtest.Good).leadsTo(t, "/console/login", "/console/login/factor")
		form := b.open(t, "/console/login/factor")
		b.send(t, "/console/login/factor", "bound", form.field(t, "bound"), "code", totp.Code(seed, totp.StepAt(s.Clock.Now()))).leadsTo(t, "/console/login/factor", "/console/")
		if a := b.open(t, "/console/"); a.status != http.StatusOK {
			t.Errorf("after all: %d %s", a.status, a.text())
		}
		if _, kept := b.cookies["yoozak_console_offer"]; kept {
			t.Error("the offer stays in the browser")
		}
		if a := s.browser().open(t, accept); a.status != http.StatusGone {
			t.Errorf("the link again: %d", a.status)
		}
	})
}

// TestOfferIsForOneAccount: somebody else's login does not take it.
func TestOfferIsForOneAccount(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, bareLinks)
	offered, err := s.Staff.FirstOwner(t.Context(), "nadia@example.ma", "fr")
	if err != nil {
		t.Fatal(err)
	}
	thief := s.SignUp(t, "karim").User
	seed := s.AddTOTP(t, thief.ID)
	b := s.browser()
	b.cookies["yoozak_console_offer"] = offered
	s.Clock.Advance(time.Minute)
	b.send(t, "/console/login", "username", "karim", "password", authtest.Good).leadsTo(t, "/console/login", "/console/login/factor")
	form := b.open(t, "/console/login/factor")
	if a := b.send(t, "/console/login/factor", "bound", form.field(t, "bound"), "code", totp.Code(seed, totp.StepAt(s.Clock.Now()))); a.status != http.StatusGone {
		t.Errorf("another's offer: %d %s", a.status, a.text())
	}
	if b.cookies[session] != "" {
		t.Error("who has no role stays logged in")
	}
	if got := console.AcceptLink("https://accounts.shop.example", "T", "fr"); got != "https://accounts.shop.example/console/accept/T?lang=fr" {
		t.Error(got)
	}
}
