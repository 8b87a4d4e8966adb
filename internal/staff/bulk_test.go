package staff_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
)

// TestNobodyIsDoneTwice by two who act on the same people at once: they are told
// once, by one event, and each report has those whom it did.
func TestNobodyIsDoneTwice(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		var agents []*staff.Service
		for _, name := range []string{"boss1", "boss2", "boss3"} {
			agents = append(agents, s.Staff.As(s.AgentOf(t, s.Employs(t, name, account.Manager))))
		}
		const clients = 8
		for i := range clients {
			s.Prove(t, s.SignUp(t, fmt.Sprintf("client%d", i)))
		}
		of := staff.Query{Search: account.TextInput("client")}
		for _, row := range []struct {
			act  staff.BulkAct
			kind account.EventKind
		}{{staff.BulkDisable, account.EventUserDisabled}, {staff.BulkEnable, account.EventUserEnabled}, {staff.BulkClose, account.EventAccountClosed}} {
			var done atomic.Int32
			var all sync.WaitGroup
			for _, agent := range agents {
				all.Go(func() {
					r, err := agent.Do(t.Context(), row.act, staff.Bulk{Query: of, Reason: authtest.Reason})
					if err != nil {
						t.Errorf("%s: %v", row.act, err)
					}
					done.Add(int32(len(r.Done)))
				})
			}
			all.Wait()
			if n := s.EventKinds(t)[row.kind]; n != clients || done.Load() != clients {
				t.Errorf("%s: of %d people %d in the reports, %d events", row.act, clients, done.Load(), n)
			}
		}
	})
}

// TestWhoIsNamedIsListed: an act on many that is done names those whom it leaves
// out, as a dry run names everybody. That is a list, also where nothing is done.
func TestWhoIsNamedIsListed(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		agent := s.Staff.As(s.AgentOf(t, s.Employs(t, "agent", account.Support)))
		for i := range 3 {
			s.Prove(t, s.SignUp(t, fmt.Sprintf("client%d", i)))
		}
		listed := func() (n, rows int) {
			events, err := s.Store.Events(t.Context(), store.EventFilter{Kind: account.EventUsersListed}, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				rows += e.ReadDetails().Count
			}
			return len(events), rows
		}
		of := staff.Query{Search: account.TextInput("client")}
		events, rows := 0, 0
		does := func(act staff.BulkAct, b staff.Bulk) staff.Report {
			t.Helper()
			r, err := agent.Do(t.Context(), act, b)
			if err != nil && !errors.Is(err, staff.ErrBulkChanged) {
				t.Fatal(err)
			}
			return r
		}
		are := func(more int) {
			t.Helper()
			events, rows = events+min(more, 1), rows+more
			if n, sum := listed(); n != events || sum != rows {
				t.Errorf("%d lists of %d people, want %d of %d", n, sum, events, rows)
			}
		}
		if r := does(staff.BulkResend, staff.Bulk{Query: of}); len(r.Left) != 3 || len(r.Done) != 0 {
			t.Errorf("%+v", r)
		}
		are(3)
		does(staff.BulkResend, staff.Bulk{Query: of, DryRun: true})
		are(3)
		plan := does(staff.BulkSignOut, staff.Bulk{Query: of, DryRun: true})
		are(3)
		does(staff.BulkSignOut, staff.Bulk{Query: of, Expected: plan.Digest()}) // whom they have seen
		are(0)
		does(staff.BulkSignOut, staff.Bulk{Query: of, Expected: "others"})
		are(3)
	})
}

// TestAClosedAccountIsNotEnabled by who looked at it before it was closed.
func TestAClosedAccountIsNotEnabled(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for i := range 12 {
			g := s.SignUp(t, fmt.Sprintf("client%d", i))
			id := g.User.ID
			if err := s.Staff.Disable(t.Context(), id, ""); err != nil {
				t.Fatal(err)
			}
			var both sync.WaitGroup
			both.Go(func() { _ = s.Staff.Enable(t.Context(), id, "") })
			both.Go(func() { _ = s.Staff.Close(t.Context(), id, authtest.Reason) })
			both.Wait()
			if u, err := s.Staff.User(t.Context(), id); err != nil || u.Active && !u.ClosedAt.IsZero() {
				t.Errorf("closed, and active: %+v, %v", u.State(), err)
			}
		}
	})
}
