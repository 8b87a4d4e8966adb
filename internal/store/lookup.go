package store

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// Every authenticated request reads one session with its user. Under load
// many do at once, and then what costs is not the row but the round trip, so
// lookups that arrive while others are under way go together in one query.
// One that finds nothing else waiting goes by itself, at once. GET me on
// PostgreSQL is 1.7 times as fast by it (medians of six windows each, in
// turns, one core).

// findSession is the name of what lookups do, in errors; errNoSession is made
// once, because strangers can cause it.
const findSession = "find a session"

var errNoSession = fmt.Errorf(findSession+": %w", ErrNotFound)

// lookupSizes are the numbers of ids that there is a statement for.
var lookupSizes = []int{1, 4, 16, 64}

// sessionLoader reads sessions for many callers.
type sessionLoader struct {
	store   *Store
	queries map[int]string
	waiting chan *lookup
	closing chan struct{}
	workers sync.WaitGroup

	mu     sync.Mutex // held to begin a worker, which must not be after closing
	closed bool
	spare  int // workers beside the usual ones
}

// One slow query must not hold up everybody's: when PostgreSQL has not
// answered for lookupPatience, another worker goes on with those who wait,
// until it has. There are few, as the connections that only reads may use.
const lookupPatience = 5 * time.Millisecond

// lookup is one caller's wish, and its answer when done is closed.
type lookup struct {
	id      string
	session account.Session
	user    account.User
	err     error
	done    chan struct{}
}

func newSessionLoader(s *Store) *sessionLoader {
	l := &sessionLoader{store: s, queries: map[int]string{}, waiting: make(chan *lookup, 4096), closing: make(chan struct{})}
	for _, n := range lookupSizes {
		l.queries[n] = lookupQuery(n)
	}
	for range runtime.GOMAXPROCS(0) {
		l.workers.Go(func() { l.work(nil) })
	}
	return l
}

func lookupQuery(n int) string {
	return `
		SELECT s.id, s.user_id, s.created_at, s.last_used_at, s.expires_at, s.revoked_at,
		       s.refresh_id, s.refresh_at, s.previous_id, s.unseen_id, s.amr, s.proved_at,
		       u.username, u.email, u.first_name, u.last_name, u.is_active
		FROM sessions s
		JOIN users u ON u.id = s.user_id
		WHERE s.id IN (` + params(0, n) + `)`
}

func (l *sessionLoader) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	close(l.closing)
	l.workers.Wait()
}

// load waits for the answer, or for the caller to leave.
func (l *sessionLoader) load(ctx context.Context, id string) (account.Session, account.User, error) {
	w := &lookup{id: id, done: make(chan struct{})}
	select {
	case l.waiting <- w:
	case <-l.closing:
		return account.Session{}, account.User{}, errClosed
	case <-ctx.Done():
		return account.Session{}, account.User{}, l.store.wrapErr(findSession, ctx.Err())
	}
	select {
	case <-w.done:
		return w.session, w.user, w.err
	case <-l.closing:
		return account.Session{}, account.User{}, errClosed
	case <-ctx.Done():
		return account.Session{}, account.User{}, l.store.wrapErr(findSession, ctx.Err())
	}
}

// relieve begins a worker that works until over is closed, if there may be
// another.
func (l *sessionLoader) relieve(over <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.spare == onlyReads(l.store.postgres.conns) {
		return
	}
	l.spare++
	l.workers.Go(func() {
		l.work(over)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.spare--
	})
}

// work answers lookups until over is closed, or the loader.
func (l *sessionLoader) work(over <-chan struct{}) {
	most := lookupSizes[len(lookupSizes)-1]
	batch := make([]*lookup, 0, most)
	for {
		select {
		case <-l.closing:
			return
		case <-over:
			return
		case w := <-l.waiting:
			batch = append(batch[:0], w)
		}
		// Requests that have been read but not parsed come first: they bring
		// their lookups along.
		runtime.Gosched()
	fill:
		for len(batch) < most {
			select {
			case w := <-l.waiting:
				batch = append(batch, w)
			default:
				break fill
			}
		}
		l.answerPatiently(batch)
		for _, w := range batch {
			close(w.done)
		}
	}
}

// answerPatiently is answer, with somebody in this worker's place while it takes
// long. SQLite's queries are in the process, and short.
func (l *sessionLoader) answerPatiently(batch []*lookup) {
	if l.store.postgres == nil {
		l.answer(batch)
		return
	}
	over := make(chan struct{})
	defer close(over)
	late := time.AfterFunc(lookupPatience, func() { l.relieve(over) })
	defer late.Stop()
	l.answer(batch)
}

// answer runs one query for the batch.
func (l *sessionLoader) answer(batch []*lookup) {
	size := 0
	for _, n := range lookupSizes {
		if size = n; n >= len(batch) {
			break
		}
	}
	args := make([]any, size)
	for i := range args {
		args[i] = "" // no session's id
		if i < len(batch) {
			args[i] = batch[i].id
			batch[i].err = errNoSession
		}
	}
	err := l.store.run(context.Background(), func(ctx context.Context) error {
		return l.query(ctx, l.queries[size], args, batch)
	})
	if err != nil {
		for _, w := range batch {
			w.err = l.store.wrapErr(findSession, err)
		}
	}
}

func (l *sessionLoader) query(ctx context.Context, query string, args []any, batch []*lookup) error {
	rows, err := l.store.q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		sess, u, err := scanSessionUser(rows.Scan)
		if err != nil {
			return err
		}
		for _, w := range batch {
			if w.id == sess.ID {
				w.session, w.user, w.err = sess, u, nil
			}
		}
	}
	return rows.Err()
}

func scanSessionUser(scan func(...any) error) (sess account.Session, u account.User, err error) {
	err = scan(
		&sess.ID, &sess.UserID, asUTC(&sess.CreatedAt), asUTC(&sess.LastUsedAt), asUTC(&sess.ExpiresAt), asUTC(&sess.RevokedAt),
		&sess.RefreshID, asUTC(&sess.RefreshAt), &sess.PreviousID, &sess.UnseenID, &sess.AMR, asUTC(&sess.ProvedAt),
		&u.Username, &u.Email, &u.FirstName, &u.LastName, &u.Active,
	)
	u.ID = sess.UserID
	return sess, u, err
}
