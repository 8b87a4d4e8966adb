package faults

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

const (
	refreshPath = "/api/clients/auth/token/refresh/"
	mePath      = "/api/clients/clients/me/"
)

// TestServersBehindPgBouncer: with a pooler between them and PostgreSQL, in
// which each transaction may go to another server process, two servers do all
// that they do, with nothing but the URL to say so.
func TestServersBehindPgBouncer(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	database := c.Pooler(t, c.NewDatabase(t), 4)
	settings := []string{"YOOZAK_RATE_LIMITS=on", "YOOZAK_REFRESH_ROTATION=true", "YOOZAK_MAIL_FOLDER=mails", "YOOZAK_MAIL_PER_IP=1000"}
	servers := []*server{launch(t, database, settings...), launch(t, database, settings...)} // at once: both find an empty database
	for _, s := range servers {
		s.Ready(t)
	}
	const people = 30
	var all sync.WaitGroup
	for n := range people {
		all.Go(func() {
			s, other := servers[n%2], servers[(n+1)%2]
			expect := func(what string, status int, a answer, err error) answer {
				if err != nil || a.status != status {
					t.Errorf("%s: %d %s %v", what, a.status, a.body, err)
				}
				return a
			}
			name := fmt.Sprint("user", n)
			a, err := s.call(http.MethodPost, "/api/clients/auth/register/", fmt.Sprintf(`{"username":%q,"password":%q,"email":%q}`, name, goodPassword, address(n)))
			expect("register", http.StatusCreated, a, err)
			a, err = other.login(name)
			login := expect("log in", http.StatusOK, a, err)
			refresh, access := login.field("refresh"), login.field("access")
			for range 3 {
				a, err = s.call(http.MethodPost, refreshPath, `{"refresh":"`+refresh+`"}`)
				renewed := expect("refresh", http.StatusOK, a, err)
				refresh, access = renewed.field("refresh"), renewed.field("access")
				s, other = other, s
			}
			a, err = s.call(http.MethodPatch, mePath, `{"first_name":"Amina"}`, "Authorization", "Bearer "+access)
			expect("change the profile", http.StatusOK, a, err)
			a, err = other.me(access)
			if me := expect("me", http.StatusOK, a, err); me.field("first_name") != "Amina" {
				t.Errorf("me: %s", me.body)
			}
		})
	}
	all.Wait()
	if out := yoozak(t, database, "key", "rotate"); strings.Contains(out, "error") {
		t.Errorf("key rotate: %s", out)
	}
	waitFor(t, "every mail is written", func() bool {
		written := 0
		for _, s := range servers {
			mails, _ := filepath.Glob(filepath.Join(s.Dir, "mails", "*.eml"))
			written += len(mails)
		}
		return written >= people
	})
	for _, s := range servers {
		s.Stop(t)
	}
	for i, s := range servers {
		for _, line := range strings.Split(s.Output.String(), "\n") {
			if strings.Contains(line, "SQLSTATE") || strings.Contains(line, "job failed") || strings.Contains(line, `"level":"ERROR"`) {
				t.Errorf("server %d: %s", i, line)
			}
		}
	}
	verifyEvents(t, database, map[string]int{"registered": people, "login": people, "profile_changed": people, "key_rotated": 2})
}

// TestFailOverNeedsNoRestart: the first of two PostgreSQL servers turns
// read-only and keeps its connections, as managed ones do; the second takes
// over.
func TestFailOverNeedsNoRestart(t *testing.T) {
	t.Parallel()
	first := pgtest.StartOwn(t)
	first.Exec(t, "CREATE DATABASE y")
	second := first.Standby(t)
	s := start(t, twoHosts(t, first.URL("y"), second.URL("y")))
	a, err := s.register("amina")
	if err != nil || a.status != http.StatusCreated {
		t.Fatal(a, err)
	}
	access := a.field("access")
	change := func(name string) int {
		a, err := s.call(http.MethodPatch, mePath, `{"first_name":"`+name+`"}`, "Authorization", "Bearer "+access)
		if err != nil {
			t.Fatal(err)
		}
		if a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
			t.Errorf("503 without advice: %v", a.header)
		}
		return a.status
	}
	if got := change("Before"); got != http.StatusOK {
		t.Fatalf("before: %d", got)
	}
	second.Promote(t, first)
	first.Exec(t, "ALTER SYSTEM SET default_transaction_read_only = on")
	first.Exec(t, "SELECT pg_reload_conf()")
	refused := 0
	for n := 0; n < 200; n++ {
		if change(fmt.Sprint("During", n)) == http.StatusServiceUnavailable {
			refused++
		}
		time.Sleep(5 * time.Millisecond) // each session hears of it a moment later
	}
	if refused > 3 {
		t.Errorf("%d of 200 changes were refused: the server stays with the first", refused)
	}
	if a, err := s.call(http.MethodGet, "/readyz", ""); err != nil || a.status != http.StatusOK {
		t.Errorf("readyz: %d %v", a.status, err)
	}
	if got := change("After"); got != http.StatusOK {
		t.Errorf("after: %d", got)
	}
	if out := yoozak(t, second.URL("y"), "user", "list"); !strings.Contains(out, "After") && !strings.Contains(out, "amina") {
		t.Errorf("the second server does not have the change: %s", out)
	}
	s.Stop(t)
}

// twoHosts is the URL of a database that is on two servers.
func twoHosts(t *testing.T, first, second string) string {
	t.Helper()
	one, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	two, err := url.Parse(second)
	if err != nil {
		t.Fatal(err)
	}
	one.Host += "," + two.Host
	return one.String() + "&target_session_attrs=read-write"
}

// TestSourceInAFolderThatCannotBeWritten: SQLite calls a file in WAL mode
// read-only then, though it is only to be read.
func TestSourceInAFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "yoozak") // which others may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Chmod(folder, 0o700)
		_ = os.RemoveAll(folder)
	})
	program, source, home := filepath.Join(folder, "yoozak"), filepath.Join(folder, "django.db"), filepath.Join(folder, "home")
	if out, err := exec.Command("cp", yoozaktest.Binary(t), program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	db, err := sql.Open("sqlite", source)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `PRAGMA journal_mode = WAL; CREATE TABLE auth_user (id INTEGER)`)
	if err := errors.Join(err, db.Close(), os.Mkdir(home, 0o700)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "import-django", source)
	if os.Getuid() == 0 { // whom no mode keeps out
		u, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := errors.Join(os.Chown(source, uid, gid), os.Chown(home, uid, gid)); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd.Dir, cmd.Env = home, []string{"YOOZAK_DATABASE_URL=sqlite:" + filepath.Join(home, "y.db")}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "its folder has to be writable: copy it, together with "+source+"-wal") {
		t.Errorf("%v\n%s", err, out)
	}
}
