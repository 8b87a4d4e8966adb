package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestIndexOfUsernamesGetsANameWhereUsersAre: the migration only changes the
// text of SQLite's schema, so what it leaves is held against a schema that
// SQLite would make itself: the same rows, sound, found by the index, with
// names that are taken once; for a server that is running meanwhile, too.
func TestIndexOfUsernamesGetsANameWhereUsersAre(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	path := strings.TrimPrefix(url, "sqlite:")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test reads what it wrote
	running, _ := unmigrated(t, url, 0)
	before := fstest.MapFS{} // the steps of the release before
	all, err := fs.Sub(store.Files, "migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(all, "00*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name < "0014" {
			data, err := fs.ReadFile(all, name)
			if err != nil {
				t.Fatal(err)
			}
			before[name] = &fstest.MapFile{Data: data}
		}
	}
	if _, err := running.MigrateBy(t.Context(), before, time.Second); err != nil {
		t.Fatal(err)
	}
	const users = 3000
	write(t, running, func(ctx context.Context, tx *store.Store) error {
		for i := range users {
			if err := store.InsertUserOf0013(ctx, tx, newUser(fmt.Sprintf("u%d", (i*7919)%users))); err != nil {
				return err
			}
		}
		return nil
	})
	value := func(query string) (v string) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return v
	}
	check := func(when, index string) {
		t.Helper()
		if got := value(`PRAGMA integrity_check`); got != "ok" {
			t.Fatalf("%s: %s", when, got)
		}
		if got := value(`SELECT count(*) FROM users`); got != fmt.Sprint(users) {
			t.Errorf("%s: %s users", when, got)
		}
		var id, parent, unused int
		var plan string
		if err := db.QueryRowContext(t.Context(), `EXPLAIN QUERY PLAN SELECT id FROM users WHERE username = 'u7'`).Scan(&id, &parent, &unused, &plan); err != nil || !strings.Contains(plan, index) {
			t.Errorf("%s: a user is found by %q, %v; want %s", when, plan, err, index)
		}
		if u, err := running.UserByUsername(t.Context(), "u7"); err != nil || u.Username != "u7" {
			t.Errorf("%s: a running server finds %q, %v", when, u.Username, err)
		}
		err := running.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			return store.InsertUserOf0013(ctx, tx, newUser("u7"))
		})
		if !errors.Is(err, store.ErrTaken) {
			t.Errorf("%s: a running server takes a name twice: %v, want ErrTaken", when, err)
		}
	}
	check("before", "sqlite_autoindex_users_1")
	newer, _ := unmigrated(t, url, 0)
	if _, err := newer.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("after", "users_username")
	if _, err := db.ExecContext(t.Context(), `VACUUM`); err != nil {
		t.Fatal(err)
	}
	check("after VACUUM", "users_username")
	if got := value(`SELECT sql FROM sqlite_schema WHERE name = 'users'`); strings.Contains(got, "UNIQUE") {
		t.Errorf("the table says %s", got)
	}
}
