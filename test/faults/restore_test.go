package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// backups are how each engine is backed up and restored, as docs/backup.md
// says.
type backups struct {
	url     string                          // of the database
	save    func(t *testing.T)              // while servers run
	restore func(t *testing.T) (url string) // while none does
	check   func(t *testing.T) (out string) // of the backup
}

func sqliteBackups(t *testing.T) backups {
	path, file := filepath.Join(t.TempDir(), "yoozak.db"), filepath.Join(t.TempDir(), "backup.db")
	return backups{
		url: "sqlite:" + path,
		save: func(t *testing.T) {
			if out := yoozak(t, "sqlite:"+path, "backup", file); !strings.Contains(out, "1 users, 1 sessions") {
				t.Errorf("backup: %s", out)
			}
		},
		check: func(t *testing.T) string { return yoozak(t, "sqlite:"+path, "backup", "--check", file) },
		restore: func(t *testing.T) string {
			for _, name := range []string{path, path + "-wal", path + "-shm"} {
				if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			if out, err := exec.Command("cp", file, path).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			return "sqlite:" + path
		},
	}
}

func postgresBackups(t *testing.T) backups {
	c := pgtest.Start(t)
	database, empty := c.NewDatabase(t), c.NewDatabase(t)
	file := filepath.Join(t.TempDir(), "backup.dump")
	run := func(t *testing.T, name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(c.Program(name), args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	return backups{
		url:  database,
		save: func(t *testing.T) { run(t, "pg_dump", "--format=custom", "--file="+file, "--dbname="+database) },
		check: func(t *testing.T) string {
			elsewhere := c.NewDatabase(t)
			run(t, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+elsewhere, file)
			return yoozak(t, elsewhere, "events", "verify")
		},
		restore: func(t *testing.T) string {
			run(t, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+empty, file)
			return empty
		},
	}
}

var (
	userID  = regexp.MustCompile(`"id":(\d+)`)
	signing = regexp.MustCompile(`(?m)^(\S+) +(?:access|refresh) +\S+ +signs `)
)

func idOf(t *testing.T, body string) int {
	t.Helper()
	m := userID.FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no id in %s", body)
	}
	id, _ := strconv.Atoi(m[1])
	return id
}

// TestRestoredBackupRevivesNothing: a backup is put back, and what was taken
// back since it was made stays so: tokens, keys, ids, mails.
func TestRestoredBackupRevivesNothing(t *testing.T) {
	t.Parallel()
	for engine, prepare := range map[string]func(*testing.T) backups{"sqlite": sqliteBackups, "postgres": postgresBackups} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := prepare(t)
			note := "YOOZAK_HEAD_FILE=" + filepath.Join(t.TempDir(), "noted.head")
			smtp := func(url string) []string {
				return []string{note, "YOOZAK_SMTP_URL=" + url, "YOOZAK_MAIL_FROM=bonjour@yoozak.ma", "YOOZAK_PUBLIC_URL=https://accounts.example"}
			}
			register := func(s *server, name string) answer {
				t.Helper()
				a, err := s.call(http.MethodPost, "/api/clients/auth/register/", fmt.Sprintf(`{"username":%q,"password":%q,"email":"%s@example.ma"}`, name, goodPassword, name))
				if err != nil || a.status != http.StatusCreated {
					t.Fatal(a, err)
				}
				return a
			}
			expect := func(what string, status int, a answer, err error) {
				t.Helper()
				if err != nil || a.status != status {
					t.Errorf("%s: %d %s %v, want %d", what, a.status, a.body, err, status)
				}
			}
			s := start(t, b.url, smtp("smtp://"+porttest.Address(t)+"?tls=none")...) // where nobody listens: mails wait
			amina := register(s, "amina")
			access, refresh := amina.field("access"), amina.field("refresh")
			for until := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) { // the events have their places
				if _, err := os.Stat(strings.TrimPrefix(note, "YOOZAK_HEAD_FILE=")); err == nil {
					break
				}
				if time.Now().After(until) {
					t.Fatal("no head is noted")
				}
			}
			b.save(t)
			if out := b.check(t); !strings.Contains(out, "head ") {
				t.Errorf("check: %s", out)
			}
			before := signing.FindAllStringSubmatch(yoozak(t, b.url, "key", "list"), -1)
			if len(before) != 2 {
				t.Fatalf("keys: %v", before)
			}

			// The time that will be lost.
			a, err := s.call(http.MethodPost, "/api/clients/auth/logout/", `{"refresh":"`+refresh+`"}`)
			expect("logout", http.StatusNoContent, a, err)
			a, err = s.me(access)
			expect("me after the logout", http.StatusUnauthorized, a, err)
			badr := register(s, "badr")
			yoozak(t, b.url, "key", "revoke", "--all")
			s.Stop(t)

			restored := b.restore(t)
			env := append(append([]string{"YOOZAK_DATABASE_URL=" + restored, "YOOZAK_LISTEN=" + porttest.Address(t)}, yoozaktest.CheapHashes...), note)
			if out, err := command(t, env, "serve"); err == nil || !strings.Contains(out, `run "yoozak restored" first`) || strings.Contains(out, "panic") {
				t.Errorf("the start before it is declared: %v\n%s", err, out)
			}
			if out, err := command(t, env, "restored"); err == nil || !strings.Contains(out, "--yes") {
				t.Errorf("without a word: %v\n%s", err, out)
			}
			out := yoozak(t, restored, "restored", "--yes")
			for _, want := range []string{"1 sessions ended; 2 signing keys revoked", "1 waiting mails given up", "the next user gets the id 1000002", "passwords that were changed", "No service may ask"} {
				if !strings.Contains(out, want) {
					t.Errorf("restored does not say %q:\n%s", want, out)
				}
			}
			post := smtptest.Start(t, smtptest.Options{})
			again := start(t, restored, smtp(post.URL())...)
			for name, a := range map[string]answer{"amina": amina, "badr": badr} {
				me, err := again.me(a.field("access"))
				expect("me of "+name, http.StatusUnauthorized, me, err)
				renewed, err := again.call(http.MethodPost, refreshPath, `{"refresh":"`+a.field("refresh")+`"}`)
				expect("refresh of "+name, http.StatusUnauthorized, renewed, err)
			}
			a, err = again.login("amina")
			expect("login", http.StatusOK, a, err)
			now := signing.FindAllStringSubmatch(yoozak(t, restored, "key", "list"), -1)
			if len(now) != 2 || now[0][1] == before[0][1] || now[0][1] == before[1][1] || now[1][1] == before[0][1] || now[1][1] == before[1][1] {
				t.Errorf("keys that sign: %v, before %v", now, before)
			}
			if id := idOf(t, register(again, "chafik").body); id <= idOf(t, badr.body) || id != 1_000_002 {
				t.Errorf("chafik has the id %d; badr had %d", id, idOf(t, badr.body))
			}
			waitFor(t, "chafik's mail", func() bool { return len(post.Messages()) > 0 })
			for _, m := range post.Messages() {
				if !strings.Contains(m.Text, "chafik") {
					t.Errorf("a mail of before went out again:\n%s", m.Text)
				}
			}
			again.Stop(t)
			verifyEvents(t, restored, map[string]int{"database_restored": 1})
			s = start(t, restored, note)
			s.Stop(t)
		})
	}
}

// TestPromotedStandbyMayLackALittle: what was not replicated yet is lost with
// the primary. The server says so and goes on; where more is missing it is a
// restore, also for a server that was started on the standby and runs; and the
// old primary is not taken for the new one.
func TestPromotedStandbyMayLackALittle(t *testing.T) {
	t.Parallel()
	first := pgtest.StartOwn(t)
	first.Exec(t, "CREATE DATABASE y")
	file := filepath.Join(t.TempDir(), "noted.head")
	note := "YOOZAK_HEAD_FILE=" + file
	live := func(url, name string) {
		t.Helper()
		s := start(t, url, note)
		if a, err := s.register(name); err != nil || a.status != http.StatusCreated {
			t.Fatal(a, err)
		}
		s.Stop(t)
	}
	live(first.URL("y"), "amina")
	second := first.Standby(t)
	second.Exec(t, "ALTER SYSTEM SET primary_conninfo = ''") // it follows no longer
	second.Exec(t, "SELECT pg_reload_conf()")
	waitFor(t, "the standby is cut off", func() bool { return count(t, first.URL("y"), `SELECT count(*) FROM pg_stat_replication`) == 0 })
	live(first.URL("y"), "badr")
	older := filepath.Join(t.TempDir(), "older.head")
	lacksTenMinutes(t, file, older)
	// They read, and say nothing of what they do not have yet.
	behind, farBehind := launch(t, second.URL("y"), note), launch(t, second.URL("y"), "YOOZAK_HEAD_FILE="+older)
	for _, s := range []*server{behind, farBehind} {
		yoozaktest.Await(t, s.URL+"/healthz", http.StatusOK, s.Output)
	}
	first.Kill()
	second.Exec(t, "SELECT pg_promote()")
	select {
	case <-farBehind.Ended():
		farBehind.Kill() // it has ended, and not with 0
	case <-time.After(2 * time.Minute):
		t.Fatalf("the server that lacks ten minutes goes on:\n%s", farBehind.Output)
	}
	if out := farBehind.Output.String(); farBehind.Err() == nil || !strings.Contains(out, `run "yoozak restored" first`) || strings.Contains(out, "panic") {
		t.Errorf("it ended with %v:\n%s", farBehind.Err(), out)
	}
	behind.Ready(t)
	if a, err := behind.register("chama"); err != nil || a.status != http.StatusCreated {
		t.Fatal(a, err)
	}
	behind.Stop(t)
	if log := behind.Output.String(); !strings.Contains(log, "lacks the newest events") {
		t.Errorf("the log has:\n%s", log)
	}

	serve := func(c *pgtest.Cluster, file string) (string, error) {
		env := append([]string{"YOOZAK_DATABASE_URL=" + c.URL("y"), "YOOZAK_LISTEN=" + porttest.Address(t), "YOOZAK_HEAD_FILE=" + file}, yoozaktest.CheapHashes...)
		return command(t, env, "serve")
	}
	if out, err := serve(second, older); err == nil || !strings.Contains(out, `run "yoozak restored" first`) {
		t.Errorf("where ten minutes are missing: %v\n%s", err, out)
	}
	s := start(t, second.URL("y"), note)
	if a, err := s.register("driss"); err != nil || a.status != http.StatusCreated {
		t.Fatal(a, err)
	}
	s.Stop(t)
	verifyEvents(t, second.URL("y"), map[string]int{"events_lost": 1})
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := serve(first, file); err == nil || !strings.Contains(out, "timeline 1, and 2 was used before") {
		t.Errorf("on the old primary: %v\n%s", err, out)
	}
}

// lacksTenMinutes writes notes as they would be if the newest event had come
// ten minutes after one that is missing, too.
func lacksTenMinutes(t *testing.T, file, to string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var notes []map[string]any
	if err := json.Unmarshal(data, &notes); err != nil || len(notes) < 2 {
		t.Fatalf("%s, %v", data, err)
	}
	newest := map[string]any{}
	for name, value := range notes[len(notes)-1] {
		newest[name] = value
	}
	newest["head"], newest["at"] = "9999:"+strings.Repeat("0", 64), time.Now().Add(10*time.Minute).UTC().Format(time.RFC3339Nano)
	if data, err = json.Marshal(append(notes, newest)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
