package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/yoozak/clients/internal/store/storetest"
)

// nowhere is a ResponseWriter that costs nothing.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(status int)      { n.status = status }

// BenchmarkMe is the walk of a GET me without the network, the caller's
// session and user read from the database each time.
func BenchmarkMe(b *testing.B) {
	s := newServer(b, storetest.Open(b, storetest.SQLite(b)), nil)
	var requests []*http.Request
	for i := range 100 {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, mePath, nil)
		r.Header.Set("Authorization", "Bearer "+s.register(b, fmt.Sprint("user", i)).field("access"))
		r.Header.Set("Accept-Language", "fr-FR,fr;q=0.9,en;q=0.8")
		requests = append(requests, r)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w := &nowhere{header: http.Header{}}
		s.handler.ServeHTTP(w, requests[i%len(requests)])
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}
