package store_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestFileOfTheDatabaseIsItsOwnersAlone: it holds password hashes, and keys.
func TestFileOfTheDatabaseIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	path := strings.TrimPrefix(url, "sqlite:")
	files := []string{path, path + "-wal", path + "-shm"}
	storetest.Open(t, url) // which stays open: the others are there
	check := func(when string) {
		t.Helper()
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s, %s: %v, %v", when, filepath.Base(file), info.Mode(), err)
			}
		}
	}
	check("new")
	for _, file := range files {
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	s, err := store.Open(t.Context(), url, store.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is about its files
	check("opened again")
	for _, file := range files {
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "file="+file+" mode_was=-rw-r--r--") {
			t.Errorf("nothing is said of %s in:\n%s", file, log.String())
		}
	}
}

// TestNothingIsWrittenToAFileThatIsNotThereAnyMore: somebody puts a backup back
// and did not stop the server. What it acknowledged would be lost.
func TestNothingIsWrittenToAFileThatIsNotThereAnyMore(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(path string) error{
		"removed":  os.Remove,
		"moved":    func(path string) error { return os.Rename(path, path+".old") },
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := storetest.SQLite(t)
			path := strings.TrimPrefix(url, "sqlite:")
			s := storetest.Open(t, url)
			change := func() error {
				return s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
					_, err := tx.SkipUserIDs(ctx, 1)
					return err
				})
			}
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if err := replace(path); err != nil {
				t.Fatal(err)
			}
			if err := change(); !errors.Is(err, account.ErrUnavailable) || !strings.Contains(err.Error(), "moved, removed or replaced") {
				t.Errorf("a change: %v", err)
			}
			var readers sync.WaitGroup
			for range 50 { // more than have a connection; none reads what was put there
				readers.Go(func() {
					if _, err := s.Count(t.Context()); err != nil && !errors.Is(err, account.ErrUnavailable) {
						t.Errorf("a reader: %v", err)
					}
				})
			}
			readers.Wait()
		})
	}
}

// TestFolderThatCannotBeWrittenIsNamed: SQLite says that the database is
// read-only, which it is not.
func TestFolderThatCannotBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	if os.Getenv("YOOZAK_OPEN") != "" { // below, as somebody else
		s, err := store.Open(t.Context(), os.Getenv("YOOZAK_OPEN"), store.Options{})
		if err == nil {
			_, err = s.Migrate(t.Context())
		}
		t.Logf("it says: %v", err)
		return
	}
	folder, err := os.MkdirTemp("", "yoozak") // which others may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Chmod(folder, 0o700)
		_ = os.RemoveAll(folder)
	})
	program := filepath.Join(folder, "test")
	if out, err := exec.Command("cp", os.Args[0], program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	path := filepath.Join(folder, "y.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^"+t.Name()+"$", "-test.v")
	if os.Getuid() == 0 { // whom no mode keeps out
		somebody(t, cmd, path)
	}
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd.Env = []string{"YOOZAK_OPEN=sqlite:" + path, "TMPDIR=/tmp"}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the folder "+folder+" has to be writable, too") {
		t.Errorf("%v\n%s", err, out)
	}
}

// somebody has a command run by an unprivileged user, who is given a file.
func somebody(t *testing.T, cmd *exec.Cmd, file string) {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	if err := os.Chown(file, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// TestReadersSeeTheFileInMemory: copying its pages made a million users
// slower than a thousand.
func TestReadersSeeTheFileInMemory(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	s := storetest.Open(t, url)
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if path := strings.TrimPrefix(url, "sqlite:"); !strings.Contains(string(maps), " "+path+"\n") {
		t.Errorf("%s is not mapped", path)
	}
}
