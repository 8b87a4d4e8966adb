package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Sweep forgets, after their time, whose IP address it was that did something
// as nobody we know, and the oldest events.
func (l *Log) Sweep(ctx context.Context, now time.Time) error {
	err := l.store.Sweep(ctx, "forget who strangers were", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		return l.anonymiseUnattributed(ctx, tx, now, most)
	})
	if l.o.Keep == 0 {
		return err
	}
	return errors.Join(err, l.store.Sweep(ctx, "remove the oldest events", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		return l.removeEvents(ctx, tx, now, most)
	}))
}

// removeSlack is how much longer than asked for the oldest event is kept, so
// that the removal, which is an event itself, happens once a day.
const removeSlack = 24 * time.Hour

// anonymiseUnattributed forgets the personal part of what was done by nobody we
// know. It is kept for as long as a closed account is, so that whoever is
// erased is also forgotten as the stranger who mistyped their own name.
func (l *Log) anonymiseUnattributed(ctx context.Context, tx *store.Store, now time.Time, most int) (int64, error) {
	n, err := tx.AnonymiseUnattributedEvents(ctx, now.Add(-l.o.AnonymiseAfter), most)
	if err != nil || n == 0 {
		return 0, err
	}
	return int64(n), l.Record(ctx, tx, Entry{
		Kind: account.EventEventsAnonymised, Actor: account.ActorSystem, Details: account.EventDetails{Count: n}, At: l.now(),
	})
}

// removeEvents removes events from the chain's beginning that are older than
// [Options].Keep, and leaves the place and hash of the last.
func (l *Log) removeEvents(ctx context.Context, tx *store.Store, now time.Time, most int) (int64, error) {
	chain, err := tx.LockEventChain(ctx)
	if err != nil {
		return 0, err
	}
	events, err := tx.SealedEvents(ctx, chain.Removed.Seq, chain.Head.Seq, most)
	if err != nil {
		return 0, err
	}
	before := now.Add(-l.o.Keep).UTC()
	n := 0
	for n < len(events) && events[n].At.Before(before) {
		n++
	}
	if n == 0 || n < most && events[0].At.After(before.Add(-removeSlack)) {
		return 0, nil
	}
	last := store.EventHead{Seq: events[n-1].Seq, Hash: events[n-1].Hash}
	if err := tx.RemoveEvents(ctx, last); err != nil {
		return 0, err
	}
	return int64(n), l.Record(ctx, tx, Entry{
		Kind: account.EventEventsRemoved, Actor: account.ActorSystem, At: l.now(),
		Details: account.EventDetails{Count: n, Through: last.Seq, Hash: hex.EncodeToString(last.Hash), Before: before},
	})
}
