package guard

import (
	"context"
	"errors"
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
	share, mailbox       Quota // of one network, or one lane, and of all
	shareKey, mailboxKey string
	delayKeys            []string // under which a mail may wait with which this one would be shared
}

// mailQuotas returns the quotas of a mail by its kind, address, IP and, of a
// request to reset a password or to log in, whether it names one account. Such a request
// may send nothing, or what the owner has no use for; so it has a quota of its
// own, and takes nothing from a request that names none. Of fewer than five an
// hour one network may have all.
func (g *Guard) mailQuotas(ctx context.Context, m account.Mail) (mailQuotas, error) {
	secret, err := g.secret(ctx)
	if err != nil {
		return mailQuotas{}, err
	}
	kind := string(m.Kind)
	if (m.Kind == account.MailResetRequest || m.Kind == account.MailLoginRequest) && m.Details.Username != "" {
		kind += " of one"
	}
	mailbox := account.MailboxKey(m.Email)
	n := max(1, g.o.MailPerAddress)
	if lane := m.Details.Lane; lane != "" {
		kind += " of known"
		key := secret.key("mail lane "+kind, lane+" "+mailbox)
		return mailQuotas{
			share:    Quota{Name: "mail lane " + kind, Count: n - n/5, Per: time.Hour},
			mailbox:  Quota{Name: "mail " + kind, Count: lanes * n, Per: time.Hour},
			shareKey: key, mailboxKey: secret.key("mail "+kind, mailbox), delayKeys: []string{key},
		}, nil
	}
	q := mailQuotas{
		share:      Quota{Name: "mail share " + kind, Count: n - n/5, Per: time.Hour},
		mailbox:    Quota{Name: "mail " + kind, Count: n, Per: time.Hour},
		shareKey:   secret.key("mail share "+kind, widestNetwork(m.IP)+" "+mailbox),
		mailboxKey: secret.key("mail "+kind, mailbox),
	}
	q.delayKeys = []string{q.mailboxKey, q.shareKey}
	return q, nil
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
	for _, key := range q.delayKeys {
		waiting, err := g.store.DelayedMail(ctx, key)
		if err == nil {
			return Turn{max(waiting.DueAt.Sub(g.o.Now()), time.Second), key}, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return Turn{}, err
		}
	}
	if wait := g.limits.Take(ctx, q.share, q.shareKey); wait > 0 {
		return Turn{wait, q.shareKey}, nil
	}
	return Turn{g.limits.Take(ctx, q.mailbox, q.mailboxKey), q.delayKeys[0]}, nil
}

// TakeMailTurn counts a mail that had to wait, now that it would go out, and
// returns how much longer it has to wait: one that waited for its network's
// share may find that others used up the mailbox's.
func (g *Guard) TakeMailTurn(ctx context.Context, m account.Mail) (time.Duration, error) {
	if m.DelayKey == "" || g.off {
		return 0, nil
	}
	q, err := g.mailQuotas(ctx, m)
	if err != nil {
		return 0, err
	}
	wait := g.limits.Take(ctx, q.mailbox, q.mailboxKey)
	if m.DelayKey != q.shareKey {
		return 0, nil
	}
	if wait == 0 {
		g.limits.Take(ctx, q.share, q.shareKey)
	}
	return wait, nil
}
