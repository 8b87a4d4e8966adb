package auth

import (
	"context"
	"net/netip"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/limit"
)

// How often a network may ask. Mobile operators put thousands of customers
// behind one IPv4 address, so these only keep one address from taking the
// whole server; guessing at one account is met by the guard, which is strict.
// See docs/decisions/0008-rate-limits.md for where the numbers come from.
var (
	LoginPerNetwork    = limit.Quota{Name: "login", Count: 300, Per: time.Minute}
	RegisterPerNetwork = limit.Quota{Name: "register", Count: 60, Per: time.Minute}
	TokenPerNetwork    = limit.Quota{Name: "token", Count: 1200, Per: time.Minute} // refresh, verify, log out
	ResetPerNetwork    = limit.Quota{Name: "reset", Count: 60, Per: time.Minute}   // ask for a mail; mails have limits of their own
	LinkPerNetwork     = limit.Quota{Name: "link", Count: 120, Per: time.Minute}   // use what a mail holds
)

// How often one client may ask, also when all goes well.
var (
	loginPerPair      = limit.Quota{Name: "pair", Count: 20, Per: time.Minute} // a network or known device, and a name
	refreshPerSession = limit.Quota{Name: "session", Count: 30, Per: time.Minute}
)

// Admit counts a request of the peer's network, before anything is known of
// it. It returns [account.ErrThrottled] when there were too many.
func (s *Service) Admit(ctx context.Context, q limit.Quota, peer account.Peer) error {
	return s.take(ctx, q, network(peer.IP))
}

// take counts a use of the quota; the key may be anything, and is not kept.
func (s *Service) take(ctx context.Context, q limit.Quota, key string) error {
	if s.o.Limits == nil {
		return nil
	}
	secret, err := s.secret(ctx)
	if err != nil {
		return err
	}
	if wait := s.o.Limits.Take(ctx, q, secret.key(q.Name, key)); wait > 0 {
		return account.ErrThrottled(wait)
	}
	return nil
}

// network is what one customer of a provider has: an IPv4 address, or the
// 64 bits before whatever a machine may choose of an IPv6 address.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().String()
	}
	return addr.String()
}
