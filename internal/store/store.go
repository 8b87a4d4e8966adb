// Package store remembers users, sessions and keys in SQL, in SQLite or in
// PostgreSQL. Every query is written once, in the subset that both engines
// understand; all that differs stands in dialect.go, the migrations,
// PostgreSQL's connections (postgres.go) and the way SQLite's writes are
// batched (batch.go).
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
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/trace"
)

// The answers that a caller acts on.
var (
	ErrNotFound = errors.New("not found")
	ErrTaken    = errors.New("already taken")
	ErrGone     = errors.New("what it refers to is gone") // a person who was erased meanwhile, mostly
)

// ErrReadOnly says that the database can be read, but not changed, now. It
// is an [account.ErrUnavailable], too.
var ErrReadOnly = errors.New("the database is read-only")

// Store is an open database or, inside [Store.Tx], a transaction.
type Store struct {
	db      *sql.DB // of SQLite: the readers; nil in a transaction
	q       querier
	slow    querier         // q for queries that may take long, and can be cancelled
	batch   *groupCommitter // of SQLite only
	lookups *sessionLoader  // nil in a transaction
	dialect *dialect

	postgres *postgres // nil for SQLite, and in a transaction
	limits   *limits   // the same
	health   *health
	steps    stepSizes // of sweeps
	cursors  atomic.Pointer[cipher.AEAD]
	effort   effort // zero: the usual

	changed  bool // of a transaction: it has changed a row
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
	Batch int          // SQLite: the most transactions in one commit; 0 is 128
	Conns int          // PostgreSQL: the most connections; 0 is 4 a core, from 8 to 32
	Log   *slog.Logger // nil: what is no error is not told

	MustExist bool // SQLite: where there is no file, none is made, and that is an error
}

func (o Options) log() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
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
	s.health = newHealth()
	s.lookups = newSessionLoader(s)
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

// Pool is the state of the connections to the database; of SQLite, of those
// that read.
func (s *Store) Pool() sql.DBStats { return s.db.Stats() }

// Ping asks the database for an answer.
func (s *Store) Ping(ctx context.Context) error {
	_, err := queryValue[int](ctx, s, "ask the database", `SELECT 1`)
	return err
}

// ErrNested says that the function of a transaction asked for something
// beside its transaction: another transaction, or a query of the store that
// it was not given. SQLite's one writer would wait for itself, for ever; on
// PostgreSQL as many requests as there are connections would each hold one
// and wait for a second.
var ErrNested = errors.New("the store was used beside the transaction that is under way")

// txKey marks the context of a transaction's function, for one database.
type txKey struct{ db *sql.DB }

// Tx runs fn in a transaction that is durable when Tx returns nil and undone
// when fn returns an error. fn must use the Store and the context that it is
// given, nothing that is slow (SQLite has one writer) and no goroutine: with
// that context every other way to the same database is an [ErrNested]. A
// panic in fn undoes it too.
func (s *Store) Tx(ctx context.Context, fn func(ctx context.Context, tx *Store) error) (err error) {
	ctx, span := trace.SQL(ctx, s.dialect.name, "transaction") // with the wait for its turn, and the commit
	defer func() { span.End(unexpected(err)) }()
	if err := s.outside(ctx); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	if s.batch != nil {
		inner, tx := s.inside(ctx), &Store{dialect: s.dialect, health: s.health}
		err := s.batch.do(ctx, func(q querier) error {
			tx.q, tx.slow = q, q
			return fn(inner, tx)
		})
		if s.dialect.condition(err) == isFull { // at the commit that all share, which no statement's error tells
			s.health.note(isFull)
		}
		s.noteWrite(err, tx)
		return err
	}
	ctx, cancel := s.withTimeout(s.inside(ctx))
	defer cancel()
	return s.postgresTx(ctx, fn)
}

// postgresTx is [Store.Tx] on PostgreSQL, with a context for the function.
func (s *Store) postgresTx(ctx context.Context, fn func(ctx context.Context, tx *Store) error) error {
	return s.postgres.changing(ctx, func() error {
		tx, err := s.db.BeginTx(ctx, readCommitted)
		if err != nil {
			return s.wrapErr("begin a transaction", err)
		}
		defer tx.Rollback() //nolint:errcheck // a no-op after Commit; after an error there is a better one to return
		inner := &Store{q: tx, slow: tx, dialect: s.dialect, health: s.health}
		if err := fn(ctx, inner); err != nil {
			return whyUndone(ctx, err)
		}
		err = s.wrapErr("commit", whyUndone(ctx, tx.Commit()))
		s.noteWrite(err, inner)
		return err
	})
}

// noteWrite remembers when a transaction that changed something got through.
// One that changed nothing ends well on a full disk, too.
func (s *Store) noteWrite(err error, tx *Store) {
	if err == nil && tx.changed {
		s.health.wrote()
	}
}

// readCommitted is said at every beginning, because a database may have
// another default, by which concurrent changes fail instead of waiting.
var readCommitted = &sql.TxOptions{Isolation: sql.LevelReadCommitted}

// whyUndone is the error of a transaction. One that took too long was undone
// in the middle, and all that it asks from then on fails because it is over:
// the reason is its deadline.
func whyUndone(ctx context.Context, err error) error {
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return fmt.Errorf("%w: %w: %w", account.ErrUnavailable, ctx.Err(), err)
	}
	return err
}

// inside is the context for the function of a transaction.
func (s *Store) inside(ctx context.Context) context.Context {
	return context.WithValue(ctx, txKey{s.db}, true)
}

// outside is [ErrNested] for a store that is asked beside a transaction of
// the same database, or for a transaction within this one.
func (s *Store) outside(ctx context.Context) error {
	if s.db == nil || ctx.Value(txKey{s.db}) != nil {
		return ErrNested
	}
	return nil
}

// timeout is how long PostgreSQL may take for a query or a transaction. What
// takes longer is not slow but gone; what is much to do is done in steps that
// take less: see [Store.Sweep].
const timeout = 10 * time.Second

// withTimeout gives what is asked of PostgreSQL, outside a transaction, a deadline.
// SQLite is in the process and needs none.
func (s *Store) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.postgres == nil {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.postgres.timeout)
}

// run does what a query needs: outside a transaction it must be no part of
// one, gets a deadline, and on PostgreSQL a connection.
func (s *Store) run(ctx context.Context, query func(ctx context.Context) error) error {
	return s.runOn(ctx, (*postgres).connected, query)
}

// runOn is run with a connection that one of the ways of [postgres] gives.
func (s *Store) runOn(ctx context.Context, connect func(*postgres, context.Context, func() error) error, query func(ctx context.Context) error) error {
	if s.db == nil {
		return query(ctx)
	}
	if err := s.outside(ctx); err != nil {
		return err
	}
	if s.postgres == nil {
		return query(ctx)
	}
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	return connect(s.postgres, ctx, func() error { return query(ctx) })
}

// wrapErr turns a driver's error into one of ours that says during what it
// happened.
func (s *Store) wrapErr(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		err = ErrNotFound
	case !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNested) && !errors.Is(err, account.ErrUnavailable):
		s.health.note(s.dialect.condition(err))
		err = s.dialect.mend(err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// exec runs a statement and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, op, query string, args ...any) (n int64, err error) {
	ctx, span := trace.SQL(ctx, s.dialect.name, op)
	defer func() { span.End(err) }()
	err = s.runOn(ctx, (*postgres).changing, func(ctx context.Context) error {
		res, err := s.q.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if s.db == nil && n > 0 {
		s.changed = true
	}
	return n, s.wrapErr(op, err)
}

// execOne runs a statement that changes one row; where there is none, that
// is [ErrNotFound].
func (s *Store) execOne(ctx context.Context, op, query string, args ...any) error {
	n, err := s.exec(ctx, op, query, args...)
	if err == nil && n == 0 {
		err = s.wrapErr(op, ErrNotFound)
	}
	return err
}

// unexpected is an error, unless it says that there is no such row, which a
// trace need not show as one.
func unexpected(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// queryRow reads the one row of a query; where there is none, that is
// [ErrNotFound].
func queryRow[T any](ctx context.Context, s *Store, op string, scan func(scan func(...any) error) (T, error), query string, args ...any) (v T, err error) {
	ctx, span := trace.SQL(ctx, s.dialect.name, op)
	defer func() { span.End(unexpected(err)) }()
	err = s.run(ctx, func(ctx context.Context) (err error) {
		v, err = scan(s.q.QueryRowContext(ctx, query, args...).Scan)
		return err
	})
	if err != nil {
		var none T
		return none, s.wrapErr(op, err)
	}
	return v, nil
}

// queryValue is [queryRow] for a single column.
func queryValue[T any](ctx context.Context, s *Store, op, query string, args ...any) (T, error) {
	return queryRow(ctx, s, op, scanValue[T], query, args...)
}

func scanValue[T any](scan func(...any) error) (v T, err error) {
	err = scan(&v)
	return v, err
}

// queryAll returns what a query yields, each row read by scan.
func queryAll[T any](ctx context.Context, s *Store, op string, scan func(scan func(...any) error) (T, error), query string, args ...any) (all []T, err error) {
	ctx, span := trace.SQL(ctx, s.dialect.name, op)
	defer func() { span.End(err) }()
	err = s.run(ctx, func(ctx context.Context) error {
		rows, err := s.slow.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // rows.Err tells
		for rows.Next() {
			v, err := scan(rows.Scan)
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, s.wrapErr(op, err)
	}
	return all, nil
}
