package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// within fails the test when fn does not return: what this file tests hung
// for ever.
func within(t *testing.T, fn func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- fn() }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
		return nil
	}
}

// TestNothingIsAskedBesideATransaction: on SQLite a transaction within
// another waits for the writer that runs it; on PostgreSQL a second
// connection may be waited for by all who hold the first.
func TestNothingIsAskedBesideATransaction(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(ctx context.Context, s, tx *store.Store) error{
		"a transaction": func(ctx context.Context, s, _ *store.Store) error {
			return s.Tx(ctx, func(context.Context, *store.Store) error { return nil })
		},
		"a transaction of the transaction": func(ctx context.Context, _, tx *store.Store) error {
			return tx.Tx(ctx, func(context.Context, *store.Store) error { return nil })
		},
		"an import": func(ctx context.Context, s, _ *store.Store) error {
			return s.Import(ctx, func(context.Context, *store.Import) error { return nil })
		},
		"a secret": func(ctx context.Context, s, _ *store.Store) error {
			_, err := s.Secret(ctx, "x")
			return err
		},
		"a row":     func(ctx context.Context, s, _ *store.Store) error { _, err := s.UserByID(ctx, 1); return err },
		"a list":    func(ctx context.Context, s, _ *store.Store) error { _, err := s.Users(ctx, 0, 1); return err },
		"a session": func(ctx context.Context, s, _ *store.Store) error { _, _, err := s.SessionUser(ctx, "s"); return err },
		"a session of the transaction": func(ctx context.Context, _, tx *store.Store) error {
			_, _, err := tx.SessionUser(ctx, "s")
			return err
		},
		"a rate limit": func(ctx context.Context, s, _ *store.Store) error {
			_, err := s.TakeLimit(ctx, "k", noon, time.Minute, 0)
			return err
		},
		"a change": func(ctx context.Context, s, _ *store.Store) error { return s.SetActive(ctx, 1, false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
				err := within(t, func() error {
					return s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
						u := newUser("amina")
						return errors.Join(tx.CreateUser(ctx, &u), ask(ctx, s, tx))
					})
				})
				if !errors.Is(err, store.ErrNested) {
					t.Errorf("got %v, want ErrNested", err)
				}
				if taken, err := s.UsernameTaken(t.Context(), "amina", 0, noon); err != nil || taken {
					t.Errorf("the transaction was kept: %v, %v", taken, err)
				}
				createUser(t, s, "amina") // the writer works
			})
		})
	}
}

func TestAnotherDatabaseMayBeAskedInATransaction(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		other := storetest.Open(t, storetest.SQLite(t))
		write(t, s, func(ctx context.Context, _ *store.Store) error {
			u := newUser("amina")
			return other.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &u) })
		})
	})
}

// TestTransactionThatWaitsKeepsItsDeadline: SQLite has one writer; here
// PostgreSQL has one connection.
func TestTransactionThatWaitsKeepsItsDeadline(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), url, store.Options{Conns: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the test is about Tx
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		running, leave, first := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			first <- s.Tx(t.Context(), func(context.Context, *store.Store) error {
				close(running)
				<-leave
				return nil
			})
		}()
		<-running
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		u := newUser("amina")
		err = within(t, func() error {
			return s.Tx(ctx, func(ctx context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &u) })
		})
		if !errors.Is(err, account.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want ErrUnavailable for its deadline", err)
		}
		close(leave)
		if err := <-first; err != nil {
			t.Error(err)
		}
		write(t, s, func(context.Context, *store.Store) error { return nil }) // whatever was queued has run
		if taken, err := s.UsernameTaken(t.Context(), "amina", 0, noon); err != nil || taken {
			t.Errorf("a transaction whose caller had left was run: %v, %v", taken, err)
		}
	})
}

// TestPanicsUseUpNoConnection: what a transaction held is free again.
func TestPanicsUseUpNoConnection(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s, err := store.Open(t.Context(), url, store.Options{Conns: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the test is about Tx
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			func() {
				defer func() { _ = recover() }()
				_ = s.Tx(t.Context(), func(context.Context, *store.Store) error { panic("mistake") })
			}()
		}
		err = within(t, func() error { return s.Tx(t.Context(), func(context.Context, *store.Store) error { return nil }) })
		if err != nil {
			t.Error(err)
		}
	})
}

func TestErrorsSayDuringWhatTheyHappened(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		_, _, session := s.SessionUser(t.Context(), "s1")
		again := newUser("amina")
		for want, err := range map[string]error{
			"find a user: not found":                         func() error { _, err := s.UserByID(t.Context(), 99); return err }(),
			"find a session: not found":                      session,
			"create a user: already taken":                   s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &again) }),
			"renew a password hash: not found":               s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.Rehash(ctx, u.ID, "no", "x") }),
			"begin a transaction: the store was used beside": s.Tx(t.Context(), func(ctx context.Context, _ *store.Store) error { return s.Tx(ctx, nil) }),
		} {
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %v, want it to begin with %q", err, want)
			}
		}
	})
}

func TestLongReadEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := within(t, func() error { return s.CountForEver(ctx) })
		if !errors.Is(err, account.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		for range 50 { // whichever connection it was on: the next questions are answered
			if _, err := s.Users(t.Context(), 0, 1); err != nil {
				t.Fatal(err)
			}
		}
	})
}
