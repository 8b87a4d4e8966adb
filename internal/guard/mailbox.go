package guard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// What strangers can have mailed to an address has a quota for each mailbox
// and kind of mail: one kind does not use up another. One network has a share
// of it, so that whoever asks over and over from theirs leaves something to
// the owner's. A mail that is over either is not dropped. It waits in the
// outbox until both allow it; while it waits, no other of its kind goes to
// that mailbox, or to it from that network. So a stranger can delay what an
// owner asked for by some minutes, and cannot use it up.
//
// What is asked for by an address has a quota by what the address is. One that
// an account has proved has its own, whatever else is asked for in that mailbox,
// and so has the plain spelling of the mailbox. Of one that nobody has nothing is
// mailed, so it takes nothing from those that somebody has. Other spellings, of
// which a stranger can register any number, share one, and each waits by itself:
// a mail never stands in for one to another address.
//
// A request that names an account has quotas beside those, and stands in for none
// that names another. A name that no account has at that address is as nobody's
// address. Of an address that nobody has proved a stranger's account can be any
// of those that claim it, so they share a quota as other spellings do.
//
// Of the turns of what is shared every other one is that of the oldest account. A
// stranger's are mostly younger than the owner's, who waits for two turns then,
// however many there are. The turns between are those of who has waited longest,
// so that no account waits for ever for an older one that asks again and again.
//
// What the staff have sent has quotas of its own, in which what waits is one
// person's. So nothing that strangers ask for holds up the help that somebody
// gets from them, nor does the answer to a stranger tell of it.
//
// Mails that are asked for on a known device of the account, or in a session of
// it, have a lane: quotas of their own, in which what waits is that device's or
// session's alone. So neither a stranger nor a thief in another session has a
// code of the owner's replaced by theirs.

// Turn is when a mail may go out.
type Turn struct {
	Wait time.Duration // zero: now
	Key  string        // what it waits for, if it waits
}

// mailQuotas are those that a mail counts for.
type mailQuotas struct {
	share, mailbox         Quota // of one network, or one lane, and of all
	shareKey, mailboxKey   string
	shareSlot, mailboxSlot string // under which a mail waits for them, and later ones with it
	queue                  string // how the slots begin of those that go one after the other; empty: none do
	isShared               bool   // this one is among them
}

// mailQuotas returns the quotas of a mail by its kind, address, IP, whether the
// staff have it sent and, of a request to reset a password or to log in, whose the
// address is and which account it names. Such a request may send what the owner has
// no use for; so it takes nothing from one that names none. Of fewer than five an
// hour one network may have all.
func (g *Guard) mailQuotas(ctx context.Context, m account.Mail) (mailQuotas, error) {
	secret, err := g.secret(ctx)
	if err != nil {
		return mailQuotas{}, err
	}
	kind, mailbox := string(m.Kind), account.MailboxKey(m.Email)
	slot, isShared, age := mailbox, false, int64(0)
	isByAddress := !m.Details.ByStaff && (m.Kind == account.MailResetRequest || m.Kind == account.MailLoginRequest)
	if m.Details.ByStaff {
		kind += " by staff"
		slot, isShared, age = strconv.FormatInt(m.UserID, 10)+" "+mailbox, true, m.UserID
	}
	if isByAddress {
		key, name := account.EmailKey(m.Email), m.Details.Username
		var isProved bool
		age, isProved, err = g.whose(ctx, m.Email, name)
		switch {
		case err != nil:
			return mailQuotas{}, err
		case age == 0:
			mailbox = "nobody's " + mailbox
			slot = mailbox
		case isProved, key == mailbox:
			mailbox = "own " + key
			slot, isShared = mailbox, name != "" && !isProved
		default:
			slot, isShared = "one of "+key, true
		}
		if name != "" {
			kind += " of one"
			if age != 0 {
				slot = name + " " + slot
			}
		}
	}
	n := max(1, g.o.MailPerAddress)
	if lane := m.Details.Lane; lane != "" {
		kind += " of known"
		key := secret.key("mail lane "+kind, lane+" "+mailbox)
		return mailQuotas{
			share:    Quota{Name: "mail lane " + kind, Count: n - n/5, Per: time.Hour},
			mailbox:  Quota{Name: "mail " + kind, Count: lanes * n, Per: time.Hour},
			shareKey: key, mailboxKey: secret.key("mail "+kind, mailbox), shareSlot: key, mailboxSlot: key,
		}, nil
	}
	network := widestNetwork(m.IP) + " "
	q := mailQuotas{
		share:       Quota{Name: "mail share " + kind, Count: n - n/5, Per: time.Hour},
		mailbox:     Quota{Name: "mail " + kind, Count: n, Per: time.Hour},
		shareKey:    secret.key("mail share "+kind, network+mailbox),
		mailboxKey:  secret.key("mail "+kind, mailbox),
		shareSlot:   secret.key("mail share "+kind, network+slot),
		mailboxSlot: secret.key("mail "+kind, slot),
	}
	if isByAddress || isShared { // of the first for every address: the time must not tell whose it is
		q.queue = q.mailboxKey + "."
	}
	if isShared {
		begin := fmt.Sprintf("%s%019d.", q.queue, age) // in the order of the accounts
		q.isShared, q.shareSlot, q.mailboxSlot = true, begin+q.shareSlot, begin+q.mailboxSlot
	}
	return q, nil
}

// turn is the time in which a quota grants one mail.
func (q mailQuotas) turn() time.Duration { return q.mailbox.Per / time.Duration(q.mailbox.Count) }

// whose returns the open account that an address is: that which has proved it, or
// the oldest of those that claim it; zero is none. Where a request names one, it is
// that one or none. It takes the same time whatever the answer is.
func (g *Guard) whose(ctx context.Context, email, name string) (id int64, isProved bool, err error) {
	prover, err := g.store.Prover(ctx, email, 0)
	if isProved = err == nil; err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, false, err
	}
	claimants, err := g.store.Claimants(ctx, email, 1)
	if err != nil {
		return 0, false, err
	}
	if name != "" {
		u, err := g.store.UserByUsername(ctx, name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return 0, false, err
		}
		if !u.Active || account.EmailKey(u.Email) != account.EmailKey(email) || isProved && u.ID != prover.ID {
			return 0, false, nil
		}
		return u.ID, isProved, nil
	}
	if isProved {
		return prover.ID, true, nil
	}
	if len(claimants) > 0 {
		id = claimants[0].ID
	}
	return id, false, nil
}

// together is by how much mails may be due after each other that came to wait for
// one turn: the first of them has it, and not the one that is looked at first.
const together = time.Minute

// isBehind reports whether a mail with this id comes after another of its queue
// that is due within a time.
func (g *Guard) isBehind(ctx context.Context, q mailQuotas, id int64, within time.Duration) (bool, error) {
	if q.queue == "" {
		return false, nil
	}
	now := g.o.Now()
	isOfOldest := now.UnixNano()/int64(q.turn())%2 == 0
	first, err := g.store.FirstDelayedMail(ctx, q.queue, isOfOldest, now.Add(within))
	return q.isShared && first != 0 && first != id && (isOfOldest || first < id), err
}

// lanes is how many times what strangers can have mailed to a mailbox all known
// devices and sessions can together.
const lanes = 4

// SessionLane is the lane of mails that are asked for in a session.
func SessionLane(sessionID string) string { return "session " + sessionID }

// MailTurn counts a mail that somebody asks for. It comes before the
// transaction that adds the mail: counts are no part of one.
func (g *Guard) MailTurn(ctx context.Context, m account.Mail) (Turn, error) {
	if g.off {
		return Turn{}, nil
	}
	q, err := g.mailQuotas(ctx, m)
	if err != nil {
		return Turn{}, err
	}
	for _, key := range slices.Compact([]string{q.mailboxSlot, q.shareSlot}) {
		waiting, err := g.store.DelayedMail(ctx, key)
		if err == nil {
			return Turn{max(waiting.DueAt.Sub(g.o.Now()), time.Second), key}, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return Turn{}, err
		}
	}
	if behind, err := g.isBehind(ctx, q, math.MaxInt64, 0); err != nil || behind {
		return Turn{q.turn(), q.mailboxSlot}, err
	}
	if wait := g.limits.Take(ctx, q.share, q.shareKey); wait > 0 {
		return Turn{wait, q.shareSlot}, nil
	}
	return Turn{g.limits.Take(ctx, q.mailbox, q.mailboxKey), q.mailboxSlot}, nil
}

// TakeMailTurn counts a mail that had to wait, now that it would go out, and
// returns how much longer it has to wait: one that waited for its network's
// share may find that others used up the mailbox's, and so may one of several
// addresses of it.
func (g *Guard) TakeMailTurn(ctx context.Context, m account.Mail) (time.Duration, error) {
	if m.DelayKey == "" || g.off {
		return 0, nil
	}
	q, err := g.mailQuotas(ctx, m)
	if err != nil {
		return 0, err
	}
	if behind, err := g.isBehind(ctx, q, m.ID, together); err != nil || behind {
		return q.turn(), err
	}
	wait, forShare := g.limits.Take(ctx, q.mailbox, q.mailboxKey), m.DelayKey == q.shareSlot
	if !forShare && !q.isShared {
		return 0, nil
	}
	if forShare && wait == 0 {
		g.limits.Take(ctx, q.share, q.shareKey)
	}
	return wait, nil
}
