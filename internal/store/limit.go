package store

import (
	"context"
	"runtime"
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
	wait              time.Duration
	err               error
	done              chan struct{}
}

// mostUses is how many are counted by one statement.
const mostUses = 64

func newLimits() *limits { return &limits{turns: make(chan struct{}, runtime.GOMAXPROCS(0))} }

// next takes those who may go together: of each key one, as a statement
// changes no row twice.
func (l *limits) next() (uses []*limitUse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := map[string]bool{}
	rest := l.waiting[:0]
	for _, u := range l.waiting {
		switch {
		case u.ctx.Err() != nil: // nobody wants to know
		case keys[u.key] || len(uses) == mostUses:
			rest = append(rest, u)
		default:
			keys[u.key] = true
			uses = append(uses, u)
		}
	}
	clear(l.waiting[len(rest):])
	l.waiting = rest
	return uses
}

func (l *limits) add(uses ...*limitUse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, uses...)
}

// SharesLimits reports whether there is a table for rate limits.
func (s *Store) SharesLimits() bool { return s.dialect == postgresDialect }

// TakeLimit counts one use of a key and returns zero, or it changes nothing
// and returns how long to wait. The uses come back one in each time every;
// burst is how much of that time may be used ahead. It is now where now is
// zero by the database's clock, which is the same for all servers.
func (s *Store) TakeLimit(ctx context.Context, key string, now time.Time, every, burst time.Duration) (wait time.Duration, err error) {
	u := &limitUse{ctx: ctx, key: key, every: int64(every), burst: int64(burst), done: make(chan struct{})}
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

// countLimits counts the uses of a turn. One without an answer waits for the
// next: somebody else had the last use while the statement waited for the
// row, and what it saw beside that is older.
func (s *Store) countLimits(ctx context.Context) {
	uses := s.limits.next()
	if len(uses) == 0 {
		return
	}
	keys, nows, everys, bursts := make([]string, len(uses)), make([]int64, len(uses)), make([]int64, len(uses)), make([]int64, len(uses))
	for i, u := range uses {
		keys[i], nows[i], everys[i], bursts[i] = u.key, u.now, u.every, u.burst
	}
	ctx, cancel := together(ctx, uses)
	defer cancel()
	answers, err := queryAll(ctx, s, countLimits, scanLimitAnswer, takeLimits, keys, nows, everys, bursts)
	if code(err) == serializationFailure { // a database's default may be an isolation in which to wait for a row is an error
		answers, err = nil, nil
	}
	waits := map[string]time.Duration{}
	for _, a := range answers {
		waits[a.key] = a.wait
	}
	for _, u := range uses {
		if wait, answered := waits[u.key]; answered || err != nil {
			u.wait, u.err = wait, err
			close(u.done)
		} else {
			s.limits.add(u)
		}
	}
}

// together ends when the last of the uses is given up for want of time.
func together(ctx context.Context, uses []*limitUse) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	var last time.Time
	for _, u := range uses {
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
const takeLimits = `
	WITH asked AS (
		SELECT key, COALESCE(NULLIF(at, 0), (EXTRACT(EPOCH FROM now()) * 1000000000)::bigint) AS now, every, burst
		FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS u (key, at, every, burst)
	), taken AS (
		INSERT INTO rate_limits AS l (key, value, expires_at)
		SELECT key, now + every, to_timestamp((now + every) / 1e9::float8)
		FROM asked
		ORDER BY key COLLATE "C"
		ON CONFLICT (key) DO UPDATE
		SET (value, expires_at) = (
			SELECT GREATEST(l.value, a.now) + a.every, to_timestamp((GREATEST(l.value, a.now) + a.every) / 1e9::float8)
			FROM asked a
			WHERE a.key = excluded.key)
		WHERE l.value <= (SELECT a.now + a.burst FROM asked a WHERE a.key = excluded.key)
		RETURNING key
	)
	SELECT key, 0::bigint
	FROM taken
	UNION ALL
	SELECT a.key, l.value - a.burst - a.now
	FROM asked a
	JOIN rate_limits l ON l.key = a.key
	WHERE l.value > a.now + a.burst AND a.key NOT IN (SELECT key FROM taken)`

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

// DeleteLimits forgets the keys whose quota was whole again before the given
// time; zero is now, by the database's clock. It passes over those that are
// being counted: it takes rows in another order than they do, and each could
// wait for a row that the other has.
func (s *Store) DeleteLimits(ctx context.Context, before time.Time) error {
	_, err := s.exec(ctx, "delete rate limits", `
		DELETE FROM rate_limits
		WHERE key IN (
			SELECT key
			FROM rate_limits
			WHERE expires_at < COALESCE($1, now())
			FOR UPDATE SKIP LOCKED)`, nullTime(before))
	return err
}
