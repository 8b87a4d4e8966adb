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

// TestExportOfAFilter: a reason, the number, the event before the first byte,
// and those of the filter alone.
func TestExportOfAFilter(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		s.has(t, "amina", "أمينة", "Alaoui")
		s.has(t, "evil", "=HYPERLINK(1)", "Alaoui")
		s.has(t, "tazi", "Mohamed", "Tazi")
		b, _ := s.works(t, "karim", account.Manager)
		b.open(t, "/console/clients/bulk?search=alaoui&whom=all&act=export").leadsTo(t, "/console/clients/bulk", "/console/clients/export?search=alaoui")
		page := b.open(t, "/console/clients/export?search=alaoui")
		if page.status != http.StatusOK || !strings.Contains(page.text(), "2 clients") || !strings.Contains(page.text(), "alaoui") {
			t.Fatalf("%d\n%s", page.status, page.text())
		}
		if a := b.send(t, "/console/clients/export", "whom", page.field(t, "whom"), "format", "csv", "reason", ""); a.status != http.StatusUnprocessableEntity {
			t.Errorf("no reason: %d", a.status)
		}
		if a := b.send(t, "/console/clients/export", "whom", page.field(t, "whom"), "format", "exe", "reason", "pour le comptable"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.text(), "pour le comptable") {
			t.Errorf("another format: %d\n%s", a.status, a.text())
		}
		a := b.send(t, "/console/clients/export", "whom", page.field(t, "whom"), "format", "csv", "reason", "pour le comptable")
		for _, want := range []string{"\ufeffid;username;", "أمينة", "'=HYPERLINK(1)", "amina@example.ma"} {
			if !strings.Contains(a.body, want) {
				t.Errorf("the export lacks %q:\n%s", want, a.body)
			}
		}
		if strings.Contains(a.body, "Tazi") || a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment; filename=\"clients-") {
			t.Errorf("%d %v\n%s", a.status, a.header, a.body)
		}
		a = b.send(t, "/console/clients/export", "whom", page.field(t, "whom"), "format", "ndjson", "reason", "pour le comptable")
		if strings.Count(a.body, "\n") != 2 || !strings.Contains(a.body, `"first_name":"=HYPERLINK(1)"`) {
			t.Errorf("lines of JSON:\n%s", a.body)
		}
		var events []string
		for _, e := range s.AllEvents(t) {
			if e.Kind == account.EventUsersExported {
				d := e.ReadDetails()
				events = append(events, strings.Join(d.Fields, " "))
				if d.Agent == 0 || d.Count != 2 || e.Reason != "pour le comptable" {
					t.Errorf("event %+v, %q", d, e.Reason)
				}
			}
		}
		if len(events) != 4 {
			t.Errorf("events: %v", events)
		}
		agent, _ := s.works(t, "salma", account.Support)
		if a := agent.send(t, "/console/clients/export", "whom", "all=1", "format", "csv", "reason", "pour le comptable"); a.status != http.StatusForbidden {
			t.Errorf("an agent exports: %d", a.status)
		}
		if logged := s.log.String(); strings.Contains(logged, "alaoui") {
			t.Errorf("the log has what was searched:\n%s", logged)
		}
	})
}

// TestExportOfTwoPersons: what is downloaded is what was approved, once.
func TestExportOfTwoPersons(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, twoPersons)
	s.has(t, "amina", "Amina", "Alaoui")
	karim, _ := s.works(t, "karim", account.Manager)
	hind, h := s.works(t, "hind", account.Manager)
	a := karim.send(t, "/console/clients/export", "whom", "search=alaoui", "format", "ndjson", "reason", "pour le comptable")
	_, id, found := strings.Cut(a.header.Get("Location"), "approvals/")
	if a.status != http.StatusSeeOther || !found {
		t.Fatalf("%d %s\n%s", a.status, a.header.Get("Location"), a.text())
	}
	waits := "/console/approvals/" + id
	hind.send(t, waits).leadsTo(t, waits, "/console/approvals")
	s.has(t, "late", "Latifa", "Alaoui")
	if a := karim.open(t, waits+"/use"); a.status != http.StatusOK || !strings.Contains(a.text(), "1 client") {
		t.Errorf("%d\n%s", a.status, a.text())
	}
	a = karim.send(t, waits+"/use")
	if a.status != http.StatusOK || strings.Count(a.body, "\n") != 1 || !strings.Contains(a.body, "amina@example.ma") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if a := karim.send(t, waits+"/use"); a.status != http.StatusNotFound {
		t.Errorf("again: %d", a.status)
	}
	for _, e := range s.AllEvents(t) {
		if d := e.ReadDetails(); e.Kind == account.EventUserExported && (d.Approval != id || d.Second != h.ID) {
			t.Errorf("the event does not name the approval and who gave it: %s", e.Details)
		}
	}
	// A role that is taken takes what was approved along.
	a = karim.send(t, "/console/clients/export", "whom", "all=1", "format", "csv", "reason", "pour le comptable")
	_, id, _ = strings.Cut(a.header.Get("Location"), "approvals/")
	waits = "/console/approvals/" + id
	hind.send(t, waits).leadsTo(t, waits, "/console/approvals")
	authtest.Write(t, s.Store, takeStaff(h.ID))
	if a := karim.send(t, waits+"/use"); a.status != http.StatusConflict {
		t.Errorf("of who is of the staff no more: %d\n%s", a.status, a.text())
	}
}
