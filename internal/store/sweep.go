package store

import "context"

// sweepStep is how many rows one transaction of a sweep changes at most: a
// longer one would keep SQLite's writers waiting.
const sweepStep = 500

// Sweep runs step in one transaction after another until it changes fewer
// rows than it may, most.
func (s *Store) Sweep(ctx context.Context, step func(ctx context.Context, tx *Store, most int) (int64, error)) error {
	for {
		var n int64
		err := s.Tx(ctx, func(ctx context.Context, tx *Store) (err error) {
			n, err = step(ctx, tx, sweepStep)
			return err
		})
		if err != nil || n < sweepStep {
			return err
		}
	}
}
