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
