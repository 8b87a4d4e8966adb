package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// The chain of events. Each sealed event has a hash of what it tells and of
// the hash before it, so that to change, remove, insert or move one is to
// make anew all that follow. The personal part enters as a commitment, an
// HMAC under a random key of its own: when the person is erased, the part and
// the key go, the chain still holds, and from what is left nothing can be
// guessed, not even by trying all IP addresses.
//
// docs/events.md says what is found and what is not.

// saltSize is that of a commitment's key: 128 bits cannot be tried.
const saltSize = 16

// withCommitment adds the commitment to an event's personal part. Where there is
// nothing personal there is nothing to forget, and so no salt.
func withCommitment(e account.Event) account.Event {
	if e.EventPerson == (account.EventPerson{}) {
		e.Commitment = noCommitment
		return e
	}
	e.Salt = make([]byte, saltSize)
	_, _ = rand.Read(e.Salt) // never fails: crypto/rand ends the process instead
	e.Commitment = commit(e.Salt, e.EventPerson)
	return e
}

// noCommitment is that of an event without a personal part. One that had
// one has another, which the chain holds.
var noCommitment = commit(nil, account.EventPerson{})

func commit(salt []byte, p account.EventPerson) []byte {
	var b fieldBytes
	b.number(p.UserID)
	b.text(p.SessionID, p.RequestID, p.IP, p.UserAgent)
	mac := hmac.New(sha256.New, salt)
	mac.Write(b)
	return mac.Sum(nil)
}

// nextHead is the place of an event that follows another, with its hash.
func nextHead(before store.EventHead, e account.Event) store.EventHead {
	b := make(fieldBytes, 0, 512)
	b.text("yoozak event 1", string(before.Hash))
	b.number(before.Seq+1, e.ID, e.At.UnixMicro())
	b.text(string(e.Kind), string(e.Actor), e.Details, string(e.Commitment))
	sum := sha256.Sum256(b)
	return store.EventHead{Seq: before.Seq + 1, Hash: sum[:]}
}

// fieldBytes are fields in a form in which no two lists of fields are alike.
type fieldBytes []byte

func (b *fieldBytes) number(ns ...int64) {
	for _, n := range ns {
		*b = binary.BigEndian.AppendUint64(*b, uint64(n)) //nolint:gosec // its bits
	}
}

func (b *fieldBytes) text(ts ...string) {
	for _, t := range ts {
		b.number(int64(len(t)))
		*b = append(*b, t...)
	}
}

// ErrHead says that a noted head is not in the form NUMBER:HASH.
var ErrHead = errors.New("a head is NUMBER:HASH, as \"events verify\" prints it and the server logs it")

// ParseHead reads what [HeadText] wrote.
func ParseHead(text string) (store.EventHead, error) {
	number, hash, _ := strings.Cut(strings.TrimSpace(text), ":")
	var h store.EventHead
	var err error
	if h.Seq, err = strconv.ParseInt(number, 10, 64); err != nil || h.Seq < 1 {
		return h, ErrHead
	}
	if h.Hash, err = hex.DecodeString(hash); err != nil || len(h.Hash) != sha256.Size {
		return h, ErrHead
	}
	return h, nil
}

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
