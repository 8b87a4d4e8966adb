package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxHeader bounds a request's headers: a token takes one KiB at most.
const maxHeader = 16 << 10

// Servers are the HTTP servers of a process.
type Servers struct {
	log     *slog.Logger
	timeout time.Duration
	running []*running
	failed  chan error
	wg      sync.WaitGroup
	drains  atomic.Bool
}

type running struct {
	name     string
	scheme   string
	server   *http.Server
	listener net.Listener
}

// NewServers makes servers whose requests have so long when they are stopped.
func NewServers(log *slog.Logger, timeout time.Duration) *Servers {
	return &Servers{log: log, timeout: timeout, failed: make(chan error, 8)}
}

// Listener is what to serve where.
type Listener struct {
	Name, Addr string
	Setting    string // variable that Addr is from
	Handler    http.Handler
	Timeout    time.Duration  // of reading a request; writing may take twice as long
	TLS        *tls.Config    // nil: plain HTTP
	BoundIdle  bool           // close connections of one address that wait when there are too many,
	Exempt     []netip.Prefix // but for those of these networks
}

// Listen names the setting of an address that cannot be listened at.
func Listen(setting, addr string) (net.Listener, error) {
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // whose sockets take no filter: see takeNoMore
	l, err := plain.Listen(context.Background(), "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%w: another program has it, or a yoozak that runs already; choose another with %s=HOST:PORT", err, setting)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return l, nil
}

// Serve binds now, so that a busy port stops the start, and serves.
func (s *Servers) Serve(o Listener) error {
	l, err := Listen(o.Setting, o.Addr)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler:           o.Handler,
		TLSConfig:         o.TLS,
		ReadHeaderTimeout: min(o.Timeout, 10*time.Second),
		ReadTimeout:       o.Timeout,
		WriteTimeout:      2 * o.Timeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // strangers' broken connections
	}
	if o.BoundIdle {
		srv.ConnState = newIdleConns(maxIdle, o.Exempt).state
	}
	scheme := "http"
	if o.TLS != nil {
		scheme = "https"
	}
	s.running = append(s.running, &running{name: o.Name, scheme: scheme, server: srv, listener: l})
	s.wg.Go(func() {
		serve := func() error { return srv.Serve(l) }
		if o.TLS != nil {
			serve = func() error { return srv.ServeTLS(l, "", "") } // the certificate is o.TLS's business
		}
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve %s: %w", o.Name, err)
		}
	})
	return nil
}

// URL is where the server of a name is.
func (s *Servers) URL(name string) string {
	for _, r := range s.running {
		if r.name == name {
			return r.scheme + "://" + r.listener.Addr().String()
		}
	}
	return ""
}

// Wait returns when the process is told to stop or a server fails.
func (s *Servers) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// Stopping reports whether [Servers.Drain] or [Servers.Shutdown] was called.
func (s *Servers) Stopping() bool { return s.drains.Load() }

// lastCalls is how long connections that are being made have when no new ones
// are taken any more: some round trips.
const lastCalls = 200 * time.Millisecond

// Drain lets whoever sends requests hear that they are to go elsewhere, for as
// long as given. Meanwhile all are answered, on new connections, too; but the
// server says that it is not ready, and each answer that its connection is
// closed. A client that closes what it has not used for that long then has no
// connection left, when [Servers.Shutdown] closes those that wait: without
// that a request may be on its way on one of them, and nobody may repeat a
// POST.
//
// At the end new connections are not taken any more, for a moment, before the
// listener is closed: the kernel would reset those that it has accepted and
// the server has not, with the requests that they bring.
func (s *Servers) Drain(wait time.Duration) {
	s.drains.Store(true)
	time.Sleep(wait)
	for _, r := range s.running {
		if err := takeNoMore(r.listener); err != nil {
			s.log.Debug("connections are taken until the listener closes", "listener", r.name, "error", err.Error())
		}
	}
	time.Sleep(lastCalls)
}

// Shutdown takes no more requests and waits for those under way, of all
// servers at once: a profile that is being taken, or a scraper that does not
// read, must not take the time of people's requests.
func (s *Servers) Shutdown() error {
	s.drains.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	errs := make([]error, len(s.running))
	var stopping sync.WaitGroup
	for i, r := range s.running {
		stopping.Go(func() {
			if err := r.server.Shutdown(ctx); err != nil {
				errs[i] = fmt.Errorf("stop %s: %w", r.name, err)
				_ = r.server.Close()
			}
		})
	}
	stopping.Wait()
	s.wg.Wait()
	return errors.Join(errs...)
}
