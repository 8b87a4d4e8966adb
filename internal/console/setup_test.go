package console_test

import (
	"net/http"
	"strings"
	"sync"
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

const setupPage = "/console/setup"

// opensSetup is a server that printed a link.
func (s *server) opensSetup(t *testing.T) (token string) {
	t.Helper()
	s.setup = new(console.Setup)
	token = s.setup.Open(s.Clock.Now())
	s.serve(t)
	return token
}

func consoleLinks(o *app.Options, _ *token.Options) {
	o.Mail.Link = func(_ account.ChallengeKind, raw, language string) string {
		return console.AcceptLink("https://accounts.shop.example/below", raw, language)
	}
}

// TestFirstDay: the link of an empty server leads to an owner, once.
func TestFirstDay(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st, consoleLinks)
		if a := s.browser().open(t, setupPage); a.status != http.StatusGone {
			t.Errorf("no link was printed: %d", a.status)
		}
		key := s.opensSetup(t)
		if link := console.SetupLink("http://127.0.0.1:8000", "T"); link != "http://127.0.0.1:8000/console/setup#T" {
			t.Error(link)
		}
		b := s.browser()
		page := b.open(t, setupPage)
		if page.status != http.StatusOK || strings.Contains(page.body, key) || !strings.Contains(page.text(), "pas encore de propriétaire") {
			t.Fatalf("%d\n%s", page.status, page.text())
		}
		for _, wrong := range []string{"", "x", key + "x", strings.ToUpper(key)} {
			if a := b.send(t, setupPage, "email", "nadia@example.ma", "token", wrong); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `value="nadia@example.ma"`) {
				t.Errorf("token %q: %d", wrong, a.status)
			}
		}
		if a := b.send(t, setupPage, "email", "nadia", "token", key); a.status != http.StatusUnprocessableEntity {
			t.Errorf("no address: %d", a.status)
		}
		b.site = "cross-site"
		if a := b.send(t, setupPage, "email", "evil@example.ma", "token", key); a.status != http.StatusForbidden {
			t.Errorf("from another site: %d", a.status)
		}
		b.site = "same-origin"
		a := b.send(t, setupPage, "email", " nadia@example.ma ", "token", key)
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "./accept/") {
			t.Fatalf("%d to %s\n%s", a.status, a.header.Get("Location"), a.text())
		}
		accept := "/console" + strings.TrimPrefix(a.header.Get("Location"), ".")
		for _, again := range []answer{b.open(t, setupPage), b.send(t, setupPage, "email", "other@example.ma", "token", key)} {
			if again.status != http.StatusGone || !strings.Contains(again.text(), "ne fonctionne plus") {
				t.Errorf("the link again: %d\n%s", again.status, again.text())
			}
		}
		b.send(t, accept, "new_password", authtest.Good).leadsTo(t, accept, "/console/login")
		b.send(t, "/console/login", "username", "nadia@example.ma", "password", authtest.Good).leadsTo(t, "/console/login", "/console/enrol")
		shown := b.send(t, "/console/enrol")
		seed := authtest.Seed(t, shown.secret(t))
		b.send(t, "/console/enrol", "id", shown.field(t, "id"), "code", totp.Code(seed, totp.StepAt(s.Clock.Now())))
		u, err := s.Store.UserByUsername(t.Context(), "nadia@example.ma")
		if err != nil {
			t.Fatal(err)
		}
		b.logIn(t, member{u, seed})
		if a := b.open(t, "/console/keys"); a.status != http.StatusOK {
			t.Errorf("the owner: %d", a.status)
		}
		if logged := s.log.String(); strings.Contains(logged, key) || strings.Contains(logged, strings.TrimPrefix(accept, "/console/accept/")) {
			t.Error("the log has a token")
		}
	})
}

// TestSetupIsForOneOwner: of two browsers at once one makes an owner; after an
// hour, or where there is one by now, nobody does.
func TestSetupIsForOneOwner(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, consoleLinks)
	key := s.opensSetup(t)
	var all sync.WaitGroup
	statuses := make([]int, 6)
	for i := range statuses {
		all.Go(func() {
			statuses[i] = s.browser().send(t, setupPage, "email", string(rune('a'+i))+"@example.ma", "token", key).status
		})
	}
	all.Wait()
	made := 0
	for _, status := range statuses {
		switch status {
		case http.StatusSeeOther:
			made++
		case http.StatusGone:
		default:
			t.Errorf("status %d", status)
		}
	}
	members, err := s.Staff.Members(t.Context())
	if made != 1 || err != nil || len(members) != 1 {
		t.Errorf("%d made one, %d members; %v", made, len(members), err)
	}

	late := onSQLite(t, consoleLinks)
	key = late.opensSetup(t)
	late.Clock.Advance(console.SetupLifetime)
	if a := late.browser().send(t, setupPage, "email", "nadia@example.ma", "token", key); a.status != http.StatusGone {
		t.Errorf("after an hour: %d", a.status)
	}
	other := onSQLite(t, consoleLinks)
	key = other.opensSetup(t)
	other.hires(t, "nadia", account.Owner)
	other.Clock.Advance(time.Minute)
	if a := other.browser().send(t, setupPage, "email", "evil@example.ma", "token", key); a.status != http.StatusGone {
		t.Errorf("where there is an owner: %d", a.status)
	}
}
