package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/store"
)

// TestPoolerInFront: behind PgBouncer each transaction may go to another
// server process. Several servers start at once there, and work.
func TestPoolerInFront(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Pooler(t, server.NewDatabase(t), 4)
	var all sync.WaitGroup
	for program := range 3 {
		all.Go(func() {
			s, err := store.Open(t.Context(), url, store.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close() //nolint:errcheck // the test is about what was done before
			if _, err := s.Migrate(t.Context()); err != nil {
				t.Errorf("migrate: %v", err)
				return
			}
			if err := s.Ready(t.Context()); err != nil {
				t.Errorf("Ready: %v", err)
			}
			useFromManySides(t, s, program)
		})
	}
	all.Wait()
}

// useFromManySides does everything that a store does often, at once.
func useFromManySides(t *testing.T, s *store.Store, program int) {
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			u := newUser(fmt.Sprintf("u%d-%d", program, i))
			id := fmt.Sprintf("s%d-%d", program, i)
			err := s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				if err := tx.CreateUser(ctx, &u); err != nil {
					return err
				}
				session := newSession(u.ID, id)
				if err := tx.CreateSession(ctx, session); err != nil {
					return err
				}
				return tx.AddEvent(ctx, newEvent(u.ID))
			})
			if err != nil {
				t.Errorf("register: %v", err)
				return
			}
			if _, _, err := s.SessionUser(t.Context(), id); err != nil {
				t.Errorf("read a session: %v", err)
			}
			if _, err := s.UserByUsername(t.Context(), u.Username); err != nil {
				t.Errorf("read a user: %v", err)
			}
			if _, err := s.Sessions(t.Context(), u.ID, 100); err != nil {
				t.Errorf("list sessions: %v", err)
			}
			if _, err := s.TakeLimit(t.Context(), id, noon, time.Minute, 0); err != nil {
				t.Errorf("count: %v", err)
			}
		})
	}
	all.Wait()
	err := s.Import(t.Context(), func(ctx context.Context, tx *store.Import) error {
		id := int64(100_000 * (program + 1)) // the ids of others go on from here
		if err := tx.Insert(ctx, []store.ImportRow{importRow(id, fmt.Sprint("imported", program))}); err != nil {
			return err
		}
		if err := tx.Update(ctx, []store.ImportRow{importRow(id, fmt.Sprint("again", program))}); err != nil {
			return err
		}
		return tx.ContinueIDs(ctx)
	})
	if err != nil {
		t.Errorf("import: %v", err)
	}
}
