package staff_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
)

// TestApprovalsEndWithThePart of who asked or approved, and do not come back
// when that person does.
func TestApprovalsEndWithThePart(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx, why := t.Context(), authtest.Reason
		owner := s.Staff.As(s.AgentOf(t, s.Employs(t, "owner", account.Owner)))
		for name, row := range map[string]struct{ ends, returns func(id int64) error }{
			"disabled": {
				func(id int64) error { return owner.Disable(ctx, id, why) },
				func(id int64) error { return owner.Enable(ctx, id, "") },
			},
			"disabled-by-a-command": {
				func(id int64) error { return s.Staff.Disable(ctx, id, "") },
				func(id int64) error { return s.Staff.Enable(ctx, id, "") },
			},
			"closed": {
				func(id int64) error { return owner.Close(ctx, id, why) },
				func(id int64) error { return owner.Restore(ctx, id, "") },
			},
			"demoted": {
				func(id int64) error { return owner.Change(ctx, id, account.Support, "") },
				func(id int64) error { return owner.Change(ctx, id, account.Manager, "") },
			},
		} {
			for _, who := range []string{"asked", "approved"} {
				first, second := s.Employs(t, name+"-1-"+who, account.Manager), s.Employs(t, name+"-2-"+who, account.Manager)
				asks, approves := s.Staff.As(s.AgentOf(t, first)), s.Staff.As(s.AgentOf(t, second))
				ask := func() string {
					t.Helper()
					waits, err := asks.Erase(ctx, s.SignUp(t, name+"-client-"+who).User.ID, why)
					if err != nil || waits == nil {
						t.Fatalf("%s: %v %v", name, waits, err)
					}
					return waits.ID
				}
				waiting := ""
				id := ask()
				if _, err := approves.Decide(ctx, id, true, ""); err != nil {
					t.Fatal(err)
				}
				left := first.User.ID
				if who == "approved" {
					left = second.User.ID
				} else {
					other, err := asks.Erase(ctx, s.SignUp(t, name+"-other-"+who).User.ID, why)
					if err != nil {
						t.Fatal(err)
					}
					waiting = other.ID
				}
				if err := errors.Join(row.ends(left), row.returns(left)); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if err := asks.EraseApproved(ctx, id); !over(err) {
					t.Errorf("who %s was %s, and came back: %v", who, name, err)
				}
				if waiting == "" {
					continue
				}
				if _, err := approves.Decide(ctx, waiting, true, ""); !over(err) {
					t.Errorf("who asked was %s, and came back; then it was approved: %v", name, err)
				}
			}
		}
	}, twoPersons, authtest.EraseAfter30Days)
}

func over(err error) bool {
	return errors.Is(err, account.ErrApprovalOver) || errors.Is(err, account.ErrNotFound)
}

// TestWhoIsGoneNeitherAsksNorApproves: an agent whose request had begun when
// they were disabled.
func TestWhoIsGoneNeitherAsksNorApproves(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx, why := t.Context(), authtest.Reason
		first, second := s.Employs(t, "first", account.Manager), s.Employs(t, "second", account.Manager)
		asks, approves := s.Staff.As(s.AgentOf(t, first)), s.Staff.As(s.AgentOf(t, second))
		waits, err := asks.Erase(ctx, s.SignUp(t, "client").User.ID, why)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Staff.Disable(ctx, second.User.ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := approves.Decide(ctx, waits.ID, true, ""); !errors.Is(err, account.ErrPermissionDenied) {
			t.Errorf("approved by who was disabled a moment ago: %v", err)
		}
		if _, err := approves.Erase(ctx, s.SignUp(t, "other").User.ID, why); !errors.Is(err, account.ErrPermissionDenied) {
			t.Errorf("asked for by who was disabled a moment ago: %v", err)
		}
	}, twoPersons)
}

// TestApprovalsAndTheirEndAtOnce: whichever comes first, nothing is left that
// who was disabled approved.
func TestApprovalsAndTheirEndAtOnce(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx, why := t.Context(), authtest.Reason
		first, second := s.Employs(t, "first", account.Manager), s.Employs(t, "second", account.Manager)
		asks, approves := s.Staff.As(s.AgentOf(t, first)), s.Staff.As(s.AgentOf(t, second))
		for range 10 {
			client := s.SignUp(t, "client").User.ID
			waits, err := asks.Erase(ctx, client, why)
			if err != nil {
				t.Fatal(err)
			}
			var both sync.WaitGroup
			both.Go(func() { _, _ = approves.Decide(ctx, waits.ID, true, "") })
			both.Go(func() { disabled(ctx, t, s.Staff, second.User.ID) })
			both.Wait()
			if err := s.Staff.Enable(ctx, second.User.ID, ""); err != nil {
				t.Fatal(err)
			}
			if err := asks.EraseApproved(ctx, waits.ID); !over(err) {
				t.Errorf("approved by who was disabled at the same time: %v", err)
			}
			if _, err := s.Staff.Erase(ctx, client, why); err != nil {
				t.Fatal(err)
			}
		}
	}, twoPersons)
}

func disabled(ctx context.Context, t *testing.T, svc *staff.Service, id int64) {
	t.Helper()
	if err := svc.Disable(ctx, id, ""); err != nil {
		t.Error(err)
	}
}

// TestErasureThatFailsIsStillApproved: what two persons agreed on is used up by
// being done.
func TestErasureThatFailsIsStillApproved(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx := t.Context()
		asks := s.Staff.As(s.AgentOf(t, s.Employs(t, "first", account.Manager)))
		approves := s.Staff.As(s.AgentOf(t, s.Employs(t, "second", account.Manager)))
		client := s.SignUp(t, "client").User.ID
		waits, err := asks.Erase(ctx, client, authtest.Reason)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := approves.Decide(ctx, waits.ID, true, ""); err != nil {
			t.Fatal(err)
		}
		s.Gives(t, client, account.Support)
		if err := asks.EraseApproved(ctx, waits.ID); !errors.Is(err, account.ErrPermissionDenied) {
			t.Errorf("of somebody who has a role since: %v", err)
		}
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error { return tx.DeleteStaff(ctx, client) })
		if err := asks.EraseApproved(ctx, waits.ID); err != nil {
			t.Errorf("once it can be done: %v", err)
		}
		if _, err := s.Staff.User(ctx, client); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("not erased: %v", err)
		}
	}, twoPersons)
}

// TestApprovalIsUsedOnce, by however many requests at once.
func TestApprovalIsUsedOnce(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx := t.Context()
		asks := s.Staff.As(s.AgentOf(t, s.Employs(t, "first", account.Manager)))
		approves := s.Staff.As(s.AgentOf(t, s.Employs(t, "second", account.Manager)))
		for range 5 {
			_, waits, err := asks.Exports(ctx, account.Input{}, staff.Query{Search: account.TextInput("")}, staff.CSV, authtest.Reason)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := approves.Decide(ctx, waits.ID, true, ""); err != nil {
				t.Fatal(err)
			}
			var used atomic.Int32
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					switch _, err := asks.ExportApproved(ctx, waits.ID); {
					case err == nil:
						used.Add(1)
					case !over(err):
						t.Error(err)
					}
				})
			}
			all.Wait()
			if used.Load() != 1 {
				t.Errorf("used %d times", used.Load())
			}
		}
	}, twoPersons)
}

// TestOnePersonAsksForSoMuch: what others ask has room in the list.
func TestOnePersonAsksForSoMuch(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		ctx := t.Context()
		asks := s.Staff.As(s.AgentOf(t, s.Employs(t, "first", account.Manager)))
		other := s.Staff.As(s.AgentOf(t, s.Employs(t, "second", account.Manager)))
		client := s.SignUp(t, "client").User.ID
		for range staff.MostAsked {
			if _, err := asks.Erase(ctx, client, authtest.Reason); err != nil {
				t.Fatal(err)
			}
		}
		var throttled *account.Error
		if _, err := asks.Erase(ctx, client, authtest.Reason); !errors.As(err, &throttled) || throttled.Kind != account.Throttled || throttled.Wait > 24*time.Hour {
			t.Errorf("one more: %v", err)
		}
		if _, err := other.Erase(ctx, client, authtest.Reason); err != nil {
			t.Errorf("another person: %v", err)
		}
		s.Clock.Advance(24 * time.Hour)
		if _, err := s.Staff.As(s.AgentOf(t, s.Employs(t, "third", account.Manager))).Erase(ctx, client, authtest.Reason); err != nil {
			t.Errorf("the day after: %v", err)
		}
	}, twoPersons)
}
