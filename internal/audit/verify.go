package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Report is what a verification found.
type Report struct {
	Head     store.EventHead // to note, outside the database
	Removed  store.EventHead // up to here events were removed because they were old
	From     store.EventHead // up to here events were not looked at
	Sealed   int             // that were looked at
	Unsealed int             // too new to be in the chain
	Forgot   int             // without their personal part
	Problem  string          // the first; empty: none
}

// verifyTries is how often a verification that found something begins again,
// because the chain went on or its oldest events were removed while it read.
const verifyTries = 3

// Verify walks the whole chain. noted is a head that was noted
// earlier, outside the database, or zero: without one, a chain that was made
// anew as a whole, or cut at its end, looks like any other.
func (l *Log) Verify(ctx context.Context, noted store.EventHead) (Report, error) {
	return l.VerifyFrom(ctx, store.EventHead{}, noted)
}

// ErrOlderHead says that a noted head is of before where a verification is to
// begin.
var ErrOlderHead = errors.New("the head to hold against the chain is older than the one to begin at: nothing before that is looked at")

// VerifyFrom is [Log.Verify] of what came after a head that was noted, and
// that the chain must still have. What came before it is not looked at: whoever
// noted it has verified that. Zero is all.
func (l *Log) VerifyFrom(ctx context.Context, from, noted store.EventHead) (Report, error) {
	if noted.Seq > 0 && noted.Seq < from.Seq {
		return Report{}, ErrOlderHead
	}
	for try := 1; ; try++ {
		chain, err := l.store.EventChain(ctx)
		if errors.Is(err, store.ErrNotFound) {
			return Report{Problem: "the database's own note of the head, the one row of event_chain, is not there"}, nil
		}
		if err != nil {
			return Report{}, err
		}
		w := verifier{store: l.store, from: from, noted: noted, chain: chain, at: chain.Removed}
		if err := w.run(ctx); err != nil {
			return Report{}, err
		}
		if w.report.Problem == "" || try == verifyTries {
			return w.report, nil
		}
		again, err := l.store.EventChain(ctx)
		if err != nil || again.Removed.Seq == chain.Removed.Seq && again.Head.Seq == chain.Head.Seq {
			return w.report, err
		}
	}
}

// verifier is one verification.
type verifier struct {
	store  *store.Store
	chain  store.EventChain
	from   store.EventHead
	noted  store.EventHead
	at     store.EventHead // where it is
	report Report

	mayForget int // how many the events say were made anonymous

	// Whether an event tells of the removal up to the place: of the whole, and
	// of the noted head.
	removedTold, notedTold bool
}

// How many events a verification holds in memory.
const (
	verifyAtOnce = 1000
	mostUnsealed = 100_000
)

func (w *verifier) run(ctx context.Context) error {
	w.report.Head, w.report.Removed, w.report.From = w.chain.Head, w.chain.Removed, w.from
	if err := w.begin(ctx); err != nil || w.report.Problem != "" {
		return err
	}
	for w.at.Seq < w.chain.Head.Seq {
		events, err := w.store.SealedEvents(ctx, w.at.Seq, w.chain.Head.Seq, verifyAtOnce)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			w.problem("event number %d is not there, and none after it", w.at.Seq+1)
			return nil
		}
		for _, e := range events {
			if w.checkNext(e); w.report.Problem != "" {
				return nil
			}
		}
	}
	if !bytes.Equal(w.at.Hash, w.chain.Head.Hash) {
		w.problem("the database's own note of the head, %s, is not the hash of event number %d", HeadText(w.chain.Head), w.at.Seq)
		return nil
	}
	return w.checkUnsealed(ctx)
}

// begin goes to where the verification is to begin, if that is not the
// beginning.
func (w *verifier) begin(ctx context.Context) error {
	switch {
	case w.from.Seq == 0:
		return nil
	case w.from.Seq > w.chain.Head.Seq:
		w.notThere(w.from)
		return nil
	case w.from.Seq < w.chain.Removed.Seq:
		w.removed(w.from)
		return nil
	}
	there := w.chain.Removed // where that is the place, the event is gone
	if w.from.Seq > there.Seq {
		events, err := w.store.SealedEvents(ctx, w.from.Seq-1, w.from.Seq, 1)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			w.problem("event number %d, whose hash was noted, is not there", w.from.Seq)
			return nil
		}
		there.Hash = events[0].Hash
	}
	if !bytes.Equal(there.Hash, w.from.Hash) {
		w.changed(w.from)
	}
	w.at = w.from
	return nil
}

// checkNext looks at the next event of the chain.
func (w *verifier) checkNext(e account.Event) {
	w.checkNoted()
	next := nextHead(w.at, e)
	switch {
	case e.Seq != next.Seq:
		w.problem("event number %d is not there: after number %d comes number %d, with the id %d", next.Seq, w.at.Seq, e.Seq, e.ID)
	case !bytes.Equal(e.Hash, next.Hash):
		w.problem("event number %d, with the id %d (%s, %s): its hash is not that of what it tells and of the event before; it was changed, moved or put there, or the one before it was removed",
			e.Seq, e.ID, e.Kind, e.At.Format("2006-01-02 15:04:05"))
	case !w.person(e):
		w.problem("event number %d, with the id %d (%s, %s): what it says of the person was changed", e.Seq, e.ID, e.Kind, e.At.Format("2006-01-02 15:04:05"))
	}
	w.at = next
	w.report.Sealed++
}

// person looks at the personal part of an event, which is as it was or gone,
// and takes note of what the event says was made anonymous or removed.
func (w *verifier) person(e account.Event) bool {
	d := e.ReadDetails()
	switch e.Kind {
	case account.EventAccountErased, account.EventEventsAnonymised:
		w.mayForget += d.Count
	case account.EventEventsRemoved:
		hash, err := hex.DecodeString(d.Hash)
		tells := func(h store.EventHead) bool { return err == nil && d.Through == h.Seq && bytes.Equal(hash, h.Hash) }
		w.removedTold = w.removedTold || tells(w.chain.Removed)
		w.notedTold = w.notedTold || tells(w.noted)
	}
	if e.Salt == nil {
		if !bytes.Equal(e.Commitment, noCommitment) {
			w.report.Forgot++
		}
		return e.EventPerson == account.EventPerson{}
	}
	return hmac.Equal(e.Commitment, commit(e.Salt, e.EventPerson))
}

// checkUnsealed looks at what is not in the chain yet, and at what the events must
// add up to.
func (w *verifier) checkUnsealed(ctx context.Context) error {
	w.checkNoted()
	events, err := w.store.UnsealedEvents(ctx, mostUnsealed)
	if err != nil {
		return err
	}
	for _, e := range events {
		if !w.person(e) {
			w.problem("the event with the id %d, not sealed yet (%s): what it says of the person was changed", e.ID, e.Kind)
		}
	}
	w.report.Unsealed = len(events)
	if w.report.Forgot > w.mayForget {
		w.problem("%d events are without their personal part, but the erasures in the log account for %d only", w.report.Forgot, w.mayForget)
	}
	if w.chain.Removed.Seq > 0 && w.from.Seq == 0 && !w.removedTold { // the event that tells may be older than where we began
		w.problem("events up to number %d were removed, but no %s event tells of it", w.chain.Removed.Seq, account.EventEventsRemoved)
	}
	switch {
	case w.noted.Seq > w.at.Seq:
		w.notThere(w.noted)
	case w.noted.Seq > 0 && w.noted.Seq < w.chain.Removed.Seq && !w.notedTold:
		w.removed(w.noted)
	}
	return nil
}

// checkNoted compares the noted head when the walk is at its place.
func (w *verifier) checkNoted() {
	if w.at.Seq == w.noted.Seq && w.noted.Seq > 0 && !bytes.Equal(w.at.Hash, w.noted.Hash) {
		w.changed(w.noted)
	}
}

// What is wrong with a head that was noted.
func (w *verifier) changed(h store.EventHead) {
	w.problem("event number %d does not have the hash that was noted: it, or something before it, was changed", h.Seq)
}

func (w *verifier) notThere(h store.EventHead) {
	w.problem("event number %d, whose hash was noted, is not there: the chain ends at number %d", h.Seq, w.chain.Head.Seq)
}

func (w *verifier) removed(h store.EventHead) {
	w.problem("event number %d, whose hash was noted, was removed because it was old: note a newer head", h.Seq)
}

// problem notes a problem, unless there was one before it.
func (w *verifier) problem(format string, args ...any) {
	if w.report.Problem == "" {
		w.report.Problem = fmt.Sprintf(format, args...)
	}
}
