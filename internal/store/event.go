package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// EventChain is the state of the chain of events.
type EventChain struct {
	Head    EventHead // the newest sealed event
	Removed EventHead // the last that was removed because it was old
}

// EventHead is a place in the chain and the hash there: whoever has noted
// one can tell whether anything before it was changed since.
type EventHead struct {
	Seq  int64
	Hash []byte
}

// Events are only added. What may change of one is in this file: it is
// sealed once, its personal part is forgotten, and the oldest are removed.
// Triggers in the schema refuse anything else.

const eventColumns = `id, at, kind, actor, details, user_id, session_id, request_id, ip, user_agent, salt, commitment, seq, hash, reason`

func scanEvent(scan func(...any) error) (account.Event, error) {
	var e account.Event
	var userID, seq sql.NullInt64
	err := scan(&e.ID, asUTC(&e.At), &e.Kind, &e.Actor, &e.Details, &userID, &e.SessionID, &e.RequestID, &e.IP, &e.UserAgent,
		&e.Salt, &e.Commitment, &seq, &e.Hash, &e.Reason)
	e.UserID, e.Seq = userID.Int64, seq.Int64
	return e, err
}

// AddEvents stores events, in the transaction of what they tell of, and owes
// what that tells to webhooks: see [Store.AddDeliveries].
func (s *Store) AddEvents(ctx context.Context, events []account.Event, told ...account.Delivery) error {
	var (
		at                              []time.Time
		kind, actor, details            []string
		userID, agentID                 []*int64
		sessionID, requestID, ip, agent []string
		reason                          []string
		salt, commitment                [][]byte
	)
	for _, e := range events {
		at, kind, actor, details = append(at, e.At.UTC()), append(kind, string(e.Kind)), append(actor, string(e.Actor)), append(details, e.Details)
		sessionID, requestID, ip, agent = append(sessionID, e.SessionID), append(requestID, e.RequestID), append(ip, e.IP), append(agent, e.UserAgent)
		salt, commitment, reason = append(salt, e.Salt), append(commitment, e.Commitment), append(reason, e.Reason)
		userID, agentID = append(userID, orNull(e.UserID)), append(agentID, orNull(e.ReadDetails().Agent))
	}
	return s.execBoth(ctx, "add events", statement{
		query: `
		INSERT INTO events (at, kind, actor, details, user_id, session_id, request_id, ip, user_agent, salt, commitment, agent_id, reason)
		SELECT column1, column2, column3, column4, column5, column6, column7, column8, column9, column10, column11, column12, column13
		FROM %s`,
		columns: []column{
			columnOf("timestamptz", at), columnOf("text", kind), columnOf("text", actor), columnOf("text", details), columnOf("bigint", userID),
			columnOf("text", sessionID), columnOf("text", requestID), columnOf("text", ip), columnOf("text", agent),
			columnOf("bytea", salt), columnOf("bytea", commitment), columnOf("bigint", agentID), columnOf("text", reason),
		},
	}, owe(told))
}

// AddEvent stores an event, in the transaction of the act that it tells of,
// and owes what the act tells to webhooks: see [Store.AddDeliveries]. On
// PostgreSQL both are one round trip.
func (s *Store) AddEvent(ctx context.Context, e account.Event, told ...account.Delivery) error {
	return s.execBoth(ctx, "add an event", statement{
		query: `
		INSERT INTO events (at, kind, actor, details, user_id, session_id, request_id, ip, user_agent, salt, commitment, agent_id, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		args: []any{
			e.At.UTC(), e.Kind, e.Actor, e.Details, orNull(e.UserID),
			e.SessionID, e.RequestID, e.IP, e.UserAgent, e.Salt, e.Commitment, orNull(e.ReadDetails().Agent), e.Reason,
		},
	}, owe(told))
}

// orNull is an id, or NULL for nobody's.
func orNull(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

// EventFilter says which events are wanted; a zero field asks for nothing.
type EventFilter struct {
	UserID int64
	Agent  int64 // of the staff, who did it
	Kind   account.EventKind
	Not    []account.EventKind
	Kinds  []account.EventKind // of these; none: of all
	Before int64               // ids below this one
	After  int64               // ids above this one

	NotStaff bool // none about somebody who has a role

	From, To time.Time // the first moment that is meant, and the first that is not any more
}

// Events returns the newest events, at most limit; zero is no limit.
func (s *Store) Events(ctx context.Context, f EventFilter, limit int) ([]account.Event, error) {
	where, args := f.conditions()
	rest := ``
	if len(where) > 0 {
		rest = `WHERE ` + strings.Join(where, ` AND `)
	}
	rest += ` ORDER BY id DESC`
	if limit > 0 {
		args = append(args, limit)
		rest += fmt.Sprintf(` LIMIT $%d`, len(args))
	}
	return s.events(ctx, rest, args...)
}

// EventsPlaced is [Store.Events] in the order of the chain: those after a place
// and up to another, at most limit. No event gets a place before one that
// somebody may have read, which cannot be said of ids: on PostgreSQL a
// transaction with a lower one may be committed later.
func (s *Store) EventsPlaced(ctx context.Context, f EventFilter, after, through int64, limit int) ([]account.Event, error) {
	where, args := f.conditions()
	args = append(args, after, through, limit)
	n := len(args)
	where = append(where, fmt.Sprintf(`seq > $%d AND seq <= $%d`, n-2, n-1))
	return s.events(ctx, `WHERE `+strings.Join(where, ` AND `)+fmt.Sprintf(` ORDER BY seq LIMIT $%d`, n), args...)
}

// conditions are those of the filter, with their arguments.
func (f EventFilter) conditions() (where []string, args []any) {
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if f.UserID != 0 {
		add(`user_id = $%d`, f.UserID)
	}
	if f.Agent != 0 {
		add(`agent_id = $%d`, f.Agent)
	}
	if f.Kind != "" {
		add(`kind = $%d`, f.Kind)
	}
	among := func(condition string, kinds []account.EventKind) {
		marks := make([]string, len(kinds))
		for i, kind := range kinds {
			args = append(args, kind)
			marks[i] = fmt.Sprintf(`$%d`, len(args))
		}
		if len(kinds) > 0 {
			where = append(where, condition+` (`+strings.Join(marks, `, `)+`)`)
		}
	}
	among(`kind IN`, f.Kinds)
	among(`kind NOT IN`, f.Not)
	if f.NotStaff {
		where = append(where, `(user_id IS NULL OR user_id NOT IN (SELECT user_id FROM staff))`)
	}
	if f.Before != 0 {
		add(`id < $%d`, f.Before)
	}
	if f.After != 0 {
		add(`id > $%d`, f.After)
	}
	if !f.From.IsZero() {
		add(`at >= $%d`, f.From.UTC())
	}
	if !f.To.IsZero() {
		add(`at < $%d`, f.To.UTC())
	}
	return where, args
}

// SealedEvents returns events in the order of the chain: those after a place
// and up to another, at most limit.
func (s *Store) SealedEvents(ctx context.Context, after, through int64, limit int) ([]account.Event, error) {
	return s.events(ctx, `WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3`, after, through, limit)
}

// EventsToSeal returns events that have no place in the chain yet, in the
// order of their ids, at most limit, with no more than their hash is made of.
func (s *Store) EventsToSeal(ctx context.Context, limit int) ([]account.Event, error) {
	return queryAll(ctx, s, "list events to seal", scanToSeal, `
		SELECT id, at, kind, actor, details, commitment
		FROM events
		WHERE seq IS NULL
		ORDER BY id
		LIMIT $1`, limit)
}

func scanToSeal(scan func(...any) error) (e account.Event, err error) {
	err = scan(&e.ID, asUTC(&e.At), &e.Kind, &e.Actor, &e.Details, &e.Commitment)
	return e, err
}

// UnsealedEvents returns events that have no place in the chain yet, in the
// order of their ids, at most limit.
func (s *Store) UnsealedEvents(ctx context.Context, limit int) ([]account.Event, error) {
	return s.events(ctx, `WHERE seq IS NULL ORDER BY id LIMIT $1`, limit)
}

func (s *Store) events(ctx context.Context, rest string, args ...any) ([]account.Event, error) {
	return queryAll(ctx, s, "list events", scanEvent, `SELECT `+eventColumns+` FROM events `+rest, args...)
}

// EventChain returns the state of the chain.
func (s *Store) EventChain(ctx context.Context) (EventChain, error) {
	return queryRow(ctx, s, "read the event chain", scanChain, `
		SELECT seq, hash, removed_seq, removed_hash
		FROM event_chain`)
}

// LockEventChain is [Store.EventChain] for whoever is about to change it: of
// several servers one goes on, the others wait for its transaction's end and
// get what it left. (An UPDATE that changes nothing is a row lock on both
// engines; SQLite has no FOR UPDATE.)
func (s *Store) LockEventChain(ctx context.Context) (EventChain, error) {
	return queryRow(ctx, s, "lock the event chain", scanChain, `
		UPDATE event_chain
		SET seq = seq
		WHERE id = 1
		RETURNING seq, hash, removed_seq, removed_hash`)
}

func scanChain(scan func(...any) error) (c EventChain, err error) {
	err = scan(&c.Head.Seq, &c.Head.Hash, &c.Removed.Seq, &c.Removed.Hash)
	return c, err
}

// SealEvents gives events their places in the chain. It returns [ErrNotFound]
// when one of them has one already.
func (s *Store) SealEvents(ctx context.Context, ids []int64, places []EventHead) error {
	seqs, hashes := make([]int64, len(places)), make([][]byte, len(places))
	for i, at := range places {
		seqs[i], hashes[i] = at.Seq, at.Hash
	}
	// The plus keeps the index of those without a place out of the plan: for
	// each of them, however many wait, both engines would look through v.
	n, err := s.execSet(ctx, "seal events", `
		UPDATE events
		SET seq = v.column2, hash = v.column3
		FROM %s
		WHERE events.id = v.column1 AND +events.seq IS NULL`,
		columnOf("bigint", ids), columnOf("bigint", seqs), columnOf("bytea", hashes))
	if err == nil && n != int64(len(ids)) {
		err = s.wrapErr("seal events", ErrNotFound)
	}
	return err
}

// SetEventHead notes the newest sealed event.
func (s *Store) SetEventHead(ctx context.Context, head EventHead) error {
	return s.execOne(ctx, "set the head of the events", `
		UPDATE event_chain
		SET seq = $1, hash = $2
		WHERE id = 1`, head.Seq, head.Hash)
}

// AnonymiseEventsOf forgets the personal part of users' events and says of how
// many each. What another transaction added while they were counted is
// counted for the last: the sum is exact.
func (s *Store) AnonymiseEventsOf(ctx context.Context, userIDs []int64) (map[int64]int, error) {
	type count struct {
		userID int64
		events int
	}
	scan := func(scan func(...any) error) (c count, err error) {
		err = scan(&c.userID, &c.events)
		return c, err
	}
	counts, err := querySet(ctx, s, "count events", scan, `
		SELECT user_id, COUNT(*)
		FROM events
		WHERE user_id IN (SELECT column1 FROM %s)
		GROUP BY user_id`, columnOf("bigint", userIDs))
	if err != nil || len(userIDs) == 0 {
		return nil, err
	}
	n, err := s.execSet(ctx, forgetPerson, anonymise+`user_id IN (SELECT column1 FROM %s)`, columnOf("bigint", userIDs))
	of := make(map[int64]int, len(counts))
	for _, c := range counts {
		of[c.userID] = c.events
		n -= int64(c.events)
	}
	of[userIDs[len(userIDs)-1]] += int(n)
	return of, err
}

const (
	forgetPerson = "forget the personal part of events"

	anonymise = `
		UPDATE events
		SET user_id = NULL, session_id = '', request_id = '', ip = '', user_agent = '', salt = NULL, reason = ''
		WHERE `
)

// AnonymiseUnattributedEvents forgets the personal part of up to limit events before
// the given time that are about no user, and says of how many.
func (s *Store) AnonymiseUnattributedEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := s.exec(ctx, forgetPerson, anonymise+`id IN (SELECT id
		             FROM events
		             WHERE user_id IS NULL AND salt IS NOT NULL AND at < $1
		             ORDER BY at
		             LIMIT $2)`, before.UTC(), limit)
	return int(n), err
}

// RemoveEvents removes the oldest events, up to and with a place in the
// chain.
func (s *Store) RemoveEvents(ctx context.Context, through EventHead) error {
	err := s.execOne(ctx, "remove events", `
		UPDATE event_chain
		SET removed_seq = $1, removed_hash = $2
		WHERE id = 1 AND removed_seq < $1 AND seq >= $1`, through.Seq, through.Hash)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, "remove events", `
		DELETE FROM events
		WHERE seq <= $1`, through.Seq)
	return err
}
