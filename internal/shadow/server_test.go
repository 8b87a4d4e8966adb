package shadow_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/shadow"
	"github.com/yoozak/clients/internal/yoozaktest"
)

const (
	loginPath = "/api/clients/auth/login/"
	mePath    = "/api/clients/clients/me/"
)

// server is a Shadow over HTTP.
type server struct {
	*shadow.Shadow
	url         string
	report, log yoozaktest.Buffer
	close       func()
}

func listen(t *testing.T, h http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// dead is the URL of nobody.
func dead(t *testing.T) *url.URL {
	t.Helper()
	return &url.URL{Scheme: "http", Host: porttest.Address(t)}
}

func newShadow(t *testing.T, upstream, replica *url.URL, change func(*shadow.Options)) *server {
	t.Helper()
	s := new(server)
	o := shadow.Options{
		Upstream: upstream, Copy: replica, Paths: []string{loginPath, mePath}, Report: &s.report,
		Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Log:     slog.New(slog.NewJSONHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	s.Shadow = shadow.New(o)
	srv := httptest.NewServer(s.Shadow)
	s.url = srv.URL
	s.close = sync.OnceFunc(func() {
		srv.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx)
	})
	t.Cleanup(s.close)
	return s
}

type reply struct {
	status int
	header http.Header
	body   string
}

// call sends a request; headers are name, value pairs.
func (s *server) call(t *testing.T, method, path string, body io.Reader, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(data)}
}

func (s *server) get(t *testing.T, path string) reply {
	t.Helper()
	return s.call(t, http.MethodGet, path, nil)
}

// route stops the Shadow, so that everything is counted, and returns what
// became of a route's requests.
func (s *server) route(t *testing.T, name string) shadow.RouteCount {
	t.Helper()
	s.close()
	for _, c := range s.Summary().Routes {
		if c.Route == name {
			total := c.Same + c.Different
			for _, n := range c.NotCompared {
				total += n
			}
			if total != c.Count {
				t.Errorf("%s: %d of %d requests are accounted for: %+v", name, total, c.Count, c)
			}
			return c
		}
	}
	t.Fatalf("no %s in %+v", name, s.Summary())
	return shadow.RouteCount{}
}

// events are the lines of the report of one kind.
func (s *server) events(t *testing.T, kind string) []json.RawMessage {
	t.Helper()
	var found []json.RawMessage
	for line := range strings.Lines(s.report.String()) {
		var event struct {
			Event string
			What  json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("report line %q: %v", line, err)
		}
		if event.Event == kind {
			found = append(found, event.What)
		}
	}
	return found
}
