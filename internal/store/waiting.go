package store

import (
	"context"
	"errors"
	"time"
)

// Waiting is how much of something waits, and since when the oldest does.
type Waiting struct {
	Count  int
	Oldest time.Time // zero: nothing waits
}

// mostCounted bounds how much is counted: what waits is looked at often.
const mostCounted = 100_000

// MailsWaiting says how many mails are owed, at most 100,000, and when the
// oldest of them was written. Those that wait for the quota of their mailbox
// are not among them.
func (s *Store) MailsWaiting(ctx context.Context) (Waiting, error) {
	return s.waiting(ctx, "count the mails that wait", `created_at`, `mails WHERE due_at IS NOT NULL AND delay_key IS NULL`)
}

// EventsWaiting says how many events have no place in the chain yet, at most
// 100,000, and when the oldest of them happened.
func (s *Store) EventsWaiting(ctx context.Context) (Waiting, error) {
	return s.waiting(ctx, "count the events to seal", `at`, `events WHERE seq IS NULL`)
}

func (s *Store) waiting(ctx context.Context, what, since, from string) (w Waiting, err error) {
	if w.Count, err = queryValue[int](ctx, s, what, `SELECT COUNT(*) FROM (SELECT 1 FROM `+from+` LIMIT $1) AS waiting`, mostCounted); err != nil || w.Count == 0 {
		return w, err
	}
	w.Oldest, err = queryRow(ctx, s, what, scanTime, `SELECT `+since+` FROM `+from+` ORDER BY id LIMIT 1`)
	if errors.Is(err, ErrNotFound) { // it is done meanwhile
		return Waiting{}, nil
	}
	return w, err
}
