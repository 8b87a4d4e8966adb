// Package guard keeps anybody from asking too often: it counts what networks,
// sessions, users, services and mailboxes ask (limiter.go, quota.go,
// mailbox.go), and slows down who guesses at a password (attempt.go) or at a
// second factor (second.go).
//
// Guarantees:
//
//   - Who guesses is slowed down, and the owner is not locked out: a device
//     that has logged in before has tries of its own (device.go).
//   - What is counted by is stored as a keyed hash: people type passwords where
//     a name should be (secret.go).
//   - What runs inside a transaction is given the secret and asks for nothing:
//     on SQLite a transaction in a transaction waits for itself.
package guard

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
)

// Options configure a [Guard].
type Options struct {
	Limits         *Limiter         // nil: limits are off, everybody may do anything as often as they like
	Box            *secret.Box      // encrypts the stored secret; nil: it is in clear
	MailPerAddress int              // the most mails an hour of a kind to one mailbox that strangers can cause
	Now            func() time.Time // nil: time.Now
	Log            *slog.Logger
}

// Guard counts. It is safe for concurrent use.
type Guard struct {
	store   *store.Store
	audit   *audit.Log
	limits  *Limiter
	off     bool // nothing is counted, and every attempt is the first
	o       Options
	devices *stored
	codes   *stored

	mu      sync.Mutex
	running map[string]int // attempts under way, by key
}

// New makes a Guard.
func New(st *store.Store, log *audit.Log, o Options) *Guard {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Guard{store: st, audit: log, limits: o.Limits, off: o.Limits == nil, o: o, devices: newDevicesSecret(), codes: newCodesSecret(), running: map[string]int{}}
}

// Sweep forgets wrong tries that nobody is slowed down for any more, and places
// where nobody logged in for long.
func (g *Guard) Sweep(ctx context.Context, now time.Time) error {
	return errors.Join(
		g.store.Sweep(ctx, "forget failed passwords", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.SweepFailedAttempts(ctx, now, most)
		}),
		g.store.Sweep(ctx, "forget wrong factors", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.SweepWrongFactors(ctx, now.Add(-wrongFactorsKept), most)
		}),
		g.sweepPlaces(ctx, now),
	)
}
