package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
)

// ErrNotSQLite says that something is done to SQLite's files only.
var ErrNotSQLite = errors.New("the database is not SQLite")

// CopyTo writes the whole of a SQLite database, as it is at one moment, into a
// file that is empty or not there. Others may write to the database meanwhile.
func (s *Store) CopyTo(ctx context.Context, path string) error {
	if s.batch == nil {
		return ErrNotSQLite
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	conn, err := s.batch.db.Conn(ctx) // not the writer's: the copy takes its time
	if err != nil {
		return s.wrapErr("copy the database", err)
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool
	_, err = conn.ExecContext(ctx, `VACUUM INTO $1`, path)
	return s.wrapErr("copy the database", err)
}

// OpenCopy opens a SQLite file that nobody writes to, to read it. Neither it
// nor what is beside it is changed.
func OpenCopy(path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+
		"?mode=ro&immutable=1&_pragma=query_only(1)&_pragma=temp_store(MEMORY)&_time_integer_format=unix_micro&_inttotime=1")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(2 + runtime.GOMAXPROCS(0))
	q := &stmtCache{db: db}
	s := &Store{db: db, q: q, slow: interruptible{q}, dialect: sqliteDialect, health: newHealth()}
	s.lookups = newSessionLoader(s)
	return s, nil
}

// CheckIntegrity reads the whole of a SQLite file and says what of it does not
// fit together.
func (s *Store) CheckIntegrity(ctx context.Context) error {
	found, err := queryAll(ctx, s, "check the file", scanValue[string], `PRAGMA integrity_check(3)`)
	if err == nil && (len(found) != 1 || found[0] != "ok") {
		err = fmt.Errorf("the file is damaged: %s", strings.Join(found, "; "))
	}
	return err
}

// Counts is how much a database holds.
type Counts struct {
	Users, Sessions, Events int64
}

// Count counts.
func (s *Store) Count(ctx context.Context) (Counts, error) {
	return queryRow(ctx, s, "count", scanCounts, `
		SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions), (SELECT count(*) FROM events)`)
}

func scanCounts(scan func(...any) error) (c Counts, err error) {
	err = scan(&c.Users, &c.Sessions, &c.Events)
	return c, err
}
