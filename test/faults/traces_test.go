package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/yoozak/clients/internal/yoozaktest"
)

// traced is a span as OTLP has it in JSON.
type traced struct {
	TraceID      string `json:"traceId"`
	SpanID       string `json:"spanId"`
	ParentSpanID string `json:"parentSpanId"`
	Name         string `json:"name"`
}

// collect is an OpenTelemetry collector: it gives what it was sent, read and as
// it came.
func collect(t *testing.T) (url string, sent func() (spans []traced, raw string)) {
	t.Helper()
	var (
		mu  sync.Mutex
		all []traced
		raw strings.Builder
	)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var message struct {
			ResourceSpans []struct {
				ScopeSpans []struct {
					Spans []traced `json:"spans"`
				} `json:"scopeSpans"`
			} `json:"resourceSpans"`
		}
		if err == nil {
			err = json.Unmarshal(body, &message)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("POST %s: %v", r.URL, err)
		}
		mu.Lock()
		defer mu.Unlock()
		raw.Write(body)
		for _, resource := range message.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				all = append(all, scope.Spans...)
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func() ([]traced, string) {
		mu.Lock()
		defer mu.Unlock()
		return all, raw.String()
	}
}

// TestTraceOfARegistration goes from the request over its hash and its
// statements to the mail that it causes, and tells nobody who it was.
func TestTraceOfARegistration(t *testing.T) {
	durable(t, func(t *testing.T, url string) {
		smtp, env := post(t)
		collector, sent := collect(t)
		s := yoozaktest.Start(t, append(append(env, yoozaktest.CheapHashes...), "YOOZAK_DATABASE_URL="+url, "YOOZAK_TRACES_URL="+collector)...)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/clients/auth/register/?secret=in-the-query",
			strings.NewReader(fmt.Sprintf(`{"username":"amina","first_name":"Amina","password":%q,"email":"amina@example.ma"}`, yoozaktest.Password)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("User-Agent", "agent-of-amina")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var registered struct{ Access string }
		err = json.NewDecoder(res.Body).Decode(&registered)
		_ = res.Body.Close()
		if err != nil || registered.Access == "" {
			t.Fatalf("%d %v", res.StatusCode, err)
		}
		waitFor(t, "the mail arrives", func() bool { return len(smtp.Messages()) == 1 })
		s.Stop(t)

		spans, raw := sent()
		parents := map[string]traced{}
		for _, span := range spans {
			parents[span.SpanID] = span
		}
		path := func(name string) (up string) {
			for _, span := range spans {
				for ; span.Name == name && span.SpanID != ""; span, name = parents[span.ParentSpanID], parents[span.ParentSpanID].Name {
					up += " < " + span.Name
				}
				if up != "" {
					break
				}
			}
			return up
		}
		for name, want := range map[string]string{
			"hash": " < hash < Register", "create a user": " < create a user < transaction < Register", "smtp": " < smtp < mail < transaction < Register",
		} {
			if got := path(name); got != want {
				t.Errorf("%s is %q, want %q in %+v", name, got, want, spans)
			}
		}
		mail, link := smtp.Messages()[0], ""
		for word := range strings.FieldsSeq(mail.Text) {
			if _, rest, is := strings.Cut(word, "/verify-email/"); is {
				link, _, _ = strings.Cut(rest, "?")
			}
		}
		if link == "" {
			t.Fatalf("no link in %s", mail.Text)
		}
		for _, secret := range []string{"amina", "Amina", "example.ma", "127.0.0.1", "in-the-query", "/api/", "INSERT", yoozaktest.Password, registered.Access, link} {
			if strings.Contains(raw, secret) {
				t.Errorf("%q is told to the collector:\n%s", secret, raw)
			}
		}
	})
}
