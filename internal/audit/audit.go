// Package audit keeps the log of security-relevant acts (docs/events.md).
//
// Guarantees:
//
//   - [Log.Record] adds an event in the transaction of its act: there is one
//     if and only if the act is committed.
//   - What anybody can cause at any rate, or a caller over and over, is
//     counted, and shares rows: [Log.RecordFailure], [Log.RecordChange].
//   - Sealed events are a chain of hashes: [Log.Verify] finds what was
//     changed, removed, inserted or moved.
//   - The personal part of an event can be forgotten, and the chain still
//     holds.
package audit

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Options configure a [Log].
type Options struct {
	Keep           time.Duration    // how long events are kept; zero: for ever
	AnonymiseAfter time.Duration    // how long the personal part of what nobody we know did is kept
	Staff          string           // who runs this command; empty: it is the server
	HeadFile       string           // where a server notes the head of the chain; empty: nowhere
	Now            func() time.Time // nil: time.Now
	Log            *slog.Logger

	// Tell is what acts tell to webhooks. It is asked about every act, in its
	// transaction, also about one whose event shares a row that is written
	// later; and what it returns is owed there. Nil: nothing.
	Tell func(acts []Entry) []account.Delivery
}

// Log is the log of events. It is safe for concurrent use.
type Log struct {
	store *store.Store
	o     Options

	failures sharedRows // wrong passwords
	repeats  sharedRows // what callers do over and over
	notes    notes
	verified verified
}

// New makes a Log.
func New(st *store.Store, o Options) *Log {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Log{
		store: st, o: o,
		failures: sharedRows{mostKnown: failuresOfKnown}, repeats: sharedRows{mostKnown: repeatsOfKnown},
	}
}

func (l *Log) now() time.Time { return l.o.Now().UTC() }

// ByStaff is what the staff does to a user by a command.
func (l *Log) ByStaff(kind account.EventKind, userID int64, at time.Time) Entry {
	return Entry{Kind: kind, Actor: account.ActorStaff, UserID: userID, Details: account.EventDetails{Staff: l.o.Staff}, At: at}
}

// ByOperator is what the staff does where a command does it, or else the
// server by itself.
func (l *Log) ByOperator(kind account.EventKind, details account.EventDetails, at time.Time) Entry {
	e := Entry{Kind: kind, Actor: account.ActorSystem, Details: details, At: at}
	if l.o.Staff != "" {
		e.Actor, e.Details.Staff = account.ActorStaff, l.o.Staff
	}
	return e
}

// Record adds an event in the transaction of its act.
func (l *Log) Record(ctx context.Context, tx *store.Store, e Entry) error {
	return tx.AddEvent(ctx, e.event(), l.told(e)...)
}

// RecordAll is Record for several events.
func (l *Log) RecordAll(ctx context.Context, tx *store.Store, entries []Entry) error {
	return tx.AddEvents(ctx, eventsOf(entries), l.told(entries...)...)
}

func (l *Log) told(acts ...Entry) []account.Delivery {
	if l.o.Tell == nil {
		return nil
	}
	return l.o.Tell(acts)
}

func eventsOf(entries []Entry) []account.Event {
	all := make([]account.Event, len(entries))
	for i, e := range entries {
		all[i] = e.event()
	}
	return all
}

func (e Entry) event() account.Event {
	if e.Actor == "" {
		e.Actor = account.ActorUser
	}
	return withCommitment(account.Event{
		At: e.At.UTC().Truncate(time.Microsecond), Kind: e.Kind, Actor: e.Actor, Details: e.Details.JSON(),
		EventPerson: account.EventPerson{
			UserID: e.UserID, SessionID: e.Session, RequestID: e.Request.RequestID, IP: e.Request.IP, UserAgent: e.Request.UserAgent,
			Reason: e.Reason,
		},
	})
}

// RecordFailure notes a wrong password, factor or code; the user is zero when the name is unknown.
func (l *Log) RecordFailure(e Entry) {
	if e.Kind == account.EventLoginFailed {
		e.Actor = account.ActorAnonymous
	}
	l.failures.add(rowKey{kind: e.Kind, user: e.UserID, ip: e.Request.IP}, e)
}

// changeKey is what the same caller's changes of the same fields share.
func changeKey(e Entry) rowKey {
	return rowKey{e.Kind, e.UserID, e.Request.IP, e.Session, strings.Join(e.Details.Fields, " ")}
}

// RecordChange is Record for what a caller may do over and over. The event is
// added in the transaction unless the same was done within the minute; then,
// and always in the end, changed must be called once the act is committed.
func (l *Log) RecordChange(ctx context.Context, tx *store.Store, e Entry) (changed func(), err error) {
	key := changeKey(e)
	if l.repeats.has(key, e.At) {
		return func() { l.repeats.add(key, e) }, tx.AddDeliveries(ctx, l.told(e))
	}
	return func() { l.repeats.open(key, e.At) }, l.Record(ctx, tx, e)
}
