package password_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/password"
)

// TestAheadGoesBeforeThoseWhoWait: a flood by strangers does not keep waiting
// whom we know.
func TestAheadGoesBeforeThoseWhoWait(t *testing.T) {
	t.Parallel()
	h, free := occupied(t, password.Options{Params: password.Params{Memory: 4096, Time: 2, Threads: 1}, Wait: time.Minute})
	var mu sync.Mutex
	var order []string
	var wait sync.WaitGroup
	hash := func(ctx context.Context, who string) {
		wait.Go(func() {
			if _, err := h.Hash(ctx, "kV7#pazouk-42lemon"); err != nil {
				t.Errorf("%s: %v", who, err)
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, who)
		})
	}
	const strangers = 50
	for range strangers {
		hash(t.Context(), "stranger")
	}
	waiting := func(n int) {
		for h.Waiting() < n {
			time.Sleep(100 * time.Microsecond)
		}
	}
	waiting(strangers)
	hash(password.WithPriority(t.Context()), "known")
	waiting(strangers + 1)
	free()
	wait.Wait()
	for i, who := range order {
		if who == "known" && i > strangers-5 {
			t.Errorf("known came %d of %d", i+1, len(order))
		}
	}
}

// TestBothQueuesFull: known callers in a loop, as many as the queue takes, do
// not keep strangers from having every fourth hash. A hash takes longer than a
// busy machine takes to have its caller wait for the next.
func TestBothQueuesFull(t *testing.T) {
	t.Parallel()
	h, free := occupied(t, password.Options{Params: password.Params{Memory: 19456, Time: 1, Threads: 1}, Queue: 16, Wait: time.Minute})
	const each, hashes = 16, 100
	var known, strangers atomic.Int64
	var wait sync.WaitGroup
	loop := func(ctx context.Context, done *atomic.Int64) {
		for range each {
			wait.Go(func() {
				for known.Load()+strangers.Load() < hashes {
					if _, err := h.Hash(ctx, "kV7#pazouk-42lemon"); err == nil {
						done.Add(1)
					} else {
						time.Sleep(time.Millisecond) // a flood that finds no room takes no core
					}
				}
			})
		}
	}
	loop(password.WithPriority(t.Context()), &known)
	loop(t.Context(), &strangers)
	for h.Waiting() < 2*each { // all are there
		time.Sleep(100 * time.Microsecond)
	}
	free()
	wait.Wait()
	if share := float64(strangers.Load()) / float64(strangers.Load()+known.Load()); share < 0.2 || share > 0.4 {
		t.Errorf("strangers had %d hashes, known callers %d; want a quarter", strangers.Load(), known.Load())
	}
}

// TestFloodOfOneClientDoesNotKeepAnotherOut: a network with as many
// connections as the queue is long, and one more person.
func TestFloodOfOneClientDoesNotKeepAnotherOut(t *testing.T) {
	t.Parallel()
	h := password.NewHasher(password.Options{Params: password.Params{Memory: 19456, Time: 1, Threads: 1}, Slots: 1, Queue: 16, Wait: time.Minute})
	defer h.Close()
	flood, stop := context.WithCancel(password.ForClient(t.Context(), "203.0.113.1"))
	var done atomic.Int64
	var wait sync.WaitGroup
	for range 64 {
		wait.Go(func() {
			for flood.Err() == nil {
				if _, err := h.Hash(flood, "x"); err == nil {
					done.Add(1)
				} else {
					time.Sleep(time.Millisecond) // it finds no room, and takes no core for it
				}
			}
		})
	}
	for h.Waiting() < 16 {
		time.Sleep(100 * time.Microsecond)
	}
	ctx := password.ForClient(t.Context(), "198.51.100.1")
	const hashes = 20
	before := done.Load()
	for range hashes {
		if _, err := h.Hash(ctx, "x"); err != nil {
			t.Errorf("%v", err)
		}
	}
	if n := done.Load() - before; n > 8*hashes { // in the order of arrival it would be 16 times as many
		t.Errorf("%d hashes of the flood beside %d of another, want about as many", n, hashes)
	}
	stop()
	wait.Wait()
}
