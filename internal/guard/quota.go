package guard

import (
	"context"
	"strconv"
	"time"

	"github.com/yoozak/clients/internal/account"
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
	LoginPerNetwork    = Quota{Name: "login", Count: 6000, Per: 20 * time.Minute}
	RegisterPerNetwork = Quota{Name: "register", Count: 2000, Per: time.Hour}
	TokenPerNetwork    = Quota{Name: "token", Count: 24_000, Per: 20 * time.Minute}   // refresh, verify, log out
	PasskeyPerNetwork  = Quota{Name: "passkey", Count: 12_000, Per: 20 * time.Minute} // ask for one: each page that can take one does
	ResetPerNetwork    = Quota{Name: "reset", Count: 600, Per: time.Hour}             // ask for a mail; mails have limits of their own
	LinkPerNetwork     = Quota{Name: "link", Count: 7200, Per: time.Hour}             // look at, and use, what a mail holds
)

// How often one client may ask, also when all goes well.
var (
	loginPerPair      = Quota{Name: "pair", Count: 20, Per: time.Minute}           // a network or known device, and a name
	LoginPerUser      = Quota{Name: "logins of user", Count: 1200, Per: time.Hour} // that succeed: each leaves rows
	ResetPerPair      = Quota{Name: "reset pair", Count: 60, Per: time.Minute}     // a network, and an address
	RefreshPerSession = Quota{Name: "session", Count: 30, Per: time.Minute}
)

// How often a caller may ask, which is anybody with a good access token.
// Every request counts as a read, in this server's memory: it gains no query.
// It is the session that is counted, so that whoever stole a token does not
// keep its owner out of their account; sessions are cheap, and so the user is
// counted, too. What writes counts for the user, and everywhere.
var (
	readPerSession    = Quota{Name: "read", Count: 1200, Per: time.Minute, Local: true}
	readPerUser       = Quota{Name: "reads of user", Count: 6000, Per: time.Minute, Local: true}
	writePerUser      = Quota{Name: "write", Count: 120, Per: time.Minute}
	undoPerMailbox    = Quota{Name: "undo", Count: 10, Per: time.Minute} // the password before, by the link that undoes a factor
	confirmPerUser    = Quota{Name: "confirms of user", Count: 60, Per: time.Minute}
	confirmPerSession = Quota{Name: "confirm in session", Count: 10, Per: time.Minute} // one's own password, right or wrong
	ExportPerUser     = Quota{Name: "export", Count: 5, Per: time.Hour}
	PasswordsPerUser  = Quota{Name: "passwords", Count: 5, Per: time.Hour} // changes that succeed: each is mailed

	FactorsPerUser = Quota{Name: "factors", Count: 15, Per: time.Hour} // that are added: each is mailed, with the only link to undo it

	// AddressesPerUser is for other addresses that somebody asks to have: each is
	// mailed, and may be a stranger's. With the network's it bounds what one person
	// with many accounts can have mailed.
	AddressesPerUser    = Quota{Name: "addresses", Count: 10, Per: time.Hour}
	AddressesPerNetwork = Quota{Name: "addresses of network", Count: 600, Per: time.Hour}

	CloneNoticePerUser = Quota{Name: "cloned passkeys", Count: 1, Per: 24 * time.Hour} // mails
	aheadPerUser       = Quota{Name: "ahead", Count: 10, Per: time.Minute, Local: true}
)

// At how many people one of the staff may look, beside those at whom they
// looked within the hour; how many lists may name to them, whom who may not
// export by themselves would copy page by page; and how often owners are told of
// who looks at more.
var (
	LooksPerAgent  = Quota{Name: "looks", Count: 300, Per: time.Hour}
	ListedPerAgent = Quota{Name: "listed", Count: 20_000, Per: time.Hour}
	LooksWarning   = Quota{Name: "looks warning", Count: 1, Per: time.Hour}
)

// UnlocksPerUser is how often agents may lift what wrong tries at a password
// hold up: else whoever guesses has it lifted again and again by telephone. The
// command line is not counted.
var UnlocksPerUser = Quota{Name: "unlocks", Count: 5, Per: 24 * time.Hour}

// How often services may ask: one that shows good credentials, and a network
// that shows others.
var (
	AskPerService     = Quota{Name: "service", Count: 60_000, Per: time.Minute, Local: true}
	RefusedPerNetwork = Quota{Name: "service refused", Count: 60, Per: time.Minute}
)

// ManualPerNetwork is for pages of the manual that are made for one request:
// a search reads all texts, for a millisecond of a core.
var ManualPerNetwork = Quota{Name: "manual", Count: 300, Per: time.Minute, Local: true}

// AllowRequest counts a request of the request's networks, before anything is known of
// it. It returns [account.ThrottledFor] when there were too many.
func (g *Guard) AllowRequest(ctx context.Context, q Quota, req account.RequestInfo) error {
	return g.AllowAbout(ctx, q, req, "")
}

// AllowAbout is AllowRequest for what a network asks about one thing.
func (g *Guard) AllowAbout(ctx context.Context, q Quota, req account.RequestInfo, about string) error {
	for _, n := range networks(req.IP) {
		wide := q
		wide.Count *= n.times
		if err := g.Allow(ctx, wide, n.name+about); err != nil {
			return err
		}
	}
	return nil
}

// Allow counts a use of the quota; the key may be anything, and is not kept.
func (g *Guard) Allow(ctx context.Context, q Quota, key string) error {
	if g.off {
		return nil
	}
	if !q.Local { // what stays in memory tells nobody anything
		secret, err := g.secret(ctx)
		if err != nil {
			return err
		}
		key = secret.key(q.Name, key)
	}
	if wait := g.limits.Take(ctx, q, key); wait > 0 {
		return account.ThrottledFor(wait)
	}
	return nil
}

// AllowUser is Allow for a user.
func (g *Guard) AllowUser(ctx context.Context, q Quota, userID int64) error {
	return g.Allow(ctx, q, strconv.FormatInt(userID, 10))
}

// AllowMany counts so many uses of a quota by a user at once; none is allowed.
func (g *Guard) AllowMany(ctx context.Context, q Quota, userID int64, n int) error {
	if n == 0 {
		return nil
	}
	q.Count = max(1, q.Count/n) // so often that many
	return g.AllowUser(ctx, q, userID)
}

// AllowRead counts a request of a caller, whatever it does. Django's tokens
// have no session: their user is counted as one.
func (g *Guard) AllowRead(ctx context.Context, sessionID string, userID int64) error {
	if sessionID == "" {
		return g.AllowUser(ctx, readPerSession, userID)
	}
	if err := g.Allow(ctx, readPerSession, sessionID); err != nil {
		return err
	}
	return g.AllowUser(ctx, readPerUser, userID)
}

// AllowWrite counts a request of a caller that may change something, whether
// or not it does. To log out everywhere is not counted: it ends the caller's
// own session, too, and is the way out for an owner whose token was stolen.
func (g *Guard) AllowWrite(ctx context.Context, userID int64) error {
	return g.AllowUser(ctx, writePerUser, userID)
}

// AsStranger has hashes made in the turns of the request's network, the widest
// that is counted: whoever has many small ones has no more turns for it.
func AsStranger(ctx context.Context, req account.RequestInfo) context.Context {
	return password.ForClient(ctx, widestNetwork(req.IP))
}

// AsUser has hashes made ahead of strangers', because a flood by strangers
// must not keep the owner of an account waiting, and in turns of the user's.
// Who asks for many waits with the strangers.
func (g *Guard) AsUser(ctx context.Context, userID int64, req account.RequestInfo) context.Context {
	if !g.goesAhead(ctx, userID) {
		return AsStranger(ctx, req)
	}
	return password.ForClient(password.WithPriority(ctx), "user "+strconv.FormatInt(userID, 10))
}

func (g *Guard) goesAhead(ctx context.Context, userID int64) bool {
	return !g.off && g.AllowUser(ctx, aheadPerUser, userID) == nil
}
