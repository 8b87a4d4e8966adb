package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestHeartbeats: each server has a row, and the latest that anyone believed
// is what the next begins with.
func TestHeartbeats(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		if _, err := s.BelievedTime(t.Context()); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of an empty database: %v", err)
		}
		event := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.AddEvent(ctx, account.Event{At: event, Kind: account.EventLogin, Actor: account.ActorUser, Details: "{}", Commitment: []byte{1}})
		})
		if at, err := s.BelievedTime(t.Context()); err != nil || !at.Equal(event) {
			t.Errorf("before the first heartbeat: %v %v, want the newest event's time", at, err)
		}
		at := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
		for i, name := range []string{"one", "two", "one"} {
			now, err := s.Beat(t.Context(), store.Heartbeat{Server: name, At: at.Add(time.Duration(i) * time.Hour), Believed: at.Add(time.Duration(-i) * time.Hour)})
			if err != nil || now.IsZero() == (s.Engine() == "postgres") {
				t.Fatalf("the database's time: %v %v", now, err)
			}
		}
		if got, err := s.BelievedTime(t.Context()); err != nil || !got.Equal(at.Add(-time.Hour)) {
			t.Errorf("believed %v, %v", got, err)
		}
		for since, want := range map[time.Duration]int{0: 2, 90 * time.Minute: 1, 3 * time.Hour: 0} {
			if n, err := s.BeatingServers(t.Context(), at.Add(since)); err != nil || n != want {
				t.Errorf("since %v: %d servers, want %d, %v", since, n, want, err)
			}
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.DeleteHeartbeats(ctx, at.Add(90*time.Minute))
		})
		if n, err := s.BeatingServers(t.Context(), time.Time{}); err != nil || n != 1 {
			t.Errorf("%d servers are left, %v", n, err)
		}
	})
}

// TestOnlyChangesThatGotThroughCount: a transaction that changes nothing ends
// well on a full disk, too.
func TestOnlyChangesThatGotThroughCount(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		if _, any := s.SinceWrite(); any {
			t.Fatal("a change is remembered before there was one")
		}
		undone := errors.New("undone")
		for name, fn := range map[string]func(ctx context.Context, tx *store.Store) error{
			"nothing": func(context.Context, *store.Store) error { return nil },
			"no row":  func(ctx context.Context, tx *store.Store) error { return tx.DeleteHeartbeats(ctx, time.Now()) },
			"a read": func(ctx context.Context, tx *store.Store) error {
				_, err := tx.EventChain(ctx)
				return err
			},
			"what was undone": func(ctx context.Context, tx *store.Store) error {
				u := newUser("amina")
				return errors.Join(tx.CreateUser(ctx, &u), undone)
			},
		} {
			if err := s.Tx(t.Context(), fn); err != nil && !errors.Is(err, undone) {
				t.Fatal(err)
			}
			if _, any := s.SinceWrite(); any {
				t.Errorf("%s counts as a change", name)
			}
		}
		if s.SharesLimits() { // the table is not logged: no commit waits for the disk
			if _, err := s.TakeLimit(t.Context(), "k", time.Time{}, time.Second, time.Second); err != nil {
				t.Fatal(err)
			}
			if _, any := s.SinceWrite(); any {
				t.Error("a rate limit counts as a change")
			}
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.AddEvent(ctx, account.Event{At: noon, Kind: account.EventLogin, Actor: account.ActorUser, Details: "{}", Commitment: []byte{1}})
		})
		if age, any := s.SinceWrite(); !any || age < 0 || age > time.Minute {
			t.Errorf("after a change: %v %v", age, any)
		}
	})
}
