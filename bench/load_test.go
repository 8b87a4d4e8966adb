//go:build linux

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLoadCountsWhatTheServerAnswered(t *testing.T) {
	t.Parallel()
	addr, served := script(t)
	requests := [][]byte{getRequest("/200/10", "a"), getRequest("/200/3000", "b"), getRequest("/200/0", "c")}
	l := load{addr: addr, conns: 4, warmup: 20 * time.Millisecond, duration: 500 * time.Millisecond, next: cycle(requests), status: 200}
	got, err := l.run(t.Context(), cpuMeter{})
	if err != nil {
		t.Fatal(err)
	}
	if all := int(served.Load()); got.Requests == 0 || got.Requests > all {
		t.Errorf("counted %d answers, the server gave %d", got.Requests, all)
	}
	if rate := float64(got.Requests) / got.Seconds; got.Rate != rate || got.Seconds < 0.5 || got.P50 <= 0 || got.P99 < got.P50 {
		t.Errorf("sample does not add up: %+v", got)
	}
}

func TestLoadEndsAloudAtAnUnexpectedAnswer(t *testing.T) {
	t.Parallel()
	addr, _ := script(t)
	for _, tt := range []struct{ path, want string }{
		{"/401/5", "answered 401 where 200 is due: xxxxx"},
		{"/200/20000", "larger than"},
	} {
		requests := [][]byte{getRequest("/200/1", "a"), getRequest("/200/1", "a"), getRequest(tt.path, "a")}
		l := load{addr: addr, conns: 2, duration: 5 * time.Second, next: cycle(requests), status: 200}
		if got, err := l.run(t.Context(), cpuMeter{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("load with %s: %d requests, error %v, want %q", tt.path, got.Requests, err, tt.want)
		}
	}
}

func TestLoadEndsWhenTheServerCloses(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
	}))
	defer server.Close()
	l := load{addr: server.Listener.Addr().String(), conns: 1, duration: 5 * time.Second, next: cycle([][]byte{getRequest("/", "a")}), status: 200}
	if _, err := l.run(t.Context(), cpuMeter{}); err == nil {
		t.Error("a closed connection went unnoticed")
	}
}

// With one stall of 700 ms in a second, a client that waits for its answer before it sends the next request would record
// one slow answer; those that were due in the meantime must count as slow too.
func TestPacedLatencyCountsFromWhenARequestWasDue(t *testing.T) {
	t.Parallel()
	var door sync.RWMutex
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() {
			door.Lock()
			time.Sleep(700 * time.Millisecond)
			door.Unlock()
		})
		door.RLock()
		defer door.RUnlock()
	}))
	defer server.Close()
	got, err := paced(t.Context(), server.Listener.Addr().String(), [][]byte{getRequest("/", "a")}, time.Second, cpuMeter{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != pacedRate {
		t.Errorf("%d requests in a second, want %d", got.Requests, pacedRate)
	}
	if got.P50 < 100*time.Millisecond {
		t.Errorf("median %s: the requests behind the stall were left out", got.P50)
	}
}
