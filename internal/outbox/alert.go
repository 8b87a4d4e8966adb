package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// alertEvery is how often at most a user is told of unusual attempts. It is
// not more than what the outbox remembers: see sentRetention.
const alertEvery = 24 * time.Hour

// SuspectGuessing has [Outbox.Run] tell a user that strangers try passwords.
// Whoever tries must not learn from the time of an answer that there is a
// user: so it is called for nobody, too, and does no more than this. What
// does not fit is told after the next try.
func (o *Outbox) SuspectGuessing(userID int64) {
	select {
	case o.guessed <- userID:
	default:
	}
}

// runAlerts puts the mails into the outbox until ctx ends. It is beside the
// delivery, which a slow database or a mistake here must not hold up.
func (o *Outbox) runAlerts(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case userID := <-o.guessed:
			o.survive(ctx, func() { o.sendAlert(ctx, userID) }, "user_id", userID)
			o.Wake()
		}
	}
}

// sendAlert puts the mail into the outbox, if the user wants one and had none
// for a day.
func (o *Outbox) sendAlert(ctx context.Context, userID int64) {
	if userID == 0 {
		return
	}
	now := o.now()
	told := false
	err := o.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		told = false
		u, err := tx.UserByID(ctx, userID)
		if errors.Is(err, store.ErrNotFound) || err == nil && (!u.Active || u.EmailVerifiedAt.IsZero()) {
			return nil
		}
		if err != nil {
			return err
		}
		recent, err := tx.MailedSince(ctx, u.ID, account.MailUnusualAttempts, now.Add(-alertEvery))
		if err != nil || recent {
			return err
		}
		told = true
		return o.Notify(ctx, tx, u, account.Mail{Kind: account.MailUnusualAttempts, CreatedAt: now})
	})
	switch {
	case err != nil:
		o.log.WarnContext(ctx, "a user could not be told of unusual attempts", "user_id", userID, "error", err.Error())
	case told:
		o.log.WarnContext(ctx, "unusual attempts at a password", "user_id", userID)
	}
}
