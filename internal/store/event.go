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

const eventColumns = `id, at, kind, actor, details, user_id, session_id, request_id, ip, user_agent, salt, commitment, seq, hash`

func scanEvent(scan func(...any) error) (account.Event, error) {
	var e account.Event
	var userID, seq sql.NullInt64
	err := scan(&e.ID, asUTC(&e.At), &e.Kind, &e.Actor, &e.Details, &userID, &e.SessionID, &e.RequestID, &e.IP, &e.UserAgent,
		&e.Salt, &e.Commitment, &seq, &e.Hash)
	e.UserID, e.Seq = userID.Int64, seq.Int64
	return e, err
}

// AddEvent stores an event, in the transaction of the act that it tells of.
func (s *Store) AddEvent(ctx context.Context, e account.Event) error {
	_, err := s.exec(ctx, "add an event", `
		INSERT INTO events (at, kind, actor, details, user_id, session_id, request_id, ip, user_agent, salt, commitment)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		e.At.UTC(), e.Kind, e.Actor, e.Details, sql.NullInt64{Int64: e.UserID, Valid: e.UserID != 0},
		e.SessionID, e.RequestID, e.IP, e.UserAgent, e.Salt, e.Commitment)
	return err
}

// EventFilter says which events are wanted; a zero field asks for nothing.
type EventFilter struct {
	UserID int64
	Kind   account.EventKind
	Before int64 // ids below this one
}

// Events returns the newest events, at most limit; zero is no limit.
func (s *Store) Events(ctx context.Context, f EventFilter, limit int) ([]account.Event, error) {
	var where []string
	var args []any
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if f.UserID != 0 {
		add(`user_id = $%d`, f.UserID)
	}
	if f.Kind != "" {
		add(`kind = $%d`, f.Kind)
	}
	if f.Before != 0 {
		add(`id < $%d`, f.Before)
	}
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

// SealEvent gives an event its place in the chain. It returns [ErrNotFound]
// when it has one already.
func (s *Store) SealEvent(ctx context.Context, id int64, at EventHead) error {
	return s.execOne(ctx, "seal an event", `
		UPDATE events
		SET seq = $1, hash = $2
		WHERE id = $3 AND seq IS NULL`, at.Seq, at.Hash, id)
}

// SetEventHead notes the newest sealed event.
func (s *Store) SetEventHead(ctx context.Context, head EventHead) error {
	return s.execOne(ctx, "set the head of the events", `
		UPDATE event_chain
		SET seq = $1, hash = $2
		WHERE id = 1`, head.Seq, head.Hash)
}

// AnonymiseEventsOf forgets the personal part of a user's events and says of
// how many.
func (s *Store) AnonymiseEventsOf(ctx context.Context, userID int64) (int, error) {
	return s.anonymiseEvents(ctx, `user_id = $1`, userID)
}

// AnonymiseUnattributedEvents forgets the personal part of up to limit events before
// the given time that are about no user, and says of how many.
func (s *Store) AnonymiseUnattributedEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.anonymiseEvents(ctx, `id IN (SELECT id
		             FROM events
		             WHERE user_id IS NULL AND salt IS NOT NULL AND at < $1
		             ORDER BY at
		             LIMIT $2)`, before.UTC(), limit)
}

func (s *Store) anonymiseEvents(ctx context.Context, condition string, args ...any) (int, error) {
	n, err := s.exec(ctx, "forget the personal part of events", `
		UPDATE events
		SET user_id = NULL, session_id = '', request_id = '', ip = '', user_agent = '', salt = NULL
		WHERE `+condition, args...)
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
