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

// RetryMail makes a mail that was not delivered due again.
func (s *Service) RetryMail(ctx context.Context, id int64) error {
	now := s.now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.RetryMail(ctx, id, now); err != nil {
			return err
		}
		retried := s.audit.ByStaff(account.EventMailRetried, 0, now)
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
	for _, id := range ids {
		if err := s.RetryMail(ctx, id); err != nil && !errors.Is(err, account.ErrNotFound) {
			return 0, err
		}
	}
	return len(ids), nil
}

// Events returns the newest events: of a user, of a kind, or all.
func (s *Service) Events(ctx context.Context, username string, kind account.EventKind, limit int) ([]account.Event, error) {
	f := store.EventFilter{Kind: kind}
	if username != "" {
		u, err := s.user(ctx, username)
		if err != nil {
			return nil, err
		}
		f.UserID = u.ID
	}
	return s.store.Events(ctx, f, limit)
}
