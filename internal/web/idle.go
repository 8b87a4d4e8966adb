package web

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// maxIdle is how many connections of one address may wait for a request. Each
// takes about 14 KB. A carrier's address with more customers behind it loses
// nothing but a handshake.
const maxIdle = 2000

// idleConns bounds the connections of each address that wait for a request,
// and closes the one that waits longest. Those of a proxy that we trust are
// everybody's, and the proxy's to bound.
type idleConns struct {
	max    int
	exempt []netip.Prefix

	mu      sync.Mutex
	waiting map[netip.Prefix]*list.List // of net.Conn, the longest first
	place   map[net.Conn]*list.Element
}

func newIdleConns(limit int, exempt []netip.Prefix) *idleConns {
	return &idleConns{max: limit, exempt: exempt, waiting: map[netip.Prefix]*list.List{}, place: map[net.Conn]*list.Element{}}
}

// state is for [http.Server.ConnState].
func (c *idleConns) state(conn net.Conn, s http.ConnState) {
	network, bounded := c.network(conn)
	if !bounded {
		return
	}
	if s != http.StateNew && s != http.StateIdle {
		c.remove(conn, network)
		return
	}
	if longest := c.add(conn, network); longest != nil {
		_ = longest.Close() // the server then tells us so
	}
}

// network is an IPv4 address or the /64 of an IPv6 address, which one
// customer has.
func (c *idleConns) network(conn net.Conn) (netip.Prefix, bool) {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{}, false
	}
	ip := at.Addr().Unmap().WithZone("")
	for _, p := range c.exempt {
		if p.Contains(ip) {
			return netip.Prefix{}, false
		}
	}
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	network, err := ip.Prefix(bits)
	return network, err == nil
}

// add notes a connection that waits, and returns the one to close, if any.
func (c *idleConns) add(conn net.Conn, network netip.Prefix) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.place[conn] != nil {
		return nil
	}
	all := c.waiting[network]
	if all == nil {
		all = list.New()
		c.waiting[network] = all
	}
	c.place[conn] = all.PushBack(conn)
	if all.Len() <= c.max {
		return nil
	}
	longest := all.Remove(all.Front()).(net.Conn)
	delete(c.place, longest)
	return longest
}

func (c *idleConns) remove(conn net.Conn, network netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.place[conn]
	if at == nil {
		return
	}
	delete(c.place, conn)
	all := c.waiting[network]
	all.Remove(at)
	if all.Len() == 0 {
		delete(c.waiting, network)
	}
}
