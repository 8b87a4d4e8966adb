// Package webhooktest is a receiver of webhooks for tests, on loopback: it
// keeps what it is sent, and fails, hangs and redirects as it is told.
package webhooktest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// Loopback is what a server has to be allowed to dial to reach a [Receiver].
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// Hang is a verdict: no answer, until the sender leaves.
const Hang = -1

// Message is an attempt as it came in.
type Message struct {
	At     time.Time
	Header http.Header
	Raw    []byte

	Type      string
	Timestamp time.Time
	ID        string
	Sequence  int64
	Data      struct {
		UserID int64 `json:"user_id"`
		Fields []string
	}

	Attempt int // at this id, from 1
	Status  int // that was answered
}

// Receiver is a program that is told.
type Receiver struct {
	URL string

	mu       sync.Mutex
	judge    func(Message) int
	messages []Message
	attempts map[string]int
	now      int // requests under way
	most     int
	closed   chan struct{}
}

// Start starts a receiver that answers 204.
func Start(tb testing.TB) *Receiver {
	tb.Helper()
	r := &Receiver{judge: func(Message) int { return http.StatusNoContent }, attempts: map[string]int{}, closed: make(chan struct{})}
	server := httptest.NewServer(r)
	r.URL = server.URL + "/hook"
	tb.Cleanup(func() {
		close(r.closed)
		server.Close()
	})
	return r
}

// Judge has a receiver answer with what judge says: a status, or [Hang].
func (r *Receiver) Judge(judge func(Message) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.judge = judge
}

// ServeHTTP is http.Handler's.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	m := Message{At: time.Now(), Header: req.Header}
	m.Raw, _ = io.ReadAll(req.Body)
	if err := json.Unmarshal(m.Raw, &m); err != nil || req.Method != http.MethodPost {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.now++
	r.most = max(r.most, r.now)
	r.attempts[m.ID]++
	m.Attempt = r.attempts[m.ID]
	judge := r.judge
	r.mu.Unlock()
	m.Status = judge(m)
	if m.Status == Hang {
		select {
		case <-req.Context().Done():
		case <-r.closed:
		}
	}
	r.mu.Lock()
	r.now--
	r.messages = append(r.messages, m)
	r.mu.Unlock()
	if m.Status >= 300 && m.Status < 400 {
		w.Header().Set("Location", r.URL+"/elsewhere")
	}
	if m.Status != Hang {
		w.WriteHeader(m.Status)
	}
}

// Messages are the attempts that were answered, in the order of the answers.
func (r *Receiver) Messages() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Message(nil), r.messages...)
}

// Taken are those that were answered 2xx.
func (r *Receiver) Taken() []Message {
	var taken []Message
	for _, m := range r.Messages() {
		if m.Status >= 200 && m.Status < 300 {
			taken = append(taken, m)
		}
	}
	return taken
}

// AtOnce is the most requests that were under way at once, since the last time
// it was asked.
func (r *Receiver) AtOnce() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	most := r.most
	r.most = r.now
	return most
}
