package auth

import (
	"context"
	"sync"
)

// turns lets those who ask for one thing have it one after another.
type turns struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is who waits for one thing, and whose turn it is.
type line struct {
	turn  chan struct{} // holds one token while nobody has the turn
	users int
}

// backoff returns when it is the caller's turn, which ends with leave.
func (t *turns) wait(ctx context.Context, key string) (leave func(), err error) {
	t.mu.Lock()
	if t.lines == nil {
		t.lines = map[string]*line{}
	}
	l := t.lines[key]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		l.turn <- struct{}{}
		t.lines[key] = l
	}
	l.users++
	t.mu.Unlock()
	gone := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(t.lines, key)
		}
	}
	select {
	case <-l.turn:
		return func() { l.turn <- struct{}{}; gone() }, nil
	case <-ctx.Done():
		gone()
		return nil, ctx.Err()
	}
}
