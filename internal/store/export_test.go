package store

import (
	"context"
	"io/fs"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// CountForEver is a list that takes far longer than a test may.
func (s *Store) CountForEver(ctx context.Context) error {
	_, err := queryAll(ctx, s, "count for ever", scanID, `
		WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000000000)
		SELECT count(*)
		FROM numbers`)
	return err
}

// Files are the migrations of both engines.
var Files = migrations

// Run runs any statement, in a transaction.
func (s *Store) Run(ctx context.Context, statement string) error {
	_, err := s.exec(ctx, "run a statement", statement)
	return err
}

// HoldLimits keeps uses of rate limits waiting until they are let have one
// turn after another.
func (s *Store) HoldLimits() (release func()) {
	for range cap(s.limits.turns) {
		s.limits.turns <- struct{}{}
	}
	return func() { <-s.limits.turns }
}

// WaitingLimits is how many uses of rate limits wait for a turn.
func (s *Store) WaitingLimits() int {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	return len(s.limits.waiting)
}

// CountLimits is how many keys of rate limits there are.
func (s *Store) CountLimits(ctx context.Context) (int, error) {
	return queryValue[int](ctx, s, "count keys", `SELECT count(*) FROM rate_limits`)
}

// MigrateBy takes the steps of another folder. It waits so long for a lock
// before it pauses as long.
func (s *Store) MigrateBy(ctx context.Context, files fs.FS, lockWait time.Duration) ([]Migration, error) {
	sc, err := s.schemaFrom(files)
	if err != nil {
		return nil, err
	}
	sc.lockWait, sc.pause, sc.patience = lockWait, lockWait, 50*lockWait
	return sc.migrate(ctx)
}

// DoWithout has the pool do without so many connections for a while, as when
// PostgreSQL has none to give, and returns when changes may have as many fewer.
func (s *Store) DoWithout(many int) {
	p := s.postgres
	for range many {
		p.free <- struct{}{} // of who was refused
		if !p.doWithout() {
			panic("it is the last")
		}
	}
	for len(p.changes) < min(many, cap(p.changes)-1) {
		time.Sleep(time.Millisecond)
	}
}

// SetTimeout is how long PostgreSQL may take for a transaction.
func (s *Store) SetTimeout(d time.Duration) { s.postgres.timeout = d }

// InsertUserOf0013 stores a user in the schema of that step.
func InsertUserOf0013(ctx context.Context, tx *Store, u account.User) error {
	_, err := tx.exec(ctx, "create a user", `
		INSERT INTO users (username, email, email_key, email_key_version, first_name, last_name, password_hash,
		                   is_active, is_staff, is_superuser, language, joined_at, password_at)
		VALUES ($1, $2, $3, 2, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		u.Username, u.Email, account.EmailKey(u.Email), u.FirstName, u.LastName, u.PasswordHash,
		u.Active, u.Staff, u.Superuser, u.Language, u.JoinedAt.UTC(), u.PasswordAt.UTC())
	return err
}

// LookAt makes a page's effort another: see effort.
func (s *Store) LookAt(first, most, candidates int) {
	s.effort = effort{first, most, candidates, candidates / 2}
}
