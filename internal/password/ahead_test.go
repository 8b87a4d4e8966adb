package password_test

import (
	"context"
	"sync"
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
	hash(password.Ahead(t.Context()), "known")
	waiting(strangers + 1)
	free()
	wait.Wait()
	for i, who := range order {
		if who == "known" && i > strangers-5 {
			t.Errorf("known came %d of %d", i+1, len(order))
		}
	}
}
