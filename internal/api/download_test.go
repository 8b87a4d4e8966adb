package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// fill gives a person many events.
func (s *server) fill(t *testing.T, p *person, n int) {
	t.Helper()
	id := p.user(t, p.name).ID
	const atOnce = 1000 // a transaction has ten seconds
	for from := 0; from < n; from += atOnce {
		var events []account.Event
		for i := from; i < min(from+atOnce, n); i++ {
			events = append(events, account.Event{
				At: time.Now(), Kind: account.EventProfileChanged, Actor: account.ActorUser, Commitment: []byte("x"),
				EventPerson: account.EventPerson{UserID: id, RequestID: fmt.Sprint(i), UserAgent: strings.Repeat("Agent ", 60)},
			})
		}
		if err := s.store.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.AddEvents(ctx, events) }); err != nil {
			t.Fatal(err)
		}
	}
}

type export struct {
	User      struct{ Username string }
	Sessions  []struct{ ID string }
	Mails     []struct{ Details map[string]any }
	Events    []struct{ ID int64 }
	Truncated bool `json:"events_truncated"`
	Fewer     bool `json:"sessions_truncated"`
}

func exportOf(t *testing.T, body string) (e export, fields []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("%v: %.200s", err, body)
	}
	d := json.NewDecoder(strings.NewReader(body))
	_, _ = d.Token() // the brace
	for d.More() {
		name, _ := d.Token()
		fields = append(fields, fmt.Sprint(name))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return e, fields
}

// TestExportHasTheNewestEvents and says whether there are others.
func TestExportHasTheNewestEvents(t *testing.T) {
	t.Parallel()
	forEachEngine(t, nil, func(t *testing.T, s *server) {
		p := newPerson(t, s) // one event; an export is one more
		s.fill(t, p, 9998)
		for _, truncated := range []bool{false, true} {
			a := p.as(t, http.MethodGet, mePath+"export/", "")
			e, fields := exportOf(t, a.body)
			if len(e.Events) != 10_000 || e.Truncated != truncated || e.User.Username != p.name || len(e.Sessions) != 1 || e.Fewer {
				t.Errorf("%d events, truncated %v, want 10000 and %v", len(e.Events), e.Truncated, truncated)
			}
			if !slices.IsSortedFunc(e.Events, func(a, b struct{ ID int64 }) int { return int(b.ID - a.ID) }) {
				t.Error("not the newest first")
			}
			want := []string{"exported_at", "user", "sessions", "challenges", "mails", "former_usernames", "told_to_webhooks", "factors", "recovery_codes", "trusted_devices", "login_places", "notices", "recoveries", "roles", "notes", "passkeys", "codes", "events", "sessions_truncated", "challenges_truncated", "mails_truncated", "told_to_webhooks_truncated", "codes_truncated", "notes_truncated", "events_truncated"}
			if !slices.Equal(fields, want) {
				t.Errorf("fields %v, want %v", fields, want)
			}
			if a.header.Get("Content-Type") != "application/json" || strings.HasSuffix(a.body, "\n") {
				t.Errorf("%s, or a line break at the end", a.header.Get("Content-Type"))
			}
		}
		if a := p.as(t, http.MethodHead, mePath+"export/", ""); a.status != http.StatusOK || a.body != "" {
			t.Errorf("HEAD: %d %s", a.status, a.body)
		}
	})
}

// slowClient reads so much of an answer and then waits.
type slowClient struct {
	*httptest.ResponseRecorder
	left    int
	stopped *sync.WaitGroup // done when it waits
	goOn    chan struct{}
}

func (c *slowClient) Write(p []byte) (int, error) {
	if c.left > 0 {
		if c.left -= len(p); c.left <= 0 {
			c.stopped.Done()
			<-c.goOn
		}
	}
	return len(p), nil
}

// TestExportsAtOnceTakeLittleMemory: ten large ones that are half read. It
// measures the process, and so runs beside no other, nor its two engines
// beside each other.
func TestExportsAtOnceTakeLittleMemory(t *testing.T) {
	for engine, url := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return storetest.SQLite(t) },
		"postgres": func(t *testing.T) string { return pgtest.Start(t).NewDatabase(t) },
	} {
		t.Run(engine, func(t *testing.T) { exportsAtOnce(t, newServer(t, storetest.Open(t, url(t)), nil)) })
	}
}

func exportsAtOnce(t *testing.T, s *server) {
	t.Helper()
	p := newPerson(t, s)
	s.fill(t, p, 12_000)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var stopped, done sync.WaitGroup
	goOn := make(chan struct{})
	const clients = 10
	stopped.Add(clients)
	for range clients {
		done.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, mePath+"export/", nil)
			r.Header.Set("Authorization", "Bearer "+p.access)
			s.handler.ServeHTTP(&slowClient{httptest.NewRecorder(), 2 << 20, &stopped, goOn}, r)
		})
	}
	stopped.Wait()
	grown := int64(heap()) - int64(before)
	close(goOn)
	done.Wait()
	// An answer is six megabytes, and what it is made of as much again.
	if grown > 30<<20 {
		t.Errorf("%d exports hold %d MiB", clients, grown>>20)
	}
}

// TestExportThatFailsHalfWayIsCutOff: nobody takes half of it for the whole.
func TestExportThatFailsHalfWayIsCutOff(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := newServer(t, st, nil)
		p := newPerson(t, s)
		s.fill(t, p, 5000)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, mePath+"export/", nil)
		r.Header.Set("Authorization", "Bearer "+p.access)
		w := &lastClient{ResponseRecorder: httptest.NewRecorder(), close: sync.OnceFunc(func() { _ = st.Close() })}
		defer func() {
			if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // net/http compares so
				t.Errorf("it ended with %v", got)
			}
			if !strings.Contains(s.logged(), `"msg":"an answer was cut off"`) || !strings.Contains(s.logged(), `"route":"Export"`) {
				t.Error("nothing in the log")
			}
		}()
		s.handler.ServeHTTP(w, r)
	})
}

// lastClient takes the database away when its answer has begun.
type lastClient struct {
	*httptest.ResponseRecorder
	close func()
}

func (c *lastClient) Write(p []byte) (int, error) {
	c.close()
	return c.ResponseRecorder.Write(p)
}
