package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// The schema is made by numbered steps, one file each, that only go forward.
// The table goose_db_version has those that were taken: releases before this
// one had them taken by the library of that name, whose marks are in the files
// (docs/decisions/0016-migrations.md).

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string
	AppliedAt time.Time // zero: pending

	up    string // its statements
	alone bool   // they run one by one and outside of a transaction, and can be run again
}

// The marks in a file.
const (
	markUp    = "-- +goose Up\n"
	markDown  = "-- +goose Down\n" // what follows was never run
	markAlone = "-- +goose NO TRANSACTION\n"
)

// readMigrations reads the steps from a folder.
func readMigrations(files fs.FS) ([]Migration, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	all := make([]Migration, 0, len(entries))
	for _, e := range entries { // sorted
		text, err := fs.ReadFile(files, e.Name())
		if err != nil {
			return nil, err
		}
		m := Migration{Name: e.Name(), alone: strings.Contains(string(text), markAlone)}
		if _, err := fmt.Sscanf(m.Name, "%d_", &m.Version); err != nil {
			return nil, fmt.Errorf("migration %s: its name does not begin with a number: %w", m.Name, err)
		}
		_, up, marked := strings.Cut(string(text), markUp)
		if !marked {
			return nil, fmt.Errorf("migration %s: there is no line %q", m.Name, strings.TrimSpace(markUp))
		}
		m.up, _, _ = strings.Cut(up, markDown)
		all = append(all, m)
	}
	return all, nil
}

// schema is the database's, and the steps that there are for it.
type schema struct {
	store *Store
	steps []Migration

	// On PostgreSQL a step that changes a table waits for whoever uses it, and
	// all who come after wait for the step: so it waits for lockWait only, lets
	// go, and tries again after a pause, for as long as patience.
	lockWait, pause, patience time.Duration
}

func (s *Store) schema() (*schema, error) {
	files, err := fs.Sub(migrations, "migrations/"+s.dialect.name)
	if err != nil {
		return nil, err
	}
	return s.schemaFrom(files)
}

func (s *Store) schemaFrom(files fs.FS) (*schema, error) {
	steps, err := readMigrations(files)
	return &schema{store: s, steps: steps, lockWait: 3 * time.Second, pause: 3 * time.Second, patience: 5 * time.Minute}, err
}

// Migrate brings the schema up to date and returns the steps it took. Where
// there is nothing to do it only reads. A schema that a newer program made is
// an error: what this one would write into it may be wrong.
//
// Two servers may do it at once: PostgreSQL has an advisory lock; on SQLite
// each step is one immediate transaction, which looks whether another server
// was quicker.
func (s *Store) Migrate(ctx context.Context) ([]Migration, error) {
	sc, err := s.schema()
	if err != nil {
		return nil, err
	}
	done, err := sc.migrate(ctx)
	if err == nil {
		s.migrated.Store(true)
	}
	return done, err
}

// Migrations lists every step, applied or pending. Where the schema is of a
// newer program, that is the error; the steps are there. It only reads.
func (s *Store) Migrations(ctx context.Context) ([]Migration, error) {
	sc, err := s.schema()
	if err != nil {
		return nil, err
	}
	applied, err := sc.applied(ctx)
	if err != nil {
		return nil, err
	}
	for i, m := range sc.steps {
		sc.steps[i].AppliedAt = applied[m.Version]
	}
	return sc.steps, newerSchema(sc.steps, applied)
}

// PendingSQL is what [Store.Migrate] would run now, in a form that can be run
// by hand instead. It only reads.
func (s *Store) PendingSQL(ctx context.Context) (string, error) {
	sc, err := s.schema()
	if err != nil {
		return "", err
	}
	pending, err := sc.pending(ctx)
	if err != nil || len(pending) == 0 {
		return "", err
	}
	var b strings.Builder
	if applied, err := sc.applied(ctx); err != nil {
		return "", err
	} else if len(applied) == 0 {
		fmt.Fprintf(&b, "BEGIN;\n%sCOMMIT;\n", s.dialect.stepTable)
	}
	for _, m := range pending {
		if m.alone {
			fmt.Fprintf(&b, "\n-- %s (statement by statement, outside of a transaction)\n%s%s", m.Name, m.up, m.note())
		} else {
			fmt.Fprintf(&b, "\n-- %s\nBEGIN;\n%sCOMMIT;\n", m.Name, sc.script(m))
		}
	}
	return b.String(), nil
}

// applied are the steps that the database has had, and when. Where it has
// none the map is empty: there is not even their table.
func (sc *schema) applied(ctx context.Context) (map[int64]time.Time, error) {
	s := sc.store
	there, err := queryValue[bool](ctx, s, "look for the schema", s.dialect.hasTable, "goose_db_version")
	if err != nil || !there {
		return nil, err
	}
	type step struct {
		version int64
		at      time.Time
	}
	scan := func(scan func(...any) error) (v step, err error) {
		err = scan(&v.version, asUTC(&v.at))
		return v, err
	}
	steps, err := queryAll(ctx, s, "read the version of the schema", scan, `
		SELECT version_id, tstamp
		FROM goose_db_version
		WHERE is_applied
		ORDER BY id`)
	applied := make(map[int64]time.Time, len(steps))
	for _, v := range steps {
		applied[v.version] = v.at
	}
	return applied, err
}

// newerSchema is an error if the database has had a step that is newer than
// all of the program's.
func newerSchema(steps []Migration, applied map[int64]time.Time) error {
	newest := steps[len(steps)-1].Version
	has := newest
	for version := range applied {
		has = max(has, version)
	}
	if has == newest {
		return nil
	}
	return fmt.Errorf("the database's schema is of a newer yoozak: it has step %d, and this program knows %d; "+
		"run the newer program, or restore a backup from before it", has, newest)
}

// pending are the steps that the database has not had.
func (sc *schema) pending(ctx context.Context) ([]Migration, error) {
	applied, err := sc.applied(ctx)
	if err == nil {
		err = newerSchema(sc.steps, applied)
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(sc.steps), func(m Migration) bool { _, has := applied[m.Version]; return has }), nil
}

// ErrSchema says that the schema is not the one that this program needs, and
// what to run.
var ErrSchema = errors.New("the schema")

// CheckSchema returns an [ErrSchema] unless the schema is the one that this
// program needs. It only reads.
func (s *Store) CheckSchema(ctx context.Context) error {
	if s.migrated.Load() { // a schema only goes forward, and serves the release before
		return nil
	}
	sc, err := s.schema()
	if err != nil {
		return err
	}
	pending, err := sc.pending(ctx)
	switch {
	case err != nil:
		return err
	case len(pending) == len(sc.steps):
		where, err := queryValue[string](ctx, s, "ask where this is", s.dialect.whereabouts)
		if err != nil {
			return err
		}
		return fmt.Errorf("%w is not there: %s. If this is to be a new database, run 'yoozak migrate'; if not, %s", ErrSchema, where, s.dialect.lost)
	case len(pending) > 0:
		names := make([]string, len(pending))
		for i, m := range pending {
			names[i] = strings.TrimSuffix(m.Name, ".sql")
		}
		return fmt.Errorf("%w is older than this program and lacks %s: run 'yoozak migrate'", ErrSchema, strings.Join(names, ", "))
	}
	s.migrated.Store(true)
	return nil
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
	return s.CheckSchema(ctx)
}

func (sc *schema) migrate(ctx context.Context) (done []Migration, err error) {
	s := sc.store
	pending, err := sc.pending(ctx)
	if err != nil || len(pending) == 0 {
		return nil, err
	}
	readOnly, err := queryValue[bool](ctx, s, "migrate", s.dialect.readOnly)
	if err != nil {
		return nil, err
	}
	if readOnly {
		return nil, s.wrapErr("migrate", fmt.Errorf("%w, and its schema is not up to date", ErrReadOnly))
	}
	db := sc.database()
	defer db.close()
	unlock, err := sc.lock(ctx, db)
	if err != nil {
		return nil, s.wrapErr("migrate", err)
	}
	defer unlock()
	if err := sc.makeStepTable(ctx, db); err != nil {
		return nil, s.wrapErr("migrate", err)
	}
	for _, m := range pending {
		taken, err := sc.take(ctx, db, m)
		if err != nil {
			return done, s.wrapErr("migrate: "+m.Name, err)
		}
		if taken {
			m.AppliedAt = time.Now().UTC()
			done = append(done, m)
		}
	}
	return done, nil
}

// migrationDB is where the steps are taken: beside the connections of the
// store, on which nobody may wait for a step.
type migrationDB struct {
	*sql.DB
	close func()
}

func (sc *schema) database() migrationDB {
	if sc.store.batch != nil {
		return migrationDB{sc.store.batch.db, func() {}} // it has a second connection, for this
	}
	db := sql.OpenDB(sc.store.postgres)
	return migrationDB{db, func() { _ = db.Close() }}
}

// migrationLock is the number of the lock that earlier releases of this
// program take, too: goose's.
const migrationLock = 4097083626

// lock keeps other servers from migrating PostgreSQL at the same time, by a
// transaction on a connection of its own: a lock of the session would be let
// go by another server process behind a pooler, or never. It is asked for
// again and again rather than waited for: CREATE INDEX CONCURRENTLY waits for
// all statements that were there before it, and so for whoever waits for its
// lock.
func (sc *schema) lock(ctx context.Context, db migrationDB) (unlock func(), err error) {
	if sc.store.postgres == nil {
		return func() {}, nil
	}
	for began := time.Now(); ; {
		tx, err := db.BeginTx(ctx, readCommitted)
		if err != nil {
			return nil, err
		}
		unlock = func() { _ = tx.Rollback() } // it holds the lock, and changed nothing
		got := false
		err = tx.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(migrationLock)).Scan(&got)
		if err == nil {
			// It comes second: it also lets go of the snapshot of the first, for
			// which CREATE INDEX CONCURRENTLY would wait.
			_, err = tx.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`)
		}
		if err == nil && got {
			return unlock, nil
		}
		unlock()
		if err != nil {
			return nil, err
		}
		if time.Since(began) > sc.patience {
			return nil, fmt.Errorf("%w: another program has been changing the schema for %v", account.ErrUnavailable, sc.patience)
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// makeStepTable makes the table of steps where there is none, as goose did:
// its first row is no step.
func (sc *schema) makeStepTable(ctx context.Context, db migrationDB) error {
	return sc.attempts(ctx, "goose_db_version", func() error {
		tx, err := db.BeginTx(ctx, readCommitted)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // a no-op after Commit
		var there bool
		if err := tx.QueryRowContext(ctx, sc.store.dialect.hasTable, "goose_db_version").Scan(&there); err != nil || there {
			return err
		}
		if _, err := tx.ExecContext(ctx, sc.store.dialect.stepTable); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// take takes a step, and reports whether it was still to be taken.
func (sc *schema) take(ctx context.Context, db migrationDB, m Migration) (taken bool, err error) {
	err = sc.attempts(ctx, m.Name, func() (err error) {
		taken, err = sc.attempt(ctx, db, m)
		return err
	})
	return taken, err
}

// attempt is one: it is undone whole where it fails, or can be run again.
func (sc *schema) attempt(ctx context.Context, db migrationDB, m Migration) (taken bool, err error) {
	const has = `SELECT EXISTS (SELECT 1 FROM goose_db_version WHERE version_id = $1 AND is_applied)`
	var done bool
	if m.alone {
		if err := db.QueryRowContext(ctx, has, m.Version).Scan(&done); err != nil || done {
			return false, err
		}
		for _, statement := range m.statements() {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	tx, err := db.BeginTx(ctx, readCommitted)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // a no-op after Commit; after an error there is a better one to return
	if err := tx.QueryRowContext(ctx, has, m.Version).Scan(&done); err != nil || done {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, sc.script(m)); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

// attempts repeats an attempt that did not get a lock: on PostgreSQL that of
// a table, on SQLite that of the file.
func (sc *schema) attempts(ctx context.Context, name string, attempt func() error) error {
	for began, try := time.Now(), 1; ; try++ {
		err := attempt()
		pause := sc.pause
		switch {
		case err == nil:
			return nil
		case sc.store.postgres == nil && errors.Is(mendSQLite(err), account.ErrUnavailable) && try < migrateTries:
			pause = 50 * time.Millisecond
		case code(err) == lockNotAvailable, code(err) == deadlockDetected:
			if time.Since(began) > sc.patience {
				return fmt.Errorf("it did not get the lock of a table within %v, because of a transaction that uses it and does not end "+
					"(see pg_stat_activity); nothing of it was done: %w", sc.patience, err)
			}
			sc.store.postgres.log.Warn("a step of the schema did not get the lock of a table, because somebody uses it: it lets others go on, and tries again",
				"step", name, "try", try, "again_in", pause.String())
		default:
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// migrateTries is how often a SQLite step that lost against another server's
// is tried again.
const migrateTries = 20

// script is a step as it is run, in one transaction.
func (sc *schema) script(m Migration) string {
	limits := ""
	if sc.store.postgres != nil {
		limits = fmt.Sprintf("SET LOCAL lock_timeout = '%dms';\nSET LOCAL statement_timeout = 0;\n", sc.lockWait.Milliseconds())
	}
	return limits + m.up + m.note()
}

// note is the statement that notes that a step was taken.
func (m Migration) note() string {
	return fmt.Sprintf("INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, TRUE);\n", m.Version)
}

// statements are those of a step that runs outside of a transaction: each ends
// with a line.
func (m Migration) statements() []string {
	var lines []string
	for line := range strings.Lines(m.up) {
		if !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	all := strings.Split(strings.TrimSpace(strings.Join(lines, "")+m.note()), ";\n")
	return slices.DeleteFunc(all, func(statement string) bool { return strings.TrimSpace(statement) == "" })
}
