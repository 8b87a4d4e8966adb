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

// sweep deletes at most so many rows and says how many.
type sweep func(ctx context.Context, tx *store.Store, most int) (int64, error)

// Sweep forgets sessions that ended more than a day ago, for their last
// access token is gone by then; challenges that expired a day ago, so that a
// late click is told why it is refused; Django's blacklist a day after its
// tokens expired, for a clock that is late must not find them good; and
// people who closed their account long enough ago.
func (s *Service) Sweep(ctx context.Context, now time.Time) error {
	day := now.Add(-24 * time.Hour)
	sweeps := []sweep{
		func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteSessions(ctx, day.Add(-s.tokens.Lifetime(token.Access)), most)
		},
		func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteChallenges(ctx, day, most)
		},
		func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteRevokedTokens(ctx, day, most)
		},
		func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return s.eraseUsers(ctx, tx, now, most)
		},
		func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteUsernameChanges(ctx, now.Add(-usernameKept), most)
		},
	}
	for _, sweep := range sweeps {
		if err := s.store.Sweep(ctx, sweep); err != nil {
			return err
		}
	}
	return nil
}

// eraseUsers deletes people who closed their account long enough ago, and
// not while an owner from whom it was taken can take it back. Their events
// stay, without them.
func (s *Service) eraseUsers(ctx context.Context, tx *store.Store, now time.Time, most int) (int64, error) {
	ids, err := tx.ErasableUsers(ctx, now.Add(-s.o.EraseAfter), now, account.UndoEmail, account.MailEmailChanged, most)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		err := tx.EraseUser(ctx, id)
		if errors.Is(err, store.ErrNotFound) { // by another server, or restored, a moment ago
			continue
		}
		if err != nil {
			return 0, err
		}
		n, err := tx.AnonymiseEventsOf(ctx, id)
		if err != nil {
			return 0, err
		}
		err = s.audit.Record(ctx, tx, audit.Entry{
			Kind: account.EventAccountErased, Actor: account.ActorSystem, Details: account.EventDetails{Count: n}, At: s.now(),
		})
		if err != nil {
			return 0, err
		}
	}
	return int64(len(ids)), nil
}
