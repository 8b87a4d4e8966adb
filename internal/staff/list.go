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

// RetryMail makes a mail that was not delivered due again. Of an agent that is
// one of which an attempt failed, within the limits of its mailbox: it returns
// [account.ThrottledFor] where that has had too many.
func (s *Service) RetryMail(ctx context.Context, id int64) error {
	retry := (*store.Store).RetryMail
	if s.agent != nil {
		if err := s.mayRetry(ctx, id); err != nil {
			return err
		}
		retry = (*store.Store).RetryFailedMail
	}
	now := s.now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := retry(tx, ctx, id, now); err != nil {
			return err
		}
		retried := s.by(account.EventMailRetried, 0, now)
		retried.Details.Mail = id
		return s.audit.Record(ctx, tx, retried)
	})
	if err == nil {
		s.accounts.Wake()
	}
	return asNotFound(err)
}

// mayRetry counts a mail that an agent has tried again for its mailbox.
func (s *Service) mayRetry(ctx context.Context, id int64) error {
	m, err := s.Mail(ctx, id)
	if err == nil && (m.Failure == "" || m.Failure == account.MailUnwanted) {
		err = account.ErrNotFound
	}
	if err != nil {
		return err
	}
	turn, err := s.mailTurn(ctx, m.Kind, account.User{Email: m.Email, Username: m.Details.Username})
	if err == nil && turn.Wait > 0 {
		err = account.ThrottledFor(turn.Wait)
	}
	return err
}

// RetryMails makes every mail that was given up due again, but for those whose
// mailboxes have had too many, and says how many that are.
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

func (s *Service) retry(ctx context.Context, ids []int64) (n int, err error) {
	for _, id := range ids {
		switch err := s.RetryMail(ctx, id); {
		case err == nil:
			n++
		case errors.Is(err, account.ErrNotFound), errors.Is(err, account.ThrottledFor(0)):
		default:
			return n, err
		}
	}
	return n, nil
}

// Events returns the newest events: of a user, of a kind, or all; before an id,
// or zero.
func (s *Service) Events(ctx context.Context, userID int64, kind account.EventKind, before int64, limit int) ([]account.Event, error) {
	return s.store.Events(ctx, store.EventFilter{Kind: kind, UserID: userID, Before: before}, limit)
}
