package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func TestEventsAreCountedByTime(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		began := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
		if id, first, err := s.EventIDAt(t.Context(), began); err != nil || id != 1 || first != 1 {
			t.Fatalf("of none: %d, %d; %v", id, first, err)
		}
		err := s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			for i := range 20 {
				kind := account.EventLogin
				if i%4 == 0 {
					kind = account.EventLoginFailed
				}
				if err := tx.AddEvent(ctx, account.Event{At: began.Add(time.Duration(i) * time.Hour), Kind: kind, Actor: account.ActorUser, Commitment: []byte("c")}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.Events(t.Context(), store.EventFilter{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		first := all[len(all)-1].ID
		for after, want := range map[time.Duration]int64{-time.Hour: 0, 0: 0, time.Minute: 1, 5 * time.Hour: 5, 19 * time.Hour: 19, 20 * time.Hour: 20, 1000 * time.Hour: 20} {
			id, begins, err := s.EventIDAt(t.Context(), began.Add(after))
			if err != nil || id-first != want || begins != first {
				t.Errorf("after %v: %d, want %d; %v", after, id-first, want, err)
			}
		}
		counts, err := s.CountEvents(t.Context(), first+4, first+12)
		if err != nil || counts[account.EventLogin] != 6 || counts[account.EventLoginFailed] != 2 {
			t.Errorf("%v; %v", counts, err)
		}
	})
}
