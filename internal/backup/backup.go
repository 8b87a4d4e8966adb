// Package backup writes and checks backups of a SQLite database.
//
// Guarantees:
//
//   - A backup is the database at one moment, while servers write.
//   - A file has its name only when it is whole, on the disk, and checked;
//     none that was there is replaced.
//   - Nobody but its owner can read it, from its first byte on.
//   - Checking a backup changes nothing of it.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
)

// Report is what a backup holds.
type Report struct {
	Bytes  int64
	Counts store.Counts
	Events audit.Report // without a problem

	Removed []string          // what interrupted backups had left in the folder
	Steps   []store.Migration // that the schema of a checked backup needed
}

// ErrExists says that a file is never replaced.
var ErrExists = errors.New("is there already, and may be the only good backup: give another name, or move it away")

// Write makes a backup of an open SQLite database.
func Write(ctx context.Context, st *store.Store, file string) (r Report, err error) {
	if _, err := os.Lstat(file); err == nil {
		return r, fmt.Errorf("%s %w", file, ErrExists)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	folder := filepath.Dir(file)
	r.Removed = removeInterrupted(folder)
	f, err := unfinished(folder)
	if err != nil {
		return r, err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		for _, name := range []string{f.Name(), f.Name() + journal} {
			if gone := os.Remove(name); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}()
	if err := st.CopyTo(ctx, f.Name()); err != nil {
		return r, err
	}
	if err := f.Sync(); err != nil {
		return r, err
	}
	info, err := f.Stat()
	if err != nil {
		return r, err
	}
	r.Bytes = info.Size()
	if err := r.readCopy(ctx, f.Name()); err != nil {
		return r, fmt.Errorf("the backup is not good: %w", err)
	}
	if err := publish(f.Name(), file); err != nil {
		return r, err
	}
	return r, syncFolder(folder)
}

// readCopy opens a file, as nobody changes it, and reads the whole of it.
func (r *Report) readCopy(ctx context.Context, file string) error {
	st, err := store.OpenCopy(file)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // it was read
	if err := st.CheckIntegrity(ctx); err != nil {
		return err
	}
	return r.read(ctx, st)
}

// read counts, and walks the chain of events.
func (r *Report) read(ctx context.Context, st *store.Store) (err error) {
	if r.Counts, err = st.Count(ctx); err != nil {
		return err
	}
	if r.Events, err = audit.New(st, audit.Options{}).Verify(ctx, store.EventHead{}); err != nil {
		return err
	}
	if r.Events.Problem != "" {
		return fmt.Errorf("its events are not what they were: %s", r.Events.Problem)
	}
	return nil
}

// How a file is called until it is a backup, and what SQLite has beside it
// meanwhile.
const (
	unfinishedName = ".yoozak-backup-"
	journal        = "-journal"
)

// unfinished makes an empty file that is locked for as long as it is open, so
// that others see whether who writes it is still there.
func unfinished(folder string) (*os.File, error) {
	for {
		f, err := os.CreateTemp(folder, unfinishedName) // its owner's alone
		if err != nil {
			return nil, err
		}
		err = lock(f)
		if err == nil {
			mine, err1 := f.Stat()
			there, err2 := os.Lstat(f.Name())
			if err1 == nil && err2 == nil && os.SameFile(mine, there) {
				return f, nil
			}
		}
		_ = f.Close() // another backup took it for one that was left
		if err != nil && !errors.Is(err, errLocked) {
			return nil, errors.Join(err, os.Remove(f.Name()))
		}
	}
}

// removeInterrupted removes what backups left that were killed, and says what.
func removeInterrupted(folder string) (removed []string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), unfinishedName) {
			continue
		}
		path := filepath.Join(folder, e.Name())
		if written, is := strings.CutSuffix(path, journal); is { // SQLite's, of a file that another one locks
			if _, err := os.Lstat(written); errors.Is(err, fs.ErrNotExist) && os.Remove(path) == nil {
				removed = append(removed, path)
			}
			continue
		}
		if aboutToBeLocked(path) {
			continue
		}
		f, err := os.Open(path) //nolint:gosec // a name of ours
		if err != nil {
			continue
		}
		if lock(f) == nil && os.Remove(path) == nil {
			removed = append(removed, path)
		}
		_ = f.Close()
	}
	return removed
}

// aboutToBeLocked reports whether a file is so young that who made it may not
// have come to locking it.
func aboutToBeLocked(path string) bool {
	if _, err := os.Lstat(path + journal); err == nil {
		return false
	}
	info, err := os.Lstat(path)
	return err != nil || info.Size() == 0 && time.Since(info.ModTime()) < time.Minute
}

// publish gives a file its name, which nothing has. Where the file system has
// no links there is a moment in which another could take it.
func publish(from, to string) error {
	err := os.Link(from, to)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s %w", to, ErrExists)
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s %w", to, ErrExists)
	}
	return os.Rename(from, to)
}

// What Check says of files that are no backups.
var (
	errDump      = errors.New("is a dump of PostgreSQL: restore it into an empty database with pg_restore, and run \"yoozak events verify\" there; see docs/backup.md")
	errNotSQLite = errors.New("is no SQLite database")
	errInUse     = errors.New("is no backup, but a database in use or one that was not closed: what is newest is in the file beside it whose name ends in -wal; make a backup with \"yoozak backup FILE\"")
)

// Check restores a backup into a folder of its own, which it removes, and
// opens it there as a server would: the file is whole, the schema can be
// brought up to date, the chain of events holds.
func Check(ctx context.Context, file string) (r Report, err error) {
	folder, err := os.MkdirTemp("", "yoozak-check-") // its owner's alone
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	restored := filepath.Join(folder, "yoozak.db")
	if r.Bytes, err = restore(ctx, file, restored); err != nil {
		return r, err
	}
	if err := r.readCopy(ctx, restored); err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	st, err := store.Open(ctx, "sqlite:"+restored, store.Options{})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if r.Steps, err = st.Migrate(ctx); err != nil {
		return r, err
	}
	return r, r.read(ctx, st)
}

// restore copies a backup to where it is opened.
func restore(ctx context.Context, file, to string) (int64, error) {
	in, err := os.Open(file) //nolint:gosec // the path is the operator's
	if err != nil {
		return 0, err
	}
	defer in.Close() //nolint:errcheck // it was read
	if info, err := os.Stat(file + "-wal"); err == nil && info.Size() > 0 {
		return 0, fmt.Errorf("%s %w", file, errInUse)
	}
	var magic [16]byte
	n, err := in.ReadAt(magic[:], 0)
	switch {
	case strings.HasPrefix(string(magic[:n]), "PGDMP"):
		return 0, fmt.Errorf("%s %w", file, errDump)
	case err != nil && !errors.Is(err, io.EOF):
		return 0, err
	case string(magic[:]) != "SQLite format 3\x00":
		return 0, fmt.Errorf("%s %w", file, errNotSQLite)
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a path of ours
	if err != nil {
		return 0, err
	}
	size, err := io.Copy(out, &cancelled{ctx, in})
	if err = errors.Join(err, out.Close()); err != nil {
		return 0, fmt.Errorf("copy the backup (TMPDIR names another folder): %w", err)
	}
	return size, nil
}

// cancelled is a reader that ends when its caller does.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
