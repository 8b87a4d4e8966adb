package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/yoozak/clients/internal/account"
)

//go:embed migrations
var migrations embed.FS

// dialect is all that differs between the engines.
type dialect struct {
	name     string
	goose    goose.Dialect
	open     func(ctx context.Context, d *dialect, url string, o Options) (*Store, error)
	mend     func(error) error
	hasTable string // query: is there a table of this name?
	readOnly string // query: can the database not be changed now?
}

var (
	sqliteDialect = &dialect{
		name: "sqlite", goose: goose.DialectSQLite3, open: openSQLite, mend: mendSQLite,
		hasTable: `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)`,
		readOnly: `SELECT FALSE`,
	}
	postgresDialect = &dialect{
		name: "postgres", goose: goose.DialectPostgres, open: openPostgres, mend: mendPostgres,
		hasTable: `SELECT to_regclass($1) IS NOT NULL`,
		readOnly: `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean`,
	}
)

func dialectOf(url string) (*dialect, error) {
	switch {
	case strings.HasPrefix(url, "sqlite:") && len(url) > len("sqlite:"):
		return sqliteDialect, nil
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return postgresDialect, nil
	}
	return nil, errors.New("a database URL is sqlite:PATH or postgres://…") // the URL may hold a password
}

// sqliteParams: FULL syncs the log at every commit, so a commit survives a
// power cut; times are integers, because the driver's default is Go's text,
// which does not compare.
const sqliteParams = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)&_txlock=immediate" +
	"&_time_integer_format=unix_micro&_inttotime=1"

// readerParams: readers look at the file in memory instead of copying each
// page, so that one of a large database costs no more than one of a small.
// SQLite maps two gigabytes at most, and copies what is beyond. The price is
// that a disk which cannot be read ends the process: see decision 16.
const readerParams = "&_pragma=query_only(1)&_pragma=mmap_size(2147418112)"

// openTries bounds the wait for a file that another server is turning to WAL.
const openTries = 40

func openSQLite(ctx context.Context, d *dialect, rawURL string, o Options) (*Store, error) {
	path, err := filepath.Abs(strings.TrimPrefix(rawURL, "sqlite:"))
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the path is the operator's
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	for _, file := range []string{path, path + "-wal", path + "-shm"} { // SQLite makes the others like the first
		if err := closeToOthers(file, o.log()); err != nil {
			return nil, err
		}
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + sqliteParams
	readers, err := sql.Open("sqlite", dsn+readerParams)
	if err != nil {
		return nil, err
	}
	readers.SetMaxOpenConns(2 + 2*runtime.GOMAXPROCS(0))
	readers.SetMaxIdleConns(2 + 2*runtime.GOMAXPROCS(0))
	writer, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	// A new file is turned to WAL by whoever comes first; of several servers
	// that start at once the others are told that it is locked, at once.
	var batch *groupCommitter
	for try := 0; ; try++ {
		batch, err = newGroupCommitter(ctx, writer, o.Batch)
		if err == nil || !errors.Is(mendSQLite(err), account.ErrUnavailable) || try == openTries || ctx.Err() != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, folderHint(path, err)), readers.Close(), writer.Close())
	}
	q := &stmtCache{db: readers}
	return &Store{db: readers, q: q, slow: interruptible{q}, batch: batch, dialect: d}, nil
}

// closeToOthers takes the right to read a file with password hashes and keys
// from everybody but its owner.
func closeToOthers(path string, log *slog.Logger) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	mode := info.Mode().Perm()
	if mode&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(path, mode&^0o077); err != nil {
		return fmt.Errorf("others can read the database's file, and that cannot be changed, so do it yourself (chmod 600): %w", err)
	}
	log.Warn("others could read the database's file: it is its owner's alone now", "file", path, "mode_was", mode.String())
	return nil
}

// folderHint adds to "readonly database" what SQLite means by it: it writes
// files beside the one that may be written.
func folderHint(path string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) || e.Code()&0xff != sqlite3.SQLITE_READONLY && e.Code()&0xff != sqlite3.SQLITE_CANTOPEN {
		return err
	}
	return fmt.Errorf("%w: the folder %s has to be writable, too: files beside this one belong to it", err, filepath.Dir(path))
}

func mendSQLite(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return fmt.Errorf("%w: %w", account.ErrUnavailable, err)
		}
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", ErrTaken, err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM:
		return fmt.Errorf("%w: %w", account.ErrUnavailable, err)
	}
	return err
}
