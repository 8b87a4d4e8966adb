package guard

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/limit"
	"github.com/yoozak/clients/internal/store"
)

// What strangers can have mailed to an address has a quota for each mailbox
// and kind of mail: one kind does not use up another. One network has a share
// of it, so that whoever asks over and over from theirs leaves something to
// the owner's. A mail that is over either is not dropped. It waits in the
// outbox until both allow it; while it waits, no other of its kind goes to
// that mailbox, or to it from that network. So a stranger can delay what an
// owner asked for by some minutes, and cannot use it up.

// Turn is when a mail may go out.
type Turn struct {
	Wait time.Duration // zero: now
	Key  string        // what it waits for, if it waits
}

// turnKeys name what a mail is counted under.
type turnKeys struct{ share, mailbox string }

func (g *Guard) turnKeys(ctx context.Context, kind account.MailKind, email, ip string) (turnKeys, error) {
	secret, err := g.secret(ctx)
	if err != nil {
		return turnKeys{}, err
	}
	mailbox := account.MailboxKey(email)
	return turnKeys{
		share:   secret.key("mail share "+string(kind), widestNetwork(ip)+" "+mailbox),
		mailbox: secret.key("mail "+string(kind), mailbox),
	}, nil
}

// MailTurn counts a mail of a kind that was asked for from an IP address. It
// comes before the transaction that adds the mail: counts are no part of one.
func (g *Guard) MailTurn(ctx context.Context, kind account.MailKind, email, ip string) (Turn, error) {
	if g.off {
		return Turn{}, nil
	}
	keys, err := g.turnKeys(ctx, kind, email, ip)
	if err != nil {
		return Turn{}, err
	}
	for _, key := range []string{keys.mailbox, keys.share} {
		waiting, err := g.store.DelayedMail(ctx, key)
		if err == nil {
			return Turn{max(waiting.DueAt.Sub(g.o.Now()), time.Second), key}, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return Turn{}, err
		}
	}
	if wait := g.limits.Take(ctx, g.mailShare(kind), keys.share); wait > 0 {
		return Turn{wait, keys.share}, nil
	}
	return Turn{g.limits.Take(ctx, g.mailQuota(kind), keys.mailbox), keys.mailbox}, nil
}

// mailQuota is what all networks can have mailed to a mailbox.
func (g *Guard) mailQuota(kind account.MailKind) limit.Quota {
	return limit.Quota{Name: "mail " + string(kind), Count: max(1, g.o.MailPerAddress), Per: time.Hour}
}

// mailShare is what one network can: the rest is the others' when one has
// used up its share.
func (g *Guard) mailShare(kind account.MailKind) limit.Quota {
	return limit.Quota{Name: "mail share " + string(kind), Count: max(1, g.o.MailPerAddress*4/5), Per: time.Hour}
}

// TakeMailTurn counts a mail that had to wait, now that it would go out, and
// returns how much longer it has to wait: one that waited for its network's
// share may find that others used up the mailbox's.
func (g *Guard) TakeMailTurn(ctx context.Context, m account.Mail) (time.Duration, error) {
	if m.DelayKey == "" || g.off {
		return 0, nil
	}
	keys, err := g.turnKeys(ctx, m.Kind, m.Email, m.IP)
	if err != nil {
		return 0, err
	}
	wait := g.limits.Take(ctx, g.mailQuota(m.Kind), keys.mailbox)
	if m.DelayKey != keys.share {
		return 0, nil
	}
	if wait == 0 {
		g.limits.Take(ctx, g.mailShare(m.Kind), keys.share)
	}
	return wait, nil
}
