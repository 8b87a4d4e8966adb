package outbox

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Whoever is in somebody's account can cause notices as often as they can act,
// and bury one mail under a hundred. So a mailbox gets few notices of a kind in
// an hour. Those over that are not sent one by one: a single mail says, within
// the hour, that more happened and where to look. Each kind has a quota of its
// own, and so has what a notice is about where it says so ([account.Mail].About):
// noise of one kind never takes the place of another.

// noticeQuota is how many notices are sent one by one, and in which time.
type noticeQuota struct {
	most int
	per  time.Duration
	drop bool // what is over it is told nobody
}

var (
	someNotices = noticeQuota{most: 5, per: time.Hour}

	// noticeQuotas are those that differ. Zero: each is sent, because it has
	// the only link to undo an act, or what causes it is rare.
	noticeQuotas = map[account.MailKind]noticeQuota{
		account.MailEmailChanged:    {},
		account.MailFactorAdded:     {}, // counted before: guard.FactorsPerUser
		account.MailEmailRestored:   {},
		account.MailRecoveryStarted: {},
		account.MailRecoveryStopped: {},
		account.MailRecoveryDone:    {},
		account.MailRecoveryUsed:    {most: 20, per: time.Hour}, // two sets of codes
		account.MailNewDevice:       {most: 1, per: 7 * 24 * time.Hour, drop: true},
	}

	longestNotices = 7 * 24 * time.Hour // of their times
)

// allowNotice counts a notice to a user and reports whether it is to be sent.
// In place of the first that is not it owes the mail that says so.
func (o *Outbox) allowNotice(ctx context.Context, tx *store.Store, m account.Mail) (bool, error) {
	q, differs := noticeQuotas[m.Kind]
	if !differs {
		q = someNotices
	}
	if q.most == 0 {
		return true, nil
	}
	kind, now := string(m.Kind), m.CreatedAt
	if m.About != "" {
		kind += " " + m.About
	}
	mailbox := account.EmailKey(m.Email)
	n, err := tx.CountNotice(ctx, m.UserID, kind, mailbox, now.Add(-q.per), now)
	if err != nil || n.Count <= q.most {
		return err == nil, err
	}
	if q.drop {
		return false, nil
	}
	more := m
	more.Kind, more.DueAt = account.MailNotices, n.Since.Add(q.per)
	more.Details = account.MailDetails{Username: m.Details.Username, Verified: m.Details.Verified, FirstName: m.Details.FirstName}
	more.DelayKey = "notices " + strconv.FormatInt(m.UserID, 10) + " " + mailbox // one that waits is enough
	err = tx.AddMail(ctx, more)
	if errors.Is(err, store.ErrTaken) {
		err = nil
	}
	return false, err
}

// sweepNotices forgets counts that hold nothing up any more.
func (o *Outbox) sweepNotices(ctx context.Context, now time.Time) error {
	return o.store.Sweep(ctx, "forget counts of notices", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		return tx.DeleteNotices(ctx, now.Add(-longestNotices), most)
	})
}
