package console_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

func twoPersons(o *app.Options, _ *token.Options) { o.TwoPersons = true }

// asks has somebody ask for an erasure, and returns the address of what waits.
func (b *browser) asks(t *testing.T, u account.User, reason string) string {
	t.Helper()
	a := b.send(t, at(u, "/erase"), "reason", reason, "number", strconv.FormatInt(u.ID, 10))
	_, id, found := strings.Cut(a.header.Get("Location"), "approvals/")
	if a.status != http.StatusSeeOther || !found {
		t.Fatalf("asked: %d to %s\n%s", a.status, a.header.Get("Location"), a.text())
	}
	return "/console/approvals/" + id
}

// TestEraseOfTwoPersons: one asks, another approves, and the first does it,
// once, in their pages.
func TestEraseOfTwoPersons(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st, twoPersons)
		u := s.has(t, "amina", "Amina", "Alaoui")
		karim, k := s.works(t, "karim", account.Manager)
		hind, h := s.works(t, "hind", account.Manager)
		if a := karim.open(t, at(u, "/erase")); !strings.Contains(a.text(), "Une deuxième personne doit donner son accord") || !strings.Contains(a.text(), "Demander l’effacement") {
			t.Errorf("an erasure at once is promised:\n%s", a.text())
		}
		waits := karim.asks(t, u, "demande de la cliente")
		if a := karim.open(t, waits); !strings.Contains(a.text(), "attend une deuxième personne") || !strings.Contains(a.text(), "vous l’avez demandé") || strings.Contains(a.body, "/use") || strings.Contains(a.body, "refuse") {
			t.Errorf("one's own, that waits:\n%s", a.text())
		}
		karim.open(t, waits+"/use").leadsTo(t, waits+"/use", waits)
		if a := karim.send(t, waits); a.status != http.StatusForbidden {
			t.Errorf("one's own approval: %d", a.status)
		}
		nadia, _ := s.works(t, "nadia", account.Owner) // a manager's role does allow it, of what others asked for
		if a := nadia.open(t, "/console/events?what=refusals"); !strings.Contains(a.text(), "Action refusée") || strings.Contains(a.text(), "rôle") {
			t.Errorf("why it was refused is untrue:\n%s", a.text())
		}
		number := strconv.FormatInt(u.ID, 10)
		if a := karim.send(t, waits+"/use", "number", number); a.status != http.StatusConflict {
			t.Errorf("before it is approved: %d\n%s", a.status, a.text())
		}
		if a := hind.open(t, "/console/"); !strings.Contains(a.text(), "1 demande attend votre accord") {
			t.Errorf("the second person is not told:\n%s", a.text())
		}
		for _, want := range []string{"demande de la cliente", "Amina Alaoui", "karim"} {
			if a := hind.open(t, waits); !strings.Contains(a.text(), want) {
				t.Errorf("what is asked for does not say %q:\n%s", want, a.text())
			}
		}
		if a := hind.open(t, waits); !strings.Contains(a.text(), "sessions, e-mails et notes disparaissent") || !strings.Contains(a.text(), "karim\u2069 peut procéder à l’effacement") ||
			!strings.Contains(a.text(), "Votre motif (facultatif)") || !strings.Contains(a.body, `<button class="danger">Accepter l’effacement</button>`) {
			t.Errorf("what approving does is not said:\n%s", a.text())
		}
		hind.send(t, waits, "reason", "").leadsTo(t, waits, "/console/approvals")
		if a := hind.send(t, waits+"/use", "number", number); a.status != http.StatusForbidden {
			t.Errorf("another's approval: %d\n%s", a.status, a.text())
		}
		if a := karim.open(t, "/console/"); !strings.Contains(a.text(), "Accord donné par") {
			t.Errorf("who asked is not told:\n%s", a.text())
		}
		if a := karim.open(t, waits); !strings.Contains(a.body, "/use\"") {
			t.Errorf("approved, and no way on:\n%s", a.body)
		}
		if a := karim.open(t, waits+"/use"); a.status != http.StatusOK || !strings.Contains(a.text(), "Amina Alaoui") {
			t.Errorf("the last question: %d\n%s", a.status, a.text())
		}
		if a := karim.send(t, waits+"/use", "number", "99"); a.status != http.StatusUnprocessableEntity {
			t.Errorf("another number: %d", a.status)
		}
		karim.send(t, waits+"/use", "number", number).leadsTo(t, waits+"/use", "/console/approvals")
		if _, err := s.Store.UserByID(t.Context(), u.ID); err == nil {
			t.Error("she is still there")
		}
		if a := karim.send(t, waits+"/use", "number", number); a.status != http.StatusNotFound {
			t.Errorf("again: %d", a.status)
		}
		erased := s.AllEvents(t)
		last := slices.IndexFunc(erased, func(e account.Event) bool { return e.Kind == account.EventAccountErased })
		if d := erased[max(last, 0)].ReadDetails(); last < 0 || d.Agent != k.ID || d.Second != h.ID || !strings.HasSuffix(waits, d.Approval) {
			t.Errorf("the event does not name both: %+v", d)
		}
	})
}

// TestRefusedAndLate: what was refused, or waited for more than a day, is not
// done.
func TestRefusedAndLate(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, twoPersons)
	u, v := s.has(t, "amina", "Amina", "Alaoui"), s.has(t, "tazi", "Mohamed", "Tazi")
	karim, k := s.works(t, "karim", account.Manager)
	hind, h := s.works(t, "hind", account.Manager)
	refused, late := karim.asks(t, u, "demande de la cliente"), karim.asks(t, v, "demande du client")
	hind.send(t, refused, "refuse", "1", "reason", "elle s’est trompée").leadsTo(t, refused, "/console/approvals")
	hind.send(t, late).leadsTo(t, late, "/console/approvals")
	s.Clock.Advance(25 * time.Hour)
	karim, hind = s.browser(), s.browser()
	karim.logIn(t, k)
	hind.logIn(t, h)
	for waits, want := range map[string]string{refused: "Refusé par hind", late: "Accepté par hind"} { // also when its day is over
		if a := karim.open(t, waits); !strings.Contains(a.text(), want) {
			t.Errorf("%s: not %q:\n%s", waits, want, a.text())
		}
	}
	for _, waits := range []string{refused, late} {
		if a := karim.open(t, waits); a.status == http.StatusOK && strings.Contains(a.body, "/use\"") {
			t.Errorf("%s is offered:\n%s", waits, a.text())
		}
	}
	if a := karim.send(t, refused+"/use", "number", strconv.FormatInt(u.ID, 10)); a.status != http.StatusConflict {
		t.Errorf("refused: %d", a.status)
	}
	if a := karim.send(t, late+"/use", "number", strconv.FormatInt(v.ID, 10)); a.status != http.StatusConflict {
		t.Errorf("late: %d", a.status)
	}
	if a := hind.open(t, "/console/approvals"); !strings.Contains(a.text(), "Expiré") || !strings.Contains(a.body, `data-name="Expire le"`) || !strings.Contains(a.text(), "Refusé") {
		t.Errorf("the list:\n%s", a.text())
	}
}
