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
// in a state, and before an id. Their addresses are a list of people: they count,
// and are an event.
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
	if err == nil && len(mails) > 0 {
		err = s.listed(ctx, len(mails))
	}
	if err != nil {
		return nil, err
	}
	return mails, nil
}

// Mail returns one mail of the outbox, or [account.ErrNotFound]. It is a look at
// whom it went to; one to an address alone is a list of one.
func (s *Service) Mail(ctx context.Context, id int64) (account.Mail, error) {
	m, err := s.store.Mail(ctx, id)
	switch {
	case err != nil:
		return account.Mail{}, asNotFound(err)
	case m.UserID != 0:
		err = s.Look(ctx, m.UserID)
	default:
		if err = s.names(ctx, 1); err == nil {
			err = s.listed(ctx, 1)
		}
	}
	if err != nil {
		return account.Mail{}, err
	}
	return m, nil
}

// FailedMails says how many mails were given up that [Service.RetryMails] tries
// again.
func (s *Service) FailedMails(ctx context.Context) (int, error) {
	return s.store.CountFailedMails(ctx)
}

// RetryMail makes a mail that was not delivered due again. Of an agent that is
// one of which an attempt failed, to somebody on whom they may act, within the
// limits of its mailbox: it returns [account.ThrottledFor] where that has had
// too many.
func (s *Service) RetryMail(ctx context.Context, id int64) error {
	return s.asRefused(ctx, s.retryMail(ctx, id))
}

func (s *Service) retryMail(ctx context.Context, id int64) error {
	m, err := s.store.Mail(ctx, id)
	if err != nil {
		return asNotFound(err)
	}
	retry := (*store.Store).RetryMail
	if s.agent != nil {
		if err := s.mayRetry(ctx, m); err != nil {
			return err
		}
		retry = (*store.Store).RetryFailedMail
	}
	now := s.now()
	err = s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := retry(tx, ctx, id, now); err != nil {
			return err
		}
		retried := s.by(account.EventMailRetried, m.UserID, now)
		retried.Details.Mail = id
		return s.audit.Record(ctx, tx, retried)
	})
	if err == nil {
		s.accounts.Wake()
	}
	return asNotFound(err)
}

// mayRetry counts a mail that an agent has tried again for its mailbox. It
// returns errOfStaff for one to somebody on whom they may not act.
func (s *Service) mayRetry(ctx context.Context, m account.Mail) error {
	if m.UserID != 0 {
		if err := s.mayTouch(ctx, s.store, m.UserID); err != nil {
			return err
		}
	}
	if m.Failure == "" || m.Failure == account.MailUnwanted {
		return account.ErrNotFound
	}
	turn, err := s.mailTurn(ctx, m.Kind, account.User{ID: m.UserID, Email: m.Email})
	if err == nil && turn.Wait > 0 {
		err = account.ThrottledFor(turn.Wait)
	}
	return err
}

// RetryMails makes every mail that was given up due again, but for those whose
// mailboxes have had too many, and those to people on whom the agent may not
// act; and says how many that are.
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
		switch err := s.retryMail(ctx, id); {
		case err == nil:
			n++
		case errors.Is(err, account.ErrNotFound), errors.Is(err, account.ThrottledFor(0)), errors.Is(err, errOfStaff):
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
