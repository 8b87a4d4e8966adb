package auth

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/store"
)

// How long things are kept that nobody needs to work any more.
const (
	keepSentMails = 24 * time.Hour      // to count them, and to see that they were sent
	keepDeadMails = 30 * 24 * time.Hour // for somebody to try them again
)

// Sweep forgets sessions that ended more than a day ago, for their last
// access token is gone by then; challenges that expired a day ago, so that a
// late click is told why it is refused; mails that were delivered; people
// who closed their account long enough ago; and keys whose last token is gone.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.o.Now()
	day := now.Add(-24 * time.Hour)
	sweeps := []func(tx *store.Store, most int) (int64, error){
		func(tx *store.Store, most int) (int64, error) {
			return tx.DeleteSessions(ctx, day.Add(-s.o.AccessLifetime), most)
		},
		func(tx *store.Store, most int) (int64, error) { return tx.DeleteChallenges(ctx, day, most) },
		func(tx *store.Store, most int) (int64, error) {
			return tx.DeleteMails(ctx, now.Add(-keepSentMails), now.Add(-keepDeadMails), most)
		},
		func(tx *store.Store, most int) (int64, error) {
			return tx.EraseUsers(ctx, now.Add(-s.o.EraseAfter), most)
		},
	}
	for _, sweep := range sweeps {
		if err := s.repeat(ctx, sweep); err != nil {
			return err
		}
	}
	return s.sweepKeys(ctx)
}

// repeat deletes in steps: a longer transaction would keep SQLite's writers
// waiting.
func (s *Service) repeat(ctx context.Context, sweep func(tx *store.Store, most int) (int64, error)) error {
	const most = 1000
	for {
		var n int64
		err := s.store.Tx(ctx, func(tx *store.Store) (err error) {
			n, err = sweep(tx, most)
			return err
		})
		if err != nil || n < most {
			return err
		}
	}
}
