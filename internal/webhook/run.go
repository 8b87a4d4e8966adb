package webhook

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

const (
	// lookForWebhooks is how soon a server hears of a webhook, or that the
	// worker of one has died.
	lookForWebhooks = time.Second

	// Lease is how long a worker has its webhook after it last said so. Each
	// attempt begins just after that, and takes deliveryTimeout at most: so of
	// two servers that live one delivers.
	Lease = 30 * time.Second
)

// Run delivers what is owed until ctx ends; then it waits for the attempts
// under way, as long as stopGrace. It has a worker for each webhook that is on
// and that no other server has.
func (s *Service) Run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	defer s.sender.client.CloseIdleConnections()
	var mu sync.Mutex
	running, told := map[string]bool{}, map[string]bool{}
	look := time.NewTicker(lookForWebhooks)
	defer look.Stop()
	for ctx.Err() == nil {
		hooks, err := s.store.Webhooks(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "webhooks cannot be read, it will be tried again", "error", err.Error())
		}
		for _, hook := range hooks {
			mu.Lock()
			ours := running[hook.ID]
			mu.Unlock()
			if ours || !hook.DisabledAt.IsZero() {
				continue
			}
			w, err := s.lease(ctx, hook.ID)
			if err != nil {
				if !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil && !told[hook.ID] { // once: it is tried every second
					told[hook.ID] = true
					s.log.ErrorContext(ctx, "a webhook cannot be delivered to", "webhook", hook.ID, "error", err.Error())
				}
				continue
			}
			told[hook.ID] = false
			mu.Lock()
			running[hook.ID] = true
			mu.Unlock()
			workers.Go(func() {
				defer func() {
					mu.Lock()
					delete(running, hook.ID)
					mu.Unlock()
				}()
				s.survive(ctx, w)
			})
		}
		select {
		case <-ctx.Done():
		case <-look.C:
		}
	}
}

// survive runs a worker and logs a panic of it: a mistake in one must not end
// the server. Its lease ends by itself.
func (s *Service) survive(ctx context.Context, w *worker) {
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "panic", "webhook", w.hook.ID, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	w.run(ctx)
}

// lease takes a webhook, or returns [store.ErrNotFound] when another has it. One
// whose secret cannot be read is left to a server that can.
func (s *Service) lease(ctx context.Context, id string) (*worker, error) {
	hook, err := s.store.Webhook(ctx, id)
	if err != nil {
		return nil, err
	}
	if _, err := newSigner(s.o.Box, hook); err != nil {
		return nil, err
	}
	w := &worker{Service: s, lease: token.NewID(), atOnce: 1, inHand: map[int64]account.Delivery{}, clients: map[int64]bool{}, results: make(chan result, mostAtOnce)}
	now := s.now()
	err = s.store.Tx(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Store) (err error) {
		w.hook, err = tx.LeaseWebhook(ctx, id, w.lease, now, now.Add(Lease))
		return err
	})
	if err != nil {
		return nil, err
	}
	w.sign, err = newSigner(s.o.Box, w.hook) // which may have another secret by now
	return w, err
}
