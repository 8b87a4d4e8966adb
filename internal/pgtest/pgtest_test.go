package pgtest_test

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// TestServerOfSeveralProcesses: they share one, and it ends with the last of
// them, though each is killed.
func TestServerOfSeveralProcesses(t *testing.T) {
	t.Parallel()
	if os.Getenv("PGTEST_USES_THE_SERVER") != "" {
		fmt.Println(pgtest.Start(t).URL("postgres"))
		_, _ = io.Copy(io.Discard, os.Stdin) // until we are killed
		return
	}
	dir, err := os.MkdirTemp("", "yz")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, os.ModeSticky|0o777); err != nil { // the server may run as another than us
		t.Fatal(err)
	}
	var urls []string
	for range 2 {
		user := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServerOfSeveralProcesses$")
		user.Env = append(os.Environ(), "PGTEST_USES_THE_SERVER=1", "TMPDIR="+dir)
		if _, err := user.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		out, err := user.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := user.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = user.Process.Kill()
			_ = user.Wait()
		}()
		url, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if urls = append(urls, strings.TrimSpace(url)); urls[0] != urls[len(urls)-1] {
			t.Fatalf("two servers: %v", urls)
		}
		if len(urls) == 1 {
			continue // it is killed, in the end, after the second
		}
		create(t, urls[0])
		_ = user.Process.Kill()
		_ = user.Wait()
		if n, err := count(t, urls[0]); err != nil || n != 1 {
			t.Errorf("while one of two still uses the server: %d, %v", n, err)
		}
	}
	named, err := filepath.Glob(filepath.Join(dir, "*", "server"))
	if err != nil || len(named) != 1 {
		t.Fatalf("%v says where the server is, %v", named, err)
	}
	where, err := os.ReadFile(named[0])
	if err != nil {
		t.Fatal(err)
	}
	data, _, _ := strings.Cut(string(where), " ")
	if _, err := os.Stat(data); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after both were killed
		for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
			if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
				return
			}
			if time.Now().After(end) {
				t.Error("the server does not end")
				return
			}
		}
	})
}
