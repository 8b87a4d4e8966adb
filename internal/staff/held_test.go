package staff_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// whileHeld runs an act and, once that waits for what a transaction holds, the rest
// of the transaction; it returns the errors of both. On SQLite the act waits for
// its turn.
func whileHeld(t *testing.T, url string, db *sql.DB, st *store.Store, act func() error, holds, then func(ctx context.Context, tx *store.Store) error) (acted, held error) {
	t.Helper()
	done := make(chan error, 1)
	held = st.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
		if err := holds(ctx, tx); err != nil {
			return err
		}
		go func() { done <- act() }()
		if !strings.HasPrefix(url, "sqlite:") {
			authtest.Eventually(t, func() bool {
				waits := false
				err := db.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits)
				if err != nil {
					t.Error(err)
				}
				return waits || err != nil
			})
		}
		return then(ctx, tx)
	})
	return <-done, held
}

// TestStaffHoldTheAddressBeforeTheUser, as links do: in the other order each would
// wait for the other, and PostgreSQL would give one of them up.
func TestStaffHoldTheAddressBeforeTheUser(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtptest.Start(t, smtptest.Options{})))
		db := authtest.OpenSQL(t, url)
		for name, c := range map[string]struct {
			before func(ctx context.Context, id int64, reason string) error
			act    func(ctx context.Context, id int64) error
		}{
			"recover": {nil, func(ctx context.Context, id int64) error { return s.Staff.Recover(ctx, id, "", authtest.Reason) }},
			"recover-at": {nil, func(ctx context.Context, id int64) error {
				return s.Staff.Recover(ctx, id, "RECOVER-AT@example.ma", authtest.Reason)
			}},
			"enable":  {s.Staff.Disable, func(ctx context.Context, id int64) error { return s.Staff.Enable(ctx, id, "") }},
			"restore": {s.Staff.Close, func(ctx context.Context, id int64) error { return s.Staff.Restore(ctx, id, "") }},
		} {
			g := s.SignUp(t, name)
			s.Prove(t, g)
			if c.before != nil {
				if err := c.before(t.Context(), g.User.ID, authtest.Reason); err != nil {
					t.Fatal(err)
				}
			}
			acted, held := whileHeld(t, url, db, s.Store, func() error { return c.act(t.Context(), g.User.ID) },
				func(ctx context.Context, tx *store.Store) error { return tx.LockAddress(ctx, name+"@example.ma") },
				func(ctx context.Context, tx *store.Store) error { return tx.LockUser(ctx, g.User.ID) })
			if acted != nil || held != nil {
				t.Errorf("%s: %v; who uses a link: %v", name, acted, held)
			}
		}
	})
}

// TestStaffActOnWhoAUserIsNow, and not on who they were before the act had to wait.
func TestStaffActOnWhoAUserIsNow(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := authtest.New(t, storetest.Open(t, url), authtest.Mailing(t, smtptest.Start(t, smtptest.Options{})))
		db := authtest.OpenSQL(t, url)
		manager := s.Staff.As(s.AgentOf(t, s.Employs(t, "manager", account.Manager)))
		recovers := func(id int64) error { return manager.Recover(t.Context(), id, "", authtest.Reason) }
		disables := func(id int64) error { return manager.Disable(t.Context(), id, authtest.Reason) }
		role := func(ctx context.Context, tx *store.Store, id int64) error {
			return tx.SetStaff(ctx, account.StaffMember{UserID: id, Role: account.Support, GivenAt: s.Clock.Now()})
		}
		for name, c := range map[string]struct {
			act  func(id int64) error
			then func(ctx context.Context, tx *store.Store, id int64) error
			want error
			is   func(u account.User) bool
		}{
			"recovers-staff": {recovers, role, account.ErrPermissionDenied, func(u account.User) bool { return u.PasswordHash != "!" }},
			"disables-staff": {disables, role, account.ErrPermissionDenied, func(u account.User) bool { return u.Active }},
			"disabled": {recovers, func(ctx context.Context, tx *store.Store, id int64) error { return tx.SetActive(ctx, id, false) },
				staff.ErrNotActive, func(u account.User) bool { return u.PasswordHash != "!" }},
			"closed": {recovers, func(ctx context.Context, tx *store.Store, id int64) error {
				return tx.CloseUser(ctx, id, s.Clock.Now())
			},
				nil, func(u account.User) bool { return u.Active && u.ClosedAt.IsZero() }},
			"moved": {recovers, func(ctx context.Context, tx *store.Store, id int64) error {
				return tx.SetEmail(ctx, id, "now@example.ma", s.Clock.Now())
			},
				nil, func(u account.User) bool { return u.Email == "now@example.ma" && u.PasswordHash == "!" }},
		} {
			g := s.SignUp(t, name)
			s.Prove(t, g)
			acted, held := whileHeld(t, url, db, s.Store, func() error { return c.act(g.User.ID) },
				func(ctx context.Context, tx *store.Store) error { return tx.LockUser(ctx, g.User.ID) },
				func(ctx context.Context, tx *store.Store) error { return c.then(ctx, tx, g.User.ID) })
			u, err := s.Staff.User(t.Context(), g.User.ID)
			if held != nil || err != nil || !errors.Is(acted, c.want) || !c.is(u) {
				t.Errorf("%s: %v, want %v; %s at %s, %v, %v", name, acted, c.want, u.State(), u.Email, held, err)
			}
		}
	})
}
