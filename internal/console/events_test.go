package console_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestStreamMissesNone: answers of the stream are short, and each goes on where
// the one before ended, however many events came at once. A server that stops
// holds nobody up.
func TestStreamMissesNone(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		s := newServer(t, st)
		s.stops = func() bool { return true }
		s.serve(t)
		b, _ := s.works(t, "nadia", account.Owner)
		s.SealAll(t)
		page := b.open(t, "/console/events")
		stream := regexp.MustCompile(`data-stream="(events/stream\?place=(\d+))"`).FindStringSubmatch(page.body)
		if stream == nil {
			t.Fatalf("the page has no stream:\n%s", page.body)
		}
		if a := b.open(t, "/console/"+stream[1]); a.status != http.StatusOK || strings.Contains(a.body, "data:") {
			t.Errorf("nothing is new: %d\n%s", a.status, a.body)
		}
		var want, got []string
		for range 120 {
			authtest.Write(t, st, func(ctx context.Context, tx *store.Store) error {
				return s.Audit.Record(ctx, tx, audit.Entry{Kind: account.EventLogin, At: s.Clock.Now()})
			})
		}
		s.SealAll(t)
		for _, e := range s.AllEvents(t) {
			if place, _ := strconv.ParseInt(stream[2], 10, 64); e.Seq > place {
				want = append(want, strconv.FormatInt(e.ID, 10))
			}
		}
		for last := stream[2]; ; {
			a := b.open(t, "/console/"+stream[1], "Last-Event-ID", last)
			at := regexp.MustCompile(`(?m)^id: (\d+)$`).FindStringSubmatch(a.body)
			if at == nil {
				break
			}
			var some []string
			for _, m := range regexp.MustCompile(`<li id="e(\d+)"`).FindAllStringSubmatch(a.body, -1) {
				some = append(some, m[1])
			}
			slices.Reverse(some) // the newest stands first
			got, last = append(got, some...), at[1]
		}
		if !slices.Equal(got, want) || len(want) < 120 {
			t.Errorf("%d events come: %v\nwant %v", len(got), got, want)
		}
		for _, place := range []string{"", "-1", "x", "1e3"} {
			if a := b.open(t, fmt.Sprintf("/console/events/stream?place=%s", place)); a.status != http.StatusBadRequest {
				t.Errorf("from %q: %d", place, a.status)
			}
		}
	})
}

// TestEventsAreInWords: the page of an event has no words of the program's, and
// leads back.
func TestEventsAreInWords(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	u := s.has(t, "amina", "Amina", "Alaoui")
	salma, _ := s.works(t, "salma", account.Support)
	salma.open(t, at(u, "/disable"))
	b, _ := s.works(t, "nadia", account.Owner)
	b.send(t, "/console/clients/export", "whom", "ids="+strconv.FormatInt(u.ID, 10), "format", "csv", "reason", "demande du comptable")
	version := b.open(t, at(u, "/edit")).field(t, "version")
	b.send(t, at(u, "/edit"), "version", version, "first_name", "Mina", "last_name", "Bennani", "email", u.Email, "language", "ar")
	events, err := s.Store.Events(t.Context(), store.EventFilter{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[account.EventKind]string{}
	for _, e := range events {
		a := b.open(t, fmt.Sprintf("/console/events/%d", e.ID))
		if !strings.Contains(a.text(), "Date ") || !strings.Contains(a.body, `<p class="back"><a href="../events">Journal</a>`) {
			t.Fatalf("%s:\n%s", e.Kind, a.text())
		}
		seen[e.Kind] += a.text()
	}
	for kind, want := range map[account.EventKind]string{
		account.EventStaffRefused: "Action refusée désactiver ou réactiver un compte", account.EventUsersExported: "Export Tableur (CSV), fichier complet Clients 1", account.EventUserEdited: "Champs Prénom, Nom de famille, Langue",
	} {
		if !strings.Contains(seen[kind], want) {
			t.Errorf("%s: no %q:\n%s", kind, want, seen[kind])
		}
	}
	for _, name := range account.Permissions() {
		if key := "console.field." + strings.ReplaceAll(string(name), ":", "_"); locale.Text("fr", key, nil) == key {
			t.Errorf("no words for %s", name)
		}
	}
}
