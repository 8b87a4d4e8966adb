package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string
	AppliedAt time.Time // zero: pending
}

func (s *Store) provider() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+s.dialect.name)
	if err != nil {
		return nil, err
	}
	db := s.db
	if s.batch != nil {
		db = s.batch.db
	}
	return goose.NewProvider(s.dialect.goose, db, files, goose.WithDisableGlobalRegistry(true))
}

// migrateTries is how often a SQLite migration that lost against another
// server's is tried again.
const migrateTries = 20

// Migrate brings the schema up to date and returns the steps it took. Where
// there is nothing to do it only reads. A schema that a newer program made is
// an error: what this one would write into it may be wrong.
//
// Two servers may do it at once: PostgreSQL has an advisory lock; on SQLite
// each step is one immediate transaction, so of two servers one does it and
// the other, whose attempt is undone whole, finds it done when it tries again.
func (s *Store) Migrate(ctx context.Context) ([]Migration, error) {
	p, err := s.provider()
	if err != nil {
		return nil, err
	}
	pending, err := s.pending(ctx, p)
	if err != nil || !pending {
		return nil, err
	}
	readOnly, err := queryValue[bool](ctx, s, "migrate", s.dialect.readOnly)
	if err != nil {
		return nil, err
	}
	if readOnly {
		return nil, s.wrapErr("migrate", fmt.Errorf("%w, and its schema is not up to date", ErrReadOnly))
	}
	unlock, err := s.lockMigrations(ctx)
	if err != nil {
		return nil, s.wrapErr("migrate", err)
	}
	defer unlock()
	var results []*goose.MigrationResult
	for try := 0; ; try++ {
		results, err = p.Up(ctx)
		if err == nil || s.postgres != nil || try == migrateTries || ctx.Err() != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return nil, s.wrapErr("migrate", err)
	}
	done := make([]Migration, 0, len(results))
	for _, r := range results {
		done = append(done, Migration{Version: r.Source.Version, Name: r.Source.Path, AppliedAt: time.Now().UTC()})
	}
	return done, nil
}

// pending reports whether there are steps that the database has not had.
func (s *Store) pending(ctx context.Context, p *goose.Provider) (bool, error) {
	there, err := queryValue[bool](ctx, s, "look for the schema", s.dialect.hasTable, "goose_db_version")
	if err != nil || !there {
		return true, err
	}
	applied, err := queryAll(ctx, s, "read the version of the schema", scanID, `
		SELECT version_id
		FROM goose_db_version
		WHERE is_applied
		ORDER BY version_id`)
	if err != nil || len(applied) == 0 {
		return true, err
	}
	steps := p.ListSources()
	newest := steps[len(steps)-1].Version
	if has := applied[len(applied)-1]; has > newest {
		return false, fmt.Errorf("the database's schema is of a newer yoozak: it has step %d, and this program knows %d; "+
			"run the newer program, or restore a backup from before it", has, newest)
	}
	return slices.ContainsFunc(steps, func(step *goose.Source) bool { return !slices.Contains(applied, step.Version) }), nil
}

// migrationLock is the number of goose's own lock, which earlier releases of
// this program take.
const migrationLock = lock.DefaultLockID

// lockMigrations keeps other servers from migrating PostgreSQL at the same
// time, by a transaction on a connection of its own: a lock of the session
// would be let go by another server process behind a pooler, or never.
func (s *Store) lockMigrations(ctx context.Context) (unlock func(), err error) {
	if s.postgres == nil {
		return func() {}, nil
	}
	db := sql.OpenDB(s.postgres)
	closeDB := func() { _ = db.Close() }
	tx, err := db.BeginTx(ctx, readCommitted)
	if err != nil {
		closeDB()
		return nil, err
	}
	unlock = func() {
		_ = tx.Rollback() // it holds the lock, and changed nothing
		closeDB()
	}
	for _, statement := range []string{
		`SET LOCAL lock_timeout = '300s'`,
		`SET LOCAL statement_timeout = 0`,
		`SET LOCAL idle_in_transaction_session_timeout = 0`,
		fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, migrationLock),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			unlock()
			return nil, err
		}
	}
	return unlock, nil
}

// Migrations lists every step, applied or pending. Where the schema is of a
// newer program, that is the error; the steps are there.
func (s *Store) Migrations(ctx context.Context) ([]Migration, error) {
	p, err := s.provider()
	if err != nil {
		return nil, err
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, s.wrapErr("list migrations", err)
	}
	all := make([]Migration, 0, len(status))
	for _, m := range status {
		all = append(all, Migration{Version: m.Source.Version, Name: m.Source.Path, AppliedAt: m.AppliedAt})
	}
	_, err = s.pending(ctx, p)
	return all, err
}

// Ready reports why the store cannot serve: it is out of reach, cannot be
// changed now ([ErrReadOnly]), or its schema is not the one this program
// needs. Nil means that it can.
func (s *Store) Ready(ctx context.Context) error {
	readOnly, err := queryValue[bool](ctx, s, "ask the database", s.dialect.readOnly)
	if err != nil {
		return err
	}
	if readOnly {
		s.postgres.leave() // there may be another server by now
		return s.wrapErr("ask the database", ErrReadOnly)
	}
	if s.migrated.Load() { // a schema only goes forward
		return nil
	}
	p, err := s.provider()
	if err != nil {
		return err
	}
	pending, err := s.pending(ctx, p)
	if err != nil {
		return err
	}
	if pending {
		return errors.New("migrations are pending")
	}
	s.migrated.Store(true)
	return nil
}
