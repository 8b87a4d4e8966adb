package audit

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/store"
)

// wholeEvery is how often [Log.VerifyNew] walks the whole chain.
const wholeEvery = 7 * 24 * time.Hour

// verified is what a [Log] knows of the chain by its own verifications. It is
// kept in memory, where whoever can write to the database cannot change it.
type verified struct {
	mu    sync.Mutex
	head  store.EventHead // where the last that found nothing ended; zero: there was none
	on    store.Primary   // in which database
	whole time.Time       // when all was last walked and good; zero: never, or something was found since
}

// VerifyNew is [Log.Verify] for who asks every few hours, in a log that takes
// long to walk: it looks at what came since the last time, and walks all of it
// the first time, once a week, and after it found something. The chain must
// always have the head that the last time ended with, so that one that was made
// anew meanwhile is found. What is changed in events that were verified before
// is found within the week.
func (l *Log) VerifyNew(ctx context.Context) (Report, error) {
	l.verified.mu.Lock()
	defer l.verified.mu.Unlock()
	for {
		here, now := l.store.Primary(), l.now()
		known, err := l.stillKnown(ctx, here)
		if err != nil {
			return Report{}, err
		}
		whole := known.Seq == 0 || now.Sub(l.verified.whole) >= wholeEvery || now.Before(l.verified.whole)
		var r Report
		if whole {
			r, err = l.Verify(ctx, known)
		} else {
			r, err = l.VerifyFrom(ctx, known, store.EventHead{})
		}
		switch {
		case err != nil:
			return Report{}, err
		case r.Problem == "":
			l.verified.head, l.verified.on = r.Head, here
			if whole {
				l.verified.whole = now
			}
			return r, nil
		}
		l.verified.whole = time.Time{}
		again, err := l.stillKnown(ctx, l.store.Primary())
		if err != nil || sameHead(again, known) {
			return r, err
		}
	}
}

// stillKnown is the head to hold the chain against: none once it was removed
// for its age, or when the database is read from another PostgreSQL: a standby
// that was promoted may lack the newest.
func (l *Log) stillKnown(ctx context.Context, here store.Primary) (store.EventHead, error) {
	known := l.verified.head
	if known.Seq == 0 || l.verified.on != here {
		return store.EventHead{}, nil
	}
	chain, err := l.store.EventChain(ctx)
	switch {
	case errors.Is(err, store.ErrNotFound): // the verification says so
		return known, nil
	case err != nil:
		return store.EventHead{}, err
	case known.Seq < chain.Removed.Seq:
		return store.EventHead{}, nil
	}
	return known, nil
}
