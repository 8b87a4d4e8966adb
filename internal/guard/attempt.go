package guard

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// How tries at a password are slowed down. Those at one name by devices that
// we do not know share a budget; a known device, and a caller who has to
// repeat their password, have one of their own. After the free tries each
// wrong one doubles the wait for the next, up to maxWait: four an hour, for
// everybody in the world together. An hour without a wrong one gives one back.
const (
	freeAttempts    = 5
	freeAttemptsOwn = 10 // of a known device, and of a caller
	maxWait         = 15 * time.Minute
	decayInterval   = time.Hour
	maxCounted      = 30 // counted: after 30 hours all is forgotten

	// A session has a few tries of its own, which wrong ones in other sessions,
	// a thief's perhaps, do not use up; then it shares with these. They come back
	// slowly: what a session adds to the tries of an account is ten a day.
	sessionAttempts = 5
	sessionInterval = 6 * time.Hour

	alertAfter = 15 // tries by strangers the user is told, which is where waits are longest
)

// backoff is how long after a wrong try the next is allowed.
func backoff(count, free int) time.Duration {
	n := count - free
	switch {
	case n < 0:
		return 0
	case n >= 10: // 2^10 seconds are more
		return maxWait
	}
	return time.Second << n
}

// decayed is how many wrong tries still count, when one is given back in each
// interval without another.
func decayed(g account.FailedAttempts, interval time.Duration, now time.Time) int {
	if g.LastAt.IsZero() {
		return 0
	}
	return max(0, g.Count-int(max(0, now.Sub(g.LastAt))/interval))
}

// counted is what a wrong try makes of those before it.
func counted(old account.FailedAttempts, key string, owner int64, interval time.Duration, now time.Time) account.FailedAttempts {
	n := min(decayed(old, interval, now)+1, maxCounted)
	return account.FailedAttempts{Key: key, UserID: owner, Count: n, LastAt: now, ExpiresAt: now.Add(time.Duration(n) * interval)}
}

// clocksDiffer is by how much, at most, servers of one database disagree
// about the time.
const clocksDiffer = 10 * time.Second

// waits is how long after past wrong tries the next has to wait. A last one
// that is still to come was counted by a clock that was set back since: the
// next try is let through, or its owner would wait for as long as that was,
// and begins to count anew.
func waits(past account.FailedAttempts, count, free int, now time.Time) time.Duration {
	if count < free || past.LastAt.Sub(now) > clocksDiffer {
		return 0
	}
	return min(maxWait, past.LastAt.Add(backoff(count, free)).Sub(now))
}

// Attempt is one try at a password, between the question whether it may be made
// and what came of it. It must be ended.
type Attempt struct {
	Users  []account.User // at whose passwords it is; none: at nobody's
	Others []account.User // at whose it is not: they need an attempt of their own

	g           *Guard
	key         string // empty: limits are off
	owner       int64  // of the budget; zero: strangers share it
	free        int
	interval    time.Duration // in which one try comes back
	device      device        // the zero device: not known
	secret      *Secret
	hasFailures bool // there are wrong tries to forget
}

// StartLogin begins a try at the password of a name that was typed, and that
// these users may mean. It returns [account.ThrottledFor] when
// it comes too soon, which must look the same whether or not there is a user:
// so the key is the name as it was typed, and what is done is the same.
//
// A device that one of them is known by has tries of its own at that one's
// password, and at nobody else's: whoever is called by another's address must
// not guess at the other's password with a device that is their own.
func (g *Guard) StartLogin(ctx context.Context, req account.RequestInfo, username string, candidates []account.User) (*Attempt, error) {
	if g.off {
		return &Attempt{Users: candidates}, nil
	}
	secret, err := g.secret(ctx)
	if err != nil {
		return nil, err
	}
	t := &Attempt{g: g, free: freeAttempts, interval: decayInterval, secret: secret, key: secret.nameKey(username), Users: candidates}
	for i, u := range candidates {
		if d, known := knownDevice(secret, req, u, g.o.Now()); known {
			t.Users, t.Others = candidates[i:i+1], slices.Concat(candidates[:i], candidates[i+1:])
			t.device, t.owner, t.free = d, u.ID, freeAttemptsOwn
			t.key = secret.key("tries of device", string(d.id[:]))
			break
		}
	}
	// Before anything is written or hashed, and right or wrong: a program that
	// logs in again and again costs a hash each time.
	name := " " + account.EmailKey(username)
	if t.owner != 0 {
		err = g.Allow(ctx, loginPerPair, t.key+name)
	} else {
		err = g.AllowAbout(ctx, loginPerPair, req, name)
	}
	if err != nil {
		return nil, err
	}
	return t, t.begin(ctx)
}

// nameKey is of an e-mail address in any case, because it is found in any. A
// username is found as it is: in another case it is somebody else's.
func (s *Secret) nameKey(username string) string {
	name := account.NormalizeUsername(username)
	if strings.Contains(name, "@") {
		name = account.EmailKey(name)
	}
	return s.key("tries at name", name)
}

// StartConfirmation begins a try of a caller at their own password, of which there
// are few a minute, right or wrong: each costs a hash. Their session has some of
// its own, so that whoever is in another one does not keep them waiting.
func (g *Guard) StartConfirmation(ctx context.Context, u account.User, sessionID string) (*Attempt, error) {
	if sessionID == "" { // Django's: its user is counted as one
		sessionID = "user " + strconv.FormatInt(u.ID, 10)
	}
	if err := g.Allow(ctx, confirmPerSession, sessionID); err != nil { // first: what is refused takes nothing from other sessions
		return nil, err
	}
	if err := g.AllowUser(ctx, confirmPerUser, u.ID); err != nil {
		return nil, err
	}
	t, err := g.newOwn(ctx, u, "tries of caller")
	if err != nil || g.off {
		return t, err
	}
	own := *t
	own.key, own.free, own.interval = t.secret.sessionKey("tries at password", sessionID), sessionAttempts, sessionInterval
	past, err := g.store.FailedAttempts(ctx, own.key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if decayed(past, own.interval, g.o.Now()) < own.free {
		t = &own
	}
	return t, t.begin(ctx)
}

// sessionKey is of what is tried in a session.
func (s *Secret) sessionKey(what, sessionID string) string {
	return s.key(what+" in session", sessionID)
}

// StartUndo begins a try at the password by which whoever reads a mailbox of a
// user's undoes something. Each mailbox has a budget of its own: a thief in one
// must slow down neither the owner's confirmations, nor the owner who reads
// another, from which the thief has moved the account.
func (g *Guard) StartUndo(ctx context.Context, u account.User, email string) (*Attempt, error) {
	mailbox := strconv.FormatInt(u.ID, 10) + " " + account.EmailKey(email)
	if err := g.Allow(ctx, undoPerMailbox, mailbox); err != nil {
		return nil, err
	}
	t, err := g.newOwn(ctx, u, "tries of undo")
	if err != nil || g.off {
		return t, err
	}
	t.key = t.secret.key("tries of undo", mailbox)
	return t, t.begin(ctx)
}

// newOwn is a try at a password that counts for its user.
func (g *Guard) newOwn(ctx context.Context, u account.User, purpose string) (*Attempt, error) {
	if g.off {
		return &Attempt{}, nil
	}
	secret, err := g.secret(ctx)
	if err != nil {
		return nil, err
	}
	t := &Attempt{g: g, free: freeAttemptsOwn, interval: decayInterval, Users: []account.User{u}, owner: u.ID, secret: secret}
	t.key = secret.key(purpose, strconv.FormatInt(u.ID, 10))
	return t, nil
}

// begin asks whether the try comes too soon. Wrong tries count when they are
// found wrong, which takes a hash; so that many at once do not all slip
// through before the first is counted, those under way count too: within the
// free ones, and then one at a time.
func (t *Attempt) begin(ctx context.Context) error {
	g := t.g
	g.mu.Lock()
	others := g.running[t.key]
	g.running[t.key]++
	g.mu.Unlock()
	err := t.allowed(ctx, others)
	if err != nil {
		t.End()
	}
	return err
}

func (t *Attempt) allowed(ctx context.Context, others int) error {
	past, err := t.g.store.FailedAttempts(ctx, t.key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	now := t.g.o.Now()
	count := decayed(past, t.interval, now)
	if left := waits(past, count, t.free, now); left > 0 {
		return account.ThrottledFor(left)
	}
	if others > 0 && count+others >= t.free {
		return account.ThrottledFor(time.Second)
	}
	t.hasFailures = count > 0
	return nil
}

// End says that the try is over, whatever came of it.
func (t *Attempt) End() {
	if t.key == "" {
		return
	}
	g := t.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running[t.key]--; g.running[t.key] == 0 {
		delete(g.running, t.key)
	}
}

// Fail counts the try, and reports whether strangers guess at the password so
// often that its user should hear of it. It is committed before the answer goes
// out, also to a client that does not wait for it: otherwise there were tries
// for nothing.
func (t *Attempt) Fail(ctx context.Context) (guessing bool, err error) {
	if t.key == "" {
		return false, nil
	}
	ctx = context.WithoutCancel(ctx)
	var count int
	for {
		now := t.g.o.Now().UTC()
		err := t.g.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
			old, err := tx.FailedAttempts(ctx, t.key)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			next := counted(old, t.key, t.owner, t.interval, now)
			count = next.Count
			return tx.SetFailedAttempts(ctx, old, next)
		})
		if err == nil {
			break
		}
		if !errors.Is(err, store.ErrNotFound) { // that is another server, which counted at the same time
			return false, err
		}
	}
	return t.owner == 0 && count >= alertAfter, nil
}

// UserID is whose password it is first; zero is nobody's.
func (t *Attempt) UserID() int64 {
	if len(t.Users) == 0 {
		return 0
	}
	return t.Users[0].ID
}

// Context has hashes made in the turns of who tries: see [Guard.AsUser].
func (t *Attempt) Context(ctx context.Context, req account.RequestInfo) context.Context {
	if t.owner == 0 {
		return AsStranger(ctx, req)
	}
	return t.g.AsUser(ctx, t.owner, req)
}

// Succeed forgets the wrong tries of a known device, in the transaction of the
// login. What strangers tried at the name stays counted: the owner's login
// must not give them new tries.
func (t *Attempt) Succeed(ctx context.Context, tx *store.Store) error {
	if t.owner == 0 || !t.hasFailures {
		return nil
	}
	return tx.DeleteFailedAttempts(ctx, t.key)
}

// Settle is [Attempt.Succeed] in a transaction of its own.
func (t *Attempt) Settle(ctx context.Context) error {
	if t.owner == 0 || !t.hasFailures {
		return nil
	}
	return t.g.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return t.Succeed(ctx, tx) })
}

// Remember returns the token for the device of a try that was right.
func (t *Attempt) Remember(userID int64, now time.Time) string {
	if t.key == "" {
		return ""
	}
	return t.secret.remember(t.device, userID, now)
}

// ClearFailures forgets every wrong try at a user's password, by whomever: at the
// names that are theirs. An address that they only claim, or that is their
// username and somebody else's proved address, is not: tries at the other's
// password would be forgotten with it. So it is with a username that looks
// like an address, because it is counted in any case and may be another's
// username in one; staff may forget that, too.
func (s *Secret) ClearFailures(ctx context.Context, tx *store.Store, u account.User, byStaff bool) error {
	if s == nil { // limits are off
		return nil
	}
	var names []string
	if byStaff || !strings.Contains(u.Username, "@") {
		names = append(names, u.Username)
	}
	if !u.EmailVerifiedAt.IsZero() {
		names = append(names, u.Email)
	}
	for _, name := range names {
		if strings.Contains(name, "@") {
			_, err := tx.Prover(ctx, name, u.ID)
			if err == nil {
				continue
			}
			if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		if err := tx.DeleteFailedAttempts(ctx, s.nameKey(name)); err != nil {
			return err
		}
	}
	return tx.DeleteFailedAttemptsOf(ctx, u.ID)
}

// LoginWaits is until when the next try at a user's password by a device that
// is not known has to wait, by any of the names that were typed; zero: not.
func (g *Guard) LoginWaits(ctx context.Context, u account.User) (time.Time, error) {
	secret, err := g.secret(ctx)
	if err != nil {
		return time.Time{}, err
	}
	var until time.Time
	for _, name := range []string{u.Username, u.Email} {
		if name == "" {
			continue
		}
		past, err := g.store.FailedAttempts(ctx, secret.nameKey(name))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return time.Time{}, err
		}
		now := g.o.Now()
		if left := waits(past, decayed(past, decayInterval, now), freeAttempts, now); left > 0 && now.Add(left).After(until) {
			until = now.Add(left)
		}
	}
	return until, nil
}

// SecondLocked reports whether codes of a user's apps are not taken after too
// many wrong ones.
func (g *Guard) SecondLocked(ctx context.Context, u account.User) (bool, error) {
	wrong, err := g.store.WrongFactors(ctx, u.ID, false)
	return wrong >= maxWrongFactors, err
}

// StoredSecret is the secret for [Secret.Unlock], also where limits are off: a
// command has none, and the server has.
func (g *Guard) StoredSecret(ctx context.Context) (*Secret, error) { return g.secret(ctx) }

// Unlock forgets every wrong try at a user's password and second factor, so that
// the next is not held up. Running servers see it at once.
func (s *Secret) Unlock(ctx context.Context, tx *store.Store, u account.User) error {
	return errors.Join(s.ClearFailures(ctx, tx, u, true), s.ForgetSecond(ctx, tx, u.ID))
}
