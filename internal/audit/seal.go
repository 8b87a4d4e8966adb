package audit

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/store"
)

// writeShared writes the rows that are due.
func (l *Log) writeShared(ctx context.Context, f *sharedRows) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	now := l.now()
	rows := f.takeDue(now)
	for len(rows) > 0 {
		n, _, err := l.store.Step(ctx, "write the events that acts share", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			some := rows[:min(most, len(rows))]
			entries := make([]Entry, len(some))
			for i, row := range some {
				if entries[i] = row.first; row.count > 1 {
					entries[i].Details.Count = row.count
				}
			}
			return int64(len(some)), tx.AddEvents(ctx, eventsOf(entries)) // what they tell was owed when it was done
		})
		if err != nil {
			return err
		}
		f.written(rows[:n], now)
		rows = rows[n:]
	}
	return nil
}

// Seal writes the rows that several acts share, where they are due, and gives
// every event that has none its place in the chain, in the order of their ids.
// Several servers may do it at once: they take turns.
//
// Events are not sealed in the transaction of their act, because then all
// logins of all servers would wait for one another.
func (l *Log) Seal(ctx context.Context) error {
	return errors.Join(l.writeShared(ctx, &l.failures), l.writeShared(ctx, &l.repeats), l.seal(ctx))
}

func (l *Log) seal(ctx context.Context) error {
	// Most often there is nothing to do, and looking is no transaction.
	waiting, err := l.store.EventsToSeal(ctx, 1)
	if err != nil || len(waiting) == 0 {
		return err
	}
	return l.store.Sweep(ctx, "seal events", seal)
}

// seal gives up to so many events their places and says how many.
func seal(ctx context.Context, tx *store.Store, most int) (int64, error) {
	chain, err := tx.LockEventChain(ctx)
	if err != nil {
		return 0, err
	}
	events, err := tx.EventsToSeal(ctx, most)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	ids, places := make([]int64, len(events)), make([]store.EventHead, len(events))
	head := chain.Head
	for i, e := range events {
		head = nextHead(head, e)
		ids[i], places[i] = e.ID, head
	}
	if err := tx.SealEvents(ctx, ids, places); err != nil {
		return 0, err
	}
	return int64(len(events)), tx.SetEventHead(ctx, head)
}

// Finish writes and seals what is left when the server stops.
func (l *Log) Finish(ctx context.Context) error {
	l.failures.makeDue(l.now())
	l.repeats.makeDue(l.now())
	return errors.Join(l.Seal(ctx), l.LogHead(ctx))
}

// LogHead logs the newest place in the chain and the hash there. Where
// logs go elsewhere, as they should, that is what a chain that somebody made
// anew, from the database alone, does not agree with.
func (l *Log) LogHead(ctx context.Context) error {
	chain, err := l.store.EventChain(ctx)
	if err == nil && chain.Head.Seq > 0 {
		l.o.Log.InfoContext(ctx, "head of the events", "head", HeadText(chain.Head))
	}
	return err
}
