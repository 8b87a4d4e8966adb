package web

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// idleServer counts by these bounds.
func idleServer(t *testing.T, bound *idleConns) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	counting := srv.Config.ConnState
	srv.Config.ConnState = func(c net.Conn, s http.ConnState) {
		if counting != nil {
			counting(c, s)
		}
		bound.state(c, s)
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// oneRequest makes a request on a connection that stays open.
func oneRequest(c net.Conn) error {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func dial(t *testing.T, srv *httptest.Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// closed waits for the end of a connection.
func closed(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err := c.Read(make([]byte, 1))
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}

// counted waits until a connection is among those that wait for a request.
func counted(t *testing.T, bound *idleConns, c net.Conn) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		bound.mu.Lock()
		waits := false
		for known := range bound.place {
			waits = waits || known.RemoteAddr().String() == c.LocalAddr().String()
		}
		bound.mu.Unlock()
		if waits {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a connection is not counted")
		}
	}
}

func TestIdleConnectionsOfAnAddressAreBounded(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(net.Conn) error{
		"after a request": oneRequest,
		"without one":     func(net.Conn) error { return nil },
	} {
		bound := newIdleConns(3, nil)
		srv := idleServer(t, bound)
		var all []net.Conn
		for range 5 {
			c := dial(t, srv)
			if err := first(c); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			counted(t, bound, c) // the answer may be here before the server waits again
			all = append(all, c)
		}
		for i, c := range all[:2] {
			if !closed(c) {
				t.Errorf("%s: connection %d is still open", name, i+1)
			}
		}
		for i, c := range all[2:] {
			if err := oneRequest(c); err != nil {
				t.Errorf("%s: connection %d: %v", name, i+3, err)
			}
			_ = c.Close()
		}
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			bound.mu.Lock()
			left := len(bound.place) + len(bound.waiting)
			bound.mu.Unlock()
			if left == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d are remembered after they ended", name, left)
			}
		}
	}
}

func TestIdleConnectionsOfATrustedProxyAreItsOwn(t *testing.T) {
	t.Parallel()
	srv := idleServer(t, newIdleConns(1, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}))
	var all []net.Conn
	for range 4 {
		c := dial(t, srv)
		if err := oneRequest(c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for i, c := range all {
		if err := oneRequest(c); err != nil {
			t.Errorf("connection %d: %v", i+1, err)
		}
	}
}

// from is a connection of an address.
type from struct {
	net.Conn
	addr netip.AddrPort
}

func (f *from) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(f.addr) }

func TestIdleConnectionsAreCountedByNetwork(t *testing.T) {
	t.Parallel()
	bound := newIdleConns(1, nil)
	network := func(addr string) netip.Prefix {
		n, ok := bound.network(&from{addr: netip.MustParseAddrPort(addr)})
		if !ok {
			t.Errorf("%s has no network", addr)
		}
		return n
	}
	if a, b := network("[2001:db8:1:2::3]:1"), network("[2001:db8:1:2:ffff::9]:2"); a != b {
		t.Errorf("one /64 is two networks, %v and %v", a, b)
	}
	if a, b := network("[2001:db8:1:2::3]:1"), network("[2001:db8:1:3::3]:1"); a == b {
		t.Errorf("two /64 are one network, %v", a)
	}
	if a, b := network("192.0.2.1:1"), network("[::ffff:192.0.2.1]:2"); a != b {
		t.Errorf("one IPv4 address is two networks, %v and %v", a, b)
	}
	if a, b := network("192.0.2.1:1"), network("192.0.2.2:1"); a == b {
		t.Errorf("two IPv4 addresses are one network, %v", a)
	}
}
