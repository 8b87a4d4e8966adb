package auth

import (
	"context"
	"net/netip"
	"strconv"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/limit"
	"github.com/yoozak/clients/internal/password"
)

// How often a network may ask. Mobile operators put thousands of customers
// behind one IPv4 address: 5,000 logins, 1,500 registrations and 300 reset
// requests of as many people within an hour, however quickly they come, are
// an ordinary morning of one. So each quota is that much at once and a half,
// and what comes back in a minute keeps one address from taking the whole
// server. Guessing at one account is met by the guard, which is strict. See
// docs/decisions/0008-rate-limits.md.
var (
	LoginPerNetwork    = limit.Quota{Name: "login", Count: 6000, Per: 20 * time.Minute}
	RegisterPerNetwork = limit.Quota{Name: "register", Count: 2000, Per: time.Hour}
	TokenPerNetwork    = limit.Quota{Name: "token", Count: 24_000, Per: 20 * time.Minute} // refresh, verify, log out
	ResetPerNetwork    = limit.Quota{Name: "reset", Count: 600, Per: time.Hour}           // ask for a mail; mails have limits of their own
	LinkPerNetwork     = limit.Quota{Name: "link", Count: 7200, Per: time.Hour}           // look at, and use, what a mail holds
)

// How often one client may ask, also when all goes well.
var (
	loginPerPair      = limit.Quota{Name: "pair", Count: 20, Per: time.Minute}           // a network or known device, and a name
	loginPerUser      = limit.Quota{Name: "logins of user", Count: 1200, Per: time.Hour} // that succeed: each leaves rows
	resetPerPair      = limit.Quota{Name: "reset pair", Count: 60, Per: time.Minute}     // a network, and an address
	refreshPerSession = limit.Quota{Name: "session", Count: 30, Per: time.Minute}
)

// How often a caller may ask, which is anybody with a good access token.
// Every request counts as a read, in this server's memory: it gains no query.
// It is the session that is counted, so that whoever stole a token does not
// keep its owner out of their account; sessions are cheap, and so the user is
// counted, too. What writes counts for the user, and everywhere.
var (
	readPerSession   = limit.Quota{Name: "read", Count: 1200, Per: time.Minute, Local: true}
	readPerUser      = limit.Quota{Name: "reads of user", Count: 6000, Per: time.Minute, Local: true}
	writePerUser     = limit.Quota{Name: "write", Count: 120, Per: time.Minute}
	confirmPerUser   = limit.Quota{Name: "confirm", Count: 10, Per: time.Minute} // one's own password, right or wrong
	exportPerUser    = limit.Quota{Name: "export", Count: 5, Per: time.Hour}
	passwordsPerUser = limit.Quota{Name: "passwords", Count: 5, Per: time.Hour} // changes that succeed: each is mailed
	aheadPerUser     = limit.Quota{Name: "ahead", Count: 10, Per: time.Minute, Local: true}
)

// How often services may ask: one that shows good credentials, and a network
// that shows others.
var (
	askPerService     = limit.Quota{Name: "service", Count: 60_000, Per: time.Minute, Local: true}
	refusedPerNetwork = limit.Quota{Name: "service refused", Count: 60, Per: time.Minute}
)

// Admit counts a request of the request's networks, before anything is known of
// it. It returns [account.ThrottledFor] when there were too many.
func (s *Service) Admit(ctx context.Context, q limit.Quota, req account.RequestInfo) error {
	return s.admit(ctx, q, req, "")
}

// admit is Admit for what a network asks about one thing.
func (s *Service) admit(ctx context.Context, q limit.Quota, req account.RequestInfo, about string) error {
	if s.o.Limits == nil {
		return nil
	}
	for _, n := range networks(req.IP) {
		wide := q
		wide.Count *= n.times
		if err := s.take(ctx, wide, n.name+about); err != nil {
			return err
		}
	}
	return nil
}

// take counts a use of the quota; the key may be anything, and is not kept.
func (s *Service) take(ctx context.Context, q limit.Quota, key string) error {
	if s.o.Limits == nil {
		return nil
	}
	if !q.Local { // what stays in memory tells nobody anything
		secret, err := s.secret(ctx)
		if err != nil {
			return err
		}
		key = secret.key(q.Name, key)
	}
	if wait := s.o.Limits.Take(ctx, q, key); wait > 0 {
		return account.ThrottledFor(wait)
	}
	return nil
}

// takeOf is take for a user.
func (s *Service) takeOf(ctx context.Context, q limit.Quota, userID int64) error {
	return s.take(ctx, q, strconv.FormatInt(userID, 10))
}

// countRead counts a request of a caller, whatever it does.
func (s *Service) countRead(ctx context.Context, caller *Caller) error {
	if caller.SessionID != "" {
		if err := s.take(ctx, readPerSession, caller.SessionID); err != nil {
			return err
		}
		return s.takeOf(ctx, readPerUser, caller.User.ID)
	}
	return s.takeOf(ctx, readPerSession, caller.User.ID)
}

// countWrite counts a request of a caller that may change something, whether
// or not it does. To log out everywhere is not counted: it ends the caller's
// own session, too, and is the way out for an owner whose token was stolen.
func (s *Service) countWrite(ctx context.Context, caller *Caller) error {
	return s.takeOf(ctx, writePerUser, caller.User.ID)
}

// asStranger has hashes made in the turns of the request's network, the widest
// that is counted: whoever has many small ones has no more turns for it.
func asStranger(ctx context.Context, req account.RequestInfo) context.Context {
	return password.ForClient(ctx, widestNetwork(req.IP))
}

// asUser has hashes made ahead of strangers', because a flood by strangers
// must not keep the owner of an account waiting, and in turns of the user's.
// Who asks for many waits with the strangers.
func (s *Service) asUser(ctx context.Context, userID int64, req account.RequestInfo) context.Context {
	if !s.goesAhead(ctx, userID) {
		return asStranger(ctx, req)
	}
	return password.ForClient(password.WithPriority(ctx), "user "+strconv.FormatInt(userID, 10))
}

func (s *Service) goesAhead(ctx context.Context, userID int64) bool {
	return s.o.Limits != nil && s.takeOf(ctx, aheadPerUser, userID) == nil
}

// subnet is a network that an address is in, and how many times the quota of
// one customer it has.
type subnet struct {
	name  string
	times int
}

// networks are who asks from an address, the narrowest first: an IPv4
// address; or the 64 bits of an IPv6 address before whatever a machine may
// choose, which is what one customer has, and the wider ones that a customer
// of some providers has, too. (A free tunnel gives 48 bits to anybody, that
// is 65,536 networks of 64.) What is no address is all one.
func networks(ip string) []subnet {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return []subnet{{"unknown", 1}}
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return []subnet{{addr.String(), 1}}
	}
	wide := func(bits int) string { return netip.PrefixFrom(addr, bits).Masked().String() }
	return []subnet{{wide(64), 1}, {wide(56), 4}, {wide(48), 10}}
}

// widestNetwork is the widest that is counted of those that an address is in:
// who has many small ones has one of these.
func widestNetwork(ip string) string {
	all := networks(ip)
	return all[len(all)-1].name
}
