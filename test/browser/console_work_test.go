package browser

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// consoleWidths are a desk's window and a telephone's.
var consoleWidths = []tabOptions{
	{language: "fr", width: 1280, height: 860, scripts: true, patient: true}, {language: "fr", width: 360, height: 740, scripts: true, patient: true},
}

// phone is a customer's session: it returns whether the access token still works.
func (d *desk) phone(t *testing.T, username string) (works func() bool) {
	t.Helper()
	status, tokens := d.call(t, http.MethodPost, "auth/login/", "fr", "", "username", username, "password", firstPassword)
	access, _ := tokens["access"].(string)
	if status != http.StatusOK || access == "" {
		t.Fatalf("%s does not log in: %d %v", username, status, tokens)
	}
	return func() bool {
		status, _ := d.call(t, http.MethodGet, "clients/me/", "fr", access)
		return status == http.StatusOK
	}
}

// get is what the API answers to somebody, as it comes.
func (d *desk) get(t *testing.T, path, access string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+"/api/clients/"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func (d *desk) want(t *testing.T, what string, works func() bool, want bool) {
	t.Helper()
	if works() != want {
		t.Errorf("%s: the phone works: %t, want %t", what, !want, want)
	}
}

// pressIn presses a button of a page's own part.
func (b *tab) pressIn(selector string) int {
	b.t.Helper()
	return b.load(chromedp.Click(chromedp.CSS("main " + selector)))
}

// TestConsoleTelephoneStolen: one device is signed out, then all.
func TestConsoleTelephoneStolen(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	for _, o := range consoleWidths {
		t.Run(o.name(), func(t *testing.T) {
			kept, stolen := d.phone(t, "tazi"), d.phone(t, "tazi")
			b := openTab(t, o)
			b.works(d, "salma")
			b.open(d.client("tazi") + "/sessions")
			b.says("Appareils", "Déconnecter")
			b.status(b.pressIn("li:first-child button[name=end]"), http.StatusOK) // the newest stands first
			b.says("L’appareil est déconnecté.")
			d.want(t, "signed out", stolen, false)
			d.want(t, "the other", kept, true)
			b.open(d.client("tazi"))
			b.status(b.pressIn(`form[action$="/signout"] button`), http.StatusOK)
			b.says("Mohamed Tazi")
			d.want(t, "signed out everywhere", kept, false)

			// The journal names who did it; the customer's own list says that it was us.
			b.open(d.client("tazi") + "/events")
			b.says("Sessions terminées", "Salma")
			_, tokens := d.call(t, http.MethodPost, "auth/login/", "fr", "", "username", "tazi", "password", firstPassword)
			access, _ := tokens["access"].(string)
			own := d.get(t, "auth/events/", access)
			if !strings.Contains(own, "sessions_ended_by_staff") || strings.Contains(strings.ToLower(own), "salma") {
				t.Errorf("the customer's own list: %s", own)
			}
		})
	}
}

// TestConsoleDisableCloseErase is a manager's worst day: each act says what
// follows, wants a reason, and can be undone, but for the last.
func TestConsoleDisableCloseErase(t *testing.T) {
	t.Parallel()
	for _, o := range consoleWidths {
		t.Run(o.name(), func(t *testing.T) {
			t.Parallel()
			d := startDesk(t)
			d.call(t, http.MethodPost, "auth/email/verify/", "fr", "", "token", d.received(t, "verify_email", "amina.alaoui@example.ma").Token) // only who proved it is told
			phone := d.phone(t, "amina")
			b := openTab(t, o)
			b.works(d, "karim")
			b.open(d.client("amina") + "/disable")
			b.write("reason", "neuf lett")
			b.status(b.pressIn("button.danger"), http.StatusUnprocessableEntity)
			b.says()
			b.holds("reason", "neuf lett")
			b.write("reason", "carte volée, dit la banque")
			b.status(b.pressIn("button.danger"), http.StatusOK)
			b.says("compte désactivé", "carte volée, dit la banque")
			d.want(t, "disabled", phone, false)
			d.received(t, "account_disabled", "amina.alaoui@example.ma")
			b.open(d.client("amina") + "/enable")
			b.write("reason", "c’était une erreur de la banque")
			b.status(b.pressIn("button.primary"), http.StatusOK)
			phone = d.phone(t, "amina")

			b.open(d.client("amina") + "/close")
			b.says("Plus personne ne peut se connecter")
			b.write("reason", "elle l’a demandé au comptoir")
			b.status(b.pressIn("button.danger"), http.StatusOK)
			b.says("compte fermé")
			d.want(t, "closed", phone, false)
			b.open(d.client("amina") + "/restore")
			b.write("reason", "elle est revenue le lendemain")
			b.status(b.pressIn("button.primary"), http.StatusOK)
			b.says("compte rétabli")
			d.phone(t, "amina")

			b.open(d.client("amina") + "/erase")
			b.says("Cela ne peut pas être annulé.")
			b.write("reason", "demande écrite du 12 novembre")
			b.fill("number", "99999")
			b.status(b.pressIn("button.danger"), http.StatusUnprocessableEntity)
			b.says("Rien n’a été effacé.")
			b.holds("reason", "demande écrite du 12 novembre")
			b.fill("number", strings.TrimPrefix(d.client("amina"), d.URL+"/console/clients/"))
			b.status(b.pressIn("button.danger"), http.StatusOK)
			b.says("est effacé.")
			b.open(d.URL + "/console/clients?search=alaoui")
			if p := b.read(); strings.Contains(p.Text, "Amina Alaoui") {
				t.Errorf("she is still found:\n%s", p.Text)
			}
			b.open(d.URL + "/console/events")
			if p := b.read(); strings.Contains(p.Text, "Amina") || strings.Contains(p.Text, "carte volée") || !strings.Contains(p.Text, "effacé") {
				t.Errorf("the journal after an erasure:\n%s", p.Text)
			}
		})
	}
}

// TestConsoleRights: what a role may not do is not offered, and refused in
// words; a role that changes counts from the next click.
func TestConsoleRights(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	for _, o := range consoleWidths {
		t.Run(o.name(), func(t *testing.T) {
			b := openTab(t, o)
			b.works(d, "salma")
			b.open(d.client("tazi"))
			b.says("Mohamed Tazi")
			if got := b.run("return document.querySelectorAll('a[href$=\"/disable\"]').length"); got != "0" {
				t.Error("support is offered to disable")
			}
			b.status(b.open(d.client("tazi")+"/disable"), http.StatusForbidden)
			b.says("Seul un responsable peut faire cela. Ce refus est enregistré.")
			role := func(role account.Role) {
				err := d.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
					m, err := tx.StaffMember(ctx, d.ids["salma"])
					if err != nil {
						return err
					}
					m.Role = role
					return tx.SetStaff(ctx, m)
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			role(account.Manager)
			b.status(b.open(d.client("tazi")+"/disable"), http.StatusOK)
			role(account.Support)
			b.write("reason", "commencé comme responsable")
			b.status(b.pressIn("button.danger"), http.StatusForbidden)
			b.says("Ce refus est enregistré.")
			d.phone(t, "tazi")
		})
	}
}

// TestConsoleLoginInTheMiddle: a session that ends while somebody writes loses
// nothing that was typed; and of two who edit one client neither overwrites the other.
func TestConsoleLoginInTheMiddle(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	b := openTab(t, consoleWidths[0])
	b.works(d, "karim")
	b.open(d.client("tazi") + "/edit")
	b.fill("first_name", "Mohammed-Amine")
	if err := d.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		_, err := tx.EndSessionsBeyond(ctx, d.ids["karim"], 0, time.Now().UTC())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b.pressIn("form button.primary")
	b.fill("username", "karim")
	b.fill("password", firstPassword)
	b.status(b.enter("password"), http.StatusOK)
	b.fill("code", d.code("karim"))
	b.status(b.enter("code"), http.StatusOK)
	b.holds("first_name", "Mohammed-Amine")

	other := openTab(t, consoleWidths[1])
	other.works(d, "nadia")
	other.open(d.client("tazi") + "/edit")
	other.fill("last_name", "Tazi-Benjelloun")
	other.status(other.pressIn("form button.primary"), http.StatusOK)
	other.says("changements enregistrés")
	b.pressIn("form button.primary")
	b.says("Rien n’a été enregistré.", "Tazi-Benjelloun")
	b.holds("first_name", "Mohammed-Amine")
	if u, err := d.store.UserByID(t.Context(), d.ids["tazi"]); err != nil || u.FirstName != "Mohamed" || u.LastName != "Tazi-Benjelloun" {
		t.Errorf("stored: %q %q, %v", u.FirstName, u.LastName, err)
	}
}

// TestConsoleLongAndOdd: names of any length and kind stay on the screen, on
// every page of a client.
func TestConsoleLongAndOdd(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	d.signs(t, "blank", "", "   ", "")
	d.signs(t, "emoji", "emoji@example.ma", "👩🏽‍🦱🛒", "\u202etxt.exe")
	session := d.session(t, "karim")
	for _, o := range consoleWidths {
		for _, lang := range []string{"fr", "ar"} {
			o.language = lang
			t.Run(o.name(), func(t *testing.T) {
				b := openTab(t, o)
				b.open(d.URL + "/console/login")
				b.has(d, session)
				b.open(d.URL + "/console/clients")
				b.says()
				for who, pages := range map[string][]string{
					"long": {"", "/sessions", "/events", "/mails", "/notes", "/edit", "/disable"}, "emoji": {"", "/events", "/edit", "/disable"}, "blank": {""}, "script": {"", "/erase"},
				} {
					for _, page := range pages {
						b.status(b.open(d.client(who)+page), http.StatusOK)
						b.says()
						if got := b.run(`const at = document.querySelector('.tabs [aria-current]')?.getBoundingClientRect(); return at && (at.left < 0 || at.right > innerWidth) ? at.left + ' to ' + at.right : ''`); got != "" {
							t.Errorf("%s: the tab one is at is out of sight: %s", page, got)
						}
					}
				}
			})
		}
	}
}
