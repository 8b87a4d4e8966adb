package store

import "context"

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
