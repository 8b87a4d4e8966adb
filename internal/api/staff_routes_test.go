package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/store"
)

// employed is somebody of the staff whose role counts, logged in with a factor.
func employed(t *testing.T, s *server, role account.Role) *person {
	t.Helper()
	p := newPerson(t, s)
	p.prove(t)
	p.enrol(t, "phone")
	u := s.user(t, p.name)
	err := s.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		return tx.SetStaff(ctx, account.StaffMember{UserID: u.ID, Role: role, GivenAt: u.JoinedAt, AcceptedAt: s.clock.now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// staffRoutes says from which role on each route of the staff may be used. A
// route that is new fails the test until it stands here.
var staffRoutes = map[string]account.Role{
	"GET /api/clients/clients/":                        account.Support,
	"POST /api/clients/clients/":                       account.Manager,
	"GET /api/clients/clients/{id}/":                   account.Support,
	"PATCH /api/clients/clients/{id}/":                 account.Manager,
	"POST /api/clients/clients/{id}/disable/":          account.Manager,
	"POST /api/clients/clients/{id}/enable/":           account.Manager,
	"POST /api/clients/clients/{id}/close/":            account.Manager,
	"POST /api/clients/clients/{id}/restore/":          account.Manager,
	"POST /api/clients/clients/{id}/erase/":            account.Manager,
	"POST /api/clients/clients/{id}/sessions/end/":     account.Support,
	"GET /api/clients/clients/{id}/sessions/":          account.Support,
	"DELETE /api/clients/clients/{id}/sessions/{sid}/": account.Support,
	"POST /api/clients/clients/{id}/reset/":            account.Support,
	"POST /api/clients/clients/{id}/resend/":           account.Support,
	"POST /api/clients/clients/{id}/unlock/":           account.Support,
	"POST /api/clients/clients/{id}/recover/":          account.Manager,
	"DELETE /api/clients/clients/{id}/recover/":        account.Manager,
	"GET /api/clients/clients/{id}/events/":            account.Support,
	"GET /api/clients/clients/{id}/mails/":             account.Support,
	"GET /api/clients/clients/{id}/factors/":           account.Support,
	"GET /api/clients/clients/{id}/notes/":             account.Support,
	"POST /api/clients/clients/{id}/notes/":            account.Support,
	"POST /api/clients/clients/export/":                account.Manager,
	"POST /api/clients/clients/bulk/disable/":          account.Manager,
	"POST /api/clients/clients/bulk/enable/":           account.Manager,
	"POST /api/clients/clients/bulk/close/":            account.Manager,
	"POST /api/clients/clients/bulk/sign_out/":         account.Support,
	"POST /api/clients/clients/bulk/resend/":           account.Support,
	"GET /api/clients/staff/members/":                  account.Owner,
	"POST /api/clients/staff/members/":                 account.Owner,
	"GET /api/clients/staff/members/{id}/":             account.Owner,
	"PATCH /api/clients/staff/members/{id}/":           account.Owner,
	"DELETE /api/clients/staff/members/{id}/":          account.Owner,
	"POST /api/clients/staff/members/{id}/renew/":      account.Owner,
	"GET /api/clients/staff/events/":                   account.Support,
	"GET /api/clients/staff/mails/":                    account.Support,
	"POST /api/clients/staff/mails/{id}/retry/":        account.Support,
	"GET /api/clients/staff/approvals/":                account.Manager,
	"POST /api/clients/staff/approvals/{id}/":          account.Manager,
	"POST /api/clients/staff/approvals/{id}/use/":      account.Manager,
}

// documentedRoute is a call in the first column of docs/api.md: "…" stands for what
// comes before the last part of the path of the call before.
var documentedRoute = regexp.MustCompile("`(?:([A-Z]+) (\\S+/)|…/(\\S+))`")

// TestDocumentsNameTheRoleOfEachRoute, in both languages.
func TestDocumentsNameTheRoleOfEachRoute(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"api.md", "api.fr.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			cells := strings.Split(line, "|")
			if len(cells) < 4 || !slices.Contains(account.Roles(), account.Role(strings.TrimSpace(cells[2]))) {
				continue
			}
			method, path := "", ""
			for _, found := range documentedRoute.FindAllStringSubmatch(cells[1], -1) {
				if found[1] != "" {
					method, path = found[1], found[2]
				} else {
					path = path[:strings.LastIndexByte(strings.TrimSuffix(path, "/"), '/')+1] + found[3]
				}
				route := method + " /api/clients/" + path
				seen[route] = true
				if want := staffRoutes[route]; account.Role(strings.TrimSpace(cells[2])) != want {
					t.Errorf("%s: %s is from %s on, not from %s", name, route, want, cells[2])
				}
			}
		}
		for route := range staffRoutes {
			if !seen[route] {
				t.Errorf("%s: no role of %s", name, route)
			}
		}
	}
}

// TestEachRouteOfTheStaffHasItsRole asks each as everybody.
func TestEachRouteOfTheStaffHasItsRole(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		client := newPerson(t, s)
		callers := map[account.Role]*person{"": client}
		for _, role := range account.Roles() {
			callers[role] = employed(t, s, role)
		}
		rank := map[account.Role]int{"": 0, account.Support: 1, account.Manager: 2, account.Owner: 3}
		known := map[string]bool{}
		for _, rt := range api.Routes() {
			if rt.Requires != api.Staff {
				continue
			}
			name := rt.Method + " " + rt.Path
			least, there := staffRoutes[name]
			if !there {
				t.Errorf("%s is new: from which role on may it be used?", name)
				continue
			}
			known[name] = true
			path := strings.NewReplacer("{id}", "999999", "{sid}", "none").Replace(rt.Path) // nobody: nothing is done
			if a := s.call(t, rt.Method, path, `{"role":"owner","is_staff":true}`, "Content-Type", "application/json"); a.status != http.StatusUnauthorized {
				t.Errorf("%s without a token: %d %s", name, a.status, a.body)
			}
			for role, p := range callers {
				a := p.as(t, rt.Method, path, `{"role":"owner","is_staff":true}`)
				if may := rank[role] >= rank[least]; may == (a.status == http.StatusForbidden) {
					t.Errorf("%s by %q: %d %s", name, role, a.status, a.body)
				}
			}
		}
		for name := range staffRoutes {
			if !known[name] {
				t.Errorf("%s is not there any more", name)
			}
		}
	})
}

// TestStaffFindSeeAndDisable is a call for help, by the API.
func TestStaffFindSeeAndDisable(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		client, manager := newPerson(t, s), employed(t, s, account.Manager)
		a := manager.as(t, http.MethodGet, "/api/clients/clients/?search="+client.name+"&nonsense=1&ordering=-date_joined", "")
		var page struct {
			Count    int64
			Next     *string
			Previous *string
			Results  []struct {
				ID       int64
				Username string
			}
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != http.StatusOK || page.Count != 1 || len(page.Results) != 1 || page.Results[0].Username != client.name {
			t.Fatalf("%d %s %v %s", a.status, a.body, err, s.logged())
		}
		if strings.Contains(a.body, "count_estimated") {
			t.Errorf("an exact count is called an estimate: %s", a.body)
		}
		for query, field := range map[string]string{
			"ordering=password": "ordering", "is_active=perhaps": "is_active", "date_joined_after=2026-02-31": "date_joined_after",
			"cursor=tampered": "cursor", "page_size=x": "page_size", "search=%00": "search", "language=xx": "language", "search=" + strings.Repeat("x", 10_000): "search",
		} {
			if a := manager.as(t, http.MethodGet, "/api/clients/clients/?"+query, ""); a.status != http.StatusBadRequest || !strings.Contains(a.body, `"`+field+`"`) {
				t.Errorf("%.40s: %d %.200s", query, a.status, a.body)
			}
		}
		path := "/api/clients/clients/" + strconv.FormatInt(page.Results[0].ID, 10) + "/"
		if a := manager.as(t, http.MethodPost, path+"disable/", `{"reason":"too short"}`); a.status != http.StatusBadRequest || a.header.Get("X-Error-Code") != "reason=too_short" {
			t.Errorf("nine letters: %d %s", a.status, a.body)
		}
		if a := manager.as(t, http.MethodPost, path+"disable/", `{"reason":"fraud was reported"}`); a.status != http.StatusNoContent {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := client.as(t, http.MethodGet, mePath, ""); a.status != http.StatusUnauthorized {
			t.Errorf("the client goes on: %d", a.status)
		}
		a = manager.as(t, http.MethodGet, path, "")
		if a.status != http.StatusOK || !strings.Contains(a.body, `"login_possible":false`) || !strings.Contains(a.body, `{"kind":"disabled","blocks_login":true`) || !strings.Contains(a.body, "fraud was reported") {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := manager.as(t, http.MethodGet, "/api/clients/clients/999999/", ""); a.status != http.StatusNotFound {
			t.Errorf("nobody: %d %s", a.status, a.body)
		}
	})
}

// TestEditSaysWhoItIsAndWhatWaits: of somebody of the staff their role, and of an
// address that waits until when.
func TestEditSaysWhoItIsAndWhatWaits(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		owner, member := employed(t, s, account.Owner), employed(t, s, account.Support)
		path := "/api/clients/clients/" + strconv.FormatInt(s.user(t, member.name).ID, 10) + "/"
		var u struct {
			Version string
			ReadyAt *string `json:"recovery_ready_at"`
		}
		read := func(a answer) {
			t.Helper()
			u.ReadyAt = nil
			if err := json.Unmarshal([]byte(a.body), &u); err != nil || a.status != http.StatusOK || !strings.Contains(a.body, `"is_staff":true,"role":"support"`) {
				t.Fatalf("%d %s %v", a.status, a.body, err)
			}
		}
		read(owner.as(t, http.MethodGet, path, ""))
		if read(owner.as(t, http.MethodPatch, path, `{"version":"`+u.Version+`","first_name":"Salma"}`)); u.ReadyAt != nil {
			t.Errorf("of a name: %s", *u.ReadyAt)
		}
		if read(owner.as(t, http.MethodPatch, path, `{"version":"`+u.Version+`","email":"waits@example.ma"}`)); u.ReadyAt == nil {
			t.Error("nothing says that the address waits")
		}
		if a := owner.as(t, http.MethodGet, path, ""); !strings.Contains(a.body, `{"kind":"address_waits","blocks_login":false`) || !strings.Contains(a.body, `"email":"waits@example.ma"`) {
			t.Errorf("the findings lack it: %s", a.body)
		}
	})
}

// TestEditIsOfTheCorrectionThatWasSeen: whoever has read that one address waits
// neither stops another, which a colleague began since, nor edits beside it.
func TestEditIsOfTheCorrectionThatWasSeen(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		manager, client := employed(t, s, account.Manager), newPerson(t, s)
		client.prove(t)
		client.enrol(t, "phone")
		path := "/api/clients/clients/" + strconv.FormatInt(s.user(t, client.name).ID, 10) + "/"
		version := func() string { return manager.as(t, http.MethodGet, path, "").field("version") }
		edit := func(status int, version, change string) answer {
			t.Helper()
			return manager.wants(t, status, http.MethodPatch, path, `{"version":"`+version+`",`+change+`}`)
		}
		const first, present, second = `"email":"first@example.com"`, `"email":"%"`, `"email":"second@example.com"`
		none := version()
		edit(http.StatusOK, none, first)
		seen := version()
		edit(http.StatusConflict, none, `"first_name":"Amina"`)
		stopped := edit(http.StatusOK, seen, strings.Replace(present, "%", client.email, 1))
		if v := stopped.field("version"); v != none || v != version() {
			t.Errorf("nothing waits: %s, as before it did: %s", v, none)
		}
		edited := edit(http.StatusOK, none, second)
		edit(http.StatusConflict, seen, `"first_name":"Amina"`)
		edit(http.StatusConflict, seen, strings.Replace(present, "%", client.email, 1))
		if a := manager.as(t, http.MethodGet, path, ""); !strings.Contains(a.body, `"email":"second@example.com"`) {
			t.Errorf("the second does not wait any more: %s", a.body)
		}
		var list struct{ Results []struct{ Version string } }
		a := manager.wants(t, http.StatusOK, http.MethodGet, "/api/clients/clients/?search="+client.name, "")
		if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list.Results) != 1 {
			t.Fatalf("%v: %s", err, a.body)
		}
		for _, v := range []string{edited.field("version"), list.Results[0].Version} {
			if v != version() {
				t.Errorf("version %s, want %s", v, version())
			}
		}
		edit(http.StatusOK, version(), strings.Replace(present, "%", client.email, 1))
	})
}

// TestStaffRoutesAreNotForOtherPages: the shop's pages may call the API, and
// not the staff's part of it.
func TestStaffRoutesAreNotForOtherPages(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(o *settings) {
		o.web.CORSOrigins, o.web.StaffCORS = []string{"https://shop.example"}, []string{"https://office.example"}
	}, func(t *testing.T, s *server) {
		for path, want := range map[string]string{mePath: "https://shop.example", "/api/clients/clients/": "https://office.example", "/api/clients/staff/accept/": "https://office.example"} {
			for _, origin := range []string{"https://shop.example", "https://office.example"} {
				allowed := s.call(t, http.MethodGet, path, "", "Origin", origin).header.Get("Access-Control-Allow-Origin")
				if (allowed == origin) != (origin == want) {
					t.Errorf("%s from %s: %q", path, origin, allowed)
				}
			}
		}
	})
}

// TestExportIsNoFormula, and no number: a spreadsheet shows what is stored.
func TestExportIsNoFormula(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		client, manager := newPerson(t, s), employed(t, s, account.Manager)
		ids := strconv.FormatInt(s.user(t, client.name).ID, 10)
		for name, disarmed := range map[string]bool{
			`=HYPERLINK("x")`: true, "+cmd": true, "-1+1": true, "@SUM": true, "＝1": true, "0612345678": true, "1E5": true, "3-4": true, "12:30": true, "1234567890123456": true,
			"Amina; \"x\"": false, "1234": false, "0": false, "Amina 2": false, "e": false, "e-e": false,
		} {
			if a := client.as(t, http.MethodPatch, mePath, `{"first_name":`+strconv.Quote(name)+`}`); a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
			body := `{"ids":[` + ids + `],"reason":"asked for by the accountant"`
			a := manager.as(t, http.MethodPost, "/api/clients/clients/export/", body+`}`)
			if a.status != http.StatusOK || !strings.HasPrefix(a.body, "\ufeffid;username") || a.header.Get("Content-Type") != "text/csv; charset=utf-8" {
				t.Fatalf("%d %v %s", a.status, a.header, a.body)
			}
			if got := strings.Contains(a.body, ";'"+name[:1]) || strings.Contains(a.body, `;"'`+name[:1]); got != disarmed {
				t.Errorf("%s: %s", name, a.body)
			}
			if a := manager.as(t, http.MethodPost, "/api/clients/clients/export/", body+`,"format":"ndjson"}`); !strings.Contains(a.body, `"first_name":`+strconv.Quote(name)) {
				t.Errorf("%s: %s", name, a.body)
			}
		}
	})
}
