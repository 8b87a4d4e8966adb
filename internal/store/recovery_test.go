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

// TestOpenCorrections are those of the users asked for, that only give another
// address and are not over.
func TestOpenCorrections(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		asked, other := createUser(t, s, "asked"), createUser(t, s, "other")
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			for _, r := range []account.Recovery{
				{ID: "open", UserID: asked.ID, Keeps: true},
				{ID: "takes the factor", UserID: asked.ID},
				{ID: "stopped", UserID: asked.ID, Keeps: true, StoppedAt: noon},
				{ID: "finished", UserID: asked.ID, Keeps: true, FinishedAt: noon},
				{ID: "other", UserID: other.ID, Keeps: true},
			} {
				r.StartedAt, r.ReadyAt = noon, noon
				if err := tx.CreateRecovery(ctx, r); err != nil {
					return err
				}
			}
			return nil
		})
		open, err := s.OpenCorrections(t.Context(), []int64{asked.ID, 999})
		if err != nil || len(open) != 1 || open[0].ID != "open" {
			t.Errorf("open are %+v, %v", open, err)
		}
		if open, err := s.OpenCorrections(t.Context(), nil); err != nil || len(open) != 0 {
			t.Errorf("of nobody %+v, %v", open, err)
		}
	})
}
