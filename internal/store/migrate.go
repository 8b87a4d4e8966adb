package store

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
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
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if s.dialect.locker != nil {
		locker, err := s.dialect.locker()
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(s.dialect.goose, db, files, options...)
}

// migrateTries is how often a SQLite migration that lost against another
// server's is tried again.
const migrateTries = 20

// Migrate brings the schema up to date and returns the steps it took. Two
// servers may do it at once: PostgreSQL has an advisory lock; on SQLite each
// step is one immediate transaction, so of two servers one does it and the
// other, whose attempt is undone whole, finds it done when it tries again.
func (s *Store) Migrate(ctx context.Context) ([]Migration, error) {
	p, err := s.provider()
	if err != nil {
		return nil, err
	}
	var results []*goose.MigrationResult
	for try := 0; ; try++ {
		results, err = p.Up(ctx)
		if err == nil || s.dialect.locker != nil || try == migrateTries || ctx.Err() != nil {
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

// Migrations lists every step, applied or pending.
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
	return all, nil
}

// Ready reports why the store cannot serve: out of reach, or its schema is
// not the one this program needs. Nil means that it can.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.Ping(ctx); err != nil {
		return err
	}
	if s.migrated.Load() { // a schema only goes forward
		return nil
	}
	p, err := s.provider()
	if err != nil {
		return err
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return s.wrapErr("look for pending migrations", err)
	}
	if pending {
		return errors.New("migrations are pending")
	}
	s.migrated.Store(true)
	return nil
}
