package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Primary says which PostgreSQL server takes the changes: the identifier that
// a server and its standbys share, and the timeline, which grows whenever a
// standby is promoted. It is zero on SQLite, and where the role may not ask.
type Primary struct {
	System   string
	Timeline int64 // zero: of a standby
}

// errOtherPrimary refuses a connection. What is written to an older line, as
// to a primary that came back after its standby was promoted, is lost to
// everybody else.
var errOtherPrimary = errors.New("the PostgreSQL server is not the one that was used before")

// primaryCheck keeps a process from writing to two primaries: see
// docs/backup.md.
type primaryCheck struct {
	log     *slog.Logger
	refused atomic.Int64 // connections

	mu      sync.Mutex
	known   Primary
	standby bool      // the last connection leads to one
	told    time.Time // when the last refusal was logged
	blind   bool      // that nothing can be asked was logged

	// Both are called while mu is held, so that a connection to the server before
	// is never taken for one to the next.
	promoted func()                 // the timeline grew: what is connected to the one before is of no use
	accepted func(c *pgconn.PgConn) // a connection may be used
}

// toldEvery bounds the lines about refused connections.
const toldEvery = time.Minute

// askPrimary asks the control file for what no promotion changes, and the log
// that is written for the timeline: the control file hears of a promotion at
// the next checkpoint, minutes later.
const askPrimary = `
	SELECT (SELECT system_identifier FROM pg_control_system()),
	       CASE WHEN pg_is_in_recovery() THEN '0' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END`

// check looks at a new connection, before it is used.
func (p *primaryCheck) check(ctx context.Context, c *pgconn.PgConn) error {
	here, err := readPrimary(ctx, c)
	switch {
	case errors.Is(err, errMute), refusesToSay(err):
		p.cannotAsk(err)
		return nil
	case err != nil:
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.take(here); err != nil {
		return err
	}
	p.accepted(c)
	return nil
}

// errMute is the answer of a server that speaks PostgreSQL's language, and is
// none.
var errMute = errors.New("the server does not say which it is")

// refusesToSay reports whether a server answered, and lives: that the role may
// not ask, or that there is nothing to ask.
func refusesToSay(err error) bool {
	c := code(err)
	if c == "" {
		return false
	}
	switch c[:2] {
	case "08", "53", "57", "58": // connection, resources, operator, system
		return false
	}
	return true
}

func readPrimary(ctx context.Context, c *pgconn.PgConn) (Primary, error) {
	results, err := c.Exec(ctx, askPrimary).ReadAll()
	if err != nil {
		return Primary{}, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) != 2 {
		return Primary{}, errMute
	}
	row := results[0].Rows[0]
	timeline, err := strconv.ParseInt(string(row[1]), 16, 64)
	if err != nil {
		return Primary{}, errMute
	}
	return Primary{System: string(row[0]), Timeline: timeline}, nil
}

// cannotAsk says, once, that the role may not ask.
func (p *primaryCheck) cannotAsk(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.blind {
		p.blind = true
		p.log.Warn("PostgreSQL does not tell which server it is, so that two primaries would not be noticed: "+
			"GRANT EXECUTE ON FUNCTION pg_control_system() to this role", "error", err.Error())
	}
}

// take compares a server with the one that was used before.
func (p *primaryCheck) take(here Primary) error {
	known := p.known
	switch {
	case known.System != "" && here.System != known.System:
		return p.refuse(fmt.Errorf("%w: its system identifier is %s, and %s was used before; if that is meant, restart this server",
			errOtherPrimary, here.System, known.System))
	case here.Timeline > 0 && here.Timeline < known.Timeline:
		return p.refuse(fmt.Errorf("%w: its timeline is %d, and %d was used before: an old primary runs beside the new one and has to be stopped",
			errOtherPrimary, here.Timeline, known.Timeline))
	}
	p.standby = here.Timeline == 0
	if p.standby { // which takes no changes
		p.known.System = here.System
		return nil
	}
	p.known = here
	if known.Timeline > 0 && here.Timeline > known.Timeline {
		p.log.Warn("PostgreSQL: a standby was promoted, and is used from now on", "timeline", here.Timeline, "before", known.Timeline)
		p.promoted()
	}
	return nil
}

// refuse counts and, now and then, logs.
func (p *primaryCheck) refuse(err error) error {
	p.refused.Add(1)
	if now := time.Now(); now.Sub(p.told) >= toldEvery {
		p.told = now
		p.log.Error("a PostgreSQL server is refused, so that nothing is written to two", "error", err.Error())
	}
	return err
}

// Primary is the PostgreSQL server that the last connection led to; of a
// standby the timeline is not known.
func (s *Store) Primary() Primary {
	if s.postgres == nil {
		return Primary{}
	}
	p := &s.postgres.primary
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.standby {
		return Primary{System: p.known.System}
	}
	return p.known
}

// AskPrimary is [Store.Primary] by a connection that is made now: those that are
// open may be from before a promotion. It is zero on SQLite.
func (s *Store) AskPrimary(ctx context.Context) (Primary, error) {
	if s.postgres == nil {
		return Primary{}, nil
	}
	s.postgres.leave()
	err := s.Ping(ctx)
	return s.Primary(), err
}

// HoldChanges refuses every change on PostgreSQL but the counts of rate limits,
// as a database that is read-only does, until release is called: for who has to
// look first at what the database has become. With the context that [PastHold]
// makes they go on.
func (s *Store) HoldChanges() (release func()) {
	if s.postgres == nil {
		return func() {}
	}
	s.postgres.held.Store(true)
	return func() { s.postgres.held.Store(false) }
}

// holdKey marks the context of who may change something all the same.
type holdKey struct{}

// PastHold is a context for a change that [Store.HoldChanges] lets pass.
func PastHold(ctx context.Context) context.Context { return context.WithValue(ctx, holdKey{}, true) }

// RefusedPrimaries is how many connections were refused because they led to
// another PostgreSQL server than those before.
func (s *Store) RefusedPrimaries() int64 {
	if s.postgres == nil {
		return 0
	}
	return s.postgres.primary.refused.Load()
}
