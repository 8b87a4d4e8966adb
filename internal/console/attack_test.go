package console_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/console"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestWhatIsNoIDIsNobodys: an address whose id no engine takes for a text, or
// that is no number, leads to nothing, and does nothing.
func TestWhatIsNoIDIsNobodys(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		b, _ := s.works(t, "nadia", account.Owner)
		for _, r := range console.Routes() {
			if !strings.Contains(r.Path, "{id}") {
				continue
			}
			for _, id := range []string{"%00", "x%00y", "%ff", "%f0%9f", "9223372036854775808", "-1", "0", "+1", "01", "%d9%a1", strings.Repeat("x", 4000)} {
				path := "/console/" + strings.Replace(r.Path, "{id}", id, 1)
				if a := b.open(t, path); a.status >= http.StatusInternalServerError || a.status == http.StatusOK {
					t.Errorf("GET %.60s: %d", path, a.status)
				}
				if a := b.send(t, path, "reason", "un motif assez long", "text", "note", "end", "x"); r.Acts && (a.status < http.StatusBadRequest || a.status >= http.StatusInternalServerError) {
					t.Errorf("POST %.60s: %d", path, a.status)
				}
			}
		}
		for _, audience := range []string{"\x00", "a\x00b", "a\x7fb"} {
			if a := b.send(t, "/console/services", "name", "livraison", "audience", audience, "scope_introspect", "true"); a.status != http.StatusUnprocessableEntity {
				t.Errorf("audience %q: %d", audience, a.status)
			}
		}
	})
}

// TestWhoeverShowsAClientLooks: each page of a client is a look, also those that
// ask before an act, and counts with the others.
func TestWhoeverShowsAClientLooks(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "nadia", account.Owner)
	looks := func() int { return s.EventKinds(t)[account.EventUserSeen] }
	for i, r := range console.Routes() {
		rest, is := strings.CutPrefix(r.Path, "clients/{id}")
		if !is {
			continue
		}
		u := s.has(t, fmt.Sprintf("client%d", i), "Amina", "Alaoui")
		path := fmt.Sprintf("/console/clients/%d%s", u.ID, rest)
		var err error
		switch rest {
		case "/enable":
			err = s.Staff.Disable(t.Context(), u.ID, "un motif assez long")
		case "/restore":
			err = s.Staff.Close(t.Context(), u.ID, "un motif assez long")
		}
		if err != nil {
			t.Fatal(err)
		}
		before := looks()
		if a := b.open(t, path); a.status != http.StatusOK || !strings.Contains(a.body, "Alaoui") {
			t.Errorf("%s: %d", path, a.status)
		}
		if n := looks() - before; n != 1 {
			t.Errorf("%s: %d looks", path, n)
		}
	}
}

// TestNotesAboutTheStaffAreAnOwners: others have no form for one, and writing it
// by hand is refused.
func TestNotesAboutTheStaffAreAnOwners(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	owner, nadia := s.works(t, "nadia", account.Owner)
	agent, salma := s.works(t, "salma", account.Support)
	client := s.has(t, "amina", "Amina", "Alaoui")
	for _, row := range []struct {
		b    *browser
		of   int64
		want bool
	}{{owner, salma.ID, true}, {owner, nadia.ID, false}, {agent, nadia.ID, false}, {agent, salma.ID, false}, {agent, client.ID, true}} {
		path := fmt.Sprintf("/console/clients/%d/notes", row.of)
		if a := row.b.open(t, path); a.status != http.StatusOK || strings.Contains(a.body, "<textarea") != row.want {
			t.Errorf("%s: %d, want a form: %v", path, a.status, row.want)
		}
		want := http.StatusSeeOther
		if !row.want {
			want = http.StatusForbidden
		}
		if a := row.b.send(t, path, "text", "appelée ce matin"); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
}

// TestPagesOfOtherHostsLoadNothing: a page of a host beside this one, whose
// requests carry the cookie, makes no agent look at somebody.
func TestPagesOfOtherHostsLoadNothing(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "nadia", account.Owner)
	amina := s.has(t, "amina", "Amina", "Alaoui")
	path := fmt.Sprintf("/console/clients/%d", amina.ID)
	for _, row := range []struct {
		site, mode, dest, purpose string
		want                      int
	}{
		{"same-site", "no-cors", "image", "", http.StatusForbidden},
		{"same-site", "cors", "empty", "", http.StatusForbidden},
		{"same-site", "navigate", "iframe", "", http.StatusForbidden},
		{"same-site", "navigate", "document", "prefetch", http.StatusForbidden},
		{"cross-site", "no-cors", "script", "", http.StatusForbidden},
		{"same-site", "navigate", "document", "", http.StatusOK}, // a link
		{"cross-site", "navigate", "document", "", http.StatusOK},
		{"same-origin", "cors", "empty", "", http.StatusOK}, // htmx
		{"none", "navigate", "document", "", http.StatusOK},
		{"", "", "", "", http.StatusOK},
	} {
		var headers []string
		for name, value := range map[string]string{"Sec-Fetch-Site": row.site, "Sec-Fetch-Mode": row.mode, "Sec-Fetch-Dest": row.dest, "Sec-Purpose": row.purpose} {
			headers = append(headers, name, value)
		}
		before := s.EventKinds(t)[account.EventUserSeen]
		a := b.open(t, path, headers...)
		if a.status != row.want || (row.want == http.StatusForbidden && (strings.Contains(a.body, "Alaoui") || s.EventKinds(t)[account.EventUserSeen] != before)) {
			t.Errorf("%+v: %d", row, a.status)
		}
	}
}
