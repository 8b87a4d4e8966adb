package auth

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// How tries at a password are slowed down. Those at one name by devices that
// we do not know share a budget; a known device, and a caller who has to
// repeat their password, have one of their own. After the free tries each
// fail one doubles the wait for the next, up to maxWait: four an hour, for
// everybody in the world together. An hour without a wrong one gives one back.
const (
	freeTries    = 5
	freeTriesOwn = 10 // of a known device, and of a caller
	maxWait      = 15 * time.Minute
	giveBack     = time.Hour
	mostTries    = 30 // counted: after 30 hours all is forgotten
	noticeAfter  = 15 // tries by strangers the user is told, which is where waits are longest
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

// decayed is how many wrong tries still count.
func decayed(g account.FailedAttempts, now time.Time) int {
	if g.LastAt.IsZero() {
		return 0
	}
	return max(0, g.Count-int(now.Sub(g.LastAt)/giveBack))
}

// guard is what this server knows of tries.
type guard struct {
	secret secretPointer

	mu      sync.Mutex
	running map[string]int // tries under way, by key
}

// attempt is one try at a password, between the question whether it may be made
// and what came of it. It must be ended.
type attempt struct {
	s      *Service
	key    string // empty: limits are off
	owner  int64  // of the budget; zero: strangers share it
	free   int
	target account.User // whose password it is; the zero user: nobody's
	device device       // the zero device: not known
	secret *serverSecret
	dirty  bool // there are wrong tries to forget
}

// startLogin begins a try at the password of a name that was typed, and that
// these users may mean. It returns [account.ThrottledFor] when
// it comes too soon, which must look the same whether or not there is a user:
// so the key is the name as it was typed, and what is done is the same.
func (s *Service) startLogin(ctx context.Context, req account.RequestInfo, username string, candidates []account.User) (*attempt, error) {
	if s.o.Limits == nil {
		return &attempt{}, nil
	}
	secret, err := s.secret(ctx)
	if err != nil {
		return nil, err
	}
	t := &attempt{s: s, free: freeTries, secret: secret, key: nameKey(secret, username)}
	if len(candidates) > 0 {
		t.target = candidates[0]
	}
	for _, u := range candidates {
		if d, known := knownDevice(secret, req, u, s.o.Now()); known {
			t.target, t.device, t.owner, t.free = u, d, u.ID, freeTriesOwn
			t.key = secret.key("tries of device", string(d.id[:]))
			break
		}
	}
	// Before anything is written or hashed, and right or wrong: a program that
	// logs in again and again costs a hash each time.
	name := " " + account.EmailKey(username)
	if t.owner != 0 {
		err = s.take(ctx, loginPerPair, t.key+name)
	} else {
		err = s.admit(ctx, loginPerPair, req, name)
	}
	if err != nil {
		return nil, err
	}
	return t, t.begin(ctx)
}

// nameKey is of an e-mail address in any case, because it is found in any. A
// username is found as it is: in another case it is somebody else's.
func nameKey(secret *serverSecret, username string) string {
	name := account.NormalizeUsername(username)
	if strings.Contains(name, "@") {
		name = account.EmailKey(name)
	}
	return secret.key("tries at name", name)
}

// startConfirmation begins a try of a caller at their own password, of which there
// are few a minute, right or wrong: each costs a hash.
func (s *Service) startConfirmation(ctx context.Context, u account.User) (*attempt, error) {
	if s.o.Limits == nil {
		return &attempt{}, nil
	}
	secret, err := s.secret(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.takeOf(ctx, confirmPerUser, u.ID); err != nil {
		return nil, err
	}
	t := &attempt{s: s, free: freeTriesOwn, target: u, owner: u.ID, secret: secret}
	t.key = secret.key("tries of caller", strconv.FormatInt(u.ID, 10))
	return t, t.begin(ctx)
}

// begin asks whether the try comes too soon. Wrong tries count when they are
// found wrong, which takes a hash; so that many at once do not all slip
// through before the first is counted, those under way count too: within the
// free ones, and then one at a time.
func (t *attempt) begin(ctx context.Context) error {
	g := &t.s.guard
	g.mu.Lock()
	if g.running == nil {
		g.running = map[string]int{}
	}
	others := g.running[t.key]
	g.running[t.key]++
	g.mu.Unlock()
	err := t.allowed(ctx, others)
	if err != nil {
		t.end()
	}
	return err
}

func (t *attempt) allowed(ctx context.Context, others int) error {
	past, err := t.s.store.FailedAttempts(ctx, t.key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	now := t.s.o.Now()
	count := decayed(past, now)
	if left := past.LastAt.Add(backoff(count, t.free)).Sub(now); count >= t.free && left > 0 {
		return account.ThrottledFor(left)
	}
	if others > 0 && count+others >= t.free {
		return account.ThrottledFor(time.Second)
	}
	t.dirty = count > 0
	return nil
}

// end says that the try is over, whatever came of it.
func (t *attempt) end() {
	if t.key == "" {
		return
	}
	g := &t.s.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running[t.key]--; g.running[t.key] == 0 {
		delete(g.running, t.key)
	}
}

// fail counts the try and returns refusal. It is committed before the
// answer goes out, also to a client that does not wait for it: otherwise
// there were tries for nothing.
func (t *attempt) fail(ctx context.Context, refusal error) error {
	if t.key == "" {
		return refusal
	}
	ctx = context.WithoutCancel(ctx)
	var count int
	for {
		now := t.s.o.Now().UTC()
		err := t.s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
			old, err := tx.FailedAttempts(ctx, t.key)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			count = min(decayed(old, now)+1, mostTries)
			return tx.SetFailedAttempts(ctx, old, account.FailedAttempts{
				Key: t.key, UserID: t.owner, Count: count, LastAt: now, ExpiresAt: now.Add(time.Duration(count) * giveBack),
			})
		})
		if err == nil {
			break
		}
		if !errors.Is(err, store.ErrNotFound) { // that is another server, which counted at the same time
			return err
		}
	}
	if t.owner == 0 && count >= noticeAfter {
		t.s.suspectGuessing(t.target.ID)
	}
	return refusal
}

// succeed forgets the wrong tries of a known device, in the transaction of the
// login. What strangers tried at the name stays counted: the owner's login
// must not give them new tries.
func (t *attempt) succeed(ctx context.Context, tx *store.Store) error {
	if t.owner == 0 || !t.dirty {
		return nil
	}
	return tx.DeleteFailedAttempts(ctx, t.key)
}

// settle is right outside any other transaction.
func (t *attempt) settle(ctx context.Context) error {
	if t.owner == 0 || !t.dirty {
		return nil
	}
	return t.s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return t.succeed(ctx, tx) })
}

// remember returns the token for the device of a try that was right.
func (t *attempt) remember(userID int64, now time.Time) string {
	if t.key == "" {
		return ""
	}
	return remember(t.secret, t.device, userID, now)
}

// clearFailures forgets every wrong try at a user's password, by whomever: at the
// names that are theirs. An address that they only claim, or that is their
// username and somebody else's proved address, is not: tries at the other's
// password would be forgotten with it. So it is with a username that looks
// like an address, because it is counted in any case and may be another's
// username in one; staff may forget that, too.
func clearFailures(ctx context.Context, tx *store.Store, secret *serverSecret, u account.User, byStaff bool) error {
	if secret == nil { // limits are off
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
		if err := tx.DeleteFailedAttempts(ctx, nameKey(secret, name)); err != nil {
			return err
		}
	}
	return tx.DeleteFailedAttemptsOf(ctx, u.ID)
}

// Unlock forgets every wrong try at a user's password, so that the next is
// not held up. Running servers see it at once.
func (s *Service) Unlock(ctx context.Context, username string) error {
	u, err := s.store.UserByUsername(ctx, username)
	if err != nil {
		return asUserNotFound(err)
	}
	secret, err := s.secret(ctx)
	if err != nil {
		return err
	}
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return clearFailures(ctx, tx, secret, u, true) })
}
