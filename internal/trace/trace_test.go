package trace_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/yoozak/clients/internal/trace"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// collector is an OTLP receiver that keeps what it is sent.
type collector struct {
	url *url.URL

	mu    sync.Mutex
	spans []span
}

type span struct {
	TraceID      string `json:"traceId"`
	SpanID       string `json:"spanId"`
	ParentSpanID string `json:"parentSpanId"`
	Name         string `json:"name"`
	Kind         int    `json:"kind"`
	Attributes   []struct {
		Key   string            `json:"key"`
		Value map[string]string `json:"value"`
	} `json:"attributes"`
	Status map[string]int `json:"status"`
}

func newCollector(t *testing.T, status int) *collector {
	t.Helper()
	c := &collector{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			ResourceSpans []struct {
				ScopeSpans []struct {
					Spans []span `json:"spans"`
				} `json:"scopeSpans"`
			} `json:"resourceSpans"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("POST %s of %s: %v", r.URL, r.Header.Get("Content-Type"), err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, rs := range body.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				c.spans = append(c.spans, ss.Spans...)
			}
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	var err error
	if c.url, err = url.Parse(s.URL); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *collector) named(t *testing.T, name string) span {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no span %q in %+v", name, c.spans)
	return span{}
}

// TestTraceOfARequestHasItsParts, and the mail that it caused.
func TestTraceOfARequestHasItsParts(t *testing.T) {
	t.Parallel()
	c := newCollector(t, http.StatusOK)
	tracer := trace.New(trace.Options{Collector: c.url, Percent: 100, Version: "1.2.3", Log: slog.New(slog.DiscardHandler)})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/clients/auth/login/?code=secret", http.NoBody)
	r, request := tracer.Request(r, false)
	_, hash := trace.Step(r.Context(), "hash")
	hash.End(nil)
	ctx, query := trace.SQL(r.Context(), "sqlite", "find a user")
	cause := trace.Cause(ctx)
	query.End(errors.New("a text that may hold amina@example.ma"))
	request.Answered("Login", "BREW-amina@example.ma", "id-1", http.StatusServiceUnavailable)
	ctx, mail := tracer.Mail(context.Background(), cause, "new_device", 2)
	_, smtp := trace.Step(ctx, "smtp")
	smtp.End(nil)
	mail.End(nil)
	tracer.Stop()

	login, find, delivery := c.named(t, "Login"), c.named(t, "find a user"), c.named(t, "mail")
	if login.ParentSpanID != "" || login.Kind != 2 || login.Status["code"] != 2 {
		t.Errorf("the request is %+v", login)
	}
	for name, parent := range map[string]string{"hash": login.SpanID, "find a user": login.SpanID, "mail": find.SpanID, "smtp": delivery.SpanID} {
		if s := c.named(t, name); s.ParentSpanID != parent || s.TraceID != login.TraceID {
			t.Errorf("%s is part of %s in %s, want %s in %s", name, s.ParentSpanID, s.TraceID, parent, login.TraceID)
		}
	}
	if find.Status["code"] != 2 || find.Kind != 3 {
		t.Errorf("the query that failed is %+v", find)
	}
	if all, _ := json.Marshal(c.spans); strings.Contains(string(all), "amina") || strings.Contains(string(all), "secret") || !strings.Contains(string(all), `"intValue":"503"`) { //nolint:errchkjson // texts
		t.Errorf("spans: %s", all)
	}
}

// TestOnlyATrustedProxyDecides which trace a request belongs to.
func TestOnlyATrustedProxyDecides(t *testing.T) {
	t.Parallel()
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, trusted := range []bool{true, false} {
		c := newCollector(t, http.StatusOK)
		tracer := trace.New(trace.Options{Collector: c.url, Percent: 100, Log: slog.New(slog.DiscardHandler)})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Header.Set("Traceparent", "00-"+theirs+"-00f067aa0ba902b7-01")
		_, span := tracer.Request(r, trusted)
		span.Answered("Me", http.MethodGet, "id", http.StatusOK)
		tracer.Stop()
		if is := c.named(t, "Me").TraceID == theirs; is != trusted {
			t.Errorf("trusted %v: the trace is theirs: %v", trusted, is)
		}
	}
}

// TestOffCostsNothing: no memory for a request, a step, a query.
func TestOffCostsNothing(t *testing.T) {
	var tracer *trace.Tracer
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	if n := testing.AllocsPerRun(1000, func() {
		same, request := tracer.Request(r, true)
		ctx, span := trace.SQL(same.Context(), "sqlite", "find a user")
		span.End(nil)
		_, span = trace.Step(ctx, "hash")
		span.End(nil)
		_ = trace.Cause(ctx)
		request.Answered("Me", http.MethodGet, "id", http.StatusOK)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
	if trace.New(trace.Options{}) != nil {
		t.Error("without a collector there is a tracer")
	}
	tracer.Stop()
}

// TestLostSpansAreSaidOnce, and nobody waits for a collector that refuses.
func TestLostSpansAreSaidOnce(t *testing.T) {
	t.Parallel()
	c := newCollector(t, http.StatusBadGateway)
	log := new(yoozaktest.Buffer)
	tracer := trace.New(trace.Options{Collector: c.url, Percent: 100, Log: slog.New(slog.NewTextHandler(log, nil))})
	for range 1500 { // three batches
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		_, span := tracer.Request(r, false)
		span.Answered("Me", http.MethodGet, "id", http.StatusOK)
	}
	tracer.Stop()
	if said := log.String(); strings.Count(said, "traces are lost") != 1 || !strings.Contains(said, "it answers 502") {
		t.Errorf("the log: %s", said)
	}
}

func BenchmarkOff(b *testing.B) {
	ctx := context.WithValue(b.Context(), new(int), 1)
	b.ReportAllocs()
	for b.Loop() {
		_, span := trace.SQL(ctx, "sqlite", "find a user")
		span.End(nil)
	}
}
