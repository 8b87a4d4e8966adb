package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestErasureWaitsForTheMailThatGoesOut: whoever delivers a mail holds its row,
// and makes a link of its user's. An erasure that began meanwhile ends after it,
// and neither fails.
func TestErasureWaitsForTheMailThatGoesOut(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.AddMail(ctx, account.Mail{Kind: account.MailVerifyEmail, UserID: u.ID, Email: "amina@example.ma", CreatedAt: noon, DueAt: noon})
		})
		mails, err := s.Mails(t.Context(), 1)
		if err != nil || len(mails) != 1 {
			t.Fatal(mails, err)
		}
		erased := make(chan error, 1)
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			if err := tx.LockMail(ctx, mails[0].ID, ""); err != nil {
				return err
			}
			go func() {
				erased <- s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
					if err := tx.CloseUser(ctx, u.ID, noon); err != nil {
						return err
					}
					_, err := tx.EraseUsers(ctx, []int64{u.ID})
					return err
				})
			}()
			time.Sleep(300 * time.Millisecond) // until it waits
			return tx.CreateChallenge(ctx, account.Challenge{Hash: "h", Kind: account.VerifyEmail, UserID: u.ID, Email: "amina@example.ma", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)})
		})
		if err := <-erased; err != nil {
			t.Errorf("the erasure: %v", err)
		}
	})
}
