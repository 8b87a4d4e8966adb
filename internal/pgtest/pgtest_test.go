package pgtest_test

import (
	"database/sql"
	"testing"

	"github.com/yoozak/clients/internal/pgtest"
)

func count(t *testing.T, url string) (n int, err error) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // one query
	err = db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM t`).Scan(&n)
	return n, err
}

func create(t *testing.T, url string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // one query
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE t (n INT); INSERT INTO t VALUES (1)`); err != nil {
		t.Fatal(err)
	}
}

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	one, two := s.NewDatabase(t), s.NewDatabase(t)
	create(t, one)
	if n, err := count(t, one); err != nil || n != 1 {
		t.Errorf("first database: %d, %v", n, err)
	}
	if _, err := count(t, two); err == nil {
		t.Error("the second database has the first one's table")
	}
}

func TestDataSurvivesAStopAndACrash(t *testing.T) {
	t.Parallel()
	c := pgtest.StartOwn(t)
	url := c.NewDatabase(t)
	create(t, url)
	for name, end := range map[string]func(){"stop": c.Stop, "crash": c.Kill} {
		end()
		if _, err := count(t, url); err == nil {
			t.Fatalf("after a %s the server answers", name)
		}
		if err := c.Start(); err != nil {
			t.Fatalf("start after a %s: %v", name, err)
		}
		if n, err := count(t, url); err != nil || n != 1 {
			t.Errorf("after a %s: %d, %v", name, n, err)
		}
	}
}
