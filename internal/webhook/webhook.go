// Package webhook tells other programs of acts, by the Standard Webhooks
// specification (docs/webhooks.md).
//
// Guarantees:
//
//   - A delivery is owed if and only if the transaction of its act is
//     committed: [Told]. It comes at least once, with the same id and the same
//     bytes at each attempt.
//   - Of one client those of one webhook come in the order of the acts. One
//     that fails holds up only the later ones of its client, and when it was
//     tried for three days it is given up, where the receiver accepts
//     others.
//   - Each webhook has one worker at a time, of whichever server: [Service.Run].
//     It gives every delivery its place, once the act is committed, so that no
//     act waits for another's.
//   - An address that is not meant to be reached from here is not dialled.
//
// It refuses to tell values: a message says who changed, and which fields.
package webhook

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
)

// Options configure a [Service].
type Options struct {
	Box      *secret.Box    // encrypts the stored secrets; nil: they are in clear
	Allow    []netip.Prefix // networks of ours that may be dialled, without TLS too
	Proxy    *url.URL       // by which every address is reached; nil: none
	Resolver *net.Resolver  // nil: the system's

	Operator         string // whom to mail that a webhook was turned off; empty: nobody
	OperatorLanguage string

	Now func() time.Time // nil: time.Now
	Log *slog.Logger
}

// Service delivers what is owed. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	audit  *audit.Log
	o      Options
	log    *slog.Logger
	sender *sender

	failures  atomic.Int64
	givenUp   atomic.Int64
	delivered atomic.Int64
	waiting   atomic.Int64
	oldest    atomic.Int64 // when it was done, in microseconds; zero: nothing waits
}

// New makes a Service.
func New(st *store.Store, log *audit.Log, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{store: st, audit: log, o: o, log: o.Log, sender: newSender(o)}
}

func (s *Service) now() time.Time { return s.o.Now().UTC() }

// logRetention is how long it is kept what was delivered.
const logRetention = 30 * 24 * time.Hour

// Sweep forgets what was done longer ago than the log is kept, delivered or
// not.
func (s *Service) Sweep(ctx context.Context, now time.Time) error {
	return s.store.Sweep(ctx, "delete deliveries of webhooks", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		return tx.DeleteDeliveries(ctx, now.Add(-logRetention), s.now(), most)
	})
}

// Measure looks at what waits, for the metrics.
func (s *Service) Measure(ctx context.Context) error {
	hooks, err := s.store.Webhooks(ctx)
	if err != nil {
		return err
	}
	var waiting, oldest int64
	if len(hooks) > 0 {
		backlogs, err := s.store.Backlogs(ctx)
		if err != nil {
			return err
		}
		for _, w := range hooks {
			b := backlogs[w.ID]
			if !w.DisabledAt.IsZero() || b.Count == 0 {
				continue
			}
			waiting += int64(b.Count)
			if at := b.Oldest.UnixMicro(); oldest == 0 || at < oldest {
				oldest = at
			}
		}
	}
	s.waiting.Store(waiting)
	s.oldest.Store(oldest)
	return nil
}

// Waiting is how many deliveries had not been made when that was last looked at.
func (s *Service) Waiting() int64 { return s.waiting.Load() }

// OldestAge is how long ago the act was done that waits longest to be told.
func (s *Service) OldestAge() time.Duration {
	at := s.oldest.Load()
	if at == 0 {
		return 0
	}
	return max(0, s.now().Sub(time.UnixMicro(at)))
}

// Failures counts the attempts of this server that failed.
func (s *Service) Failures() int64 { return s.failures.Load() }

// GivenUp counts the messages that this server gave up because their receiver
// refused them for too long.
func (s *Service) GivenUp() int64 { return s.givenUp.Load() }

// Delivered counts the attempts of this server that were answered 2xx.
func (s *Service) Delivered() int64 { return s.delivered.Load() }
