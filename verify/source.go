package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// How the key set is kept.
const (
	// AttemptTimeout is how long one fetch of the key set may take, and so the
	// longest that a request waits for it.
	AttemptTimeout = 5 * time.Second

	fetchEvery = 40 * time.Second // a revoked key is gone within a minute, the attempt included
	retryEvery = 10 * time.Second // after a failure; how often it is looked whether a fetch is due
	missEvery  = time.Minute      // at most, because of keys that are not known
	keepFor    = time.Hour        // without a good answer
	maxKeySet  = 256 << 10        // bytes
)

// source fetches the key set: steadily, and because of a token that names a
// key which is not there.
type source struct {
	url    string
	client *http.Client
	log    *slog.Logger
	good   atomic.Pointer[goodSet]

	mu       sync.Mutex
	running  chan struct{} // closed when the attempt under way ends; nil: there is none
	err      error         // of the last attempt
	began    time.Time     // the last attempt
	lastMiss time.Time     // the last attempt because of a token
}

// goodSet is the newest good answer.
type goodSet struct {
	*keySet
	until time.Time // it may be used
}

func newSource(url string, client *http.Client, log *slog.Logger) *source {
	own := http.Client{}
	if client != nil {
		own = *client
	}
	// A redirect would let another address say who may log in.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &source{url: url, client: &own, log: log}
}

// run fetches the key set until the context ends.
func (s *source) run(ctx context.Context) {
	for {
		if s.due() {
			<-s.attempt(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryEvery):
		}
	}
}

func (s *source) due() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil || time.Since(s.began) >= fetchEvery
}

// current is the set to verify with. Where there is none it waits for an
// attempt that is under way, and for no other.
func (s *source) current(ctx context.Context) (*keySet, error) {
	if set := s.usable(); set != nil {
		return set, nil
	}
	s.mu.Lock()
	running := s.running
	first := s.began.IsZero() // New has only just been called
	s.mu.Unlock()
	if first {
		running = s.attempt(context.WithoutCancel(ctx))
	}
	if running != nil {
		select {
		case <-running:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if set := s.usable(); set != nil {
		return set, nil
	}
	return nil, s.unavailable()
}

func (s *source) usable() *keySet {
	if g := s.good.Load(); g != nil && time.Now().Before(g.until) {
		return g.keySet
	}
	return nil
}

// after is the set for a token that names a key which seen does not have: a
// newer one if there is, else one that is fetched now, if that was not done
// within the last minute. When the last attempt failed, the key may be a good
// one: the error is an [UnavailableError] then.
func (s *source) after(ctx context.Context, seen *keySet, kid string) (*keySet, error) {
	if set := s.usable(); set != nil && set != seen && set.keys[kid] != nil {
		return set, nil
	}
	s.mu.Lock()
	running := s.running
	due := running == nil && time.Since(s.lastMiss) >= missEvery
	if due {
		s.lastMiss = time.Now()
	}
	s.mu.Unlock()
	if due {
		running = s.attempt(context.WithoutCancel(ctx)) // not this request's alone
	}
	if running != nil {
		select {
		case <-running:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	set := s.usable()
	if set == nil || set.keys[kid] == nil && s.lastError() != nil {
		return nil, s.unavailable()
	}
	return set, nil
}

func (s *source) lastError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *source) unavailable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := max(time.Second, retryEvery-time.Since(s.began))
	return &UnavailableError{RetryAfter: wait, Err: s.err}
}

// attempt starts a fetch, or joins the one under way; the channel is closed
// when it has ended.
func (s *source) attempt(ctx context.Context) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return s.running
	}
	done := make(chan struct{})
	s.running, s.began = done, time.Now()
	go func() {
		ctx, cancel := context.WithTimeout(ctx, AttemptTimeout)
		defer cancel()
		set, err := s.fetch(ctx)
		s.finish(set, err)
		close(done)
	}()
	return done
}

// finish takes a good set whole; a bad answer changes nothing.
func (s *source) finish(set *keySet, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.good.Store(&goodSet{set, time.Now().Add(keepFor)})
	}
	switch {
	case errors.Is(err, context.Canceled): // the service stops
	case err != nil && s.err == nil:
		s.log.Warn("the key set cannot be fetched; the last good one is used for an hour", "error", err.Error())
	case err == nil && s.err != nil:
		s.log.Info("the key set was fetched again")
	}
	s.running, s.err = nil, err
}

func (s *source) fetch(ctx context.Context) (*keySet, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, errors.New("the address is not one") // New has looked at it
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %d", res.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxKeySet+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxKeySet {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxKeySet)
	}
	var before *keySet
	if g := s.good.Load(); g != nil {
		before = g.keySet
	}
	return parseKeySet(data, before)
}
