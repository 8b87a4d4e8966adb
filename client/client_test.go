package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/client"
	"github.com/yoozak/clients/internal/yoozaktest"
)

const (
	mePath      = "/api/clients/clients/me/"
	refreshPath = "/api/clients/auth/token/refresh/"
	loginPath   = "/api/clients/auth/login/"
)

// proxy stands before the real server and counts requests by path. A fault
// is what it does with a request instead of passing it on, or beside.
type proxy struct {
	*httptest.Server
	pass http.Handler

	mu     sync.Mutex
	counts map[string]int
	seen   []*http.Request
	fault  func(w http.ResponseWriter, r *http.Request, n int, pass http.Handler) bool // whether it answered; n counts from 1
}

func startProxy(t *testing.T, s *yoozaktest.Server) *proxy {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{counts: map[string]int{}, pass: &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.counts[r.URL.Path]++
		n, fault := p.counts[r.URL.Path], p.fault
		p.seen = append(p.seen, r)
		p.mu.Unlock()
		if fault == nil || !fault(w, r, n, p.pass) {
			p.pass.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// begin forgets what was counted and sets the next fault.
func (p *proxy) begin(fault func(w http.ResponseWriter, r *http.Request, n int, pass http.Handler) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts, p.fault = map[string]int{}, fault
}

func (p *proxy) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[path]
}

// lose has the server act and the answer not arrive.
func lose(r *http.Request, pass http.Handler) bool {
	pass.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// rig is a person who is logged in at a real server behind a proxy.
type rig struct {
	*proxy
	server *yoozaktest.Server
	client *client.Client
	store  *client.MemoryStore
}

// newRig starts a server. Access tokens live for 6 seconds, which the server
// says in their last.
func newRig(t *testing.T, env ...string) *rig {
	t.Helper()
	r := &rig{server: yoozaktest.Start(t, append(append(yoozaktest.CheapHashes, "YOOZAK_ACCESS_LIFETIME=1m", "YOOZAK_REFRESH_HINT=1s"), env...)...), store: new(client.MemoryStore)}
	r.proxy = startProxy(t, r.server)
	r.client = r.newClient(t, r.store)
	if _, err := r.client.Register(t.Context(), client.Registration{Username: "amina", Password: yoozaktest.Password}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) newClient(t *testing.T, s client.Store) *client.Client {
	t.Helper()
	c, err := client.New(r.URL, client.Options{Store: s, Language: "en", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// expire has the access token end as the clock here sees it.
func (r *rig) expire(t *testing.T) *client.Client {
	t.Helper()
	tokens, _ := r.store.Load(t.Context())
	tokens.AccessUntil = time.Now().Add(-time.Second)
	_ = r.store.Save(t.Context(), tokens)
	return r.newClient(t, r.store)
}

// do is [client.Client.Do] for who wants the status.
func do(c *client.Client, req *http.Request) (int, error) {
	res, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// stillIn checks that one more call succeeds.
func (r *rig) stillIn(t *testing.T, c *client.Client) {
	t.Helper()
	r.begin(nil)
	if u, err := c.Me(t.Context()); err != nil || u.Username != "amina" {
		t.Errorf("not in any more: %+v, %v", u, err)
	}
}

// each runs with rotation off and on.
func each(t *testing.T, do func(t *testing.T, r *rig)) {
	t.Helper()
	for _, rotation := range []string{"false", "true"} {
		t.Run("rotation "+rotation, func(t *testing.T) {
			t.Parallel()
			do(t, newRig(t, "YOOZAK_REFRESH_ROTATION="+rotation))
		})
	}
}

// together calls from many goroutines and returns how many failed.
func together(n int, do func() error) (failed int, last error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := do(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed, last = failed+1, err
			}
		})
	}
	wg.Wait()
	return failed, last
}

func TestLoginProfileLogout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		want, err := r.client.Me(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.client.Logout(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := r.client.Me(t.Context()); !errors.Is(err, client.ErrLoggedOut) {
			t.Errorf("after the logout: %v", err)
		}
		if err := r.client.Logout(t.Context()); err != nil {
			t.Errorf("a second logout: %v", err)
		}
		if got, err := r.client.Login(t.Context(), "amina", yoozaktest.Password); err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	})
}

// TestRenewedOnce however many goroutines need it, and before the call.
func TestRenewedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		c := r.expire(t)
		r.begin(nil)
		if n, err := together(50, func() error { _, err := c.Me(t.Context()); return err }); n > 0 {
			t.Errorf("%d failed: %v", n, err)
		}
		if n, calls := r.count(refreshPath), r.count(mePath); n != 1 || calls != 50 {
			t.Errorf("%d renewals, %d calls", n, calls)
		}
	})
}

// TestLate401: twenty calls leave with one token, half of their 401s come
// when it was renewed already. Those are repeated with the new one.
func TestLate401(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		tokens, _ := r.store.Load(t.Context())
		old := "Bearer " + tokens.Access
		r.begin(func(w http.ResponseWriter, q *http.Request, n int, _ http.Handler) bool {
			if q.Header.Get("Authorization") != old {
				return false
			}
			if n%2 == 0 {
				time.Sleep(400 * time.Millisecond)
			}
			w.WriteHeader(http.StatusUnauthorized)
			return true
		})
		if n, err := together(20, func() error { _, err := r.client.Me(t.Context()); return err }); n > 0 {
			t.Errorf("%d failed: %v", n, err)
		}
		if n := r.count(refreshPath); n != 1 {
			t.Errorf("%d renewals", n)
		}
	})
}

// TestEndless401 of a resource is the caller's, after one renewal and one
// repetition, and ends no session.
func TestEndless401(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		r.begin(func(w http.ResponseWriter, q *http.Request, _ int, _ http.Handler) bool {
			if q.URL.Path == mePath {
				w.WriteHeader(http.StatusUnauthorized)
			}
			return q.URL.Path == mePath
		})
		_, err := r.client.Me(t.Context())
		var e *client.Error
		if !errors.As(err, &e) || e.Status != 401 || errors.Is(err, client.ErrLoggedOut) {
			t.Errorf("%v", err)
		}
		if me, n := r.count(mePath), r.count(refreshPath); me != 2 || n != 1 {
			t.Errorf("%d calls, %d renewals", me, n)
		}
		r.stillIn(t, r.client)
		r.begin(nil)
		if _, err := r.client.Login(t.Context(), "amina", "wrong"); !errors.As(err, &e) || e.Status != 401 {
			t.Errorf("a wrong password: %v", err)
		}
		if r.count(loginPath) != 1 || r.count(refreshPath) != 0 {
			t.Errorf("a wrong password: %d logins, %d renewals", r.count(loginPath), r.count(refreshPath))
		}
		r.stillIn(t, r.client)
	})
}

// TestHint renews once, in the background, and not again for a token that has
// only begun.
func TestHint(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		hint := func(w http.ResponseWriter, q *http.Request, _ int, pass http.Handler) bool {
			w.Header().Set("X-Token-Refresh-Required", "true")
			if q.URL.Path == refreshPath {
				time.Sleep(300 * time.Millisecond) // nobody waits for it
			}
			return false
		}
		r.begin(hint)
		for range 20 { // a new token: the server's setting is wrong
			if _, err := r.client.Me(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := r.count(refreshPath); n != 0 {
			t.Errorf("a new token was renewed %d times", n)
		}
		tokens, _ := r.store.Load(t.Context())
		tokens.AccessUntil = time.Now().Add(30 * time.Second) // half its life is over
		_ = r.store.Save(t.Context(), tokens)
		c := r.newClient(t, r.store)
		r.begin(hint)
		began := time.Now()
		if n, err := together(20, func() error { _, err := c.Me(t.Context()); return err }); n > 0 {
			t.Errorf("%d failed: %v", n, err)
		}
		t.Logf("twenty calls took %v", time.Since(began))
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			if now, _ := r.store.Load(t.Context()); now.Access != tokens.Access {
				break
			}
			if time.Now().After(end) {
				t.Fatal("it was not renewed")
			}
		}
		for range 20 {
			if _, err := c.Me(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := r.count(refreshPath); n != 1 {
			t.Errorf("%d renewals", n)
		}
	})
}

// TestLostAnswer of a renewal: the same token is shown again, at once and
// after a restart.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		before, _ := r.store.Load(t.Context())
		for lost := range 4 {
			c := r.expire(t)
			r.begin(func(_ http.ResponseWriter, q *http.Request, n int, pass http.Handler) bool {
				return q.URL.Path == refreshPath && n <= lost && lose(q, pass)
			})
			_, err := c.Me(t.Context())
			var network *client.NetworkError
			switch {
			case lost < 2 && err != nil:
				t.Errorf("%d lost: %v", lost, err)
			case lost >= 2 && (!errors.As(err, &network) || errors.Is(err, client.ErrLoggedOut)):
				t.Errorf("%d lost: %v", lost, err)
			}
			r.stillIn(t, r.expire(t)) // a restart
		}
		if after, _ := r.store.Load(t.Context()); after.Refresh == "" || after.Access == before.Access {
			t.Error("the tokens were not renewed")
		}
	})
}

// TestNoAnswerEndsTheSession but the server's own: of a proxy, of a router
// in a hotel, of a server in trouble.
func TestNoAnswerEndsTheSession(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		for what, answer := range map[string]http.HandlerFunc{
			"hang up":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"500":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
			"502 HTML": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502); _, _ = io.WriteString(w, "<html>") },
			"200 HTML": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Wi-Fi</html>") },
			"200 {}":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") },
			"302": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://wifi.example/", http.StatusFound)
			},
			"401 HTML": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401); _, _ = io.WriteString(w, "<html>") },
			"401 new code": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(401)
				_, _ = io.WriteString(w, `{"code":"come_later"}`)
			},
			"400": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) },
			"403": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) },
			"404": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) },
			"429": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) },
			"503": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "7"); w.WriteHeader(503) },
			"half a answer": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "500")
				_, _ = io.WriteString(w, `{"access":"`)
			},
		} {
			c := r.expire(t)
			r.begin(func(w http.ResponseWriter, q *http.Request, _ int, _ http.Handler) bool {
				if q.URL.Path == refreshPath {
					answer(w, q)
				}
				return q.URL.Path == refreshPath
			})
			n, err := together(30, func() error { _, err := c.Me(t.Context()); return err })
			if n != 30 || errors.Is(err, client.ErrLoggedOut) || r.count(mePath) != 0 {
				t.Errorf("%s: %d failed: %v", what, n, err)
			}
			if n := r.count(refreshPath); n > 4 {
				t.Errorf("%s: %d renewals", what, n)
			}
			var e *client.Error
			if (what == "429" || what == "503") && (!errors.As(err, &e) || e.RetryAfter != 7*time.Second || r.count(refreshPath) != 1) {
				t.Errorf("%s: %v, %d renewals", what, err, r.count(refreshPath))
			}
			r.stillIn(t, r.expire(t))
		}
	})
}

// TestRetryAfterHasACeiling: what a proxy says of a day, or of 34 years,
// keeps nobody from trying again after Options.LongestPause. Who calls before
// is told what the proxy said.
func TestRetryAfterHasACeiling(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	wrong := time.Now().Add(2 * time.Hour).UTC() // the proxy's clock
	for _, named := range []string{"86400", "99999999999999999999", wrong.AddDate(0, 0, 1).Format(http.TimeFormat), wrong.AddDate(900, 0, 0).Format(http.TimeFormat)} {
		r.expire(t)
		c, err := client.New(r.URL, client.Options{Store: r.store, LongestPause: time.Second, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		r.begin(func(w http.ResponseWriter, q *http.Request, n int, _ http.Handler) bool {
			if q.URL.Path != refreshPath || n > 1 {
				return false
			}
			w.Header().Set("Date", wrong.Format(http.TimeFormat))
			w.Header().Set("Retry-After", named)
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		})
		refused := 0
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			_, err := c.Me(t.Context())
			if err == nil {
				break
			}
			var e *client.Error
			if refused++; !errors.As(err, &e) || e.Status != 503 || e.RetryAfter < 23*time.Hour || e.RetryAfter%time.Second != 0 {
				t.Fatalf("%s: %v, %+v", named, err, e)
			}
			if time.Now().After(end) {
				t.Fatalf("%s: never tried again", named)
			}
		}
		if n := r.count(refreshPath); n != 2 || refused == 0 {
			t.Errorf("%s: %d renewals, %d calls refused", named, n, refused)
		}
	}
}

// TestRetryAfterCountsDown: below the ceiling the time is kept, and who calls
// meanwhile is told what is left of it.
func TestRetryAfterCountsDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.expire(t)
	r.begin(func(w http.ResponseWriter, q *http.Request, n int, _ http.Handler) bool {
		if q.URL.Path == refreshPath && n == 1 {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		return false
	})
	began, told, last := time.Now(), map[time.Duration]bool{}, 3*time.Second
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, err := c.Me(t.Context())
		if err == nil {
			break
		}
		var e *client.Error
		if !errors.As(err, &e) || e.RetryAfter > last || e.RetryAfter <= 0 || time.Now().After(end) {
			t.Fatalf("%v, %+v after %v", err, e, last)
		}
		last = e.RetryAfter
		told[last] = true
	}
	if took := time.Since(began); took < 3*time.Second || len(told) < 2 || r.count(refreshPath) != 2 {
		t.Errorf("after %v, told %v, %d renewals", took, told, r.count(refreshPath))
	}
}

// TestServerEndsTheSession, and only then are the tokens gone.
func TestServerEndsTheSession(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		tokens, _ := r.store.Load(t.Context())
		other := r.newClient(t, nil)
		if _, err := other.Login(t.Context(), "amina", yoozaktest.Password); err != nil {
			t.Fatal(err)
		}
		req, err := other.NewRequest(t.Context(), http.MethodPost, "/api/clients/auth/logout/all/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if status, err := do(other, req); err != nil || status != http.StatusNoContent {
			t.Fatalf("%d, %v", status, err)
		}
		if n, err := together(20, func() error { _, err := r.client.Me(t.Context()); return err }); n != 20 || !errors.Is(err, client.ErrLoggedOut) {
			t.Errorf("%d failed: %v", n, err)
		}
		if now, _ := r.store.Load(t.Context()); now != (client.Tokens{}) || tokens.Refresh == "" {
			t.Error("the tokens are still stored")
		}
		if n := r.count(refreshPath); n != 1 {
			t.Errorf("%d renewals", n)
		}
	})
}

// TestTwoProcesses share a file: what one renewed, the other uses.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		file := &client.FileStore{Path: filepath.Join(t.TempDir(), "tokens.json")}
		tokens, _ := r.store.Load(t.Context())
		tokens.AccessUntil = time.Now().Add(-time.Second)
		if err := file.Save(t.Context(), tokens); err != nil {
			t.Fatal(err)
		}
		var clients []*client.Client
		for range 4 {
			c := r.newClient(t, &client.FileStore{Path: file.Path})
			clients = append(clients, c)
			_ = fmt.Sprint(c)
		}
		r.begin(nil)
		for i, c := range clients { // one after the other: three find it done
			if _, err := c.Me(t.Context()); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
		}
		if n := r.count(refreshPath); n != 1 {
			t.Errorf("%d renewals", n)
		}
		// All at once, many times: none is logged out.
		for range 3 {
			tokens, _ := file.Load(t.Context())
			tokens.AccessUntil = time.Now().Add(-time.Second)
			_ = file.Save(t.Context(), tokens)
			for i := range clients {
				clients[i] = r.newClient(t, &client.FileStore{Path: file.Path})
			}
			var wg sync.WaitGroup
			for i, c := range clients {
				wg.Go(func() {
					if _, err := c.Me(t.Context()); err != nil {
						t.Errorf("process %d: %v", i, err)
					}
				})
			}
			wg.Wait()
		}
	})
}

// TestTwoProcessesAnotherPerson: where one process logs in as somebody else, or
// out, the other ends what it began as the person before, writes nothing over
// it, and begins its next call as whoever is logged in.
func TestTwoProcessesAnotherPerson(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		if _, err := r.newClient(t, nil).Register(t.Context(), client.Registration{Username: "salma", Password: yoozaktest.Password}); err != nil {
			t.Fatal(err)
		}
		file := &client.FileStore{Path: filepath.Join(t.TempDir(), "tokens.json")}
		// two are a process that logs in and out, and one that is at work as amina.
		two := func() (a, b *client.Client) {
			t.Helper()
			r.begin(nil)
			a, b = r.newClient(t, &client.FileStore{Path: file.Path}), r.newClient(t, &client.FileStore{Path: file.Path})
			if _, err := a.Login(t.Context(), "amina", yoozaktest.Password); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Me(t.Context()); err != nil {
				t.Fatal(err)
			}
			return a, b
		}
		login := func(c *client.Client, name string) {
			t.Helper()
			if _, err := c.Login(t.Context(), name, yoozaktest.Password); err != nil {
				t.Fatal(err)
			}
		}
		rename := func(c *client.Client) error {
			req, err := c.NewRequest(t.Context(), http.MethodPatch, mePath, map[string]string{"first_name": "Amina"})
			if err != nil {
				return err
			}
			status, err := do(c, req)
			if err == nil {
				err = fmt.Errorf("status %d", status)
			}
			return err
		}
		// refuse401 has B's next call refused, and its renewal wait for what is done meanwhile.
		refuse401 := func(meanwhile func()) {
			var done sync.Once
			r.begin(func(w http.ResponseWriter, q *http.Request, n int, _ http.Handler) bool {
				if q.URL.Path == refreshPath {
					done.Do(meanwhile)
				}
				if q.URL.Path == mePath && n == 1 {
					w.WriteHeader(http.StatusUnauthorized)
					return true
				}
				return false
			})
		}
		goesOnAs := func(what string, c *client.Client, name string) {
			t.Helper()
			r.begin(nil)
			u, err := c.Me(t.Context())
			if name == "" {
				if stored, _ := file.Load(t.Context()); !errors.Is(err, client.ErrLoggedOut) || stored != (client.Tokens{}) {
					t.Errorf("%s: then: %+v, %v, %v stored", what, u, err, stored)
				}
				return
			}
			if err != nil || u.Username != name || u.FirstName != "" {
				t.Errorf("%s: then: %+v, %v", what, u, err)
			}
			if u, err := r.newClient(t, file).Me(t.Context()); err != nil || u.Username != name {
				t.Errorf("%s: after a restart: %+v, %v", what, u, err)
			}
		}

		a, b := two()
		if err := a.Logout(t.Context()); err != nil {
			t.Fatal(err)
		}
		login(a, "salma")
		if err := rename(b); !errors.Is(err, client.ErrLoggedOut) {
			t.Errorf("another login before: %v", err)
		}
		goesOnAs("another login before", b, "salma")

		a, b = two()
		refuse401(func() { login(a, "salma") })
		if err := rename(b); !errors.Is(err, client.ErrLoggedOut) {
			t.Errorf("another login meanwhile: %v", err)
		}
		goesOnAs("another login meanwhile", b, "salma")

		a, b = two()
		login(a, "salma")
		if err := b.Confirm(t.Context(), client.Proof{Password: yoozaktest.Password}); !errors.Is(err, client.ErrLoggedOut) {
			t.Errorf("another login, and a confirmation: %v", err)
		}
		goesOnAs("another login, and a confirmation", b, "salma")

		a, b = two()
		refuse401(func() {
			gone, cancel := context.WithCancel(t.Context())
			cancel() // the server is not told
			_ = a.Logout(gone)
		})
		if err := rename(b); !errors.Is(err, client.ErrLoggedOut) {
			t.Errorf("a logout meanwhile: %v", err)
		}
		goesOnAs("a logout meanwhile", b, "")

		// A logout counts for whoever is stored, and leaves no session behind that nobody can end.
		for _, name := range []string{"salma", "amina"} {
			a, b = two()
			mine, _ := file.Load(t.Context())
			login(a, name)
			theirs, _ := file.Load(t.Context())
			if err := b.Logout(t.Context()); err != nil {
				t.Errorf("%s has logged in, and a logout: %v", name, err)
			}
			for who, tokens := range map[string]client.Tokens{"amina before": mine, name: theirs} {
				store := new(client.MemoryStore)
				tokens.AccessUntil = time.Now().Add(-time.Second) // its refresh token is asked
				_ = store.Save(t.Context(), tokens)
				if _, err := r.newClient(t, store).Me(t.Context()); !errors.Is(err, client.ErrLoggedOut) {
					t.Errorf("%s has logged in, and a logout: the session of %s: %v", name, who, err)
				}
			}
			goesOnAs("a logout of who has come", b, "")
		}

		a, b = two()
		login(a, "amina")
		newer, _ := file.Load(t.Context())
		if err := b.Confirm(t.Context(), client.Proof{Password: yoozaktest.Password}); err != nil {
			t.Errorf("the same person, and a confirmation: %v", err)
		}
		if stored, _ := file.Load(t.Context()); stored.Refresh != newer.Refresh {
			t.Error("the same person, and a confirmation: an older session is stored over the newer one")
		}
		goesOnAs("the same person, and a confirmation", b, "amina")

		a, b = two()
		login(a, "amina")
		refuse401(func() {})
		if u, err := b.Me(t.Context()); err != nil || u.Username != "amina" {
			t.Errorf("the same person: %+v, %v", u, err)
		}
	})
}

// TestAnotherPerson logs in while a call waits: it must not go on as them.
func TestAnotherPerson(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.newClient(t, nil).Register(t.Context(), client.Registration{Username: "salma", Password: yoozaktest.Password}); err != nil {
		t.Fatal(err)
	}
	c := r.expire(t)
	waiting, goOn := make(chan struct{}), make(chan struct{})
	r.begin(func(_ http.ResponseWriter, q *http.Request, _ int, _ http.Handler) bool {
		if q.URL.Path == refreshPath {
			close(waiting)
			<-goOn
		}
		return false
	})
	done := make(chan error)
	go func() {
		u, err := c.Me(t.Context())
		if err == nil {
			err = fmt.Errorf("it went on as %s", u.Username)
		}
		done <- err
	}()
	<-waiting
	if _, err := c.Login(t.Context(), "salma", yoozaktest.Password); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if err := <-done; !errors.Is(err, client.ErrLoggedOut) {
		t.Errorf("the call of who was there before: %v", err)
	}
	if u, err := c.Me(t.Context()); err != nil || u.Username != "salma" {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestLastCallCounts: of logins and logouts that overlap the one that was called
// last holds, whichever is answered last. A login that failed is none.
func TestLastCallCounts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.newClient(t, nil).Register(t.Context(), client.Registration{Username: "salma", Password: yoozaktest.Password}); err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		then func(c *client.Client) error // is called while amina's login waits for its answer
		want string                       // who is logged in at last; empty: nobody
	}{
		"a logout": {func(c *client.Client) error { return c.Logout(t.Context()) }, ""},
		"another login": {func(c *client.Client) error {
			_, err := c.Login(t.Context(), "salma", yoozaktest.Password)
			return err
		}, "salma"},
		"a login that fails": {func(c *client.Client) error {
			if _, err := c.Login(t.Context(), "salma", "wrong"); err == nil {
				return errors.New("a wrong password was taken")
			}
			return nil
		}, "amina"},
	} {
		store := new(client.MemoryStore)
		c := r.newClient(t, store)
		waiting, goOn := make(chan struct{}), make(chan struct{})
		var opened struct{ Access string }
		r.begin(func(w http.ResponseWriter, q *http.Request, n int, pass http.Handler) bool {
			if q.URL.Path != loginPath || n > 1 {
				return false
			}
			answer := httptest.NewRecorder()
			pass.ServeHTTP(answer, q)
			_ = json.Unmarshal(answer.Body.Bytes(), &opened)
			close(waiting)
			<-goOn
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
			return true
		})
		done := make(chan error)
		go func() {
			_, err := c.Login(t.Context(), "amina", yoozaktest.Password)
			done <- err
		}()
		<-waiting
		if err := test.then(c); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		close(goOn)
		if err := <-done; test.want == "amina" && err != nil || test.want != "amina" && !errors.Is(err, client.ErrLoggedOut) {
			t.Errorf("%s: the login before: %v", what, err)
		}
		stored, _ := store.Load(t.Context())
		switch u, err := c.Me(t.Context()); {
		case test.want == "" && (!errors.Is(err, client.ErrLoggedOut) || stored != (client.Tokens{})):
			t.Errorf("%s: then: %+v, %v, %v stored", what, u, err, stored)
		case test.want != "" && (err != nil || u.Username != test.want):
			t.Errorf("%s: then: %+v, %v", what, u, err)
		}
		if test.want == "amina" {
			continue
		}
		// Nobody has the tokens of the session that was opened in vain.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL+mePath, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+opened.Access)
		res, err := c.DoOpen(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: the session of the login before goes on: %d", what, res.StatusCode)
		}
	}
}

// TestBodyIsSentAgain whole after a 401, or not at all.
func TestBodyIsSentAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var bodies []string
	refuse := func(w http.ResponseWriter, q *http.Request, n int, _ http.Handler) bool {
		if q.URL.Path != mePath {
			return false
		}
		text, _ := io.ReadAll(q.Body)
		bodies = append(bodies, string(text))
		if n == 1 {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return true
	}
	r.begin(refuse)
	req, err := r.client.NewRequest(t.Context(), http.MethodPatch, mePath, map[string]string{"first_name": "أمينة"})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := do(r.client, req); err != nil || status != 200 || len(bodies) != 2 || bodies[0] != bodies[1] || !strings.Contains(bodies[0], "first_name") {
		t.Errorf("%d, %v, %q", status, err, bodies)
	}
	bodies = nil
	r.begin(refuse)
	req, err = http.NewRequestWithContext(t.Context(), http.MethodPatch, r.URL+mePath, io.MultiReader(strings.NewReader("once")))
	if err != nil {
		t.Fatal(err)
	}
	if status, err := do(r.client, req); err != nil || status != 401 || len(bodies) != 1 || bodies[0] != "once" {
		t.Errorf("a body that is read once: %d, %v, %q", status, err, bodies)
	}
}

// TestLostPOST is sent once, and the error says that it may have been carried
// out; GET is repeated.
func TestLostPOST(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const registerPath = "/api/clients/auth/register/"
	r.begin(func(_ http.ResponseWriter, q *http.Request, n int, pass http.Handler) bool {
		return (q.URL.Path == registerPath || q.URL.Path == mePath && n == 1) && lose(q, pass)
	})
	if _, err := r.client.Me(t.Context()); err != nil || r.count(mePath) != 2 {
		t.Errorf("GET: %v, %d times", err, r.count(mePath))
	}
	c := r.newClient(t, nil)
	_, err := c.Register(t.Context(), client.Registration{Username: "salma", Password: yoozaktest.Password})
	var network *client.NetworkError
	if !errors.As(err, &network) || !network.Unknown || r.count(registerPath) != 1 {
		t.Errorf("register: %v, %d times", err, r.count(registerPath))
	}
	if u, err := c.Login(t.Context(), "salma", yoozaktest.Password); err != nil || u.Username != "salma" {
		t.Errorf("the account is not there: %v", err)
	}
	r.server.Stop(t)
	r.Close()
	if _, err := c.Login(t.Context(), "salma", yoozaktest.Password); !errors.As(err, &network) || network.Unknown {
		t.Errorf("nobody listens: %v", err)
	}
}

// TestTokensGoNowhereElse: neither to another origin nor after a redirect.
func TestTokensGoNowhereElse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	foreign := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		t.Errorf("%s was asked for, with %v", q.URL, q.Header)
	}))
	defer foreign.Close()
	host := strings.TrimPrefix(r.URL, "http://")
	for _, to := range []string{foreign.URL, "https://" + host, "http://" + host + ".evil.example", "http://" + host + "@evil.example", "http://x@" + host, "http://" + host + "0", "//evil.example", "/relative"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
		if err != nil {
			continue // a port of six digits
		}
		if status, err := do(r.client, req); err == nil {
			t.Errorf("%s: %d", to, status)
		}
	}
	r.begin(func(w http.ResponseWriter, q *http.Request, _ int, _ http.Handler) bool {
		http.Redirect(w, q, foreign.URL+q.URL.Path, http.StatusTemporaryRedirect)
		return true
	})
	var e *client.Error
	if _, err := r.client.Me(t.Context()); !errors.As(err, &e) || e.Status != 307 {
		t.Errorf("%v", err)
	}
	if _, err := r.client.Login(t.Context(), "amina", yoozaktest.Password); !errors.As(err, &e) || e.Status != 307 {
		t.Errorf("%v", err)
	}
	for _, base := range []string{"", "shop.example", "ftp://shop.example", "https://", "https://u:hunter2@shop.example", "https://shop.example?x", "https://shop.example#x"} {
		if _, err := client.New(base, client.Options{}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", base, err)
		}
	}
}

// TestNothingSecretIsPrinted whatever fails, and however a value is printed.
func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	r := newRig(t, "YOOZAK_REFRESH_ROTATION=true")
	tokens, _ := r.store.Load(t.Context())
	registration := client.Registration{Username: "amina", Password: yoozaktest.Password}
	var printed strings.Builder
	show := func(v any) {
		text, _ := json.Marshal(v)
		fmt.Fprintf(&printed, "%v %+v %#v %s\n", v, v, v, v)
		if _, isError := v.(error); isError {
			printed.Write(text)
		}
		slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "v", v)
	}
	show(r.client)
	show(r.store)
	show(tokens)
	show(registration)
	for _, answer := range []http.HandlerFunc{
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		func(w http.ResponseWriter, q *http.Request) {
			w.WriteHeader(500)
			_, _ = io.Copy(w, q.Body)
			_, _ = io.WriteString(w, q.Header.Get("Authorization"))
		},
		func(w http.ResponseWriter, q *http.Request) { _, _ = io.Copy(w, q.Body) },
		func(w http.ResponseWriter, q *http.Request) { w.WriteHeader(401) },
	} {
		r.begin(func(w http.ResponseWriter, q *http.Request, _ int, _ http.Handler) bool { answer(w, q); return true })
		_, err := r.client.Me(t.Context())
		show(err)
		_, err = r.client.Login(t.Context(), "amina", yoozaktest.Password)
		show(err)
		_, err = r.client.Register(t.Context(), registration)
		show(err)
		_, err = r.expire(t).Me(t.Context())
		show(err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		_, err = r.client.Login(ctx, "amina", yoozaktest.Password)
		cancel()
		show(err)
	}
	for name, secret := range map[string]string{"the password": yoozaktest.Password, "the access token": tokens.Access, "the refresh token": tokens.Refresh} {
		if strings.Contains(printed.String(), secret) {
			t.Errorf("%s was printed", name)
		}
	}
}

// TestErrors are what the server says, with fields in its order.
func TestErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.newClient(t, nil).Register(t.Context(), client.Registration{Username: "no spaces", Password: "x", Email: "nowhere"})
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 400 || e.RequestID == "" || len(e.Fields) < 2 || e.Fields[0].Name != "username" || len(e.Fields[0].Messages) == 0 {
		t.Fatalf("%#v", err)
	}
	if e.Field("email") == nil || e.Field("first_name") != nil {
		t.Errorf("%+v", e.Fields)
	}
	if text := e.Error(); !strings.HasPrefix(text, "POST /api/clients/auth/register/: 400") || !strings.Contains(text, "username") || !strings.Contains(text, e.RequestID) {
		t.Error(text)
	}
}

// TestAnswers is each form in which an error can come.
func TestAnswers(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	var status int
	var body string
	header := http.Header{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer s.Close()
	c, err := client.New(s.URL+"/", client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(st int, b string, headers ...string) *client.Error {
		t.Helper()
		status, body, header = st, b, http.Header{}
		for i := 0; i < len(headers); i += 2 {
			header[headers[i]] = []string{headers[i+1]}
		}
		_, err := c.Login(t.Context(), "amina", "x")
		var e *client.Error
		if !errors.As(err, &e) {
			t.Fatalf("%d %s: %v", st, b, err)
		}
		return e
	}
	if e := ask(401, `{"detail":"No.","code":"token_not_valid","messages":[{"message":"x"}]}`); e.Code != "token_not_valid" || e.Detail != "No." || len(e.Fields) != 0 {
		t.Errorf("%+v", e)
	}
	if e := ask(401, `{"detail":"No.","code":"token_not_valid"}`, "X-Error-Code", "token_expired"); e.Code != "token_expired" {
		t.Errorf("%+v", e)
	}
	if e := ask(401, `{"error":"invalid_client","detail":"No."}`); e.Code != "invalid_client" {
		t.Errorf("%+v", e)
	}
	e := ask(400, `{"username":["Taken.","Too long."],"password":["Weak."],"non_field_errors":["x"]}`, "X-Error-Code", "username=taken, username=too_long, password=weak, email=odd")
	if e.Code != "" || len(e.Fields) != 4 || e.Fields[0].Name != "username" || strings.Join(e.Fields[0].Codes, " ") != "taken too_long" || e.Fields[1].Messages[0] != "Weak." || e.Fields[3].Name != "email" {
		t.Errorf("%+v", e)
	}
	for _, b := range []string{"", "<html>", "[]", "null", `"x"`, `{"`, `{"detail":1,"x":{"y":[1]}}`, `{"detail":"x"`} {
		if e := ask(503, b); e.Status != 503 || len(e.Fields) != 0 {
			t.Errorf("%q: %+v", b, e)
		}
	}
	for value, want := range map[string]time.Duration{
		"3": 3 * time.Second, "0": 0, " 3 ": 3 * time.Second, "86400": 24 * time.Hour, "-3": 0, "1.5": 0, "1000abc": 0, "soon": 0, "": 0, "99999999999999999999": (1 << 30) * time.Second,
		now.Add(2*time.Hour + 5*time.Second).Format(http.TimeFormat): 5 * time.Second, now.Add(-time.Hour).Format(http.TimeFormat): 0,
	} {
		if e := ask(429, "{}", "Retry-After", value, "Date", now.Add(2*time.Hour).Format(http.TimeFormat)); e.RetryAfter != want {
			t.Errorf("Retry-After %q: %v, want %v", value, e.RetryAfter, want)
		}
	}
}

// TestFileStore keeps tokens from others, survives what it cannot read, and
// leaves no half file.
func TestFileStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := &client.FileStore{Path: filepath.Join(dir, "tokens.json")}
	if got, err := s.Load(t.Context()); err != nil || got != (client.Tokens{}) {
		t.Errorf("no file: %v", err)
	}
	want := client.Tokens{Access: "a", Refresh: "r", AccessUntil: time.Now().UTC().Truncate(time.Second)}
	if err := s.Save(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(t.Context()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if info, err := os.Stat(s.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, text := range []string{"", "{", "null", "[]", `{"x":1}`, `{"version":1,"access":`} {
		if err := os.WriteFile(s.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Load(t.Context()); err != nil || got != (client.Tokens{}) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := os.WriteFile(s.Path, []byte(`{"version":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context()); err == nil {
		t.Error("a newer version was taken")
	}
	if err := s.Save(t.Context(), client.Tokens{}); err != nil {
		t.Error(err)
	}
	if err := s.Save(t.Context(), client.Tokens{}); err != nil {
		t.Errorf("a second time: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "tokens.json.broken" {
		t.Errorf("%v, %v", entries, err)
	}
}

// failingStore takes no more tokens.
type failingStore struct{ client.MemoryStore }

func (*failingStore) Save(context.Context, client.Tokens) error { return errors.New("disk full") }

// TestStoreThatFails: a login says so; a renewal goes on from memory.
func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, "YOOZAK_REFRESH_ROTATION=true")
	tokens, _ := r.store.Load(t.Context())
	tokens.AccessUntil = time.Now().Add(-time.Second)
	s := new(failingStore)
	_ = s.MemoryStore.Save(t.Context(), tokens)
	c := r.newClient(t, s)
	for range 3 {
		if _, err := c.Me(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Login(t.Context(), "amina", yoozaktest.Password); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("%v", err)
	}
}

// TestStoreThatFailsHoldsAnother: who could not be saved does not go on as the
// person before, and tokens that could not be saved are not taken for those of
// another process.
func TestStoreThatFailsHoldsAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t, "YOOZAK_REFRESH_ROTATION=true")
	if _, err := r.newClient(t, nil).Register(t.Context(), client.Registration{Username: "salma", Password: yoozaktest.Password}); err != nil {
		t.Fatal(err)
	}
	tokens, _ := r.store.Load(t.Context())
	s := new(failingStore)
	_ = s.MemoryStore.Save(t.Context(), tokens)
	c := r.newClient(t, s)
	if _, err := c.Login(t.Context(), "salma", yoozaktest.Password); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Fatal(err)
	}
	for range 3 {
		r.begin(func(w http.ResponseWriter, q *http.Request, n int, _ http.Handler) bool {
			if q.URL.Path == mePath && n == 1 {
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			return false
		})
		if u, err := c.Me(t.Context()); err != nil || u.Username != "salma" || r.count(refreshPath) != 1 {
			t.Errorf("%+v, %v, %d renewals", u, err, r.count(refreshPath))
		}
	}
}

// TestErrorOfManyCodes: or one field with hundreds of thousands of codes, up to
// what net/http takes of headers.
func TestErrorOfManyCodes(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Error-Code", strings.Repeat("password=too_short, ", 500_000))
		w.WriteHeader(http.StatusBadRequest)
	}))
	t.Cleanup(srv.Close)
	c, err := client.New(srv.URL, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Login(t.Context(), "amina", "wrong")
	var e *client.Error
	if !errors.As(err, &e) || len(e.Fields) != 1 || len(e.Fields[0].Codes) != 100 || e.Fields[0].Codes[99] != "too_short" {
		t.Fatalf("%T, %+.300v", err, e)
	}
}

// TestErrorOfManyFields: what answers in the server's place names more fields
// than anybody can look through.
func TestErrorOfManyFields(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var codes, body strings.Builder
		for i := range 10_000 {
			fmt.Fprintf(&codes, "h%d=wrong,", i)
			fmt.Fprintf(&body, `"b%d":["wrong"],`, i)
		}
		w.Header().Set("X-Error-Code", codes.String())
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"username":["first"],%s"last":[]}`, body.String())
	}))
	t.Cleanup(srv.Close)
	c, err := client.New(srv.URL, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Login(t.Context(), "amina", "wrong")
	var e *client.Error
	if !errors.As(err, &e) || len(e.Fields) != 100 || e.Field("username") == nil {
		t.Fatalf("%T, %d fields", err, len(e.Fields))
	}
}
