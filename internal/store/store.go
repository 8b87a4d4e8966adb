// Package store remembers users, sessions and keys in SQL, in SQLite or in
// PostgreSQL. Every query is written once, in the subset that both engines
// understand; all that differs stands in dialect.go, the migrations and the
// way SQLite's writes are batched (batch.go).
//
// What may be relied on: when [Store.Tx] returns nil, the change survives a
// power cut; times come back in UTC; [ErrNotFound] and [ErrTaken] are the
// two answers that a caller acts on; whatever means "the database cannot
// answer now" (gone, full, locked) is an [account.ErrUnavailable].
//
// It refuses to hold rules: what a login needs is the business of package
// auth.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// The two answers that a caller acts on.
var (
	ErrNotFound = errors.New("not found")
	ErrTaken    = errors.New("already taken")
)

// Store is an open database or, inside [Store.Tx], a transaction.
type Store struct {
	db      *sql.DB // of SQLite: the readers
	q       querier
	batch   *batcher // of SQLite only
	lookups *lookups // nil in a transaction
	dialect *dialect

	migrated atomic.Bool
}

// querier is what a database and a transaction have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Options are what [Open] may be told beside the URL.
type Options struct {
	Batch int // SQLite: the most transactions in one commit; 0 is 128
	Conns int // PostgreSQL: the most connections; 0 is 4 a core, at least 8
}

// Open connects to "sqlite:PATH" or "postgres://…" without changing the
// schema: see [Store.Migrate]. A SQLite file is made when there is none,
// readable by its owner alone.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	d, err := dialectOf(url)
	if err != nil {
		return nil, err
	}
	s, err := d.open(ctx, d, url, o)
	if err != nil {
		return nil, err
	}
	s.lookups = newLookups(s)
	return s, nil
}

// Close waits for the transactions under way.
func (s *Store) Close() error {
	s.lookups.close()
	if s.batch != nil {
		return errors.Join(s.batch.close(), s.db.Close())
	}
	return s.db.Close()
}

// Engine is "sqlite" or "postgres".
func (s *Store) Engine() string { return s.dialect.name }

// Ping asks the database for an answer.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	var one int
	return s.mend(s.db.QueryRowContext(ctx, `SELECT 1`).Scan(&one))
}

// Tx runs fn in a transaction that is durable when Tx returns nil and undone
// when fn returns an error. fn must use the Store that it is given, nothing
// that is slow (SQLite has one writer) and no goroutine. A panic in fn
// undoes it too.
func (s *Store) Tx(ctx context.Context, fn func(tx *Store) error) error {
	if s.batch != nil {
		return s.batch.do(ctx, func(q querier) error {
			return fn(&Store{q: q, dialect: s.dialect})
		})
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.mend(fmt.Errorf("begin: %w", err))
	}
	defer tx.Rollback() //nolint:errcheck // a no-op after Commit; after an error there is a better one to return
	if err := fn(&Store{q: tx, dialect: s.dialect}); err != nil {
		return err
	}
	return s.mend(tx.Commit())
}

// timeout is how long PostgreSQL may take for a query or a transaction. What
// takes longer is not slow but gone.
const timeout = 10 * time.Second

// bound gives what is asked of PostgreSQL, outside a transaction, a deadline.
// SQLite is in the process and needs none.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.dialect == sqliteDialect || s.lookups == nil {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout)
}

// mend turns a driver's error into one of ours.
func (s *Store) mend(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return s.dialect.mend(err)
}

// list returns what a query yields, each row read by scan.
func list[T any](ctx context.Context, s *Store, scan func(scan func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	rows, err := s.q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.mend(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var all []T
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, s.mend(err)
		}
		all = append(all, v)
	}
	return all, s.mend(rows.Err())
}

// one turns "no row was changed" into ErrNotFound.
func (s *Store) one(res sql.Result, err error) error {
	if err != nil {
		return s.mend(err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return s.mend(err)
}

// nullTime stores the zero time as NULL.
func nullTime(t time.Time) sql.NullTime {
	return sql.NullTime{Time: t.UTC(), Valid: !t.IsZero()}
}

// utc is the time of a nullable column; NULL is the zero time.
func utc(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}
