package faults

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// command runs the binary, which may fail, and returns all that it prints.
func command(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), yoozaktest.Binary(t), args...)
	cmd.Dir, cmd.Env = t.TempDir(), append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// large is a SQLite database of which a backup takes a while.
func large(t *testing.T) (url string) {
	t.Helper()
	url = storetest.SQLite(t)
	yoozak(t, url, "migrate")
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT i, randomblob(1000) AS b FROM n`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return url
}

// unfinished are the backups in a folder that are being written, or were.
func unfinished(t *testing.T, folder string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, ".yoozak-backup-*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestKilledBackupLeavesNoHalfFile: not under its name, and what is left is
// its owner's alone and gone with the next.
func TestKilledBackupLeavesNoHalfFile(t *testing.T) {
	t.Parallel()
	database, folder := large(t), t.TempDir()
	file := filepath.Join(folder, "backup.db")
	cmd := exec.CommandContext(t.Context(), yoozaktest.Binary(t), "backup", file)
	cmd.Env = []string{"YOOZAK_DATABASE_URL=" + database}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the backup is being written", func() bool {
		for _, name := range unfinished(t, folder) {
			info, err := os.Stat(name)
			if err == nil && info.Mode() != 0o600 {
				t.Errorf("%s has the mode %v", name, info.Mode())
			}
			if err == nil && info.Size() > 0 {
				return true
			}
		}
		return false
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	left := unfinished(t, folder)
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) || len(left) == 0 {
		t.Fatalf("killed too late: %v, %v", err, left)
	}
	env := []string{"YOOZAK_DATABASE_URL=" + database}
	out, err := command(t, env, "backup", file)
	if err != nil || !strings.Contains(out, "removed "+left[0]) || !strings.Contains(out, "wrote "+file) {
		t.Errorf("the next: %v\n%s", err, out)
	}
	if left := unfinished(t, folder); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if out, err := command(t, env, "backup", file); err == nil || !strings.Contains(out, "is there already") {
		t.Errorf("once more: %v\n%s", err, out)
	}
}

// TestBackupOnAFullDiskLeavesNothing.
func TestBackupOnAFullDiskLeavesNothing(t *testing.T) {
	t.Parallel()
	database, disk := large(t), smallDisk(t)
	out, err := command(t, []string{"YOOZAK_DATABASE_URL=" + database}, "backup", filepath.Join(disk, "backup.db"))
	if err == nil || !strings.Contains(out, "full") {
		t.Errorf("%v\n%s", err, out)
	}
	entries, err := os.ReadDir(disk)
	if err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestBackupOfPostgresNamesPgDump, with a command that can be run, and without
// the password.
func TestBackupOfPostgresNamesPgDump(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t)
	database := c.NewDatabase(t)
	yoozak(t, database, "migrate")
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), "hunter2")
	folder := t.TempDir()
	file := filepath.Join(folder, "it's a backup.dump")
	out, err := command(t, []string{"YOOZAK_DATABASE_URL=" + u.String()}, "backup", file)
	if err == nil || strings.Contains(out, "hunter2") || !strings.Contains(out, "docs/backup.md") {
		t.Fatalf("%v\n%s", err, out)
	}
	line := regexp.MustCompile(`(?m)^  (\(umask 077; pg_dump .*\)) && yoozak backup --made$`).FindStringSubmatch(out)
	if line == nil {
		t.Fatalf("no command in:\n%s", out)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line[1])
	cmd.Env = []string{"PATH=" + filepath.Dir(c.Program("pg_dump")) + ":" + os.Getenv("PATH"), "PGSSLMODE=disable"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line[1], err, out)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if out, err := command(t, nil, "backup", "--check", file); err == nil || !strings.Contains(out, "pg_restore") {
		t.Errorf("check: %v\n%s", err, out)
	}
}

// TestBackupComesBeforeAnUpdate: the schema of the release before has no place
// for its time. It is good all the same, and says so.
func TestBackupComesBeforeAnUpdate(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	yoozak(t, url, "migrate")
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `DROP TABLE backups; DELETE FROM goose_db_version WHERE version_id >= 28`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	env, file := []string{"YOOZAK_DATABASE_URL=" + url}, filepath.Join(t.TempDir(), "backup.db")
	if out, err := command(t, env, "backup", file); err != nil || !strings.Contains(out, "the file is whole") || !strings.Contains(out, "the time of this backup is not noted") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := command(t, env, "backup", "--made"); err == nil || strings.Contains(out, "noted\n") {
		t.Errorf("%v: %s", err, out)
	}
}
