package staff_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/staff"
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
