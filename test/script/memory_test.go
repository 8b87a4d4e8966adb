package script

import (
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// mostMemory is what a list may take, in KiB, however long it is: the program
// itself, a page of rows and what Go has not given back.
const mostMemory = 48 << 10

// TestLongListsNeedLittleMemory: 100,000 users, a million in make test-long.
func TestLongListsNeedLittleMemory(t *testing.T) {
	t.Parallel()
	users := yoozaktest.Long(100_000, 1_000_000)
	for engine, url := range map[string]string{"sqlite": storetest.SQLite(t), "postgres": pgtest.Start(t).NewDatabase(t)} {
		yoozaktest.Run(t, []string{"YOOZAK_DATABASE_URL=" + url}, "migrate")
		addUsers(t, url, users)
		for _, args := range [][]string{{"user", "list"}, {"user", "list", "--json"}, {"user", "export", "--reason", "to measure memory"}} {
			took := peak(t, url, users, args...)
			t.Logf("%s, %s: %d KiB for %d users", engine, strings.Join(args, " "), took, users)
			if took > mostMemory {
				t.Errorf("%s on %s takes %d KiB for %d users, want %d or less", strings.Join(args, " "), engine, took, users, mostMemory)
			}
		}
	}
}

// addUsers makes so many users.
func addUsers(t *testing.T, url string, users int) {
	t.Helper()
	driver, dsn := "pgx", url
	if path, is := strings.CutPrefix(url, "sqlite:"); is {
		driver, dsn = "sqlite", path
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // what was written is committed
	now := "now()"
	if driver == "sqlite" {
		now = "1790000000000000"
	}
	_, err = db.ExecContext(t.Context(), `
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO users (username, email, email_key, email_key_version, first_name, last_name, password_hash,
		                   is_active, is_staff, is_superuser, language, joined_at, password_at, search, search_version)
		SELECT 'user' || i, 'user' || i || '@example.ma', 'user' || i || '@example.ma', 1, 'Amina', 'El Fassi', '',
		       TRUE, FALSE, FALSE, 'fr', `+now+`, `+now+`, '', 0
		FROM n`, users)
	if err != nil {
		t.Fatal(err)
	}
}

// peak is the most memory that a command took while it printed, in KiB: its own,
// without what is the kernel's, who keeps the pages of SQLite's mapped file as
// long as nobody else wants the room. It has to print a line for each user.
func peak(t *testing.T, url string, users int, args ...string) (most int64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), yoozaktest.Binary(t), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "YOOZAK_DATABASE_URL=" + url}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, buffer := 0, make([]byte, 64<<10)
	for reads := 0; err == nil; reads++ {
		if reads%16 == 0 {
			most = max(most, anonymous(cmd.Process.Pid))
		}
		var n int
		n, err = out.Read(buffer)
		lines += strings.Count(string(buffer[:n]), "\n")
	}
	if err != io.EOF { //nolint:errorlint // a pipe's
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if lines < users {
		t.Errorf("%v prints %d lines for %d users", args, lines, users)
	}
	if most == 0 {
		t.Fatal("this system does not say how much memory is used")
	}
	return most
}

// anonymous is the memory of a process that is no file's, in KiB; 0 when it has
// ended.
func anonymous(pid int) (kib int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kib); err == nil {
			return kib
		}
	}
	return 0
}
