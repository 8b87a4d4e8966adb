package staff

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// Mails returns the newest mails of the outbox.
func (s *Service) Mails(ctx context.Context, limit int) ([]account.Mail, error) {
	return s.store.Mails(ctx, limit)
}

// Queue returns mails of the outbox, the newest first, a page at a time: those
// in a state, and before an id. Their addresses count as those of a list.
func (s *Service) Queue(ctx context.Context, state, before account.Input) ([]account.Mail, error) {
	errs := account.Fields{}
	want, id := account.MailState(stateField.Read(errs, state)), number(errs, beforeField, before)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	mails, err := s.store.MailsIn(ctx, want, id, EventsPage)
	if err == nil {
		err = s.names(ctx, len(mails))
	}
	if err != nil {
		return nil, err
	}
	return mails, nil
}

// Mail returns one mail of the outbox, or [account.ErrNotFound].
func (s *Service) Mail(ctx context.Context, id int64) (account.Mail, error) {
	m, err := s.store.Mail(ctx, id)
	return m, asNotFound(err)
}

// FailedMails says how many mails were given up that [Service.RetryMails] tries
// again.
func (s *Service) FailedMails(ctx context.Context) (int, error) {
	return s.store.CountFailedMails(ctx)
}

// RetryMail makes a mail that was not delivered due again.
func (s *Service) RetryMail(ctx context.Context, id int64) error {
	now := s.now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RetryMail(ctx, id, now); err != nil {
			return err
		}
		retried := s.by(account.EventMailRetried, 0, now)
		retried.Details.Mail = id
		return s.audit.Record(ctx, tx, retried)
	})
	if errors.Is(err, store.ErrNotFound) {
		return account.ErrNotFound
	}
	return err
}

// RetryMails makes every mail that was given up due again and says how many
// there were.
func (s *Service) RetryMails(ctx context.Context) (int, error) {
	ids, err := s.store.FailedMails(ctx)
	if err != nil {
		return 0, err
	}
	return s.retry(ctx, ids)
}

// RetryWaitingMails makes mails due that failed and wait for their next try, and
// says how many there were, at most 10,000: for when what kept them was mended.
func (s *Service) RetryWaitingMails(ctx context.Context) (int, error) {
	ids, err := s.store.WaitingMails(ctx, s.now())
	if err != nil {
		return 0, err
	}
	return s.retry(ctx, ids)
}

func (s *Service) retry(ctx context.Context, ids []int64) (int, error) {
	for _, id := range ids {
		if err := s.RetryMail(ctx, id); err != nil && !errors.Is(err, account.ErrNotFound) {
			return 0, err
		}
	}
	return len(ids), nil
}

// Events returns the newest events: of a user, of a kind, or all; before an id,
// or zero.
func (s *Service) Events(ctx context.Context, userID int64, kind account.EventKind, before int64, limit int) ([]account.Event, error) {
	return s.store.Events(ctx, store.EventFilter{Kind: kind, UserID: userID, Before: before}, limit)
}
