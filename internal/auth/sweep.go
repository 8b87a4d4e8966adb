package auth

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/audit"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// Sweep forgets sessions that ended more than a day ago, for their last
// access token is gone by then; challenges that expired a day ago, so that a
// late click is told why it is refused; Django's blacklist a day after its
// tokens expired, for a clock that is late must not find them good; and
// people who closed their account long enough ago. One that fails keeps none of
// the others from it.
func (s *Service) Sweep(ctx context.Context, now time.Time) error {
	day := now.Add(-24 * time.Hour)
	return errors.Join(
		s.store.Sweep(ctx, "delete sessions that have ended", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteSessions(ctx, day.Add(-s.tokens.Lifetime(token.Access)), most)
		}),
		s.store.Sweep(ctx, "delete links that have expired", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteChallenges(ctx, day, most)
		}),
		s.store.Sweep(ctx, "delete revoked tokens that have expired", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteRevokedTokens(ctx, day, most)
		}),
		s.store.Sweep(ctx, "erase closed accounts", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return s.eraseUsers(ctx, tx, now, most)
		}),
		s.store.Sweep(ctx, "forget former usernames", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteUsernameChanges(ctx, now.Add(-usernameKept), most)
		}),
	)
}

// eraseUsers deletes people who closed their account long enough ago, and
// not while an owner from whom it was taken can take it back. Their events
// stay, without them.
func (s *Service) eraseUsers(ctx context.Context, tx *store.Store, now time.Time, most int) (int64, error) {
	ids, err := tx.ErasableUsers(ctx, now.Add(-s.o.EraseAfter), now, account.UndoEmail, account.MailEmailChanged, most)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	erased, err := tx.EraseUsers(ctx, ids)
	if err != nil {
		return 0, err
	}
	events, err := tx.AnonymiseEventsOf(ctx, erased)
	if err != nil {
		return 0, err
	}
	if err := tx.ForgetDelivered(ctx, erased); err != nil {
		return 0, err
	}
	entries := make([]audit.Entry, len(erased))
	for i, id := range erased {
		entries[i] = audit.Entry{
			Kind: account.EventAccountErased, Actor: account.ActorSystem, Details: account.EventDetails{Count: events[id]}, At: s.now(),
			Erased: id,
		}
	}
	return int64(len(ids)), s.audit.RecordAll(ctx, tx, entries)
}
