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
	Sealed   int
	Unsealed int    // too new to be in the chain
	Forgot   int    // without their personal part
	Problem  string // the first; empty: none
}

// verifyTries is how often a verification that found something begins again,
// because the chain went on or its oldest events were removed while it read.
const verifyTries = 3

// Verify walks the whole chain. noted is a head that was noted
// earlier, outside the database, or zero: without one, a chain that was made
// anew as a whole, or cut at its end, looks like any other.
func (l *Log) Verify(ctx context.Context, noted store.EventHead) (Report, error) {
	for try := 1; ; try++ {
		chain, err := l.store.EventChain(ctx)
		if errors.Is(err, store.ErrNotFound) {
			return Report{Problem: "the database's own note of the head, the one row of event_chain, is not there"}, nil
		}
		if err != nil {
			return Report{}, err
		}
		w := verifier{store: l.store, noted: noted, chain: chain, at: chain.Removed}
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
	noted  store.EventHead
	at     store.EventHead // where it is
	report Report

	mayForget int               // how many the events say were made anonymous
	removals  []store.EventHead // that the events tell of
}

// How many events a verification holds in memory.
const (
	verifyAtOnce = 1000
	mostUnsealed = 100_000
)

func (w *verifier) run(ctx context.Context) error {
	w.report.Head, w.report.Removed = w.chain.Head, w.chain.Removed
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
		if hash, err := hex.DecodeString(d.Hash); err == nil {
			w.removals = append(w.removals, store.EventHead{Seq: d.Through, Hash: hash})
		}
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
	if w.chain.Removed.Seq > 0 && !w.accountedFor(w.chain.Removed) {
		w.problem("events up to number %d were removed, but no %s event tells of it", w.chain.Removed.Seq, account.EventEventsRemoved)
	}
	switch {
	case w.noted.Seq > w.at.Seq:
		w.problem("event number %d, whose hash was noted, is not there: the chain ends at number %d", w.noted.Seq, w.at.Seq)
	case w.noted.Seq > 0 && w.noted.Seq < w.chain.Removed.Seq && !w.accountedFor(w.noted):
		w.problem("event number %d, whose hash was noted, was removed because it was old: note a newer head", w.noted.Seq)
	}
	return nil
}

// checkNoted compares the noted head when the walk is at its place.
func (w *verifier) checkNoted() {
	if w.at.Seq == w.noted.Seq && w.noted.Seq > 0 && !bytes.Equal(w.at.Hash, w.noted.Hash) {
		w.problem("event number %d does not have the hash that was noted: it, or something before it, was changed", w.at.Seq)
	}
}

func (w *verifier) accountedFor(h store.EventHead) bool {
	for _, r := range w.removals {
		if r.Seq == h.Seq && bytes.Equal(r.Hash, h.Hash) {
			return true
		}
	}
	return false
}

// problem notes a problem, unless there was one before it.
func (w *verifier) problem(format string, args ...any) {
	if w.report.Problem == "" {
		w.report.Problem = fmt.Sprintf(format, args...)
	}
}
