package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestReadyRecoveriesAreOfActiveUsers: however many are of others, or over, they
// take nobody's place.
func TestReadyRecoveriesAreOfActiveUsers(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		over, disabled, active := createUser(t, s, "over"), createUser(t, s, "disabled"), createUser(t, s, "active")
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			for _, r := range []account.Recovery{
				{ID: "over", UserID: over.ID, ReadyAt: noon},
				{ID: "disabled", UserID: disabled.ID, ReadyAt: noon.Add(time.Minute)},
				{ID: "active", UserID: active.ID, ReadyAt: noon.Add(2 * time.Minute)},
			} {
				r.StartedAt = noon.Add(-time.Hour)
				if err := tx.CreateRecovery(ctx, r); err != nil {
					return err
				}
			}
			return tx.SetActive(ctx, disabled.ID, false)
		})
		ready, err := s.ReadyRecoveries(t.Context(), noon, noon.Add(time.Hour), 1)
		if err != nil || len(ready) != 1 || ready[0].ID != "active" {
			t.Errorf("ready are %+v, %v", ready, err)
		}
	})
}
