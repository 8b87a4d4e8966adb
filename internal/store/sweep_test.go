package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestStepThatTakesTooLongIsTriedWithLess, and then takes more again: here each
// row takes 4 ms, and a statement has 200.
func TestStepThatTakesTooLongIsTriedWithLess(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.Postgres(t))
	left, tried := 150, []int{}
	slow := func(ctx context.Context, tx *store.Store, most int) (int64, error) {
		tried = append(tried, most)
		n := min(most, left)
		if err := tx.Run(ctx, `SET LOCAL statement_timeout = 200`); err != nil {
			return 0, err
		}
		if err := tx.Run(ctx, fmt.Sprintf(`SELECT pg_sleep(0.004 * %d)`, n)); err != nil {
			return 0, err
		}
		left -= n
		return int64(n), nil
	}
	if err := s.Sweep(t.Context(), "slow", slow); err != nil {
		t.Fatal(err)
	}
	if left != 0 {
		t.Errorf("%d rows are left", left)
	}
	begin := []int{2000, 1000, 500, 250, 125, 62, 31} // the first five would take longer than 200 ms
	if len(tried) < len(begin) || tried[0] != 2000 || tried[4] != 125 || tried[5] != 62 {
		t.Errorf("tried %v, want it to begin with %v", tried, begin)
	}
	first := len(tried)
	left = 10
	if err := s.Sweep(t.Context(), "slow", slow); err != nil || tried[first] > 125 {
		t.Errorf("the next time %v (%v), want what went well", tried[first:], err)
	}
	left, tried = 0, nil
	if err := s.Sweep(t.Context(), "another", slow); err != nil || tried[0] != 2000 {
		t.Errorf("another sweep: %v (%v)", tried, err)
	}
}

// TestSweepRestsBetweenItsSteps, so that requests have half of the core, and of
// the writer, while millions of rows are brought up to date.
func TestSweepRestsBetweenItsSteps(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		const step = 30 * time.Millisecond
		steps, began := 0, time.Now()
		err := s.Sweep(t.Context(), "three steps", func(_ context.Context, _ *store.Store, most int) (int64, error) {
			time.Sleep(step)
			if steps++; steps == 3 {
				return 0, nil
			}
			return int64(most), nil
		})
		if took := time.Since(began); err != nil || took < 5*step {
			t.Errorf("three steps of %v and two rests took %v, %v", step, took, err)
		}
	})
}

// TestStepThatNeverEndsIsAnError: with one row, too, it takes too long.
func TestStepThatNeverEndsIsAnError(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.Postgres(t))
	s.SetTimeout(100 * time.Millisecond)
	err := within(t, func() error {
		return s.Sweep(t.Context(), "endless", func(ctx context.Context, tx *store.Store, _ int) (int64, error) {
			return 0, tx.Run(ctx, `SELECT pg_sleep(10)`)
		})
	})
	if !errors.Is(err, account.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "endless: ") {
		t.Errorf("got %v, want its name, and that it took too long", err)
	}
	s.SetTimeout(time.Minute)
	_, _, err = s.Step(t.Context(), "endless", func(_ context.Context, _ *store.Store, most int) (int64, error) {
		if most != 1 {
			t.Errorf("the next time it begins with %d rows, want 1", most)
		}
		return 0, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestStepThatIsRefusedIsNotTriedAgain.
func TestStepThatIsRefusedIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		tried := 0
		refused := errors.New("refused")
		err := s.Sweep(t.Context(), "refused", func(context.Context, *store.Store, int) (int64, error) {
			tried++
			return 0, refused
		})
		if !errors.Is(err, refused) || tried != 1 {
			t.Errorf("got %v after %d tries", err, tried)
		}
	})
}

// TestTransactionThatTookTooLongSaysSo: not only that it is over.
func TestTransactionThatTookTooLongSaysSo(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.Postgres(t))
	s.SetTimeout(100 * time.Millisecond)
	outer := t.Context()
	for name, fn := range map[string]func(ctx context.Context, tx *store.Store) error{
		"a statement": func(ctx context.Context, tx *store.Store) error { return tx.Run(ctx, `SELECT pg_sleep(10)`) },
		"between statements": func(ctx context.Context, tx *store.Store) error {
			<-ctx.Done()
			time.Sleep(50 * time.Millisecond) // until it is undone
			return tx.Run(outer, `SELECT 1`)
		},
		"before its end": func(ctx context.Context, _ *store.Store) error {
			<-ctx.Done()
			time.Sleep(50 * time.Millisecond)
			return nil
		},
	} {
		err := s.Tx(outer, fn)
		if !errors.Is(err, account.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want ErrUnavailable for its deadline", name, err)
		}
	}
}

// TestManyEventsAreStoredAsOneIs: SQLite takes them by the hundred.
func TestManyEventsAreStoredAsOneIs(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		var want []account.Event
		for i := range 203 {
			e := newEvent(int64(i % 3))
			if e.UserID == 0 {
				e.EventPerson, e.Salt = account.EventPerson{}, nil
			}
			want = append(want, e)
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.AddEvents(ctx, want) })
		got := allEvents(t, s)
		for i, e := range want {
			e.ID, e.At = int64(i+1), noon.UTC()
			if diff := cmp.Diff(e, got[len(got)-1-i]); diff != "" {
				t.Fatalf("event %d (-want +got):\n%s", i, diff)
			}
		}
		sealAll(t, s)
		for i, e := range allEvents(t, s) {
			if want := int64(203 - i); e.Seq != want || string(e.Hash) != string([]byte{byte(want)}) {
				t.Fatalf("event %d has the place %d, %v", e.ID, e.Seq, e.Hash)
			}
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			n, err := tx.AnonymiseEventsOf(ctx, []int64{1, 2, 7})
			if n[1] != 68 || n[2] != 67 || n[7] != 0 {
				t.Errorf("forgot %v", n)
			}
			return err
		})
	})
}
