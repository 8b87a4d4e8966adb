package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/yoozak/clients/internal/account"
)

//go:embed migrations
var migrations embed.FS

// dialect is all that differs between the engines.
type dialect struct {
	name   string
	goose  goose.Dialect
	open   func(ctx context.Context, d *dialect, url string, o Options) (*Store, error)
	mend   func(error) error
	locker func() (lock.SessionLocker, error) // nil: see Store.Migrate
}

var (
	sqliteDialect = &dialect{name: "sqlite", goose: goose.DialectSQLite3, open: openSQLite, mend: mendSQLite}

	postgresDialect = &dialect{
		name: "postgres", goose: goose.DialectPostgres, open: openPostgres, mend: mendPostgres,
		locker: func() (lock.SessionLocker, error) { return lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) }, // once a second
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
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + sqliteParams
	readers, err := sql.Open("sqlite", dsn+"&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	readers.SetMaxOpenConns(2 + 2*runtime.NumCPU())
	readers.SetMaxIdleConns(2 + 2*runtime.NumCPU())
	writer, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	// A new file is turned to WAL by whoever comes first; of several servers
	// that start at once the others are told that it is locked, at once.
	var batch *batcher
	for try := 0; ; try++ {
		batch, err = newBatcher(ctx, writer, o.Batch)
		if err == nil || !errors.Is(mendSQLite(err), account.ErrUnavailable) || try == openTries || ctx.Err() != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), readers.Close(), writer.Close())
	}
	q := &prepared{db: readers}
	return &Store{db: readers, q: q, slow: interruptible{q}, batch: batch, dialect: d}, nil
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

// connectTimeout bounds the wait for a PostgreSQL that does not answer.
const connectTimeout = 5 * time.Second

func openPostgres(_ context.Context, d *dialect, url string, o Options) (*Store, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the PostgreSQL URL cannot be read: check its form, postgres://user:password@host:port/database") // err may quote the password
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "yoozak"
	}
	if o.Conns <= 0 {
		o.Conns = max(8, 4*runtime.NumCPU())
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(o.Conns)
	db.SetMaxIdleConns(o.Conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &Store{db: db, q: db, slow: db, dialect: d}, nil
}

func mendPostgres(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) { // not the server's word: it could not be reached, or went away
		if errors.Is(err, sql.ErrTxDone) {
			return err
		}
		return fmt.Errorf("%w: %w", account.ErrUnavailable, err)
	}
	if e.Code == "23505" {
		return fmt.Errorf("%w: %w", ErrTaken, err)
	}
	switch e.Code[:2] {
	case "08", "40", "53", "57", "58": // connection, serialisation, resources, operator, system
		return fmt.Errorf("%w: %w", account.ErrUnavailable, err)
	}
	switch e.Code {
	case "25006", "55P03": // read-only (a standby that is not promoted yet), lock not available
		return fmt.Errorf("%w: %w", account.ErrUnavailable, err)
	}
	return err
}
