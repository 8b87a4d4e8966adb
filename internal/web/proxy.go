package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// proxies are those in front of us that are trusted. What anybody else says
// of a client is not believed.
type proxies struct {
	networks   []netip.Prefix
	log        *slog.Logger
	unreadable seldom // told of an address that could not be read
	missing    seldom // told of a proxy that names no client
}

// Client is who sent a request, as far as we and the proxies that we trust
// know.
type Client struct {
	IP    string
	HTTPS bool // the client spoke HTTPS to us, or says such a proxy, or ours is an https address
	proxy bool // a proxy that we trust brought it
}

// client reads the headers of proxies that we trust. The client is the
// right-most address in X-Forwarded-For that is not one of theirs: what
// stands to the left of it is whatever the client wrote.
func (p *proxies) client(r *http.Request) Client {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return Client{IP: host, HTTPS: r.TLS != nil}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return Client{IP: host, HTTPS: r.TLS != nil}
	}
	ip = plainIP(ip)
	if !p.trust(ip) {
		return Client{IP: ip.String(), HTTPS: r.TLS != nil}
	}
	hops := chain(r, "X-Forwarded-For")
	at := len(hops)
	if at == 0 {
		p.warnMissing(r, ip)
	}
	for at > 0 && p.trust(ip) {
		at--
		hop, ok := readHop(hops[at])
		if !ok {
			p.warn(r.Context(), ip, hops[at])
			break
		}
		ip = hop
	}
	return Client{IP: ip.String(), proxy: true, HTTPS: r.TLS != nil || schemeAt(r, at, len(hops)) == "https"}
}

// schemeAt is what the outermost proxy that we trust says of how the client
// came: it wrote the client's address and this at the same place. Where the
// two chains differ in length, it is the first: proxies that do not append
// keep what the first of them wrote.
func schemeAt(r *http.Request, at, hops int) string {
	schemes := chain(r, "X-Forwarded-Proto")
	switch {
	case len(schemes) == 0:
		return ""
	case len(schemes) != hops:
		at = 0
	}
	return strings.ToLower(unquoted(schemes[at]))
}

// trust reports whether an address is that of a proxy that we trust.
func (p *proxies) trust(ip netip.Addr) bool {
	for _, network := range p.networks {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

// How often the log is told of addresses that cannot be read, and of none.
const (
	unreadableAgain = time.Hour
	missingAgain    = time.Minute
)

// seldom lets something happen once in a while: the Unix seconds of the last
// time; 0: never.
type seldom struct{ last atomic.Int64 }

func (s *seldom) due(every time.Duration) bool {
	now, last := time.Now().Unix(), s.last.Load()
	return (last == 0 || now-last >= int64(every.Seconds())) && s.last.CompareAndSwap(last, now)
}

// warnMissing tells of a proxy that names no client, but not of what only
// reads, nor of a service that names itself (HTTP Basic): those are health
// checks, and programs of the same network that speak for no customer.
func (p *proxies) warnMissing(r *http.Request, proxy netip.Addr) {
	_, _, service := r.BasicAuth()
	if service || r.Method == http.MethodGet || r.Method == http.MethodHead || !p.missing.due(missingAgain) {
		return
	}
	p.log.WarnContext(r.Context(), "a trusted proxy (YOOZAK_TRUSTED_PROXIES) sent no X-Forwarded-For: all customers behind it share one quota, and their sessions and events have its address",
		"proxy", proxy.String(), "sent_forwarded", len(chain(r, "Forwarded")) > 0)
}

func (p *proxies) warn(ctx context.Context, proxy netip.Addr, hop string) {
	if !p.unreadable.due(unreadableAgain) {
		return
	}
	p.log.WarnContext(ctx, "X-Forwarded-For of a trusted proxy cannot be read: all customers behind it share one quota, and their sessions and events have its address",
		"proxy", proxy.String(), "not_an_address", shortened(hop))
}

// chain lists what stands in a header to which each proxy appends, in one
// line or several, without empty items.
func chain(r *http.Request, header string) []string {
	var items []string
	for _, line := range r.Header[header] {
		for item := range strings.SplitSeq(line, ",") {
			if item = strings.Trim(item, " \t"); item != "" {
				items = append(items, item)
			}
		}
	}
	return items
}

func unquoted(text string) string {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	return strings.Trim(text, " \t")
}

// readHop reads an address as proxies write it: alone or in brackets, with a
// port or without, in quotes or not.
func readHop(text string) (netip.Addr, bool) {
	text = unquoted(text)
	if ip, ok := readIP(text); ok {
		return ip, true
	}
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 || !isPort(text[colon+1:]) {
		return netip.Addr{}, false
	}
	return readIP(text[:colon])
}

// isPort takes an empty one as well, which some write.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && strconv.FormatUint(n, 10) == text
}

// readIP reads an address, which may be in brackets if it is IPv6.
func readIP(text string) (netip.Addr, bool) {
	inner, opened := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	ip, err := netip.ParseAddr(inner)
	if err != nil || opened != closed || opened && !ip.Is6() {
		return netip.Addr{}, false
	}
	return plainIP(ip), true
}

// plainIP leaves out the zone, which may be any text and means nothing on
// another machine, and makes IPv4 of what is IPv4 in the form of IPv6.
func plainIP(ip netip.Addr) netip.Addr { return ip.WithZone("").Unmap() }

var (
	requestPrefix = func() string {
		var b [6]byte
		_, _ = rand.Read(b[:])
		return hex.EncodeToString(b[:]) + "-"
	}()
	requestCount atomic.Uint64
)

// maxRequestID bounds the ids of requests that we take from a proxy.
const maxRequestID = 64

// requestID takes the id that a trusted proxy gave, if it is short and plain,
// or makes one: random for the process, then counted. Anybody else could
// write into our events what looks like ours or like another's.
func requestID(r *http.Request, fromProxy bool) string {
	if id := r.Header.Get("X-Request-Id"); fromProxy && id != "" && len(id) <= maxRequestID && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == "" {
		return id
	}
	return requestPrefix + strconv.FormatUint(requestCount.Add(1), 36)
}
