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
}

type running struct {
	name   string
	server *http.Server
	addr   net.Addr
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
	l, err := net.Listen("tcp", addr)
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
	s.running = append(s.running, &running{name: o.Name, server: srv, addr: l.Addr()})
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
			if r.server.TLSConfig != nil {
				return "https://" + r.addr.String()
			}
			return "http://" + r.addr.String()
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

// Shutdown takes no more requests and waits for those under way.
func (s *Servers) Shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	var errs []error
	for _, r := range s.running {
		if err := r.server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", r.name, err))
			_ = r.server.Close()
		}
	}
	s.wg.Wait()
	return errors.Join(errs...)
}
