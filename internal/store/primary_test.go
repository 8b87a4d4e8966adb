package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// openLogged opens a migrated database with a log of its own.
func openLogged(t *testing.T, url string, conns int) (*store.Store, *yoozaktest.Buffer) {
	t.Helper()
	s, log := unmigrated(t, url, conns)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, log
}

func addUser(t *testing.T, s *store.Store, name string) error {
	t.Helper()
	u := newUser(name)
	return s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &u) })
}

// TestOldPrimaryIsRefused: a standby is promoted while the primary lives on.
// Once one connection has led to the new one, nothing is written to the old
// one: neither by connections that are open, nor when the new one is gone.
func TestOldPrimaryIsRefused(t *testing.T) {
	t.Parallel()
	old := pgtest.StartOwn(t)
	old.Exec(t, "CREATE DATABASE y")
	next := old.Standby(t)
	s, log := openLogged(t, both(next, old, "y", "&target_session_attrs=read-write"), 8)
	fillPool(t, s, 4)
	if err := addUser(t, s, "before"); err != nil {
		t.Fatal(err)
	}
	before := s.Primary()
	if before.System == "" || before.Timeline != 1 {
		t.Fatalf("%+v", before)
	}
	next.Promote(t, old)
	eventually(t, "a connection leads to the new primary", func() error {
		fillPool(t, s, 6) // more than are open
		if s.Primary().Timeline != 2 {
			return fmt.Errorf("%+v", s.Primary())
		}
		return nil
	})
	if got := s.Primary(); got.System != before.System {
		t.Errorf("%+v after %+v", got, before)
	}
	for n := range 50 {
		if err := addUser(t, s, fmt.Sprint("after", n)); err != nil {
			t.Errorf("after the promotion: %v", err)
		}
	}
	onOld := storetest.Open(t, old.URL("y"))
	if _, err := onOld.UserByUsername(t.Context(), "before"); err != nil {
		t.Fatal(err)
	}
	wrong := func() {
		t.Helper()
		for n := range 50 {
			if _, err := onOld.UserByUsername(t.Context(), fmt.Sprint("after", n)); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("after%d was written to the old primary: %v", n, err)
			}
		}
	}
	wrong()

	next.Kill()
	eventually(t, "the old primary is refused", func() error {
		err := addUser(t, s, "lost")
		if !errors.Is(err, account.ErrUnavailable) {
			t.Fatalf("written to the old primary: %v", err)
		}
		if s.RefusedPrimaries() == 0 {
			return err
		}
		return nil
	})
	wrong()
	if _, err := onOld.UserByUsername(t.Context(), "lost"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("written to the old primary: %v", err)
	}
	if text := log.String(); strings.Count(text, "level=ERROR") != 1 || !strings.Contains(text, "its timeline is 1, and 2 was used before") {
		t.Errorf("the log has:\n%s", text)
	}
	if err := next.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it goes on with the new primary", func() error { return addUser(t, s, "again") })
}

// TestAnotherServerInPlaceOfTheFirstIsRefused: it is no standby of it, but has
// a database of the same name.
func TestAnotherServerInPlaceOfTheFirstIsRefused(t *testing.T) {
	t.Parallel()
	first, other := pgtest.StartOwn(t), pgtest.StartOther(t)
	for _, c := range []*pgtest.Cluster{first, other} {
		c.Exec(t, "CREATE DATABASE shop")
		storetest.Open(t, c.URL("shop"))
	}
	s, log := openLogged(t, both(first, other, "shop", ""), 4)
	if err := addUser(t, s, "amina"); err != nil {
		t.Fatal(err)
	}
	first.Kill()
	eventually(t, "the other is refused", func() error {
		err := addUser(t, s, "badr")
		if err == nil {
			t.Fatal("written to another server")
		}
		if s.RefusedPrimaries() == 0 {
			return err
		}
		return nil
	})
	if text := log.String(); !strings.Contains(text, "its system identifier is") {
		t.Errorf("the log has:\n%s", text)
	}
}

// TestServerThatDoesNotSayWhichItIsIsUsed: the role may have been kept from
// asking.
func TestServerThatDoesNotSayWhichItIsIsUsed(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	url := c.NewDatabase(t)
	owner := storetest.Open(t, url)
	role := database(url) + "_app"
	write(t, owner, func(ctx context.Context, tx *store.Store) error {
		for _, statement := range []string{
			`REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC`, `CREATE ROLE ` + role + ` LOGIN`,
			`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ` + role,
		} {
			if err := tx.Run(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	t.Cleanup(func() { // a role belongs to the server, not to the database
		_ = owner.Tx(context.Background(), func(ctx context.Context, tx *store.Store) error {
			return errors.Join(tx.Run(ctx, `DROP OWNED BY `+role), tx.Run(ctx, `DROP ROLE `+role))
		})
	})
	s, log := openLogged(t, strings.Replace(url, "yoozak@", role+"@", 1), 4)
	fillPool(t, s, 3)
	if err := addUser(t, s, "amina"); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "GRANT EXECUTE ON FUNCTION pg_control_system()") {
		t.Errorf("the log has:\n%s", text)
	}
	if got := s.Primary(); got != (store.Primary{}) {
		t.Errorf("%+v", got)
	}
}
