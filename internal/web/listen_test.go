package web

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// serve starts a server that answers 200 for each path, over TLS or not.
func serve(t *testing.T, secured *tls.Config) (servers *Servers, address string) {
	t.Helper()
	servers = NewServers(slog.New(slog.DiscardHandler), 20*time.Second)
	handler := New(Options{
		Log: slog.New(slog.DiscardHandler), Language: "en", Stopping: servers.Stopping, Ready: func(context.Context) error { return nil },
	}, map[string]http.Handler{"/": http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		Writer(rw).WriteJSON(http.StatusOK, statusBody{Status: "ok"})
	})})
	if err := servers.Serve(Listener{Name: "api", Addr: "127.0.0.1:0", Handler: handler, Timeout: time.Minute, TLS: secured}); err != nil {
		t.Fatal(err)
	}
	_, address, _ = strings.Cut(servers.URL("api"), "://")
	return servers, address
}

// TestReadyzSaysWhyToAnybody, and the rest to the log.
func TestReadyzSaysWhyToAnybody(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		`{"status":"ok"}`: nil,
		`{"status":"unavailable","reason":"the database is read-only"}`: &account.NotReady{Reason: "the database is read-only", Err: errors.New("host 10.1.2.3")},
		`{"status":"unavailable"}`:                                      errors.New("host 10.1.2.3"),
	} {
		h := New(Options{Log: slog.New(slog.DiscardHandler), Language: "en", Ready: func(context.Context) error { return err }}, map[string]http.Handler{"/": http.NotFoundHandler()})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if got := w.Body.String(); got != want || (w.Code == http.StatusOK) != (err == nil) {
			t.Errorf("%d %s, want %s", w.Code, got, want)
		}
	}
}

// TestDrainClosesConnectionsByAnswers: those that were open, those that are
// made meanwhile, and of HTTP/2 by GOAWAY.
func TestDrainClosesConnectionsByAnswers(t *testing.T) {
	t.Parallel()
	servers, address := serve(t, nil)
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	ask := func(c net.Conn, path string) (status int, closes bool) {
		t.Helper()
		if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode, res.Close
	}
	old, idle := dial(), dial()
	for _, c := range []net.Conn{old, idle} {
		if status, closes := ask(c, "/readyz"); status != http.StatusOK || closes {
			t.Fatalf("before: %d, closes: %v", status, closes)
		}
	}
	drained := make(chan struct{})
	go func() { servers.Drain(2 * time.Second); close(drained) }()
	for !servers.Stopping() {
		time.Sleep(time.Millisecond)
	}
	if status, closes := ask(old, "/"); status != http.StatusOK || !closes || !closed(old) {
		t.Errorf("on an open connection: %d, closes: %v", status, closes)
	}
	if status, closes := ask(dial(), "/readyz"); status != http.StatusServiceUnavailable || !closes {
		t.Errorf("readyz: %d, closes: %v", status, closes)
	}
	if status, closes := ask(dial(), "/healthz"); status != http.StatusOK || !closes {
		t.Errorf("healthz: %d, closes: %v", status, closes)
	}
	_ = idle.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
		t.Errorf("a connection that waits was closed before the end: %v", err)
	}
	<-drained
	if err := servers.Shutdown(); err != nil {
		t.Fatal(err)
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func TestDrainSaysGoAwayOnHTTP2(t *testing.T) {
	t.Parallel()
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	servers, address := serve(t, &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12})
	var made atomic.Int64
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			made.Add(1)
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}}
	ask := func() {
		t.Helper()
		res, err := client.Get("https://" + address + "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.ProtoMajor != 2 {
			t.Fatalf("HTTP/%d", res.ProtoMajor)
		}
	}
	for range 3 {
		ask()
	}
	if n := made.Load(); n != 1 {
		t.Fatalf("%d connections before the drain", n)
	}
	servers.drains.Store(true)
	for n := range 3 {
		ask() // on the connection that is told to go, then on one for each
		for deadline := time.Now().Add(10 * time.Second); n == 0 && time.Now().Before(deadline) && made.Load() < 2; ask() {
			time.Sleep(10 * time.Millisecond)
		}
	}
	if n := made.Load(); n < 2 {
		t.Errorf("%d connections: the client was not told to use another", n)
	}
	client.CloseIdleConnections()
	if err := servers.Shutdown(); err != nil {
		t.Fatal(err)
	}
}

// TestNoConnectionIsResetWhenTheListenerCloses: whoever connects until the
// last moment is answered, or refused before they sent anything.
func TestNoConnectionIsResetWhenTheListenerCloses(t *testing.T) {
	t.Parallel()
	var answered, refused, cut atomic.Int64
	for range 8 {
		servers, address := serve(t, nil)
		var callers sync.WaitGroup
		for range 16 {
			callers.Go(func() {
				for {
					c, err := net.DialTimeout("tcp", address, 5*time.Second)
					if errors.Is(err, syscall.ECONNREFUSED) {
						refused.Add(1)
						return
					}
					if err == nil {
						err = oneRequest(c)
						_ = c.Close()
					}
					if err != nil {
						cut.Add(1)
						t.Errorf("%v", err)
						return
					}
					answered.Add(1)
				}
			})
		}
		servers.Drain(20 * time.Millisecond)
		if err := servers.Shutdown(); err != nil {
			t.Fatal(err)
		}
		callers.Wait()
	}
	t.Logf("%d answered, %d refused, %d cut", answered.Load(), refused.Load(), cut.Load())
}

// TestStoppingOneServerDoesNotWaitForAnother: somebody takes a profile, which
// lasts. Whoever connects to the API is refused, and goes to another server.
func TestStoppingOneServerDoesNotWaitForAnother(t *testing.T) {
	t.Parallel()
	servers := NewServers(slog.New(slog.DiscardHandler), 20*time.Second)
	began, release := make(chan struct{}), make(chan struct{})
	lasting := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(began); <-release })
	for _, l := range []Listener{{Name: "debug", Handler: lasting}, {Name: "api", Handler: http.NotFoundHandler()}} {
		l.Addr, l.Timeout = "127.0.0.1:0", time.Minute
		if err := servers.Serve(l); err != nil {
			t.Fatal(err)
		}
	}
	profiled, got := make(chan error), make(chan error)
	go func() {
		res, err := http.Get(servers.URL("debug"))
		if err == nil {
			err = res.Body.Close()
		}
		profiled <- err
	}()
	<-began
	go func() { got <- servers.Shutdown() }()
	address := strings.TrimPrefix(servers.URL("api"), "http://")
	var err error
	for deadline := time.Now().Add(10 * time.Second); !errors.Is(err, syscall.ECONNREFUSED) && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var c net.Conn
		if c, err = net.Dial("tcp", address); err == nil {
			_ = c.Close()
		}
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("while a profile is taken, a new connection: %v", err)
	}
	close(release)
	if err := errors.Join(<-profiled, <-got); err != nil {
		t.Error(err)
	}
}
