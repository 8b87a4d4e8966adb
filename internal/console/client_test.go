package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/console"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func at(u account.User, rest string) string {
	return "/console/clients/" + strconv.FormatInt(u.ID, 10) + rest
}

var wholeIP = regexp.MustCompile(`>10\.0\.0\.\d+<`)

// TestWhyCanSheNotLogIn is the telephone call: find, read why, do one thing.
func TestWhyCanSheNotLogIn(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		u := s.has(t, "amina", "Amina", "Alaoui")
		b, karim := s.works(t, "karim", account.Manager)
		a := b.send(t, at(u, "/disable"), "reason", "fraude")
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.text(), "fraude") || !strings.Contains(a.body, `aria-invalid="true"`) {
			t.Errorf("a short reason: %d\n%s", a.status, a.text())
		}
		b.send(t, at(u, "/disable"), "reason", "fraude signalée").leadsTo(t, at(u, "/disable"), at(u, ""))
		if a := b.open(t, at(u, "")); !strings.Contains(a.text(), "compte désactivé") {
			t.Errorf("it is not said:\n%s", a.text())
		}
		if a := b.open(t, at(u, "")); strings.Contains(a.body, `class="done"`) {
			t.Error("it is said twice")
		}
		if a := b.open(t, "/console/events"); !strings.Contains(a.body, `<q dir="auto">fraude signalée</q>`) || !wholeIP.MatchString(a.body) {
			t.Errorf("the log has no reason as a quotation, or no address that stays in one line:\n%s", a.body)
		}
		if _, err := s.SignIn(t, "amina", authtest.PasswordOf("amina")); err == nil {
			t.Error("she can still log in")
		}
		agent, _ := s.works(t, "salma", account.Support)
		found := agent.open(t, "/console/clients?search=alaoui+am")
		if found.status != http.StatusOK || !strings.Contains(found.body, `href="clients/`+strconv.FormatInt(u.ID, 10)+`"`) || !strings.Contains(found.text(), "Désactivé") {
			t.Fatalf("found: %d\n%s", found.status, found.text())
		}
		page := agent.open(t, at(u, ""))
		for _, want := range []string{"Connexion possible ? Non", "fraude signalée", karim.Username, "console.client.others"} {
			if want = strings.Join(strings.Fields(locale.Text("fr", want, nil)), " "); !strings.Contains(page.text(), want) {
				t.Errorf("the page does not say %q:\n%s", want, page.text())
			}
		}
		if strings.Contains(page.body, "/enable") {
			t.Error("an agent is offered what only a manager may")
		}
		if a := agent.send(t, at(u, "/enable"), "reason", "elle a prouvé qui elle est", "role", "owner"); a.status != http.StatusForbidden || !strings.Contains(a.text(), locale.Text("fr", "console.only.manager", nil)) {
			t.Errorf("by hand: %d\n%s", a.status, a.text())
		}
		b.send(t, at(u, "/enable"), "reason", "elle a prouvé qui elle est").leadsTo(t, at(u, "/enable"), at(u, ""))
		if _, err := s.SignIn(t, "amina", authtest.PasswordOf("amina")); err != nil {
			t.Errorf("enabled: %v", err)
		}
		if a := agent.open(t, at(u, "")); !strings.Contains(a.text(), "Connexion possible ? Oui") {
			t.Errorf("afterwards:\n%s", a.text())
		}
	})
}

// TestEachRouteAndRole: who may see and do what. A new route fails it until it
// says what it needs.
func TestEachRouteAndRole(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	browsers := map[account.Role]*browser{}
	for _, role := range account.Roles() {
		browsers[role], _ = s.works(t, "the-"+string(role), role)
	}
	for _, r := range console.Routes() {
		if !r.Open && !r.Any && r.See == "" {
			t.Errorf("%q does not say who may see it", r.Path)
		}
		if r.Open || r.Path == "events/stream" || r.Path == "enrol" {
			continue
		}
		path := "/console/" + strings.ReplaceAll(r.Path, "{id}", strconv.FormatInt(u.ID, 10))
		if strings.HasPrefix(r.Path, "events/") {
			path = "/console/events/1"
		}
		if r.Path == "clients/export" || strings.HasPrefix(r.Path, "clients/bulk/") {
			path += "?all=1"
		}
		if strings.HasPrefix(r.Path, "mails/") {
			path = "/console/mails/1"
		}
		for role, b := range browsers {
			want := http.StatusOK
			switch {
			case r.See != "" && !role.May(r.See):
				want = http.StatusForbidden
			case r.Path == "clients/{id}/enable", r.Path == "clients/{id}/restore":
				want = http.StatusSeeOther // to the client's page: she is active
			}
			for _, header := range [][]string{nil, {"HX-Request", "true"}} {
				if want == http.StatusSeeOther && header != nil {
					want = http.StatusOK // htmx is told where to go
				}
				if a := b.open(t, path, header...); a.status != want && (want != http.StatusOK || a.status != http.StatusNotFound) {
					t.Errorf("%s sees %s: %d, want %d\n%s", role, path, a.status, want, a.text())
				}
			}
			need := r.Do
			if need == "" {
				need = r.See
			}
			if need == "" || role.May(need) && r.Acts {
				continue
			}
			want = http.StatusForbidden
			if !r.Acts {
				want = http.StatusMethodNotAllowed
			}
			if a := b.send(t, path, "reason", "un motif assez long", "role", "owner"); a.status != want {
				t.Errorf("%s does %s: %d, want %d", role, path, a.status, want)
			}
		}
		if a := s.browser().open(t, path); a.status != http.StatusSeeOther || !strings.Contains(a.header.Get("Location"), "login") || a.body != "" {
			t.Errorf("nobody sees %s: %d", path, a.status)
		}
	}
	for _, e := range s.AllEvents(t) {
		if e.Kind == account.EventStaffRefused {
			return
		}
	}
	t.Error("no refusal is an event")
}

// TestScriptsStayText: what customers and staff write is shown as they typed it.
func TestScriptsStayText(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	const evil = `"><img src=x onerror=alert(1)>`
	u := s.has(t, "amina", evil, `x" hx-get="/console/clients/1/disable" hx-trigger="load`)
	b, _ := s.works(t, "karim", account.Manager)
	reason := `<script>alert("reason")</script>`
	b.send(t, at(u, "/disable"), "reason", reason).leadsTo(t, at(u, "/disable"), at(u, ""))
	b.send(t, at(u, "/notes"), "text", "<svg onload=alert(2)>").leadsTo(t, at(u, "/notes"), at(u, "/notes"))
	for _, path := range []string{
		"/console/clients", "/console/clients?search=" + url.QueryEscape(evil), "/console/clients?language=" + url.QueryEscape(evil), "/console/clients?" + url.QueryEscape(evil) + "=1",
		at(u, ""), at(u, "/events"), at(u, "/notes"), at(u, "/edit"), at(u, "/enable"), at(u, "/erase"), "/console/events", "/console/events?client=" + url.QueryEscape(evil), "/console/mails",
		"/console/login?next=" + url.QueryEscape(evil) + "&why=" + url.QueryEscape(evil),
	} {
		a := b.open(t, path)
		for _, wrong := range []string{"<img src=x", "<svg onload", "<script>alert", `" hx-get="/console/clients/1`} {
			if strings.Contains(a.body, wrong) {
				t.Errorf("%s has %s:\n%s", path, wrong, a.body)
			}
		}
	}
	if a := b.open(t, at(u, "")); !strings.Contains(a.text(), evil) || !strings.Contains(a.text(), reason) {
		t.Errorf("it is not shown as it was typed:\n%s", a.text())
	}
	turned := s.has(t, "hind", "Hind\u202egnp", "Аmina")
	a := b.open(t, at(turned, ""))
	if strings.Contains(a.body, "\u202e") || !strings.Contains(a.body, "U+202E") || !strings.Contains(a.body, "U+0410") {
		t.Errorf("what turns others around, and letters of two scripts, are not marked:\n%s", a.body)
	}
}

// TestWhatWasTypedComesBack: a session that ends in the middle of a form loses
// nothing.
func TestWhatWasTypedComesBack(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	b, m := s.works(t, "karim", account.Manager)
	b.open(t, at(u, "/disable"))
	token := b.cookies[session]
	if err := s.Logout(t.Context(), authtest.Req, account.TextInput(token)); err != nil {
		t.Fatal(err)
	}
	reason := strings.Repeat("سبب طويل ", 55)
	login := "/console/login?next=" + url.QueryEscape(strings.TrimPrefix(at(u, "/disable"), "/console/")) + "&why=ended"
	b.send(t, at(u, "/disable"), "reason", reason).leadsTo(t, at(u, "/disable"), login)
	b.logIn(t, m)
	if a := b.open(t, at(u, "/disable")); !strings.Contains(a.text(), strings.TrimSpace(reason)) {
		t.Errorf("the reason is lost:\n%s", a.text())
	}
	if got, err := s.Store.UserByID(t.Context(), u.ID); err != nil || !got.Active {
		t.Errorf("it was done without a session; %v", err)
	}
}

// TestWhatWasTypedIsForWhoTypedIt, and not for the next one at the same desk.
func TestWhatWasTypedIsForWhoTypedIt(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	b, _ := s.works(t, "karim", account.Manager)
	if err := s.Logout(t.Context(), authtest.Req, account.TextInput(b.cookies[session])); err != nil {
		t.Fatal(err)
	}
	b.send(t, at(u, "/disable"), "reason", "said in confidence")
	if b.cookies["yoozak_console_note"] == "" {
		t.Fatal("nothing was kept")
	}
	b.logIn(t, s.hires(t, "nadia", account.Manager))
	if a := b.open(t, at(u, "/disable")); a.status != http.StatusOK || strings.Contains(a.text(), "in confidence") {
		t.Errorf("somebody else is shown it: %d\n%s", a.status, a.text())
	}
}

// TestFormOfBeforeIsForWhoOpenedIt: a page that one person left open, sent when
// the session of the next one is over, is not for that one.
func TestFormOfBeforeIsForWhoOpenedIt(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	b, karim := s.works(t, "karim", account.Manager)
	opened := regexp.MustCompile(`name="agent" value="(\d+)"`).FindStringSubmatch(b.open(t, at(u, "/disable")).body)
	nadia := s.hires(t, "nadia", account.Manager)
	for _, who := range []member{nadia, karim} {
		b.logIn(t, nadia)
		delete(b.cookies, session)
		fields := []string{"reason", "said in confidence"}
		if opened != nil {
			fields = append(fields, "agent", opened[1])
		}
		b.send(t, at(u, "/disable"), fields...)
		b.logIn(t, who)
		if a := b.open(t, at(u, "/disable")); a.status != http.StatusOK || strings.Contains(a.text(), "in confidence") != (who.ID == karim.ID) {
			t.Errorf("%s is shown what karim typed, or not: %d\n%s", who.Username, a.status, a.text())
		}
	}
}

// TestFormOfAnotherIsNotDone in the name of who works in the browser now.
func TestFormOfAnotherIsNotDone(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	b, _ := s.works(t, "karim", account.Manager)
	opened := b.open(t, at(u, "/disable")).field(t, "agent")
	b.logIn(t, s.hires(t, "nadia", account.Manager))
	if a := b.send(t, at(u, "/disable"), "reason", "fraude signalée", "agent", opened); a.status != http.StatusConflict || !strings.Contains(a.text(), "en votre nom") {
		t.Errorf("karim's form, sent as nadia: %d\n%s", a.status, a.text())
	}
	if got, err := s.Store.UserByID(t.Context(), u.ID); err != nil || !got.Active {
		t.Errorf("disabled in nadia's name; %v", err)
	}
	b.send(t, at(u, "/disable"), "reason", "fraude signalée", "agent", b.open(t, at(u, "/disable")).field(t, "agent")).leadsTo(t, at(u, "/disable"), at(u, ""))
}

func TestTwoEdits(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	b, _ := s.works(t, "karim", account.Manager)
	mine, theirs := b.open(t, at(u, "/edit")).field(t, "version"), b.open(t, at(u, "/edit")).field(t, "version")
	edit := func(version, first string) answer {
		return b.send(t, at(u, "/edit"), "version", version, "first_name", first, "last_name", "Alaoui", "email", u.Email, "language", "fr")
	}
	edit(theirs, "Aminata").leadsTo(t, at(u, "/edit"), at(u, ""))
	a := edit(mine, "Mina")
	if a.status != http.StatusConflict || !strings.Contains(a.text(), "Aminata") || !strings.Contains(a.body, `value="Mina"`) || !strings.Contains(a.text(), "Rien n’a été enregistré") {
		t.Fatalf("a conflict: %d\n%s", a.status, a.text())
	}
	if got, err := s.Store.UserByID(t.Context(), u.ID); err != nil || got.FirstName != "Aminata" {
		t.Errorf("%q; %v", got.FirstName, err)
	}
	edit(a.field(t, "version"), "Mina").leadsTo(t, at(u, "/edit"), at(u, ""))
	if a := b.open(t, at(u, "")); !strings.Contains(a.text(), "Mina Alaoui\u2069 : changements enregistrés") && !strings.Contains(a.text(), "Mina Alaoui\u2069\u00a0: changements enregistrés") {
		t.Errorf("not by the new name:\n%s", a.text())
	}
	if got, err := s.Store.UserByID(t.Context(), u.ID); err != nil || got.FirstName != "Mina" {
		t.Errorf("%q; %v", got.FirstName, err)
	}
}

func TestEraseNeedsTheNumber(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	b, m := s.works(t, "karim", account.Manager)
	for _, number := range []string{"", "99", " " + strconv.FormatInt(u.ID, 10)} {
		if a := b.send(t, at(u, "/erase"), "reason", "demande de la cliente", "number", number); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.text(), "demande de la cliente") {
			t.Errorf("%q: %d\n%s", number, a.status, a.text())
		}
	}
	b.send(t, at(u, "/erase"), "reason", "demande de la cliente", "number", strconv.FormatInt(u.ID, 10)).leadsTo(t, at(u, "/erase"), "/console/clients")
	if a := b.open(t, at(u, "")); a.status != http.StatusNotFound || strings.Contains(a.body, "Amina") {
		t.Errorf("erased: %d", a.status)
	}
	if a := b.send(t, at(m.User, "/disable"), "reason", "contre moi-même, pour voir"); a.status != http.StatusForbidden {
		t.Errorf("oneself: %d", a.status)
	}
	owner := s.hires(t, "hind", account.Owner)
	for _, act := range []string{"disable", "close", "erase", "signout", "reset"} {
		if a := b.send(t, at(owner.User, "/"+act), "reason", "un motif assez long", "number", strconv.FormatInt(owner.ID, 10)); a.status != http.StatusForbidden {
			t.Errorf("a manager does %s to an owner: %d\n%s", act, a.status, a.text())
		}
	}
}

func TestListSaysWhatIsMeant(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	s.has(t, "amina", "Amina", "Alaoui")
	b, _ := s.works(t, "salma", account.Support)
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"?date_joined_after=2026-02-31":        {400, "Ce jour n’existe pas"},
		"?language=xx":                         {400, "Ce choix n’existe pas"},
		"?is_active=maybe&search=amina":        {400, "Un filtre n’est pas compris"},
		"?search=" + strings.Repeat("a+", 200): {400, "Trop de mots"},
		"?search=%00":                          {400, "ne peut pas être cherché"},
		"?cursor=tampered":                     {400, "n’est plus celui"},
		"?search=mohammed":                     {200, "Essayer « moha »"},
		"?search=%25":                          {200, "Aucun résultat"},
		"?colour=red":                          {200, "ignorés"},
		"?is_active=true&search=amina":         {200, "État : Actif"},
	} {
		a := b.open(t, "/console/clients"+path)
		if a.status != want.status || !strings.Contains(a.text(), want.says) {
			t.Errorf("%.60s: %d, want %d and %q\n%s", path, a.status, want.status, want.says, a.text())
		}
		if want.status == 400 && strings.Contains(a.body, "amina@") {
			t.Errorf("%s widens the list", path)
		}
	}
	b.open(t, "/console/clients?search=amina&verified=&language=").leadsTo(t, "/console/clients", "/console/clients?search=amina")
	part := b.open(t, "/console/clients?search=ami&verified=", "HX-Request", "true", "HX-Target", "results")
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, `id="results"`) || part.header.Get("Console-Address") != "./clients?search=ami" {
		t.Errorf("a part, %q:\n%s", part.header.Get("Console-Address"), part.body)
	}
	whole := b.open(t, "/console/clients?search=ami", "HX-Request", "true", "HX-Target", "results", "HX-History-Restore-Request", "true")
	if !strings.Contains(whole.body, "<html") {
		t.Error("a page of the history is a part")
	}
	if regexp.MustCompile(`search=|amina`).MatchString(s.log.String()) {
		t.Error("the log has what was searched")
	}
}

// TestOverviewWarnsOfAnAccountThatMayHaveBeenTaken, and leads to what happened.
func TestOverviewWarnsOfAnAccountThatMayHaveBeenTaken(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	agent, _ := s.works(t, "salma", account.Support)
	if a := agent.open(t, "/console/"); strings.Contains(a.text(), locale.Text("fr", "console.warning.look", nil)) {
		t.Error("it warns of nothing")
	}
	if err := s.Staff.SetEmail(t.Context(), u.ID, "other@example.ma", authtest.Reason); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Staff.StartReset(t.Context(), u.ID, authtest.Reason); err != nil {
		t.Fatal(err)
	}
	link := `href="./clients/` + strconv.FormatInt(u.ID, 10) + `/events"`
	if a := agent.open(t, "/console/"); !strings.Contains(a.text(), locale.Text("fr", "console.warning.look", nil)) || !strings.Contains(a.body, link) {
		t.Errorf("it does not warn:\n%s", a.body)
	}
}

// TestDatesOfTheConsole: the first of a month is "1er" in French, and no date goes on in the next line.
func TestDatesOfTheConsole(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	now := s.Clock.Now()
	s.Clock.Advance(time.Date(now.Year(), now.Month()+1, 1, 12, 0, 0, 0, time.UTC).Sub(now))
	u := s.has(t, "amina", "Amina", "Alaoui")
	b, _ := s.works(t, "salma", account.Support)
	months := strings.Fields(locale.Text("fr", "console.date.months", nil))
	want := fmt.Sprintf("1er\u00a0%s\u00a0%d", months[now.Month()%12], s.Clock.Now().Year())
	if a := b.open(t, "/console/clients/"+strconv.FormatInt(u.ID, 10)); !strings.Contains(a.body, want) {
		t.Errorf("the page does not say %q:\n%s", want, a.text())
	}
}

// TestNamesInTitles: the window's title has a name and no signs that nobody
// wrote, and the heading shows the marks that somebody put into a name.
func TestNamesInTitles(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "nadia", account.Owner)
	amina, marked := s.has(t, "amina", "Amina", "Alaoui"), s.has(t, "marked", "\u2068Amina\u2069", "Alaoui")
	turned := s.has(t, "turned", "Hind", "\u202etxt.exe")
	if a := b.open(t, at(turned, "/disable")); !strings.Contains(a.body, `<bdi dir="auto">Hind <span class="mark">U+202E</span>txt.exe</bdi> (n°`) || !strings.Contains(a.body, "\u2068Hind \ufffdtxt.exe\u2069 (n°") {
		t.Errorf("a name that turns what follows:\n%.1500s", a.body)
	}
	for path, want := range map[string]string{
		at(amina, ""):         "<title>Amina Alaoui – Clients – Yoozak</title>",
		at(amina, "/disable"): "\u2068Amina Alaoui\u2069 (n°",
		at(amina, "/edit"):    "\u2068Amina Alaoui\u2069 (n°",
		at(marked, ""):        `<h1><bdi dir="auto"><span class="mark">U+2068</span>Amina<span class="mark">U+2069</span> Alaoui</bdi></h1>`,
	} {
		if a := b.open(t, path); !strings.Contains(a.body, want) || path != at(marked, "") && strings.Contains(a.body, "\ufffd") {
			t.Errorf("%s lacks %q:\n%.900s", path, want, a.body)
		}
	}
}

// TestNobodyIsListedTwice: who is found as a whole stands above the list alone,
// and counts once; who works here alone is no client.
func TestNobodyIsListedTwice(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "salma", account.Support)
	if a := b.open(t, "/console/clients"); !strings.Contains(a.text(), "Pas encore de clients") || strings.Contains(a.text(), "1 client") {
		t.Errorf("nobody yet:\n%s", a.text())
	}
	amina := s.has(t, "amina", "Amina", "Alaoui")
	s.has(t, "amina2", "Amina", "Bennani")
	for path, filtered := range map[string]bool{"?search=xyz": false, "?search=xyz&is_active=true": true} {
		if a := b.open(t, "/console/clients"+path); !strings.Contains(a.text(), "Aucun résultat") || strings.Contains(a.text(), "retirez un filtre") != filtered || strings.Contains(a.text(), "Effacer les filtres") != filtered {
			t.Errorf("%s:\n%s", path, a.text())
		}
	}
	for search, want := range map[string][2]int{"amina": {2, 2}, amina.Email: {1, 1}, strconv.FormatInt(amina.ID, 10): {1, 0}, "alaoui": {1, 1}} {
		a := b.open(t, "/console/clients?search="+url.QueryEscape(search))
		count := locale.Text("fr", "console.clients.count", locale.Args{"n": want[0], "count": strconv.Itoa(want[0])})
		all := "Tous les résultats : " + locale.Text("fr", "console.clients.count", locale.Args{"n": want[1], "count": strconv.Itoa(want[1])})
		if !strings.Contains(a.body, `id="count" hx-swap-oob="true">`+count+`<`) || strings.Count(a.body, "data-row") != want[0] || !strings.Contains(a.text(), all) {
			t.Errorf("%s: not %s:\n%s", search, count, a.text())
		}
	}
}

// TestAddressOfWhoHasAFactor is not changed at once, and is not said to be.
func TestAddressOfWhoHasAFactor(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "nadia", account.Owner)
	salma := s.hires(t, "salma", account.Support).User
	version := b.open(t, at(salma, "/edit")).field(t, "version")
	b.send(t, at(salma, "/edit"), "version", version, "first_name", "Salma", "last_name", "Tazi", "email", "tazi@example.ma", "language", "fr").leadsTo(t, at(salma, "/edit"), at(salma, ""))
	if a := b.open(t, at(salma, "")); !strings.Contains(a.text(), "sauf l’adresse e-mail") {
		t.Errorf("the new address is said to be saved:\n%s", a.text())
	}
	if got, err := s.Store.UserByID(t.Context(), salma.ID); err != nil || got.Email != salma.Email || got.LastName != "Tazi" {
		t.Errorf("%q, %q; %v", got.Email, got.LastName, err)
	}
	if a := b.open(t, at(salma, "")); !strings.Contains(a.text(), "Une autre adresse e-mail attend : \u2068tazi@example.ma\u2069") {
		t.Errorf("nothing says that it waits:\n%s", a.text())
	}
	waits := func(want bool) {
		t.Helper()
		if r, err := s.Staff.Correction(t.Context(), salma.ID); err != nil || (r.ID != "") != want {
			t.Errorf("it waits: %t, %v; want %t", r.ID != "", err, want)
		}
	}
	// Of a form that was opened before it waited the present address stops nothing.
	a := b.send(t, at(salma, "/edit"), "version", version, "first_name", "Salma", "last_name", "Tazi", "email", salma.Email, "language", "fr")
	if a.status != http.StatusConflict {
		t.Errorf("of before it waited: %d\n%s", a.status, a.text())
	}
	waits(true)
	a = b.open(t, at(salma, "/edit")) // while that recovery runs: what was typed stays, and the staff are not sent to the support
	a = b.send(t, at(salma, "/edit"), "version", a.field(t, "version"), "first_name", "Selma", "last_name", "Alaoui", "email", "other@example.ma", "language", "fr")
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.text(), "ne peut pas changer maintenant") || !strings.Contains(a.body, `value="Selma"`) {
		t.Errorf("a second address: %d\n%s", a.status, a.text())
	}
	a = b.open(t, at(salma, "/edit"))
	b.send(t, at(salma, "/edit"), "version", a.field(t, "version"), "first_name", "Salma", "last_name", "Alaoui", "email", salma.Email, "language", "fr")
	waits(false)
	if a := b.open(t, at(salma, "")); !strings.Contains(a.text(), "changements enregistrés") || strings.Contains(a.text(), "sauf l’adresse") {
		t.Errorf("the same address:\n%s", a.text())
	}
}

// TestNothingIsSaidToWaitThatDoesNot: an address that Django wrote otherwise than
// we do is put right by an edit, and waits for nothing.
func TestNothingIsSaidToWaitThatDoesNot(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		return tx.SetEmail(ctx, u.ID, "amina@EXAMPLE.MA", s.Clock.Now())
	})
	b, _ := s.works(t, "karim", account.Manager)
	for _, email := range []string{"amina@EXAMPLE.MA", "Amina@EXAMPLE.MA", "other@EXAMPLE.MA"} {
		version := b.open(t, at(u, "/edit")).field(t, "version")
		b.send(t, at(u, "/edit"), "version", version, "first_name", "Mina "+email, "last_name", "Alaoui", "email", email, "language", "fr").leadsTo(t, at(u, "/edit"), at(u, ""))
		if a := b.open(t, at(u, "")); !strings.Contains(a.text(), "changements enregistrés") || strings.Contains(a.text(), "sauf l’adresse") {
			t.Errorf("%s:\n%s", email, a.text())
		}
	}
}

// TestEditOfAnotherCorrection: a form stops the correction that it says waits, and
// not one that a colleague began since. What was typed stays.
func TestEditOfAnotherCorrection(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, _ := s.works(t, "nadia", account.Owner)
	salma := s.hires(t, "salma", account.Support).User
	edit := func(a answer, first, email string) answer {
		return b.send(t, at(salma, "/edit"), "version", a.field(t, "version"), "waits", a.field(t, "waits"), "first_name", first, "last_name", "Alaoui", "email", email, "language", "fr")
	}
	waits := func(email string) {
		t.Helper()
		if r, err := s.Staff.Correction(t.Context(), salma.ID); err != nil || r.Email != email {
			t.Errorf("%q waits, %v; want %q", r.Email, err, email)
		}
	}
	edit(b.open(t, at(salma, "/edit")), "Salma", "first@example.ma")
	seen := b.open(t, at(salma, "/edit"))
	edit(b.open(t, at(salma, "/edit")), "Salma", salma.Email)
	waits("")
	edit(b.open(t, at(salma, "/edit")), "Salma", "second@example.ma")
	a := edit(seen, "Selma", salma.Email)
	waits("second@example.ma")
	if a.status != http.StatusConflict || !strings.Contains(a.text(), "Rien n’a été enregistré") || !strings.Contains(a.body, `value="Selma"`) ||
		!strings.Contains(a.text(), "Une autre adresse e-mail attend : \u2068second@example.ma\u2069") || !strings.Contains(a.text(), "first@") {
		t.Fatalf("a conflict: %d\n%s", a.status, a.text())
	}
	edit(a, "Selma", salma.Email).leadsTo(t, at(salma, "/edit"), at(salma, "")) // which they have seen
	waits("")
}

// TestEditOfWhoHasNoAddress needs none.
func TestEditOfWhoHasNoAddress(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.SetEmail(ctx, u.ID, "", time.Time{}) })
	b, _ := s.works(t, "karim", account.Manager)
	version := b.open(t, at(u, "/edit")).field(t, "version")
	b.send(t, at(u, "/edit"), "version", version, "first_name", "Mina", "last_name", "Alaoui", "email", "", "language", "fr").leadsTo(t, at(u, "/edit"), at(u, ""))
	if got, err := s.Store.UserByID(t.Context(), u.ID); err != nil || got.FirstName != "Mina" || got.Email != "" {
		t.Errorf("%q, %q; %v", got.FirstName, got.Email, err)
	}
}

// TestNoMailIsPromised to who has not shown that they read the address: nobody
// writes there of what the staff did.
func TestNoMailIsPromised(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	b, _ := s.works(t, "karim", account.Manager)
	for _, act := range []string{"disable", "close"} {
		for path, want := range map[string]string{at(u, "/"+act): "si son adresse e-mail est vérifiée", "/console/clients/bulk/" + act + "?all=1": "si son adresse e-mail est vérifiée"} {
			if a := b.open(t, path); !strings.Contains(a.text(), want) {
				t.Errorf("%s lacks %q:\n%s", path, want, a.text())
			}
		}
	}
	b.send(t, at(u, "/disable"), "reason", "fraude signalée")
	mails, err := s.Store.Mails(t.Context(), 9)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if m.Kind == account.MailAccountDisabled {
			t.Errorf("a mail to %s, whose reader nobody knows", m.Email)
		}
	}
}

// TestWhatWasEmptiedComesBack empty after a login in between, not as it was.
func TestWhatWasEmptiedComesBack(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	b, m := s.works(t, "karim", account.Manager)
	version := b.open(t, at(u, "/edit")).field(t, "version")
	delete(b.cookies, session)
	b.send(t, at(u, "/edit"), "version", version, "first_name", "Mina", "last_name", "", "email", u.Email, "language", "fr")
	b.logIn(t, m)
	if a := b.open(t, at(u, "/edit")); !strings.Contains(a.body, `value="Mina"`) || strings.Contains(a.body, `value="Alaoui"`) || a.field(t, "version") != version {
		t.Errorf("what was typed is lost:\n%s", a.body)
	}
}
