package store

import (
	"context"
	"time"
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

// HoldLimits keeps uses of rate limits waiting until the first of them is let
// take a turn. Await waits until so many wait.
func (s *Store) HoldLimits() (await func(uses int), release func()) {
	l := s.limits
	for range cap(l.turns) {
		l.turns <- struct{}{}
	}
	await = func(uses int) {
		for waiting := 0; waiting < uses; time.Sleep(time.Millisecond) {
			l.mu.Lock()
			waiting = len(l.waiting)
			l.mu.Unlock()
		}
	}
	return await, func() { <-l.turns }
}

// CountLimits is how many keys of rate limits there are.
func (s *Store) CountLimits(ctx context.Context) (int, error) {
	return queryValue[int](ctx, s, "count keys", `SELECT count(*) FROM rate_limits`)
}
