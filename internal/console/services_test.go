package console_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// shownSecret is the secret on a page, which is sent uncompressed and not kept.
func (a answer) shownSecret(t *testing.T) string {
	t.Helper()
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v\n%s", a.status, a.header, a.text())
	}
	return a.secret(t)
}

// TestServicesOfTheConsole: a service is made, its secret is shown once, and
// what it may is ended at once.
func TestServicesOfTheConsole(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		b, nadia := s.works(t, "nadia", account.Owner)
		if a := b.open(t, "/console/services"); !strings.Contains(a.text(), "Pas encore de services") {
			t.Errorf("none:\n%s", a.text())
		}
		for _, wrong := range [][]string{{"name", "", "scope_introspect", "true"}, {"name", " x", "scope_introspect", "true"}, {"name", "livraison"}, {"name", "livraison", "audience", "a b", "scope_revoke", "true"}} {
			if a := b.send(t, "/console/services", wrong...); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `value="`+strings.TrimSpace(wrong[1])) && wrong[1] == "livraison" {
				t.Errorf("%q: %d\n%s", wrong, a.status, a.text())
			}
		}
		if a := b.send(t, "/console/services", "name", "", "scope_revoke", "true"); !strings.Contains(a.body, "<legend>Il peut\u00a0:</legend>") ||
			!strings.Contains(a.body, `value="true" checked><label for="scope_revoke">`) || strings.Contains(a.body, `checked><label for="scope_introspect">`) {
			t.Errorf("what is ticked:\n%s", a.body)
		}
		secret := b.send(t, "/console/services", "name", "livraison <b>", "scope_introspect", "true").shownSecret(t)
		if !strings.HasPrefix(secret, "yzs_") {
			t.Errorf("secret %q", secret)
		}
		if a := b.send(t, "/console/services", "name", "livraison <b>", "scope_introspect", "true"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.text(), "porte déjà ce nom") {
			t.Errorf("twice: %d\n%s", a.status, a.text())
		}
		list := b.open(t, "/console/services")
		if strings.Contains(list.body, secret) || !strings.Contains(list.text(), "livraison <b>") {
			t.Errorf("the list:\n%s", list.text())
		}
		all, err := s.Store.OAuthClients(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%d services; %v", len(all), err)
		}
		end := "/console/services/" + all[0].ID + "/end"
		if a := b.open(t, end); a.status != http.StatusOK || !strings.Contains(a.text(), "livraison <b>") {
			t.Errorf("%d\n%s", a.status, a.text())
		}
		for range 2 { // a second time it is as was wished
			b.send(t, end).leadsTo(t, end, "/console/services")
		}
		if got, err := s.Store.OAuthClient(t.Context(), all[0].ID); err != nil || got.DisabledAt.IsZero() {
			t.Errorf("%+v; %v", got, err)
		}
		for _, e := range s.AllEvents(t) {
			if (e.Kind == account.EventServiceCreated || e.Kind == account.EventServiceDisabled) && (e.ReadDetails().Agent != nadia.ID || e.Actor != account.ActorStaff) {
				t.Errorf("%s by %s: %s", e.Kind, e.Actor, e.Details)
			}
		}
		if a := b.open(t, "/console/services/nothing/end"); a.status != http.StatusNotFound {
			t.Errorf("a service that there is not: %d", a.status)
		}
		if strings.Contains(s.log.String(), secret) {
			t.Error("the log has the secret")
		}
	})
}

// TestWebhooksOfTheConsole: made, tested, with another secret, off and on, and
// forgotten; a secret is shown once, and what follows the question mark never.
func TestWebhooksOfTheConsole(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		b, nadia := s.works(t, "nadia", account.Owner)
		for _, wrong := range []string{"", "ftp://orders.example", "https://user:pw@orders.example", "https://orders.example/ x"} {
			if a := b.send(t, "/console/webhooks", "url", wrong); a.status != http.StatusUnprocessableEntity {
				t.Errorf("%q: %d\n%s", wrong, a.status, a.text())
			}
		}
		made := b.send(t, "/console/webhooks", "url", "https://orders.invalid/hook?key=planted", "type_client_created", "true", "type_client_erased", "true")
		secret := made.shownSecret(t)
		if !strings.HasPrefix(secret, "whsec_") || strings.Contains(made.body, "planted") || !strings.Contains(made.text(), "ne peut pas appeler") {
			t.Errorf("made: %q\n%s", secret, made.text())
		}
		all, err := s.Staff.Webhooks(t.Context())
		if err != nil || len(all) != 1 || len(all[0].Types) != 2 {
			t.Fatalf("%+v; %v", all, err)
		}
		hook := "/console/webhooks/" + all[0].ID
		for _, path := range []string{"/console/webhooks", hook, hook + "?state=failed", hook + "/rotate", hook + "/disable", hook + "/delete"} {
			if a := b.open(t, path); a.status != http.StatusOK || strings.Contains(a.body, "planted") || strings.Contains(a.body, secret) || !strings.Contains(a.text(), "orders.") {
				t.Errorf("%s: %d\n%s", path, a.status, a.text())
			}
		}
		s.has(t, "amina", "Amina", "Alaoui")
		if a := b.open(t, hook); !strings.Contains(a.text(), "Compte créé") {
			t.Errorf("what it is told:\n%s", a.text())
		}
		next := b.send(t, hook+"/rotate").shownSecret(t)
		if next == secret || !regexp.MustCompile("^whsec_").MatchString(next) {
			t.Errorf("another secret: %q", next)
		}
		b.send(t, hook+"/disable").leadsTo(t, hook+"/disable", hook)
		if a := b.open(t, hook); !strings.Contains(a.text(), "Arrêté par l’équipe") {
			t.Errorf("off:\n%s", a.text())
		}
		for _, act := range []string{"/disable", "/test", "/replay"} {
			if a := b.send(t, hook+act); a.status != http.StatusConflict {
				t.Errorf("%s of one that is off: %d\n%s", act, a.status, a.text())
			}
		}
		b.send(t, hook+"/enable").leadsTo(t, hook+"/enable", hook)
		b.send(t, hook+"/replay").leadsTo(t, hook+"/replay", hook)
		b.send(t, hook+"/delete").leadsTo(t, hook+"/delete", "/console/webhooks")
		if a := b.open(t, hook); a.status != http.StatusNotFound {
			t.Errorf("deleted: %d", a.status)
		}
		seen := map[account.EventKind]bool{}
		for _, e := range s.AllEvents(t) {
			if e.ReadDetails().Webhook != "" {
				seen[e.Kind] = true
				if e.ReadDetails().Agent != nadia.ID {
					t.Errorf("%s does not name who did it: %s", e.Kind, e.Details)
				}
			}
		}
		if len(seen) < 5 {
			t.Errorf("events: %v", seen)
		}
		if logged := s.log.String(); strings.Contains(logged, secret) || strings.Contains(logged, "planted") {
			t.Error("the log has a secret")
		}
	})
}

// TestOwnersPagesAreTheirs: managers see none of these pages, and their nav does
// not name them.
func TestOwnersPagesAreTheirs(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, m := s.works(t, "karim", account.Manager)
	for _, path := range []string{"keys", "services", "webhooks"} {
		if a := b.open(t, "/console/"+path); a.status != http.StatusForbidden || !strings.Contains(a.text(), "Seul un propriétaire") {
			t.Errorf("%s: %d", path, a.status)
		}
		if a := b.open(t, "/console/"); strings.Contains(a.body, `href="./`+path+`"`) {
			t.Errorf("%s is offered to a manager", path)
		}
	}
	authtest.Write(t, s.Store, setStaff(account.StaffMember{UserID: m.ID, Role: account.Owner, GivenAt: m.JoinedAt, AcceptedAt: m.JoinedAt}))
	if a := b.open(t, "/console/keys"); a.status != http.StatusOK {
		t.Errorf("an owner by now: %d", a.status)
	}
}

// TestTicksComeBack: a session that ends in the middle of a form does not turn
// what was ticked into something else, least of all into everything.
func TestTicksComeBack(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, m := s.works(t, "nadia", account.Owner)
	for path, form := range map[string][]string{
		"/console/webhooks": {"url", "https://erp.example.ma/hook", "type_client_closed", "true"},
		"/console/services": {"name", "livraison", "scope_revoke", "true"},
	} {
		delete(b.cookies, session)
		b.send(t, path, form...).leadsTo(t, path, "/console/login?next="+strings.TrimPrefix(path, "/console/"))
		b.logIn(t, m)
		a := b.open(t, path)
		if !strings.Contains(a.body, `value="`+form[1]+`"`) || strings.Count(a.body, " checked") != 1 || !strings.Contains(a.body, `name="`+form[2]+`" type="checkbox" value="true" checked`) {
			t.Errorf("%s: what was ticked is lost:\n%s", path, a.body)
		}
	}
}
