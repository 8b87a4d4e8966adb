package console_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func (s *server) isActive(t *testing.T, u account.User) bool {
	t.Helper()
	got, err := s.Store.UserByID(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got.Active
}

// TestDisableAllResults: all whom a search means, told before, with who is left
// out and why; the number is typed, and doing it again does nobody twice.
func TestDisableAllResults(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		amina, hind := s.has(t, "amina", "Amina", "Alaoui"), s.has(t, "hind", "Hind", "Alaoui")
		other := s.has(t, "tazi", "Mohamed", "Tazi")
		b, karim := s.works(t, "karim-alaoui", account.Manager)
		list := b.open(t, "/console/clients?search=alaoui&is_active=true")
		if !strings.Contains(list.body, `<input type="hidden" name="search" value="alaoui">`) || !strings.Contains(list.body, `<input type="hidden" name="is_active" value="true">`) {
			t.Errorf("the filter is not in the form of many:\n%s", list.body)
		}
		const asked = "/console/clients/bulk/disable?is_active=true&search=alaoui"
		b.open(t, "/console/clients/bulk?search=alaoui&is_active=true&whom=all&act=disable&ids="+strconv.FormatInt(other.ID, 10)).leadsTo(t, "/console/clients/bulk", asked)
		page := b.open(t, asked)
		for _, want := range []string{"2 clients", "Amina Alaoui", "Hind Alaoui", "Vous-même", "karim-alaoui", "État : Actif", "alaoui"} {
			if !strings.Contains(page.text(), want) {
				t.Errorf("the dry run does not say %q:\n%s", want, page.text())
			}
		}
		if strings.Contains(page.text(), "Tazi") || !s.isActive(t, amina) {
			t.Error("a dry run did something, or is wider than the search")
		}
		send := func(reason, count string) answer {
			return b.send(t, "/console/clients/bulk/disable", "whom", page.field(t, "whom"), "expected", page.field(t, "expected"), "reason", reason, "count", count)
		}
		for _, wrong := range [][2]string{{"", "2"}, {"court", "2"}, {"fraude signalée", "3"}, {"fraude signalée", ""}} {
			if a := send(wrong[0], wrong[1]); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.text(), wrong[0]) {
				t.Errorf("%q, %q: %d\n%s", wrong[0], wrong[1], a.status, a.text())
			}
		}
		if !s.isActive(t, amina) || !s.isActive(t, hind) {
			t.Fatal("somebody was disabled")
		}
		send("fraude signalée", "2").leadsTo(t, "/console/clients/bulk/disable", "/console/clients?is_active=true&search=alaoui")
		if a := b.open(t, "/console/clients?is_active=true&search=alaoui"); !strings.Contains(a.text(), "2 comptes désactivés. 1 client n’a pas été touché.") {
			t.Errorf("it is not said:\n%s", a.text())
		}
		if s.isActive(t, amina) || s.isActive(t, hind) || !s.isActive(t, other) || !s.isActive(t, karim.User) {
			t.Error("not those who were confirmed")
		}
		if a := send("fraude signalée", "2"); a.status != http.StatusConflict {
			t.Errorf("again: %d\n%s", a.status, a.text())
		}
		done := 0
		for _, e := range s.AllEvents(t) {
			if e.Kind == account.EventUserDisabled {
				done++
			}
		}
		if done != 2 {
			t.Errorf("%d events, want 2", done)
		}
	})
}

// TestChangedMeanwhile: who was not in the dry run is not touched, and nobody
// else is either until it is confirmed anew.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	amina := s.has(t, "amina", "Amina", "Alaoui")
	b, _ := s.works(t, "karim", account.Manager)
	page := b.open(t, "/console/clients/bulk/disable?search=alaoui")
	hind := s.has(t, "hind", "Hind", "Alaoui")
	a := b.send(t, "/console/clients/bulk/disable", "whom", page.field(t, "whom"), "expected", page.field(t, "expected"), "reason", "fraude signalée", "count", "1")
	if a.status != http.StatusConflict || !strings.Contains(a.text(), "a changé entre-temps") || !strings.Contains(a.text(), "Hind Alaoui") || !strings.Contains(a.text(), "fraude signalée") {
		t.Errorf("changed: %d\n%s", a.status, a.text())
	}
	if !s.isActive(t, amina) || !s.isActive(t, hind) {
		t.Error("somebody was disabled")
	}
	b.send(t, "/console/clients/bulk/disable", "whom", a.field(t, "whom"), "expected", a.field(t, "expected"), "reason", "fraude signalée", "count", "2").
		leadsTo(t, "/console/clients/bulk/disable", "/console/clients?search=alaoui")
	if s.isActive(t, amina) || s.isActive(t, hind) {
		t.Error("not done")
	}
}

// TestWhomOfBeforeALogin: whoever was ticked before a login in between is meant on
// the page that the login leads to, and nowhere else.
func TestWhomOfBeforeALogin(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	amina, hind := s.has(t, "amina", "Amina", "Alaoui"), s.has(t, "hind", "Hind", "Alaoui")
	b, m := s.works(t, "karim", account.Manager)
	for _, path := range []string{"/console/clients/bulk/sign_out", "/console/clients/export"} {
		delete(b.cookies, session)
		b.send(t, path, "whom", "ids="+strconv.FormatInt(amina.ID, 10), "reason", "demande du comptable").leadsTo(t, path, "/console/login?next="+url.QueryEscape(strings.TrimPrefix(path, "/console/")))
		b.logIn(t, m)
		if a := b.open(t, path+"?ids="+strconv.FormatInt(hind.ID, 10)); a.field(t, "whom") != "ids="+strconv.FormatInt(hind.ID, 10) || strings.Contains(a.body, "demande du comptable") {
			t.Errorf("%s: it is about others than those who are ticked:\n%s", path, a.text())
		}
		if a := b.open(t, path); a.field(t, "whom") != "ids="+strconv.FormatInt(amina.ID, 10) || !strings.Contains(a.body, "demande du comptable") {
			t.Errorf("%s: what was typed is lost:\n%s", path, a.text())
		}
	}
}

// TestNobodyIsMeantByAccident: nothing ticked, a filter that was lost, or one
// that is not understood, is nobody.
func TestNobodyIsMeantByAccident(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	amina := s.has(t, "amina", "Amina", "Alaoui")
	id := strconv.FormatInt(amina.ID, 10)
	b, _ := s.works(t, "karim", account.Manager)
	for _, path := range []string{
		"clients/bulk?whom=ticked&act=disable&search=alaoui", "clients/bulk?whom=ticked&act=disable&all=1", "clients/bulk?act=close", "clients/bulk?whom=all&act=disable",
		"clients/bulk/disable", "clients/bulk/disable?", "clients/bulk/disable?serch=alaoui", "clients/bulk/disable?is_active=true&serch=alaoui", "clients/bulk/disable?is_active=perhaps",
		"clients/bulk/disable?search=+", "clients/bulk/disable?search=alaoui&ids=" + id, "clients/bulk/disable?all=1&search=alaoui", "clients/bulk/disable?all=true", "clients/bulk/disable?ids=1x", "clients/bulk/disable?ids=",
		"clients/export", "clients/export?colour=red", "clients/export?language=xx", "clients/export?all=0",
	} {
		if a := b.open(t, "/console/"+path); a.status != http.StatusBadRequest || strings.Contains(a.body, "expected") || !strings.Contains(a.text(), "Rien n’a été fait") {
			t.Errorf("%s: %d\n%s", path, a.status, a.text())
		}
	}
	for _, whom := range []string{"", "serch=alaoui", "%zz", "search=alaoui&ids=" + id, "is_active=perhaps"} {
		for _, path := range []string{"/console/clients/bulk/disable", "/console/clients/export"} {
			if a := b.send(t, path, "whom", whom, "reason", "fraude signalée", "count", "1", "format", "csv"); a.status != http.StatusBadRequest {
				t.Errorf("%s of %q: %d\n%s", path, whom, a.status, a.text())
			}
		}
	}
	if a := b.open(t, "/console/clients/bulk?whom=all&act=erase&search=alaoui"); a.status != http.StatusNotFound {
		t.Errorf("an act that there is not: %d", a.status)
	}
	if !s.isActive(t, amina) {
		t.Error("somebody was disabled")
	}
}

// TestTickedAreThoseAlone: the filter of the list does not add anybody.
func TestTickedAreThoseAlone(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	amina := s.has(t, "amina", "Amina", "Alaoui")
	s.has(t, "hind", "Hind", "Alaoui")
	b, _ := s.works(t, "salma", account.Support)
	id := strconv.FormatInt(amina.ID, 10)
	if _, err := s.SignIn(t, "amina", authtest.PasswordOf("amina")); err != nil {
		t.Fatal(err)
	}
	b.open(t, "/console/clients/bulk?ids="+id+"&ids="+id+"&whom=ticked&act=sign_out&search=alaoui").leadsTo(t, "/console/clients/bulk", "/console/clients/bulk/sign_out?ids="+id+"%2C"+id)
	page := b.open(t, "/console/clients/bulk/sign_out?ids="+id)
	if !strings.Contains(page.text(), "1 client") || strings.Contains(page.text(), "Hind") {
		t.Errorf("ticked:\n%s", page.text())
	}
	b.send(t, "/console/clients/bulk/sign_out", "whom", page.field(t, "whom"), "expected", page.field(t, "expected"), "reason", "").leadsTo(t, "/console/clients/bulk/sign_out", "/console/clients")
	sessions, err := s.Staff.Sessions(t.Context(), amina.ID)
	if err != nil || len(sessions) != 0 {
		t.Errorf("%d sessions; %v", len(sessions), err)
	}
	if a := b.open(t, "/console/clients"); strings.Contains(a.body, `value="disable"`) || strings.Contains(a.body, `value="export"`) {
		t.Error("an agent is offered what a manager may")
	}
}

// TestWhomIsKeptOverALogin: a session that ends in the middle does not widen
// what is asked.
func TestWhomIsKeptOverALogin(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	s.has(t, "amina", "Amina", "Alaoui")
	s.has(t, "tazi", "Mohamed", "Tazi")
	b, m := s.works(t, "karim", account.Manager)
	page := b.open(t, "/console/clients/bulk/disable?search=alaoui")
	if err := s.Logout(t.Context(), authtest.Req, account.TextInput(b.cookies[session])); err != nil {
		t.Fatal(err)
	}
	b.send(t, "/console/clients/bulk/disable", "whom", page.field(t, "whom"), "expected", page.field(t, "expected"), "reason", "fraude signalée", "count", "1").
		leadsTo(t, "/console/clients/bulk/disable", "/console/login?next="+url.QueryEscape("clients/bulk/disable")+"&why=ended")
	b.logIn(t, m)
	a := b.open(t, "/console/clients/bulk/disable")
	if a.status != http.StatusOK || !strings.Contains(a.text(), "Amina Alaoui") || strings.Contains(a.text(), "Tazi") || !strings.Contains(a.text(), "fraude signalée") {
		t.Errorf("after the login: %d\n%s", a.status, a.text())
	}
	if a := b.open(t, "/console/clients/bulk/disable"); a.status != http.StatusBadRequest {
		t.Errorf("the same address again: %d", a.status)
	}
}

// TestActOnManyThatBreaks: the page says who was done, keeps the reason, and
// asks about the others; those who were done are not done again.
func TestActOnManyThatBreaks(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := newServer(t, storetest.Open(t, url))
		amina, hind := s.has(t, "amina", "Amina", "Alaoui"), s.has(t, "hind", "Hind", "Alaoui")
		b, _ := s.works(t, "karim", account.Manager)
		db := authtest.OpenSQL(t, url)
		id := strconv.FormatInt(hind.ID, 10)
		broken, mended := []string{`CREATE TRIGGER stuck BEFORE UPDATE ON users WHEN OLD.id = ` + id + ` BEGIN SELECT RAISE(ABORT, 'planted'); END`}, `DROP TRIGGER stuck`
		if strings.HasPrefix(url, "postgres") {
			broken = []string{
				`CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$`,
				`CREATE TRIGGER stuck BEFORE UPDATE ON users FOR EACH ROW WHEN (OLD.id = ` + id + `) EXECUTE FUNCTION stuck()`,
			}
			mended = `DROP TRIGGER stuck ON users`
		}
		authtest.Execute(t, db, broken...)
		const path = "/console/clients/bulk/disable"
		page := b.open(t, path+"?search=alaoui")
		a := b.send(t, path, "whom", page.field(t, "whom"), "expected", page.field(t, "expected"), "reason", "fraude signalée", "count", "2")
		for _, want := range []string{"1 compte désactivé.", "Puis cela s’est arrêté", "Hind Alaoui", "fraude signalée", "Déjà désactivé"} {
			if !strings.Contains(a.text(), want) {
				t.Errorf("it does not say %q:\n%s", want, a.text())
			}
		}
		if strings.Contains(a.body, "planted") || s.isActive(t, amina) || !s.isActive(t, hind) {
			t.Errorf("%d\n%s", a.status, a.text())
		}
		authtest.Execute(t, db, mended)
		b.send(t, path, "whom", a.field(t, "whom"), "expected", a.field(t, "expected"), "reason", "fraude signalée", "count", "1").leadsTo(t, path, "/console/clients?search=alaoui")
		if s.isActive(t, hind) {
			t.Error("the other is not done")
		}
	})
}
