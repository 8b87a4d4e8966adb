package store

import (
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"
	"time"
)

// Heartbeat is the sign of life of one run of a server.
type Heartbeat struct {
	Server   string
	At       time.Time // by the server's clock
	Believed time.Time // the time up to which it believes that clock
}

// roomForChange is more than any change takes on the disk. The few pages
// that are left where a change found no room are enough for many heartbeats.
const roomForChange = 128 << 10

// Beat writes a server's heartbeat, and returns the database's own time; zero
// where the database is in the process and has none. Each server has a row of
// its own, so that none waits for another that stopped in the middle.
func (s *Store) Beat(ctx context.Context, h Heartbeat) (databaseTime time.Time, err error) {
	room, full := []byte{}, s.health.full.Load()
	if full {
		room = make([]byte, roomForChange)
		_, _ = rand.Read(room) // PostgreSQL would compress nothing to nothing
	}
	err = s.Tx(ctx, func(ctx context.Context, tx *Store) error {
		at, err := queryRow(ctx, tx, "write a heartbeat", scanTime, `
			INSERT INTO heartbeats (server, at, believed, room)
			VALUES ($1, $2, $3, $4)
			ON CONFLICT (server) DO UPDATE
			SET at = excluded.at, believed = excluded.believed, room = excluded.room
			RETURNING `+s.dialect.now, h.Server, h.At.UTC(), h.Believed.UTC(), room)
		databaseTime, tx.changed = at, err == nil
		return err
	})
	if err == nil && full {
		s.health.full.Store(false)
	}
	return databaseTime, err
}

// Time is the database's own; zero where the database is in the process and has
// none.
func (s *Store) Time(ctx context.Context) (time.Time, error) {
	return queryRow(ctx, s, "ask the database's clock", scanTime, `SELECT `+s.dialect.now)
}

// BelievedTime is the latest time that a server has believed or, before there
// was a heartbeat, that of the newest event. It returns [ErrNotFound] when
// there is neither.
func (s *Store) BelievedTime(ctx context.Context) (time.Time, error) {
	at, err := queryRow(ctx, s, "read the heartbeats", scanTime, `
		SELECT believed
		FROM heartbeats
		ORDER BY believed DESC
		LIMIT 1`)
	if !errors.Is(err, ErrNotFound) {
		return at, err
	}
	return queryRow(ctx, s, "find the newest event", scanTime, `
		SELECT at
		FROM events
		ORDER BY id DESC
		LIMIT 1`)
}

// BeatingServers counts the servers that wrote a heartbeat since a time.
func (s *Store) BeatingServers(ctx context.Context, since time.Time) (int, error) {
	return queryValue[int](ctx, s, "count servers", `
		SELECT COUNT(*)
		FROM heartbeats
		WHERE at >= $1`, since.UTC())
}

// DeleteHeartbeats forgets servers that wrote none since a time.
func (s *Store) DeleteHeartbeats(ctx context.Context, before time.Time) error {
	_, err := s.exec(ctx, "delete heartbeats", `
		DELETE FROM heartbeats
		WHERE at < $1`, before.UTC())
	return err
}

// health is what a store and its transactions have noticed of the database.
type health struct {
	opened  time.Time
	written atomic.Int64 // when the last change got through, since opened; zero: none has
	damaged atomic.Int64
	full    atomic.Bool // a change did not fit, and none of that size has since
}

func newHealth() *health { return &health{opened: time.Now()} }

// wrote notes that a transaction that changed something was acknowledged.
func (h *health) wrote() { h.written.Store(int64(time.Since(h.opened))) }

func (h *health) note(c condition) {
	switch c {
	case isDamaged:
		h.damaged.Add(1)
	case isFull:
		h.full.Store(true)
	case noCondition:
	}
}

// SinceWrite is how long ago the last change got through: a transaction that
// changed a row, and whose commit the database acknowledged. Where none has,
// since the store was opened, it is false and how long ago that was.
func (s *Store) SinceWrite() (time.Duration, bool) {
	at := s.health.written.Load()
	return time.Since(s.health.opened) - time.Duration(at), at != 0
}

// Damaged counts the errors by which the database said that what it stored is
// damaged.
func (s *Store) Damaged() int64 { return s.health.damaged.Load() }
