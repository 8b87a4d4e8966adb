package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
)

const (
	// connectTimeout bounds the wait for a PostgreSQL that does not answer.
	connectTimeout = 5 * time.Second

	// connLifetime is how long a connection is used: where a name or a proxy
	// leads to another server, nobody stays behind for longer.
	connLifetime = 5 * time.Minute

	// mostConns keeps a few servers on large machines below what PostgreSQL
	// allows by default: 100.
	mostConns = 32
)

func openPostgres(_ context.Context, d *dialect, url string, o Options) (*Store, error) {
	cfg, err := ParsePostgresURL(url)
	if err != nil {
		return nil, err
	}
	writable(cfg)
	if o.Conns <= 0 {
		o.Conns = min(max(8, 4*runtime.GOMAXPROCS(0)), mostConns)
	}
	p := &postgres{url: url, conns: o.Conns, timeout: timeout, log: o.log(), free: make(chan struct{}, o.Conns), changes: make(chan struct{}, max(1, o.Conns-onlyReads(o.Conns)))}
	p.chosenMode = strings.Contains(url, "default_query_exec_mode=")
	onError := cfg.OnPgError
	cfg.OnPgError = func(c *pgconn.PgConn, e *pgconn.PgError) bool { return !p.condemned(c, e) && onError(c, e) }
	p.primary.log, p.primary.promoted, p.primary.accepted = p.log, p.leave, p.stamp
	checkHost := cfg.ValidateConnect
	cfg.ValidateConnect = func(ctx context.Context, c *pgconn.PgConn) error { // after a refusal the next host is tried
		if checkHost != nil {
			if err := checkHost(ctx, c); err != nil {
				return err
			}
		}
		return p.primary.check(ctx, c)
	}
	p.connector = stdlib.GetConnector(*cfg,
		stdlib.OptionBeforeConnect(p.beforeConnect), stdlib.OptionAfterConnect(p.afterConnect), stdlib.OptionResetSession(p.reset))
	db := sql.OpenDB(p)
	db.SetMaxOpenConns(o.Conns)
	db.SetMaxIdleConns(o.Conns)
	db.SetConnMaxIdleTime(connLifetime)
	db.SetConnMaxLifetime(connLifetime)
	return &Store{db: db, q: db, slow: db, dialect: d, postgres: p, limits: newLimits()}, nil
}

// ParsePostgresURL reads the URL of a PostgreSQL database, whose texts will
// come in UTF-8. The errors name what is wrong and quote nothing that may be
// secret.
func ParsePostgresURL(url string) (*pgx.ConnConfig, error) {
	if err := secret.CheckPostgresURL(url); err != nil {
		return nil, fmt.Errorf("the PostgreSQL URL %w", err)
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the PostgreSQL URL cannot be used: %w; its form is postgres://user:password@host:port/database?parameter=value", urlError(url, err))
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "yoozak"
	}
	cfg.RuntimeParams["client_encoding"] = "UTF8"
	return cfg, nil
}

// writable has the driver look for the one of several servers that takes
// changes, where the URL does not say which one it wants.
func writable(cfg *pgx.ConnConfig) {
	for _, other := range cfg.Fallbacks {
		if cfg.ValidateConnect == nil && (other.Host != cfg.Host || other.Port != cfg.Port) {
			cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
		}
	}
}

// urlError is what the driver says of a URL without the URL, which it repeats:
// the parameter or file that is wrong.
func urlError(url string, err error) error {
	text := err.Error()
	if at := strings.LastIndex(text, "`: "); at >= 0 {
		text = text[at+len("`: "):]
	}
	return secret.Redact(errors.New(text), url)
}

// postgres makes the connections to PostgreSQL and knows which of them are
// of use.
type postgres struct {
	connector driver.Connector
	url       string
	conns     int // the most that are wanted
	timeout   time.Duration
	log       *slog.Logger

	chosenMode bool         // the URL says how statements are sent
	pooler     atomic.Bool  // statements cannot stay prepared: see afterConnect
	generation atomic.Int64 // connections of an earlier one are not used again
	primary    primaryCheck
	held       atomic.Bool // changes are refused: see [Store.HoldChanges]

	free    chan struct{} // has as many in it as connections are used, or done without
	changes chan struct{} // has as many in it as connections are used for changes, or kept from them
	without atomic.Int64
}

// generationKey is where a connection keeps its generation.
const generationKey = "yoozak generation"

// Driver is that of pgx.
func (p *postgres) Driver() driver.Driver { return p.connector.Driver() }

// Connect makes a connection.
func (p *postgres) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := p.connector.Connect(ctx)
	if errors.Is(err, errPooler) { // known from now on
		conn, err = p.connector.Connect(ctx)
	}
	return conn, secret.Redact(err, p.url)
}

func (p *postgres) beforeConnect(_ context.Context, cfg *pgx.ConnConfig) error {
	if p.pooler.Load() && !p.chosenMode {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	return nil
}

var errPooler = errors.New("the connection goes through a pooler")

// afterConnect looks at what is at the other end. Through a pooler such as
// PgBouncer each transaction may go to another server process, so that no
// statement stays prepared from one to the next; it shows in the id of that
// process, which is not the one that the connection began with.
func (p *postgres) afterConnect(ctx context.Context, conn *pgx.Conn) (err error) {
	defer func() {
		if err != nil {
			_ = conn.Close(ctx)
		}
	}()
	c := conn.PgConn()
	if encoding := c.ParameterStatus("server_encoding"); encoding != "UTF8" {
		return fmt.Errorf("the database's encoding is %s, in which names would be damaged: it must be UTF8 (CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0)", encoding)
	}
	if _, stamped := c.CustomData()[generationKey]; !stamped {
		p.stamp(c)
	}
	if p.pooler.Load() || p.chosenMode {
		return nil
	}
	results, err := c.Exec(ctx, `SELECT pg_backend_pid()`).ReadAll()
	if err != nil {
		return err
	}
	if len(results) == 1 && len(results[0].Rows) == 1 && string(results[0].Rows[0][0]) == fmt.Sprint(c.PID()) {
		return nil
	}
	p.foundPooler()
	return errPooler
}

func (p *postgres) foundPooler() {
	if !p.pooler.Swap(true) {
		p.log.Info("PostgreSQL is reached through a pooler: statements are not kept prepared")
	}
}

// stamp notes a connection's generation.
func (p *postgres) stamp(c *pgconn.PgConn) { c.CustomData()[generationKey] = p.generation.Load() }

// reset is asked before a connection is used again.
func (p *postgres) reset(_ context.Context, conn *pgx.Conn) error {
	if p.stale(conn.PgConn()) {
		return driver.ErrBadConn
	}
	return nil
}

func (p *postgres) stale(c *pgconn.PgConn) bool {
	made, known := c.CustomData()[generationKey].(int64)
	return known && made != p.generation.Load()
}

// The errors after which a connection is of no use, and mostly the others of
// the pool neither.
const (
	readOnlyTransaction = "25006" // the server turned read-only, or is not the primary any more
	adminShutdown       = "57P01"
	crashShutdown       = "57P02"
	cannotConnectNow    = "57P03"
	duplicateStatement  = "42P05" // the server process is shared: see afterConnect
	unknownStatement    = "26000"
	tooManyConnections  = "53300"
	queryCanceled       = "57014" // by statement_timeout, mostly
	deadlockDetected    = "40P01"
	lockNotAvailable    = "55P03" // within lock_timeout
)

// condemned reports whether an error ends its connection. It is called by
// the driver, when the error arrives.
func (p *postgres) condemned(c *pgconn.PgConn, e *pgconn.PgError) bool {
	switch e.Code {
	case readOnlyTransaction, adminShutdown, crashShutdown:
	case duplicateStatement, unknownStatement:
		p.foundPooler()
	case cannotConnectNow:
		return true
	default:
		return false
	}
	// Only by the first of its generation: what an old connection says is no
	// news of the new ones.
	if made, known := c.CustomData()[generationKey].(int64); known {
		p.generation.CompareAndSwap(made, made+1)
	}
	return true
}

// leave has every connection replaced before it is used again.
func (p *postgres) leave() { p.generation.Add(1) }

// fewerFor is how long the pool does without a connection that the server
// refused before it asks again.
const fewerFor = 10 * time.Second

// onlyReads is how many of the connections no change may take.
func onlyReads(conns int) int { return max(1, conns/4) }

// errHeld is of a change that is refused while changes are held.
var errHeld = fmt.Errorf("%w: %w: it was a standby, and what it has is looked at first", account.ErrUnavailable, ErrReadOnly)

// changing is [postgres.connected] for what ends in a commit. It leaves some
// connections to those who only read: a commit takes as long as the disk, or
// a standby, wants, and as many as log in wait for theirs; whoever is logged
// in shall not wait with them.
func (p *postgres) changing(ctx context.Context, fn func() error) error {
	if p.held.Load() && ctx.Value(holdKey{}) == nil {
		return errHeld
	}
	select {
	case p.changes <- struct{}{}:
		defer func() { <-p.changes }()
	case <-ctx.Done():
		return mendPostgres(ctx.Err())
	}
	return p.connected(ctx, fn)
}

// connected runs fn when one of the pool's connections is free for it. Where
// the server has none to give, because others have them all, fn waits for
// one of those that are open, instead of failing: fn fails then before it
// has done anything. With none open the error is the server's.
func (p *postgres) connected(ctx context.Context, fn func() error) error {
	for {
		select {
		case p.free <- struct{}{}:
		case <-ctx.Done():
			return mendPostgres(ctx.Err())
		}
		if again, err := p.attempt(fn); !again {
			return err
		}
	}
}

// attempt runs fn in a place of the pool, which it gives back, unless the
// server has no connection for it: then it keeps the place for a while, and
// fn is to be tried again in another.
func (p *postgres) attempt(fn func() error) (again bool, err error) {
	defer func() { // also after a panic
		if !again {
			<-p.free
		}
	}()
	err = fn()
	again = code(err) == tooManyConnections && p.doWithout()
	return again, err
}

// doWithout keeps a place in the pool from being used for a while, if it is
// not the last.
func (p *postgres) doWithout() bool {
	without := p.without.Add(1)
	if int(without) >= p.conns {
		p.without.Add(-1)
		return false
	}
	if without == 1 {
		p.log.Warn("PostgreSQL gives no more connections: going on with fewer", "wanted", p.conns)
	}
	over := make(chan struct{})
	time.AfterFunc(fewerFor, func() {
		close(over)
		p.without.Add(-1)
		<-p.free
	})
	if int(without) < cap(p.changes) { // one change may always go on
		go p.fewerChanges(over)
	}
	return true
}

// fewerChanges keeps a place from changes until a connection is not done
// without any more, or changes could take all that are left: see
// [postgres.changing]. It waits for its turn, as a change does.
func (p *postgres) fewerChanges(over <-chan struct{}) {
	select {
	case p.changes <- struct{}{}:
		<-over
		<-p.changes
	case <-over:
	}
}

// fewServers is how many servers like this one PostgreSQL should have
// connections for: one more than two, because a new one starts before an old
// one stops.
const fewServers = 3

// Advise logs what is no error and an operator should know at the start: the
// database cannot be changed now, or PostgreSQL has fewer connections than a
// few servers like this one may take, or than those that run and this one.
func (s *Store) Advise(ctx context.Context, now time.Time) error {
	p := s.postgres
	if p == nil {
		return nil
	}
	if readOnly, err := queryValue[bool](ctx, s, "ask the database", s.dialect.readOnly); err != nil {
		return err
	} else if readOnly {
		p.log.Warn("the database is read-only: what changes nothing is answered, and the server is not ready until it can be changed")
	}
	if p.pooler.Load() { // it has limits of its own
		return nil
	}
	given, err := queryValue[int](ctx, s, "ask for the limit of connections", connectionsGiven)
	if err != nil {
		return err
	}
	others, err := s.BeatingServers(ctx, now.Add(-time.Minute))
	if err != nil {
		return err
	}
	if servers := max(fewServers, others+1); servers*p.conns > given {
		p.log.Warn("servers like this one may take more connections than PostgreSQL gives to all of them: "+
			"set YOOZAK_DATABASE_CONNS to less, or max_connections there to more; what is too much waits",
			"servers", servers, "may_take", servers*p.conns, "given", given)
	}
	return nil
}

// connectionsGiven is how many connections there are for us: what
// max_connections leaves beside those that are reserved, and no more than the
// role and the database may have.
const connectionsGiven = `
	SELECT LEAST(
		current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
			- COALESCE(NULLIF(current_setting('reserved_connections', TRUE), ''), '0')::integer,
		(SELECT NULLIF(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
		(SELECT NULLIF(datconnlimit, -1) FROM pg_database WHERE datname = current_database()))`

// code is PostgreSQL's of an error; empty: it is not the server's word.
func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func conditionPostgres(err error) condition {
	switch code(err) {
	case "XX001", "XX002": // a table, an index
		return isDamaged
	case "53100":
		return isFull
	}
	return noCondition
}

func mendPostgres(err error) error {
	c := code(err)
	switch {
	case errors.Is(err, sql.ErrTxDone):
		return err
	case c == "23505":
		return fmt.Errorf("%w: %w", ErrTaken, err)
	case c == "23503":
		return fmt.Errorf("%w: %w", ErrGone, err)
	case c == "": // it could not be reached, or went away
		return fmt.Errorf("%w: %w", account.ErrUnavailable, err)
	}
	switch c[:2] {
	case "08", "40", "53", "57", "58": // connection, serialisation, resources, operator, system
		return fmt.Errorf("%w: %w", account.ErrUnavailable, err)
	}
	switch c {
	case readOnlyTransaction:
		return fmt.Errorf("%w: %w: %w", account.ErrUnavailable, ErrReadOnly, err)
	case duplicateStatement, unknownStatement, lockNotAvailable:
		return fmt.Errorf("%w: %w", account.ErrUnavailable, err)
	}
	return err
}
