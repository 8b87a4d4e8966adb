package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestKeysAreReplacedAndRevoked: an owner replaces keys at once, and revokes
// one for a reason, with the number of sessions typed. The events name them.
func TestKeysAreReplacedAndRevoked(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		s.has(t, "amina", "Amina", "Alaoui")
		b, nadia := s.works(t, "nadia", account.Owner)
		before, err := s.Keys.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.send(t, "/console/keys").leadsTo(t, "/console/keys", "/console/keys")
		page := b.open(t, "/console/keys")
		if !strings.Contains(page.text(), "De nouvelles clés sont prêtes") || !strings.Contains(page.text(), "Bientôt") || strings.Count(page.body, "/revoke") != 2*len(before) {
			t.Errorf("replaced:\n%s", page.text())
		}
		if a := b.send(t, "/console/keys"); a.status != http.StatusConflict || !strings.Contains(a.text(), "déjà prêtes") {
			t.Errorf("replaced again before they sign: %d\n%s", a.status, a.text())
		}
		if now, err := s.Keys.List(t.Context()); err != nil || len(now) != 2*len(before) {
			t.Errorf("%d keys after %d, %v", len(now), len(before), err)
		}
		var revoked string
		for _, k := range before {
			if k.TokenType == "refresh" {
				revoked = k.ID
			}
		}
		path := "/console/keys/" + revoked + "/revoke"
		ask := b.open(t, path)
		number := ask.field(t, "number")
		if !strings.Contains(ask.text(), "se reconnecter") || number == "0" {
			t.Errorf("%s sessions:\n%s", number, ask.text())
		}
		for _, wrong := range [][2]string{{"", number}, {"clé vue par un tiers", ""}, {"clé vue par un tiers", number + "1"}, {"court", number}} {
			if a := b.send(t, path, "reason", wrong[0], "sessions", wrong[1], "number", number); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.text(), wrong[0]) {
				t.Errorf("%q: %d\n%s", wrong, a.status, a.text())
			}
		}
		b.send(t, path, "reason", "clé vue par un tiers", "sessions", number, "number", number).leadsTo(t, path, "/console/keys")
		if a := b.open(t, "/console/clients"); a.status != http.StatusSeeOther {
			t.Errorf("the session of a revoked key goes on: %d", a.status)
		}
		named := 0
		for _, e := range s.AllEvents(t) {
			switch d := e.ReadDetails(); e.Kind {
			case account.EventKeyRevoked:
				if d.Agent != nadia.ID || d.Key != revoked || e.Reason != "clé vue par un tiers" {
					t.Errorf("revoked: %+v %q", d, e.Reason)
				}
				named++
			case account.EventKeyRotated:
				if d.Agent == nadia.ID {
					named++
				}
			}
		}
		if named < 3 {
			t.Errorf("%d events name who did it", named)
		}
		b.logIn(t, nadia)
		if a := b.open(t, "/console/keys"); !strings.Contains(a.text(), "Révoquée") {
			t.Errorf("the list:\n%s", a.text())
		}
		b.open(t, path).leadsTo(t, path, "/console/keys")
		if a := b.open(t, "/console/keys/nothing/revoke"); a.status != http.StatusNotFound {
			t.Errorf("a key that there is not: %d", a.status)
		}
		if a := b.open(t, "/console/keys"); strings.Contains(a.body, "PRIVATE") {
			t.Error("a private key is shown")
		}
	})
}

func TestNoKeysToManage(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, authtest.HS256)
	b, _ := s.works(t, "nadia", account.Owner)
	if a := b.open(t, "/console/keys"); a.status != http.StatusOK || !strings.Contains(a.text(), "HS256") {
		t.Errorf("%d\n%s", a.status, a.text())
	}
	for _, path := range []string{"/console/keys", "/console/keys/x/revoke"} {
		if a := b.send(t, path); a.status != http.StatusConflict {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}
