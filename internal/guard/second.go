package guard

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// How tries at a second factor are counted. Whoever makes them has the
// password, so a right password gives none back. A try is counted before the
// factor is looked at, and committed whatever comes of it: of many at once,
// on several servers, no more are compared than are allowed.
//
// Devices on which a second factor was shown before have tries of their own,
// so that a thief who has the password cannot lock the owner out. A device
// token that was had by a password or a reset is no such device: a thief
// could have it. So has a session in which one was shown, a few: a thief who
// has the password has no such session.
//
// The waits leave about a hundred tries a day. NIST SP 800-63B-4, section
// 3.2.2, allows a hundred wrong ones in a row.
const (
	maxWrongFactors = 100

	// wrongFactorsKept is how long after the last wrong one they count.
	wrongFactorsKept = 30 * 24 * time.Hour
)

// SecondAttempt is one try at a second factor, which counts from its
// beginning: it ends with Succeed, with Fail, or with Return.
type SecondAttempt struct {
	WrongBefore int // that were made with the same challenge, or are the session's own: a success takes them back, too

	g      *Guard
	userID int64
	key    string // empty: limits are off
	free   int
	known  bool   // the device, or the session, showed a second factor before
	device device // where it is known
	own    string // key of the session's own tries; empty: there are none
	secret *Secret
	locked bool
}

// StartSecond begins a try at a second factor of a user, whose password was
// right. All challenges, factors and servers share it (NIST SP 800-63B-4,
// section 3.2.2). It returns [account.ThrottledFor] when it comes too soon.
func (g *Guard) StartSecond(ctx context.Context, req account.RequestInfo, u account.User) (*SecondAttempt, error) {
	t, err := g.newSecond(ctx, req, u)
	if err != nil || g.off {
		return t, err
	}
	return t, t.take(ctx)
}

// StartSecondIn is [Guard.StartSecond] for a caller, in whose session a second
// factor was shown before.
func (g *Guard) StartSecondIn(ctx context.Context, req account.RequestInfo, u account.User, sessionID string) (*SecondAttempt, error) {
	t, err := g.newSecond(ctx, req, u)
	if err != nil || g.off {
		return t, err
	}
	if !t.known {
		t.own = t.secret.sessionKey("tries at second factor", sessionID)
	}
	return t, t.take(ctx)
}

// StartSetup begins a try at the code of an app that a session sets up. Its
// secret is known there, so that nothing can be guessed: what is tried in another
// session, a thief's perhaps, does not count.
func (g *Guard) StartSetup(ctx context.Context, req account.RequestInfo, u account.User, sessionID string) (*SecondAttempt, error) {
	t, err := g.newSecond(ctx, req, u)
	if err != nil || g.off {
		return t, err
	}
	t.known, t.free, t.key = false, freeAttempts, t.secret.sessionKey("tries at set-up", sessionID)
	return t, t.take(ctx)
}

func (g *Guard) newSecond(ctx context.Context, req account.RequestInfo, u account.User) (*SecondAttempt, error) {
	if g.off {
		return &SecondAttempt{}, nil
	}
	secret, err := g.secret(ctx)
	if err != nil {
		return nil, err
	}
	t := &SecondAttempt{g: g, userID: u.ID, free: freeAttempts, secret: secret, key: secret.secondKey(u.ID)}
	if d, known := knownDevice(secret, req, u, g.o.Now()); known && d.second {
		t.device, t.known, t.free = d, true, freeAttemptsOwn
		t.key = secret.key("tries of device at second factor", string(d.id[:]))
	}
	return t, nil
}

func (s *Secret) secondKey(userID int64) string {
	return s.key("tries of second factor", strconv.FormatInt(userID, 10))
}

// take counts the try: among the session's own, while there are any.
func (t *SecondAttempt) take(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if t.own != "" {
		if ok, err := t.takeOwn(ctx); err != nil || ok {
			return err
		}
	}
	return t.count(ctx, t.key, decayInterval, func(old account.FailedAttempts, now time.Time) error {
		if left := waits(old, decayed(old, decayInterval, now), t.free, now); left > 0 {
			return account.ThrottledFor(left)
		}
		return nil
	})
}

// takeOwn reports whether there was one.
func (t *SecondAttempt) takeOwn(ctx context.Context) (ok bool, err error) {
	mine := *t
	mine.known, mine.key = true, t.own
	none := errors.New("the session has no try of its own")
	err = mine.count(ctx, mine.key, sessionInterval, func(old account.FailedAttempts, now time.Time) error {
		if mine.WrongBefore = decayed(old, sessionInterval, now); mine.WrongBefore >= sessionAttempts {
			return none
		}
		return nil
	})
	switch {
	case errors.Is(err, none):
		return false, nil
	case err != nil:
		return false, err
	}
	*t = mine
	return true, nil
}

// count counts the try under a key, if it is allowed.
func (t *SecondAttempt) count(ctx context.Context, key string, interval time.Duration, allowed func(old account.FailedAttempts, now time.Time) error) error {
	owner := int64(0) // a reset forgets what a user's devices tried, and not what strangers did
	if t.known {
		owner = t.userID
	}
	for {
		now := t.g.o.Now().UTC()
		err := t.g.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
			old, err := tx.FailedAttempts(ctx, key)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err := allowed(old, now); err != nil {
				return err
			}
			wrong, err := tx.WrongFactors(ctx, t.userID, t.known)
			if err != nil {
				return err
			}
			t.locked = wrong >= maxWrongFactors
			return tx.SetFailedAttempts(ctx, old, counted(old, key, owner, interval, now))
		})
		if !errors.Is(err, store.ErrNotFound) { // that is another who counted at the same time
			return err
		}
	}
}

// Locked reports whether there were so many wrong ones in a row that codes that
// can be guessed are not looked at any more.
func (t *SecondAttempt) Locked() bool { return t.locked }

// Return takes the try back: nothing was compared.
func (t *SecondAttempt) Return(ctx context.Context) error {
	if t.key == "" {
		return nil
	}
	return t.g.store.Tx(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Store) error {
		return tx.ReturnAttempts(ctx, t.key, 1)
	})
}

// Succeed takes the try back, in the transaction of what it allows, and the
// wrong ones of WrongBefore or, of a known device, all of its own. Those of others
// stay: a thief who waits for the owner's login gains nothing.
func (t *SecondAttempt) Succeed(ctx context.Context, tx *store.Store) error {
	switch {
	case t.key == "":
		return nil
	case t.known && t.own == "":
		own, err := tx.FailedAttempts(ctx, t.key) // and this one
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return errors.Join(tx.ReturnWrongFactors(ctx, t.userID, true, max(0, own.Count-1)), tx.DeleteFailedAttempts(ctx, t.key))
	case t.WrongBefore > 0:
		if err := tx.ReturnWrongFactors(ctx, t.userID, t.known, t.WrongBefore); err != nil {
			return err
		}
	}
	return tx.ReturnAttempts(ctx, t.key, 1+t.WrongBefore)
}

// Fail notes that the factor was wrong, and reports whether it was the one that
// locks: see [SecondAttempt.Locked].
func (t *SecondAttempt) Fail(ctx context.Context, tx *store.Store, now time.Time) (locks bool, err error) {
	if t.key == "" {
		return false, nil
	}
	wrong, err := tx.CountWrongFactor(ctx, t.userID, t.known, now)
	return wrong == maxWrongFactors, err
}

// Remember returns the token for a device on which a second factor was shown.
func (t *SecondAttempt) Remember(now time.Time) string {
	if t.key == "" {
		return ""
	}
	d := t.device
	if d.userID != t.userID {
		d = newDevice(t.userID)
	}
	d.second, d.issuedAt = true, now
	return d.token(t.secret)
}

// ForgetSecond forgets the wrong second factors of a user, by whomever: for
// one who has shown theirs and takes another password, and for the staff. A
// nil Secret, where limits are off, has none.
func (s *Secret) ForgetSecond(ctx context.Context, tx *store.Store, userID int64) error {
	if s == nil {
		return nil
	}
	return errors.Join(
		tx.ForgetWrongFactors(ctx, userID, true), tx.ForgetWrongFactors(ctx, userID, false), tx.DeleteFailedAttempts(ctx, s.secondKey(userID)),
	)
}
