// Package pulse knows whether the database takes changes, and how far this
// machine's clock can be believed. Both come from a heartbeat, a row that a
// server writes every few seconds.
//
// Guarantees:
//
//   - [Pulse.Ready] says no when no change got through lately, whatever the
//     reason, and yes again as soon as one does.
//   - The heartbeat is one small transaction like any other: no request waits
//     for it longer than for another request. It is left out while requests
//     write.
//   - [Pulse.Believed] never runs ahead of the clock, and follows a clock that
//     was set forward only as fast as a server runs: see clock.go.
package pulse

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

const (
	// Every is how often [Pulse.Beat] is to be called.
	Every = 5 * time.Second

	// maxWriteAge is how old the last change that got through may be while a
	// server is ready: two heartbeats may fail.
	maxWriteAge = 15 * time.Second

	// rowEvery is how often the row is written while requests write anyway,
	// because it also tells how far the clock is believed.
	rowEvery = time.Minute

	beatTimeout  = 10 * time.Second // as long as PostgreSQL may take for any transaction
	startTimeout = 2 * time.Second

	// forgetAfter is when the row of a server that ended is deleted.
	forgetAfter = 24 * time.Hour
)

// Options configure a [Pulse].
type Options struct {
	Now     func() time.Time     // nil: time.Now
	Elapsed func() time.Duration // by a clock that nobody sets; nil: since New
	Log     *slog.Logger
}

// Pulse is that of one server. It is safe for concurrent use.
type Pulse struct {
	store  *store.Store
	o      Options
	server string

	mu    sync.Mutex
	clock clock
	beat  time.Duration // when the row was last written; zero: never
}

// New makes a Pulse. A server calls [Pulse.Start] before it asks anything.
func New(st *store.Store, o Options) *Pulse {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Elapsed == nil {
		began := time.Now()
		o.Elapsed = func() time.Duration { return time.Since(began) }
	}
	return &Pulse{store: st, o: o, server: rand.Text(), clock: newClock(o.Log, time.Time{}, o.Now().Round(0), o.Elapsed())}
}

// Start reads how far the database's servers believed their clocks, and
// writes the first heartbeat. A database that takes no changes now is no
// error: the server is not ready until it does.
func (p *Pulse) Start(ctx context.Context) error {
	now := p.o.Now().Round(0)
	believed, err := p.store.BelievedTime(ctx)
	if errors.Is(err, store.ErrNotFound) { // nothing is there that could be deleted too early
		believed, err = now, nil
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.clock = newClock(p.o.Log, believed, now, p.o.Elapsed())
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := p.Beat(ctx); err != nil {
		p.o.Log.WarnContext(ctx, "the first heartbeat could not be written: the server is not ready until one is", "error", err.Error())
	}
	return nil
}

// Beat writes a heartbeat, unless other changes got through just now.
func (p *Pulse) Beat(ctx context.Context) error {
	h, due := p.next()
	if age, any := p.store.SinceWrite(); any && age < Every/2 && !due {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	began := p.o.Elapsed()
	databaseTime, err := p.store.Beat(ctx, h)
	if errors.Is(err, store.ErrReadOnly) { // Ready says so
		return nil
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beat = p.o.Elapsed()
	p.clock.advance(p.o.Now().Round(0), p.beat)
	p.clock.compare(databaseTime, p.beat-began)
	return nil
}

// next is the heartbeat to write, and whether it is due whatever else was
// written.
func (p *Pulse) next() (h store.Heartbeat, due bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, elapsed := p.o.Now().Round(0), p.o.Elapsed()
	h = store.Heartbeat{Server: p.server, At: now, Believed: p.clock.advance(now, elapsed)}
	return h, p.beat == 0 || elapsed-p.beat >= rowEvery
}

// Ready says why the server cannot serve, as an [account.NotReady]: the
// database is out of reach, cannot be changed or has another schema, or no
// change got through lately. Nil means that it can.
func (p *Pulse) Ready(ctx context.Context) error {
	if err := p.store.Ready(ctx); err != nil {
		reason := "the database cannot be used"
		switch {
		case errors.Is(err, store.ErrReadOnly):
			reason = "the database is read-only"
		case errors.Is(err, account.ErrUnavailable):
			reason = "the database does not answer"
		}
		return &account.NotReady{Reason: reason, Err: err}
	}
	age, any := p.store.SinceWrite()
	if any && age <= maxWriteAge {
		return nil
	}
	return &account.NotReady{Reason: fmt.Sprintf("the database has taken no change for %d seconds", int(age.Seconds()))}
}

// WriteAge is how long ago the last change got through.
func (p *Pulse) WriteAge() time.Duration {
	age, _ := p.store.SinceWrite()
	return age
}

// Sweep forgets servers that ended.
func (p *Pulse) Sweep(ctx context.Context, now time.Time) error {
	return p.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		return tx.DeleteHeartbeats(ctx, now.Add(-forgetAfter))
	})
}
