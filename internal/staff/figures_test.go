package staff_test

import (
	"context"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
)

// TestFiguresCountMailsAsTheMetricsDo: a mail that waits for the quota of its
// mailbox is not late, whenever it was written.
func TestFiguresCountMailsAsTheMetricsDo(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		now := s.Clock.Now()
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			for key, hours := range map[string]time.Duration{"": 1, "quota": 5} {
				written := now.Add(-hours * time.Hour)
				if err := tx.AddMail(ctx, account.Mail{Kind: account.MailResetRequest, Email: "a@example.ma", CreatedAt: written, DueAt: now, DelayKey: key}); err != nil {
					return err
				}
			}
			return nil
		})
		want, err := s.Store.MailsWaiting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.Staff.Figures(t.Context())
		if err != nil || f.MailsWait != want.Count || !f.MailsSince.Equal(want.Oldest) || want.Count != 1 {
			t.Errorf("%+v %v, the metrics say %+v", f, err, want)
		}
	})
}
