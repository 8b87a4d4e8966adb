package backup_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/backup"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// database is a SQLite database with people and sealed events.
func database(t *testing.T, people int) *authtest.Server {
	t.Helper()
	s := authtest.New(t, storetest.Open(t, storetest.SQLite(t)))
	for n := range people {
		s.SignUp(t, fmt.Sprint("user", n))
	}
	s.SealAll(t)
	return s
}

func write(t *testing.T, s *authtest.Server, file string) backup.Report {
	t.Helper()
	r, err := backup.Write(t.Context(), s.Store, file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// names are those of a folder.
func names(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// TestBackupOfABusyDatabaseIsWhole: people register while it is made.
func TestBackupOfABusyDatabaseIsWhole(t *testing.T) {
	t.Parallel()
	s := database(t, 20)
	folder := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	for worker := range 4 {
		busy.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if _, err := s.Register(t.Context(), authtest.Elsewhere(), authtest.Registration(fmt.Sprintf("busy%d-%d", worker, n))); err != nil {
					t.Error(err)
					return
				}
				if err := s.Audit.Seal(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	last := int64(20)
	for n := range 5 {
		file := filepath.Join(folder, fmt.Sprint(n, ".db"))
		r := write(t, s, file)
		if r.Counts.Users < last || r.Counts.Sessions != r.Counts.Users || r.Counts.Events < r.Counts.Users {
			t.Errorf("%+v after %d users", r, last)
		}
		last = r.Counts.Users
		info, err := os.Stat(file)
		if err != nil || info.Mode() != 0o600 || info.Size() != r.Bytes {
			t.Errorf("%v, %v", info, err)
		}
		checked, err := backup.Check(t.Context(), file)
		if err != nil || checked.Counts != r.Counts || checked.Events.Head.Seq != r.Events.Head.Seq || len(checked.Steps) != 0 {
			t.Errorf("check: %+v, %v; written %+v", checked, err, r)
		}
	}
	stop()
	busy.Wait()
	if got := names(t, folder); got != "0.db 1.db 2.db 3.db 4.db" {
		t.Errorf("the folder has %s", got)
	}
}

// TestBackupKeepsWhereIDsAre: an id of somebody who was erased is not given
// again.
func TestBackupKeepsWhereIDsAre(t *testing.T) {
	t.Parallel()
	s := database(t, 3)
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		_, err := tx.SkipUserIDs(ctx, 500)
		return err
	})
	file := filepath.Join(t.TempDir(), "b.db")
	write(t, s, file)
	restored := authtest.New(t, storetest.Open(t, "sqlite:"+file))
	if id := restored.SignUp(t, "later").User.ID; id != 504 {
		t.Errorf("the next id is %d", id)
	}
}

func TestFileThatIsThereIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := database(t, 1)
	folder := t.TempDir()
	file := filepath.Join(folder, "b.db")
	for name, make := range map[string]func() error{
		"file":   func() error { return os.WriteFile(file, []byte("good"), 0o600) },
		"folder": func() error { return os.Mkdir(file, 0o700) },
		"link":   func() error { return os.Symlink("nowhere", file) },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Write(t.Context(), s.Store, file); !errors.Is(err, backup.ErrExists) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
		if got := names(t, folder); got != "b.db" {
			t.Errorf("%s: the folder has %s", name, got)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := backup.Write(t.Context(), s.Store, filepath.Join(folder, "no", "b.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestWhatAKilledBackupLeftIsRemoved by the next, and what a running one
// writes is not.
func TestWhatAKilledBackupLeftIsRemoved(t *testing.T) {
	t.Parallel()
	s := database(t, 1)
	folder := t.TempDir()
	left, running, young := filepath.Join(folder, ".yoozak-backup-1"), filepath.Join(folder, ".yoozak-backup-2"), filepath.Join(folder, ".yoozak-backup-3")
	for name, text := range map[string]string{left: "", left + "-journal": "half", running: "half", young: ""} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(running)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it holds the lock
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	r := write(t, s, filepath.Join(folder, "b.db"))
	if got := strings.Join(r.Removed, " "); got != left+" "+left+"-journal" {
		t.Errorf("removed %s", got)
	}
	if got := names(t, folder); got != ".yoozak-backup-2 .yoozak-backup-3 b.db" {
		t.Errorf("the folder has %s", got)
	}
}

// TestBackupsAtOnceDoNotTakeEachOthersFiles.
func TestBackupsAtOnceDoNotTakeEachOthersFiles(t *testing.T) {
	t.Parallel()
	s := database(t, 1)
	folder := t.TempDir()
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			if r, err := backup.Write(t.Context(), s.Store, filepath.Join(folder, fmt.Sprint(n))); err != nil || len(r.Removed) > 0 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	all.Wait()
	if got := names(t, folder); got != "0 1 2 3 4 5 6 7" {
		t.Errorf("the folder has %s", got)
	}
}

func TestBackupThatIsGivenUpLeavesNothing(t *testing.T) {
	t.Parallel()
	s := database(t, 1)
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := backup.Write(ctx, s.Store, filepath.Join(folder, "b.db")); err == nil {
		t.Error("it was written")
	}
	if got := names(t, folder); got != "" {
		t.Errorf("the folder has %s", got)
	}
}

// change runs statements in a file.
func change(t *testing.T, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	authtest.Execute(t, db, statements...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCheckFindsWhatIsWrongAndChangesNothing.
func TestCheckFindsWhatIsWrongAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := database(t, 30)
	folder := t.TempDir()
	for name, test := range map[string]struct {
		spoil func(t *testing.T, file string)
		want  string
	}{
		"good": {func(*testing.T, string) {}, ""},
		"of an older release": {func(t *testing.T, file string) {
			change(t, file, `DROP TABLE backups`, `ALTER TABLE sessions DROP COLUMN proved_by`, `ALTER TABLE passkeys DROP COLUMN held`,
				`DELETE FROM goose_db_version WHERE version_id >= 26`)
		}, ""},
		"an event was changed": {func(t *testing.T, file string) {
			change(t, file, `DROP TRIGGER events_keep`, `UPDATE events SET kind = 'logout' WHERE id = 7`)
		}, "number 7"},
		"cut": {func(t *testing.T, file string) {
			if err := os.Truncate(file, 16*4096); err != nil {
				t.Fatal(err)
			}
		}, "malformed"},
		"a page is overwritten": {func(t *testing.T, file string) {
			f, err := os.OpenFile(file, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.WriteAt(make([]byte, 4096), 4096)
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
		}, "ma"}, // malformed, or damaged
		"of another program": {func(t *testing.T, file string) { change(t, file, `DROP TABLE event_chain`) }, "event_chain"},
		"no database": {func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte("id,username\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is no SQLite database"},
		"empty": {func(t *testing.T, file string) {
			if err := os.Truncate(file, 0); err != nil {
				t.Fatal(err)
			}
		}, "is no SQLite database"},
		"of PostgreSQL": {func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte("PGDMP\x01\x0e"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "pg_restore"},
		"in use": {func(t *testing.T, file string) {
			if err := os.WriteFile(file+"-wal", []byte("newer"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "-wal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".db")
			write(t, s, file)
			test.spoil(t, file)
			if err := os.Chtimes(file, time.Time{}, time.Unix(1e9, 0)); err != nil {
				t.Fatal(err)
			}
			before := sum(t, file)
			r, err := backup.Check(t.Context(), file)
			switch {
			case test.want == "" && (err != nil || r.Counts.Users != 30):
				t.Errorf("%+v, %v", r, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			}
			if older := name == "of an older release"; older == (len(r.Steps) == 0) {
				t.Errorf("steps: %v", r.Steps)
			}
			if sum(t, file) != before {
				t.Error("the file was changed")
			}
			if info, err := os.Stat(file); err != nil || !info.ModTime().Equal(time.Unix(1e9, 0)) {
				t.Errorf("the file was written to: %v, %v", info, err)
			}
		})
	}
}

func sum(t *testing.T, file string) [32]byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(data)
}

// TestBackupIsOfSQLite: PostgreSQL has a program of its own.
func TestBackupIsOfSQLite(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.Postgres(t))
	folder := t.TempDir()
	if _, err := backup.Write(t.Context(), s, filepath.Join(folder, "b.db")); !errors.Is(err, store.ErrNotSQLite) {
		t.Errorf("%v", err)
	}
	if got := names(t, folder); got != "" {
		t.Errorf("the folder has %s", got)
	}
}
