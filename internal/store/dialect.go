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

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/yoozak/clients/internal/account"
)

//go:embed migrations
var migrations embed.FS

// dialect is all that differs between the engines.
type dialect struct {
	name      string
	open      func(ctx context.Context, d *dialect, url string, o Options) (*Store, error)
	mend      func(error) error
	hasTable  string // query: is there a table of this name?
	readOnly  string // query: can the database not be changed now?
	now       string // its own time; NULL: it is in the process and has none
	condition func(error) condition

	highestID    string   // query: the highest id of a user that was ever given
	setHighestID []string // statements: it is $1 from now on
	awaitActs    []string // statements: see [Store.AwaitActs]
	skipLocked   string   // at the end of a SELECT: locks its rows, without those that another transaction has
	step         int      // the most rows that one transaction of a sweep changes

	grams     func([]int16) string // as they are stored
	putGrams  string               // statement for many rows: the grams of users
	findGrams string               // query: the ids of users who have all grams of a parameter
	gramQuery func([]int16) string // that
	contains  string               // condition: a text contains another
	idList    string               // the table c of the ids of a parameter
	ids       func([]int64) any    // that
	effort    effort
	tieID     string // the id as the indexes of lists have it after their key
	allUsers  string // query: about how many there are

	stepTable   string // makes the table of the schema's steps
	whereabouts string // query: which database is this, for whom?
	lost        string // what to look at if the tables should be there
}

// condition is what an error tells of the whole database.
type condition uint8

const (
	noCondition condition = iota
	isDamaged
	isFull
)

var (
	sqliteDialect = &dialect{
		name: "sqlite", open: openSQLite, mend: mendSQLite,
		hasTable: `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)`,
		readOnly: `SELECT FALSE`, now: `NULL`, condition: conditionSQLite,
		highestID: `
			SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'users'), 0), coalesce((SELECT max(id) FROM users), 0))`,
		setHighestID: []string{`
			DELETE FROM sqlite_sequence
			WHERE name = 'users' AND seq < $1`, `
			INSERT INTO sqlite_sequence (name, seq)
			VALUES ('users', $1)`},
		step:  500, // all other writers wait for it
		grams: wordsOfGrams,
		putGrams: `
			INSERT OR REPLACE INTO user_grams (rowid, grams)
			SELECT column1, column2 FROM %s`,
		findGrams: `SELECT rowid AS id FROM user_grams WHERE user_grams MATCH %s`,
		gramQuery: func(grams []int16) string {
			return `"` + strings.ReplaceAll(wordsOfGrams(grams), ` `, `" AND "`) + `"`
		},
		contains: `instr(%s, %s) > 0`,
		idList:   `(SELECT value AS id FROM json_each(%s)) AS c`,
		ids:      func(ids []int64) any { return strings.ReplaceAll(fmt.Sprint(ids), " ", ",") },
		allUsers: `SELECT count(*) FROM users`,
		tieID:    `u.id`,
		effort:   effort{first: 1000, most: 15_000, candidates: 8000, enough: 1000},
		stepTable: `CREATE TABLE goose_db_version (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL,
    is_applied INTEGER NOT NULL,
    tstamp     TIMESTAMP DEFAULT (datetime('now'))
);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, TRUE);
`,
		whereabouts: `SELECT 'the file ' || file || ' has no table of this program' FROM pragma_database_list WHERE name = 'main'`,
		lost:        "look at YOOZAK_DATABASE_URL: another file may be meant",
	}
	postgresDialect = &dialect{
		name: "postgres", skipLocked: ` FOR UPDATE SKIP LOCKED`, open: openPostgres, mend: mendPostgres,
		hasTable: `SELECT to_regclass($1) IS NOT NULL`,
		readOnly: `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean`,
		now:      `now()`, condition: conditionPostgres,
		highestID: `
			SELECT greatest(coalesce(pg_sequence_last_value(pg_get_serial_sequence('users', 'id')::regclass), 0), coalesce((SELECT max(id) FROM users), 0))`,
		setHighestID: []string{`SELECT setval(pg_get_serial_sequence('users', 'id')::regclass, $1)`},
		// An act has had this table in hand since it asked who is to be told,
		// whether or not there was anybody (LOCK: ROW EXCLUSIVE, until the end).
		awaitActs: []string{`SET LOCAL lock_timeout = '2s'`, `LOCK TABLE webhook_deliveries IN SHARE MODE`},
		step:      2000, // nobody waits for it; it takes as many round trips as for one
		grams:     arrayOfGrams,
		putGrams: `
			INSERT INTO user_grams (user_id, grams)
			SELECT column1, column2::smallint[] FROM %s
			ON CONFLICT (user_id) DO UPDATE
			SET grams = excluded.grams`,
		// By a query of its own the planner does not see how many have these,
		// and takes the index.
		findGrams: `SELECT user_id AS id FROM user_grams WHERE grams @> (SELECT CAST(CAST(%s AS TEXT) AS SMALLINT[]))`,
		gramQuery: arrayOfGrams,
		contains:  `strpos(%s, %s) > 0`,
		idList:    `unnest(CAST(%s AS BIGINT[])) AS c (id)`,
		ids:       func(ids []int64) any { return ids },
		tieID:     `(u.id + 0)`,
		effort:    effort{first: 1000, most: 6000, candidates: 5000, enough: 5000},
		allUsers: `
			SELECT CASE WHEN reltuples > 0 THEN CAST(reltuples AS BIGINT) ELSE (SELECT count(*) FROM users) END
			FROM pg_class
			WHERE oid = CAST('users' AS regclass)`,
		stepTable: `CREATE TABLE goose_db_version (
    id         INTEGER PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    version_id BIGINT NOT NULL,
    is_applied BOOLEAN NOT NULL,
    tstamp     TIMESTAMP NOT NULL DEFAULT now()
);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, TRUE);
`,
		whereabouts: `
			SELECT format('in the database %I the role %I sees no table of this program with its search_path, %s',
			              current_database(), current_user, current_setting('search_path'))`,
		lost: "the tables are in another database or schema: look at YOOZAK_DATABASE_URL and at the search_path of the role " +
			"(ALTER ROLE … SET search_path, or ?search_path= in the URL)",
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
// that a disk which cannot be read ends the process: see decision 21.
const readerParams = "&_pragma=query_only(1)&_pragma=mmap_size(2147418112)"

// openTries bounds the wait for a file that another server is turning to WAL.
const openTries = 40

func openSQLite(ctx context.Context, d *dialect, rawURL string, o Options) (*Store, error) {
	path, err := filepath.Abs(strings.TrimPrefix(rawURL, "sqlite:"))
	if err != nil {
		return nil, err
	}
	how := os.O_CREATE | os.O_RDWR
	if o.MustExist {
		how = os.O_RDWR
	}
	f, err := os.OpenFile(path, how, 0o600) //nolint:gosec // the path is the operator's
	if o.MustExist && errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w is not there: there is no file %s. If this is to be a new database, run 'yoozak migrate'; if not, %s", ErrSchema, path, d.lost)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	opened := openedFile{path, info}
	for _, file := range []string{path, path + "-wal", path + "-shm"} { // SQLite makes the others like the first
		if err := closeToOthers(file, o.log()); err != nil {
			return nil, err
		}
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + sqliteParams
	forReaders, err := sqlite.NewConnector(dsn + readerParams)
	if err != nil {
		return nil, err
	}
	readers := sql.OpenDB(fileConnector{forReaders, opened})
	readers.SetMaxOpenConns(2 + 2*runtime.GOMAXPROCS(0))
	readers.SetMaxIdleConns(2 + 2*runtime.GOMAXPROCS(0))
	forWriter, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	writer := sql.OpenDB(fileConnector{forWriter, opened})
	// A new file is turned to WAL by whoever comes first; of several servers
	// that start at once the others are told that it is locked, at once.
	var batch *groupCommitter
	for try := 0; ; try++ {
		batch, err = newGroupCommitter(ctx, writer, opened, o.Batch)
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
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM:
		return fmt.Errorf("%w: %w", account.ErrUnavailable, err)
	}
	return err
}

func conditionSQLite(err error) condition {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return isDamaged
		case sqlite3.SQLITE_FULL:
			return isFull
		}
	}
	return noCondition
}
