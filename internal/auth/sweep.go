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
// late click is told why it is refused; requests for codes when their wrong
// tries do not count any more; Django's blacklist a day after its
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
		s.store.Sweep(ctx, "delete codes that were mailed", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteCodes(ctx, now.Add(-nobodysCodeKept), now.Add(-codeRetention), most)
		}),
		s.store.Sweep(ctx, "delete factors that were not confirmed", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteUnconfirmedFactors(ctx, now, most)
		}),
		s.store.Sweep(ctx, "forget the passwords before factors", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.SweepPasswordsBefore(ctx, now.Add(-challengeLifetimes[account.UndoFactor]), most)
		}),
		s.store.Sweep(ctx, "forget former passwords", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.SweepFormerPasswords(ctx, now.Add(-formerPasswordKept), most)
		}),
		s.store.Sweep(ctx, "delete ceremonies that have expired", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteCeremonies(ctx, now, most)
		}),
		s.store.Sweep(ctx, "delete revoked tokens that have expired", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteRevokedTokens(ctx, day, most)
		}),
		s.store.Sweep(ctx, "erase closed accounts", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return s.eraseUsers(ctx, tx, now, most)
		}),
		s.store.Sweep(ctx, "delete trusted devices that have expired", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteExpiredDevices(ctx, day, most)
		}),
		s.store.Sweep(ctx, "forget recoveries", func(ctx context.Context, tx *store.Store, most int) (int64, error) {
			return tx.DeleteRecoveries(ctx, now.Add(-recoveryKept), most)
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
	err = s.accounts.erase(ctx, tx, ids, audit.Entry{Actor: account.ActorSystem, At: s.now()})
	return int64(len(ids)), err
}
