package store_test

import (
	"context"
	"database/sql"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// later are the steps of PostgreSQL and some that a later release has.
func later(t *testing.T, more map[string]string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	entries, err := fs.ReadDir(store.Files, "migrations/postgres")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := fs.ReadFile(store.Files, "migrations/postgres/"+e.Name())
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = &fstest.MapFile{Data: data}
	}
	for name, text := range more {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// unmigrated is a store of a database as it is, and its log.
func unmigrated(t *testing.T, url string, conns int) (*store.Store, *yoozaktest.Buffer) {
	t.Helper()
	log := new(yoozaktest.Buffer)
	s, err := store.Open(t.Context(), url, store.Options{Conns: conns, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, log
}

// reading is a report that has the table of users open until it is undone.
func reading(t *testing.T, url string) *sql.Tx {
	t.Helper()
	report, err := plain(t, url).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = report.Rollback() })
	if _, err := report.ExecContext(t.Context(), `SELECT count(*) FROM users`); err != nil {
		t.Fatal(err)
	}
	return report
}

func plain(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestLoginsGoOnWhileTwoServersMigrate, though somebody has the table of users
// open, in a report that takes its time: a step of the schema waits for them,
// and whoever comes after the step would wait for it.
func TestLoginsGoOnWhileTwoServersMigrate(t *testing.T) {
	t.Parallel()
	const lockWait = 300 * time.Millisecond
	url := storetest.Postgres(t)
	old := storetest.Open(t, url)
	u := createUser(t, old, "amina")
	report := reading(t, url)
	files := later(t, map[string]string{"9001_more.sql": "-- +goose Up\nALTER TABLE users ADD COLUMN more TEXT NOT NULL DEFAULT '';\n"})
	servers := make([]*store.Store, 2)
	logs := make([]*yoozaktest.Buffer, 2)
	var migrated sync.WaitGroup
	steps := make([]int, 2)
	for i := range servers {
		servers[i], logs[i] = unmigrated(t, url, 0)
		migrated.Go(func() {
			done, err := servers[i].MigrateBy(t.Context(), files, lockWait)
			if err != nil {
				t.Errorf("server %d: %v", i, err)
			}
			steps[i] = len(done)
		})
	}
	var longest time.Duration
	logins := 0
	login := func() {
		began := time.Now()
		err := old.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			return tx.Login(ctx, u.ID, u.PasswordHash, u.PasswordHash, noon)
		})
		if err != nil {
			t.Fatalf("a login: %v", err)
		}
		logins++
		longest = max(longest, time.Since(began))
	}
	tries := func() int {
		return strings.Count(logs[0].String(), "did not get the lock") + strings.Count(logs[1].String(), "did not get the lock")
	}
	for deadline := time.Now().Add(time.Minute); tries() < 3; {
		login()
		if time.Now().After(deadline) {
			t.Fatal("the step was not tried three times")
		}
	}
	if steps[0]+steps[1] > 0 {
		t.Error("the step was taken though somebody uses the table")
	}
	if err := report.Rollback(); err != nil {
		t.Fatal(err)
	}
	migrated.Wait()
	login()
	t.Logf("%d logins, the longest took %v", logins, longest)
	if longest > 10*lockWait { // it is about 300 ms, unless the machine is busy; the report would have taken all of it
		t.Errorf("a login took %v, and a step waits for %v only", longest, lockWait)
	}
	if steps[0]+steps[1] != 1 {
		t.Errorf("the servers took %v steps, want one to take it", steps)
	}
	if err := old.Ready(t.Context()); err != nil {
		t.Errorf("the old server, which goes on: %v", err)
	}
}

// TestStepThatGetsNoLockGivesUp, and says why, and has changed nothing.
func TestStepThatNeverGetsItsLockGivesUp(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	s, _ := unmigrated(t, url, 0)
	report := reading(t, url)
	files := later(t, map[string]string{
		"9001_table.sql": "-- +goose Up\nCREATE TABLE more (id INTEGER);\n",
		"9002_both.sql":  "-- +goose Up\nCREATE TABLE other (id INTEGER);\nALTER TABLE users ADD COLUMN more TEXT;\n",
	})
	err := within(t, func() error {
		done, err := s.MigrateBy(t.Context(), files, 10*time.Millisecond)
		if len(done) != 1 || done[0].Name != "9001_table.sql" {
			t.Errorf("took %v, want the first", done)
		}
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "9002_both.sql") || !strings.Contains(err.Error(), "pg_stat_activity") {
		t.Errorf("got %v, want the step and where to look", err)
	}
	var other sql.NullString
	if err := plain(t, url).QueryRowContext(t.Context(), `SELECT to_regclass('other')::text`).Scan(&other); err != nil || other.Valid {
		t.Errorf("a part of the step is there: %v, %v", other, err)
	}
	_ = report.Rollback()
	if done, err := s.MigrateBy(t.Context(), files, time.Second); err != nil || len(done) != 1 {
		t.Errorf("again: %v, %v", done, err)
	}
}

// TestIndexIsMadeBesideTheServers: such a step waits for every statement that
// was there before it, also of a server that waits for its turn to migrate;
// and what an interrupted one left behind is made anew.
func TestIndexIsMadeBesideTheServers(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	db := plain(t, url)
	index := func(unique string) fs.FS {
		return later(t, map[string]string{"9001_index.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n" +
			"-- by language\nDROP INDEX CONCURRENTLY IF EXISTS users_language;\nCREATE " + unique + " INDEX CONCURRENTLY users_language ON users (language);\n"})
	}
	first := storetest.Open(t, url)
	createUser(t, first, "amina")
	createUser(t, first, "badr")
	if _, err := first.MigrateBy(t.Context(), index("UNIQUE"), time.Second); err == nil {
		t.Fatal("two users have one language")
	}
	valid := func() (valid bool) {
		if err := db.QueryRowContext(t.Context(), `SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_language'::regclass`).Scan(&valid); err != nil {
			t.Fatal(err)
		}
		return valid
	}
	if valid() {
		t.Fatal("the index that could not be made counts")
	}
	var all sync.WaitGroup
	steps := make([]int, 3)
	for i := range steps {
		s, _ := unmigrated(t, url, 0)
		all.Go(func() {
			done, err := s.MigrateBy(t.Context(), index(""), time.Second)
			if err != nil {
				t.Errorf("server %d: %v", i, err)
			}
			steps[i] = len(done)
		})
	}
	all.Wait()
	if !valid() || steps[0]+steps[1]+steps[2] != 1 {
		t.Errorf("valid: %v; steps %v, want one", valid(), steps)
	}
}

// TestSchemaOutOfSightIsNoNewShop: the tables are there, in a schema that the
// role does not look into.
func TestSchemaOutOfSightIsNoNewShop(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.NewDatabase(t)
	if _, err := plain(t, url).ExecContext(t.Context(), `CREATE SCHEMA yz`); err != nil {
		t.Fatal(err)
	}
	there := storetest.Open(t, url+"&search_path=yz")
	if err := there.CheckSchema(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost, _ := unmigrated(t, url+"&search_path=public,yy", 0)
	err := lost.CheckSchema(t.Context())
	for _, want := range []string{"the schema is not there", "the role yoozak", "public,yy", "'yoozak migrate'", "search_path of the role"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	if err := lost.Ready(t.Context()); err == nil {
		t.Error("ready")
	}
}

// TestRoleThatMayChangeNothingSeesTheSteps, and a server runs by it.
func TestRoleThatMayChangeNothingSeesTheSteps(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.NewDatabase(t)
	role := "app" + database(url)
	server.Exec(t, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() { server.Exec(t, "DROP ROLE IF EXISTS "+role) })
	t.Cleanup(func() { _, _ = plain(t, url).ExecContext(context.WithoutCancel(t.Context()), "DROP OWNED BY "+role) })
	as := strings.Replace(url, "yoozak@", role+"@", 1)
	s, _ := unmigrated(t, as, 0)
	all, err := s.Migrations(t.Context())
	if err != nil || len(all) == 0 || !all[0].AppliedAt.IsZero() {
		t.Errorf("on an empty database: %v, %v; want all pending", all, err)
	}
	if script, err := s.PendingSQL(t.Context()); err != nil || !strings.Contains(script, "CREATE TABLE users") {
		t.Errorf("the script: %v", err)
	}
	if done, err := s.Migrate(t.Context()); err == nil || len(done) > 0 {
		t.Errorf("it migrated: %v", done)
	}
	storetest.Open(t, url)
	if _, err := plain(t, url).ExecContext(t.Context(), "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "+role); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	createUser(t, s, "amina")
	if done, err := s.Migrate(t.Context()); err != nil || len(done) > 0 {
		t.Errorf("Migrate where nothing is to do: %v, %v", done, err)
	}
}

// TestPendingStepsCanBeTakenByHand: what a dry run prints is what Migrate
// runs.
func TestPendingStepsCanBeTakenByHand(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s, _ := unmigrated(t, url, 0)
		script, err := s.PendingSQL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if all, err := s.Migrations(t.Context()); err != nil || !all[0].AppliedAt.IsZero() {
			t.Fatalf("to ask for it took steps: %v, %v", all, err)
		}
		driver, name := "pgx", url
		if path, isFile := strings.CutPrefix(url, "sqlite:"); isFile {
			driver, name = "sqlite", path
		}
		db, err := sql.Open(driver, name)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() //nolint:errcheck // it was run
		db.SetMaxOpenConns(1)
		for _, part := range byHand(script) {
			if _, err := db.ExecContext(t.Context(), part); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		if script, err := s.PendingSQL(t.Context()); script != "" || err != nil {
			t.Errorf("there is more: %v\n%s", err, script)
		}
		createUser(t, s, "amina")
	})
}

// byHand are the parts of a script that psql sends by themselves, as far as that
// makes a difference: what is within a transaction goes together.
func byHand(script string) (parts []string) {
	for i, step := range strings.Split(script, "\n-- 00") {
		title, statements, _ := strings.Cut(step, "\n")
		switch {
		case i == 0:
			parts = append(parts, step)
		case strings.Contains(title, "statement by statement"):
			parts = append(parts, strings.SplitAfter(statements, ";\n")...)
		default:
			parts = append(parts, statements)
		}
	}
	return slices.DeleteFunc(parts, func(part string) bool { return strings.TrimSpace(part) == "" })
}

// TestOpenMakesNoFileWhereItMustNot.
func TestOpenMakesNoFileWhereItMustNot(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	for range 2 {
		_, err := store.Open(t.Context(), url, store.Options{MustExist: true})
		if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(url, "sqlite:")) || !strings.Contains(err.Error(), "'yoozak migrate'") {
			t.Fatalf("got %v, want the file, and what to run", err)
		}
	}
}
