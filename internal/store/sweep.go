package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// step is what one transaction of a [Store.Sweep] does: it changes at most so
// many rows and says how many.
type step = func(ctx context.Context, tx *Store, most int) (int64, error)

// Sweep runs step in one transaction after another until it changes fewer
// rows than it may, and rests after each as long as it took, a second at most:
// a sweep of millions takes half a core, and half of the time of SQLite's one
// writer. Errors say which sweep it was.
func (s *Store) Sweep(ctx context.Context, name string, step step) error {
	for {
		began := time.Now()
		if _, more, err := s.Step(ctx, name, step); err != nil || !more {
			return err
		}
		select {
		case <-ctx.Done(): // the next step says so
		case <-time.After(min(time.Since(began), time.Second)):
		}
	}
}

// Step runs one step of a sweep, and says how many rows it changed and
// whether there may be more. A step that takes longer than a transaction may
// is undone whole, and would be for ever: so it is tried again with half as
// many rows, down to one. The next steps of this name begin with so many, and
// take some more each time that it goes well.
func (s *Store) Step(ctx context.Context, name string, step step) (n int64, more bool, err error) {
	for {
		most := s.steps.size(name, s.dialect.step)
		err := s.Tx(ctx, func(ctx context.Context, tx *Store) (err error) {
			n, err = step(ctx, tx, most)
			return err
		})
		switch {
		case err == nil:
			if more = n >= int64(most); more {
				s.steps.set(name, min(most+most/4+1, s.dialect.step))
			}
			return n, more, nil
		case ctx.Err() == nil && tooMuch(err) && most > 1:
			s.steps.set(name, most/2)
		default:
			return 0, false, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// tooMuch reports whether a transaction failed because of how much it did, or
// may have: it took too long, or met another in the middle.
func tooMuch(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || code(err) == queryCanceled || code(err) == deadlockDetected
}

// stepSizes are how many rows the next steps may change, by the name of the
// sweep.
type stepSizes struct {
	mu sync.Mutex
	of map[string]int
}

func (z *stepSizes) size(name string, most int) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	if n, known := z.of[name]; known {
		return n
	}
	return most
}

func (z *stepSizes) set(name string, n int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.of == nil {
		z.of = map[string]int{}
	}
	z.of[name] = n
}
