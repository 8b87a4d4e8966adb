package store

import (
	"context"
	"database/sql"
	"sync"
)

// stmtCache runs each query text as a statement that SQLite compiled once.
// (pgx does as much by itself.) Its queries are not cancelled: they take
// microseconds, and the driver starts a goroutine for each that could be.
// Those that may take longer go through [interruptible].
type stmtCache struct {
	db interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
	statements sync.Map // query text → *sql.Stmt
}

func (p *stmtCache) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := p.statements.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := p.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if first, raced := p.statements.LoadOrStore(query, s); raced {
		_ = s.Close() //nolint:sqlclosecheck // this one is not needed; the others live as long as the store
		return first.(*sql.Stmt), nil
	}
	return s, nil
}

func (p *stmtCache) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	s, err := p.statement(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (p *stmtCache) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	s, err := p.statement(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (p *stmtCache) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	ctx = context.WithoutCancel(ctx)
	s, err := p.statement(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return p.db.QueryRowContext(ctx, query, args...) // gives the error again, in a Row
	}
	return s.QueryRowContext(ctx, args...)
}

// interruptible is prepared for queries that may take long: they end when
// their caller does.
type interruptible struct{ *stmtCache }

func (i interruptible) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := i.statement(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (p *stmtCache) close() {
	p.statements.Range(func(_, s any) bool {
		_ = s.(*sql.Stmt).Close()
		return true
	})
}
