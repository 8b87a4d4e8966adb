package store

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// mostCountedSessions is up to how many open sessions are counted.
const mostCountedSessions = 100_000

// CountSessions says how many sessions can be renewed, up to 100,000; else
// exact is false.
func (s *Store) CountSessions(ctx context.Context, now time.Time) (n int, exact bool, err error) {
	n, err = queryValue[int](ctx, s, "count sessions", `
		SELECT COUNT(*)
		FROM (SELECT 1 FROM sessions WHERE revoked_at IS NULL AND expires_at > $1 LIMIT $2) AS counted`, now.UTC(), mostCountedSessions+1)
	if n > mostCountedSessions {
		return mostCountedSessions, false, err
	}
	return n, true, err
}

// AddressesThenLinks returns users whose address was set for them, from an event
// on, and who were mailed a link or a code that lets in since; or to whom the
// account was given back at another address. It looks at all of those events,
// and limits the users alone, the newest first: nobody makes others fall out of
// sight with many changes of one account.
func (s *Store) AddressesThenLinks(ctx context.Context, from int64, limit int) ([]int64, error) {
	return queryAll(ctx, s, "list addresses set and links", scanID, `
		SELECT e.user_id
		FROM events e
		WHERE e.id >= $1 AND e.user_id IS NOT NULL AND (
			e.kind = $2 AND e.details LIKE '%"fields":["email"]%'
			OR e.kind = $3 AND EXISTS (SELECT 1 FROM events r WHERE r.user_id = e.user_id AND r.id > e.id AND r.kind IN ($4, $5)))
		GROUP BY e.user_id
		ORDER BY MAX(e.id) DESC
		LIMIT $6`,
		from, account.EventAccountRecovered, account.EventEmailSet, account.EventPasswordResetRequested, account.EventLoginCodeRequested, limit)
}

// EventIDAt returns the id of the first event at or after a time, and the
// first there is; one behind the last where there is none. Ids are given in the
// order of time, but for a few that came together.
func (s *Store) EventIDAt(ctx context.Context, at time.Time) (id, first int64, err error) {
	type place struct {
		id int64
		at time.Time
	}
	scan := func(scan func(...any) error) (p place, err error) {
		err = scan(&p.id, asUTC(&p.at))
		return p, err
	}
	next := func(id int64) (place, error) {
		return queryRow(ctx, s, "find an event", scan, `SELECT id, at FROM events WHERE id >= $1 ORDER BY id LIMIT 1`, id)
	}
	begin, err := next(0)
	if errors.Is(err, ErrNotFound) {
		return 1, 1, nil
	}
	if err != nil {
		return 0, 0, err
	}
	last, err := queryValue[int64](ctx, s, "find the last event", `SELECT MAX(id) FROM events`)
	if err != nil {
		return 0, 0, err
	}
	low, high := begin.id, last+1 // the id is between them
	for low < high {
		middle := low + (high-low)/2
		p, err := next(middle)
		if err != nil {
			return 0, 0, err
		}
		if p.at.Before(at) {
			low = p.id + 1
		} else {
			high = middle
		}
	}
	return low, begin.id, nil
}

// CountEvents says how many events of each kind there are from an id on, up to
// another.
func (s *Store) CountEvents(ctx context.Context, from, to int64) (map[account.EventKind]int, error) {
	type count struct {
		kind account.EventKind
		n    int
	}
	scan := func(scan func(...any) error) (c count, err error) {
		err = scan(&c.kind, &c.n)
		return c, err
	}
	counts, err := queryAll(ctx, s, "count events", scan, `
		SELECT kind, COUNT(*)
		FROM events
		WHERE id >= $1 AND id < $2
		GROUP BY kind`, from, to)
	all := map[account.EventKind]int{}
	for _, c := range counts {
		all[c.kind] = c.n
	}
	return all, err
}
