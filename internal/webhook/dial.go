package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

// RefusedError says that an address is not dialled.
type RefusedError struct {
	Addr netip.Addr
	Why  string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("refused: %s is %s; the server's YOOZAK_WEBHOOK_ALLOW would have to name it", e.Addr, e.Why)
}

// policy says which addresses may be dialled. It is asked with each address
// that a connection is about to be made to, after the name was looked up: what
// a name led to when the webhook was made says nothing.
type policy struct {
	allow []netip.Prefix
	plain bool // without TLS: only what is allowed by name
}

func (p policy) check(addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	if slices.ContainsFunc(p.allow, func(n netip.Prefix) bool { return n.Contains(addr) }) {
		return nil
	}
	if why := special(addr); why != "" {
		return &RefusedError{addr, why}
	}
	if p.plain {
		return &RefusedError{addr, "in the open network, and http:// is not encrypted"}
	}
	return nil
}

// network is one whose addresses are not those of a host in the open network.
type network struct {
	prefix netip.Prefix
	why    string
}

// specialNetworks are IANA's registries of special-purpose addresses (RFC
// 6890), as far as they are not reachable by everybody, and the ways to write
// an IPv4 address in IPv6.
var specialNetworks = []network{
	{netip.MustParsePrefix("0.0.0.0/8"), "this host"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a provider's own (RFC 6598)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "for documents"},
	{netip.MustParsePrefix("192.88.99.0/24"), "reserved"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "for documents"},
	{netip.MustParsePrefix("203.0.113.0/24"), "for documents"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("::/128"), "this host"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "an IPv4 address behind a local NAT64"},
	{netip.MustParsePrefix("2001::/23"), "reserved"}, // Teredo among them
	{netip.MustParsePrefix("2001:db8::/32"), "for documents"},
	{netip.MustParsePrefix("2002::/16"), "an IPv4 address in 6to4"},
	{netip.MustParsePrefix("3fff::/20"), "for documents"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
)

// special says why an unmapped address is none of the open network; empty: it
// is one.
func special(addr netip.Addr) string {
	if nat64.Contains(addr) {
		b := addr.As16()
		return special(netip.AddrFrom4([4]byte(b[12:])))
	}
	for _, n := range specialNetworks {
		if n.prefix.Contains(addr) {
			return n.why
		}
	}
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return "reserved"
	}
	return ""
}

// control is for [net.Dialer]: it is called with each address before it is
// dialled.
func (p policy) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return errors.Join(errors.New("refused: no address"), err)
	}
	return p.check(to.Addr())
}

// lookUpTimeout is for the name in [Service.CheckURL]: a person waits.
const lookUpTimeout = 5 * time.Second

// CheckURL says why nothing would be sent to a URL, as things are now: a
// [*RefusedError], if each address of its host would be refused, or that its
// host has none. Nil promises nothing: addresses are looked at whenever they
// are dialled. Where a proxy dials, nothing can be said here.
func (s *Service) CheckURL(ctx context.Context, address string) error {
	if s.o.Proxy != nil {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("it is no URL") // not quoted: it may hold a password
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	addrs, err := cmp.Or(s.o.Resolver, net.DefaultResolver).LookupNetIP(ctx, "ip", u.Hostname())
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return errors.New("the name of its host is not found from here; with YOOZAK_WEBHOOK_PROXY the proxy looks for it")
	case err != nil:
		return errors.New("the name of its host cannot be looked up now")
	}
	p := policy{allow: s.o.Allow, plain: u.Scheme == "http"}
	for _, addr := range addrs {
		if err = p.check(addr); err == nil {
			return nil
		}
	}
	return err
}

func (p policy) dialer(r *net.Resolver) *net.Dialer {
	return &net.Dialer{Timeout: deliveryTimeout, Resolver: r, ControlContext: p.control}
}
