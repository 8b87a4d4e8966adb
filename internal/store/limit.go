package store

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// The rate limits that several servers share: for each key the time at which
// its quota is whole again, in nanoseconds since 1970. They are PostgreSQL's
// alone, and no part of a transaction: one server keeps its limits in memory.

// What costs is the round trip, so uses that are counted while others are
// under way go together in one statement, as lookups do. There are no workers
// for it: whoever waits takes a turn for all who do. The statement is everybody's
// then, and goes on when the one who took the turn has given up.

// limits are the uses that wait to be counted.
type limits struct {
	turns   chan struct{} // has as many in it as statements are under way
	mu      sync.Mutex
	waiting []*limitUse
}

// limitUse is one use to be counted, and the answer when done is closed.
type limitUse struct {
	ctx               context.Context //nolint:containedctx // tells whether somebody still waits
	key               string
	now, every, burst int64
	together          int // how many of its key there may be room for
	wait              time.Duration
	err               error
	done              chan struct{}
}

// limitUses are of one key. They are counted as one that takes as much as all
// of them, so that however many come at once wait for their row only once.
type limitUses []*limitUse

// mostKeys is how many keys are counted by one statement.
const mostKeys = 64

func newLimits() *limits { return &limits{turns: make(chan struct{}, runtime.GOMAXPROCS(0))} }

// next takes those who may go together.
func (l *limits) next() (keys []limitUses) {
	l.mu.Lock()
	defer l.mu.Unlock()
	place := map[string]int{}
	rest := l.waiting[:0]
	for _, u := range l.waiting {
		at, there := place[u.key]
		switch {
		case u.ctx.Err() != nil: // nobody wants to know
		case there && keys[at].has(u):
			keys[at] = append(keys[at], u)
		case there, len(keys) == mostKeys:
			rest = append(rest, u)
		default:
			place[u.key] = len(keys)
			keys = append(keys, limitUses{u})
		}
	}
	clear(l.waiting[len(rest):])
	l.waiting = rest
	return keys
}

// has reports whether there may be room for one more, of the same quota.
func (uses limitUses) has(u *limitUse) bool {
	first := uses[0]
	return len(uses) < first.together && u.now == first.now && u.every == first.every && u.burst == first.burst
}

// cost is the time that is used.
func (uses limitUses) cost() int64 { return int64(len(uses)) * uses[0].every }

// burst is how much time may have been used before.
func (uses limitUses) burst() int64 { return uses[0].burst + uses[0].every - uses.cost() }

func (uses limitUses) answer(wait time.Duration, err error) {
	for _, u := range uses {
		u.wait, u.err = wait, err
		close(u.done)
	}
}

// refused answers all, if there was no room for one of them: for that one
// the wait was less. Otherwise as many as there is room for are to be tried
// again.
func (uses limitUses) refused(wait time.Duration) (again limitUses) {
	every := time.Duration(uses[0].every)
	wait -= time.Duration(uses.cost()) - every
	if wait > 0 {
		uses.answer(wait, nil)
		return nil
	}
	for _, u := range uses {
		u.together = int(-wait/every) + 1
	}
	return uses
}

// first puts uses before all that wait.
func (l *limits) first(uses limitUses) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.Insert(l.waiting, 0, uses...)
}

func (l *limits) add(u *limitUse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, u)
}

// SharesLimits reports whether there is a table for rate limits.
func (s *Store) SharesLimits() bool { return s.dialect == postgresDialect }

// TakeLimit counts one use of a key and returns zero, or it changes nothing
// and returns how long to wait. The uses come back one in each time every;
// burst is how much of that time may be used ahead. It is now where now is
// zero by the database's clock, which is the same for all servers.
func (s *Store) TakeLimit(ctx context.Context, key string, now time.Time, every, burst time.Duration) (wait time.Duration, err error) {
	if err := s.outside(ctx); err != nil { // a turn would fail with it, or hide it
		return 0, s.wrapErr(countLimits, err)
	}
	u := &limitUse{ctx: ctx, key: key, every: int64(every), burst: int64(burst), together: int(burst/max(1, every)) + 1, done: make(chan struct{})}
	if !now.IsZero() {
		u.now = now.UnixNano()
	}
	s.limits.add(u)
	for {
		select {
		case s.limits.turns <- struct{}{}:
			over := make(chan struct{})
			go func() {
				defer close(over)
				defer func() { <-s.limits.turns }()
				s.countLimits(ctx)
			}()
			select {
			case <-over:
			case <-ctx.Done():
			}
		case <-u.done:
		case <-ctx.Done():
		}
		select {
		case <-u.done:
			return u.wait, u.err
		default:
		}
		if ctx.Err() != nil {
			return 0, s.wrapErr(countLimits, ctx.Err())
		}
	}
}

// countLimits is the name of what it does, in errors.
const countLimits = "count for rate limits"

// countLimits counts the uses of a turn. A key without an answer waits for the
// next: somebody else had the last use while the statement waited for the
// row, and what it saw beside that is older.
func (s *Store) countLimits(ctx context.Context) {
	all := s.limits.next()
	if len(all) == 0 {
		return
	}
	keys, nows, costs, bursts := make([]string, len(all)), make([]int64, len(all)), make([]int64, len(all)), make([]int64, len(all))
	for i, uses := range all {
		keys[i], nows[i], costs[i], bursts[i] = uses[0].key, uses[0].now, uses.cost(), uses.burst()
	}
	ctx, cancel := together(ctx, all)
	defer cancel()
	answers, err := queryAll(ctx, s, countLimits, scanLimitAnswer, takeLimits, keys, nows, costs, bursts)
	if code(err) == serializationFailure { // a database's default may be an isolation in which to wait for a row is an error
		answers, err = nil, nil
	}
	waits := map[string]time.Duration{}
	for _, a := range answers {
		waits[a.key] = a.wait
	}
	for _, uses := range all {
		switch wait, answered := waits[uses[0].key]; {
		case err != nil, answered && wait == 0:
			uses.answer(0, err)
		case answered:
			s.limits.first(uses.refused(wait))
		default:
			s.limits.first(uses)
		}
	}
}

// together ends when the last of the uses is given up for want of time.
func together(ctx context.Context, keys []limitUses) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	var last time.Time
	for _, u := range slices.Concat(keys...) {
		deadline, bounded := u.ctx.Deadline()
		if !bounded {
			return context.WithCancel(ctx)
		}
		if deadline.After(last) {
			last = deadline
		}
	}
	return context.WithDeadline(ctx, last)
}

// takeLimits is the algorithm for several keys. They are taken in order, or
// two servers could wait for each other's rows. A refusal writes no row.
//
// No use leaves a value beyond "most", so what is beyond it was written before
// the database's clock was set back, and is whole: otherwise somebody waited
// for as long as that was. The minute is for statements that began at other
// times than they came to the row.
const takeLimits = `
	WITH asked AS (
		SELECT key, now, every, burst, now + burst + every + 60000000000 AS most
		FROM (SELECT key, COALESCE(NULLIF(at, 0), (EXTRACT(EPOCH FROM now()) * 1000000000)::bigint) AS now, every, burst
		      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS u (key, at, every, burst)) u
	), taken AS (
		INSERT INTO rate_limits AS l (key, value, expires_at)
		SELECT key, now + every, to_timestamp((now + every) / 1e9::float8)
		FROM asked
		ORDER BY key COLLATE "C"
		ON CONFLICT (key) DO UPDATE
		SET (value, expires_at) = (
			SELECT whole + a.every, to_timestamp((whole + a.every) / 1e9::float8)
			FROM asked a, LATERAL (SELECT CASE WHEN l.value > a.most THEN a.now ELSE GREATEST(l.value, a.now) END AS whole) w
			WHERE a.key = excluded.key)
		WHERE (SELECT l.value <= a.now + a.burst OR l.value > a.most FROM asked a WHERE a.key = excluded.key)
		RETURNING key
	)
	SELECT key, 0::bigint
	FROM taken
	UNION ALL
	SELECT a.key, l.value - a.burst - a.now
	FROM asked a
	JOIN rate_limits l ON l.key = a.key
	WHERE l.value > a.now + a.burst AND l.value <= a.most AND a.key NOT IN (SELECT key FROM taken)`

type limitAnswer struct {
	key  string
	wait time.Duration
}

func scanLimitAnswer(scan func(...any) error) (a limitAnswer, err error) {
	err = scan(&a.key, &a.wait)
	return a, err
}

// serializationFailure is PostgreSQL's word for a change that another one
// came before.
const serializationFailure = "40001"

// DeleteLimits forgets up to limit keys whose quota was whole again before the
// given time, and says how many; zero is now, by the database's clock. It
// passes over those that are being counted: it takes rows in another order
// than they do, and each could wait for a row that the other has.
func (s *Store) DeleteLimits(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete rate limits", `
		DELETE FROM rate_limits
		WHERE key IN (
			SELECT key
			FROM rate_limits
			WHERE expires_at < COALESCE($1, now())
			LIMIT $2
			FOR UPDATE SKIP LOCKED)`, nullTime(before), limit)
}
