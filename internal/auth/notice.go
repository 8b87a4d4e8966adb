package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// noticeEvery is how often at most a user is told of unusual attempts. It is
// not more than what the outbox remembers: see keepSentMails.
const noticeEvery = 24 * time.Hour

// suspectGuessing has [Service.RunMail] tell a user that strangers try passwords.
// Whoever tries must not learn from the time of an answer that there is a
// user: so it is called for nobody, too, and does no more than this. What
// does not fit is told after the next try.
func (s *Service) suspectGuessing(userID int64) {
	select {
	case s.notices <- userID:
	default:
	}
}

// runGuessingAlerts puts the mails into the outbox until ctx ends. It is beside the
// delivery, which a slow database or a mistake here must not hold up.
func (s *Service) runGuessingAlerts(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case userID := <-s.notices:
			s.survive(ctx, func() { s.sendGuessingAlert(ctx, userID) }, "user_id", userID)
			s.wakeMail()
		}
	}
}

// sendGuessingAlert puts the mail into the outbox, if the user wants one and had none
// for a day.
func (s *Service) sendGuessingAlert(ctx context.Context, userID int64) {
	if userID == 0 {
		return
	}
	now := s.o.Now().UTC()
	told := false
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		told = false
		u, err := tx.UserByID(ctx, userID)
		if errors.Is(err, store.ErrNotFound) || err == nil && (!u.Active || u.EmailVerifiedAt.IsZero()) {
			return nil
		}
		if err != nil {
			return err
		}
		recent, err := tx.MailedSince(ctx, u.ID, account.MailUnusualAttempts, now.Add(-noticeEvery))
		if err != nil || recent {
			return err
		}
		told = true
		return s.notify(ctx, tx, u, account.Mail{Kind: account.MailUnusualAttempts, CreatedAt: now})
	})
	switch {
	case err != nil:
		s.o.Log.WarnContext(ctx, "a user could not be told of unusual attempts", "user_id", userID, "error", err.Error())
	case told:
		s.o.Log.WarnContext(ctx, "unusual attempts at a password", "user_id", userID)
	}
}
