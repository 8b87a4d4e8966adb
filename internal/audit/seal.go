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
	if len(rows) == 0 {
		return nil
	}
	err := l.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		for _, row := range rows {
			e := row.first
			if row.count > 1 {
				e.Details.Count = row.count
			}
			if err := l.Record(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		f.written(rows, now)
	}
	return err
}

// sealAtOnce is how many events one transaction seals: on SQLite nobody else
// writes meanwhile.
const sealAtOnce = 500

// Seal writes the rows that several acts share, where they are due, and gives
// every event that has none its place in the chain, in the order of their ids.
// Several servers may do it at once: they take turns.
//
// Events are not sealed in the transaction of their act, because then all
// logins of all servers would wait for one another.
func (l *Log) Seal(ctx context.Context) error {
	for _, f := range []*sharedRows{&l.failures, &l.repeats} {
		if err := l.writeShared(ctx, f); err != nil {
			return err
		}
	}
	for {
		// Most often there is nothing to do, and looking is no transaction.
		waiting, err := l.store.EventsToSeal(ctx, 1)
		if err != nil || len(waiting) == 0 {
			return err
		}
		n := 0
		err = l.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
			n, err = seal(ctx, tx)
			return err
		})
		if err != nil || n < sealAtOnce {
			return err
		}
	}
}

// seal gives up to sealAtOnce events their place and says how many.
func seal(ctx context.Context, tx *store.Store) (int, error) {
	chain, err := tx.LockEventChain(ctx)
	if err != nil {
		return 0, err
	}
	events, err := tx.EventsToSeal(ctx, sealAtOnce)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	head := chain.Head
	for _, e := range events {
		head = nextHead(head, e)
		if err := tx.SealEvent(ctx, e.ID, head); err != nil {
			return 0, err
		}
	}
	return len(events), tx.SetEventHead(ctx, head)
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
