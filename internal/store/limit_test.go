package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// takeLimit uses up a quota that is whole again at once.
func takeLimit(ctx context.Context, s *store.Store, key string) error {
	_, err := s.TakeLimit(ctx, key, time.Time{}, time.Nanosecond, 0)
	return err
}

// lockLimit keeps the row of a key, which it makes, from being changed until
// unlock is called.
func lockLimit(t *testing.T, url, key string) (unlock func()) {
	t.Helper()
	db := plain(t, url)
	_, err := db.ExecContext(t.Context(), `INSERT INTO rate_limits (key, value, expires_at) VALUES ($1, 0, now()) ON CONFLICT DO NOTHING`, key)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err == nil {
		_, err = tx.ExecContext(t.Context(), `SELECT key FROM rate_limits WHERE key = $1 FOR UPDATE`, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback() }
}

// awaitLimits returns when so many uses wait for a turn.
func awaitLimits(t *testing.T, s *store.Store, uses int) {
	t.Helper()
	eventually(t, "uses do not wait", func() error {
		if n := s.WaitingLimits(); n != uses {
			return fmt.Errorf("%d wait, want %d", n, uses)
		}
		return nil
	})
}

func TestUseThatIsGivenUpFailsNoOther(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	s := storetest.Open(t, url)
	unlock := lockLimit(t, url, "slow")
	defer unlock()

	release := s.HoldLimits()
	impatient, giveUp := context.WithCancel(t.Context())
	gaveUp, patient := make(chan error), make(chan error)
	const impatients = 8 // the first of them takes the turn for all
	for i := range impatients {
		key := "slow"
		if i > 0 {
			key = fmt.Sprint("other ", i)
		}
		go func() { gaveUp <- takeLimit(impatient, s, key) }()
	}
	awaitLimits(t, s, impatients)
	go func() { patient <- takeLimit(t.Context(), s, "patient") }()
	awaitLimits(t, s, impatients+1)
	release()
	giveUp()
	for range impatients {
		if err := <-gaveUp; err == nil {
			t.Error("who gave up is told of a count")
		}
	}
	unlock()
	if err := <-patient; err != nil {
		t.Errorf("a use failed with those beside it: %v", err)
	}
}

// TestUsesOfOneKeyGoTogether: one that many use at once, such as the network of
// a flood, must not keep the others from being counted in time.
func TestUsesOfOneKeyGoTogether(t *testing.T) {
	t.Parallel()
	const quota, before, atOnce = 100, 30, 100
	url := storetest.Postgres(t)
	s := storetest.Open(t, url)
	take := func() time.Duration {
		wait, err := s.TakeLimit(t.Context(), "flood", time.Time{}, time.Hour, (quota-1)*time.Hour)
		if err != nil {
			t.Error(err)
		}
		return wait
	}
	for range before {
		take()
	}
	unlock := lockLimit(t, url, "flood")
	defer unlock()

	release := s.HoldLimits()
	waits := make(chan time.Duration)
	for range atOnce {
		go func() { waits <- take() }()
	}
	awaitLimits(t, s, atOnce)
	release()
	awaitLimits(t, s, 0) // all are in one statement, which waits for the row
	unlock()
	granted := 0
	for range atOnce {
		switch wait := <-waits; {
		case wait == 0:
			granted++
		case wait > time.Hour:
			t.Errorf("a use has to wait %v, but one comes back in an hour", wait)
		}
	}
	if granted != quota-before {
		t.Errorf("%d of %d uses were let through, want %d", granted, atOnce, quota-before)
	}
}

// TestSweepWaitsForNoUse: if it did, a statement that counts several keys and
// the sweep could each wait for a row that the other has.
func TestSweepWaitsForNoUse(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	s := storetest.Open(t, url)
	defer lockLimit(t, url, "in use")()
	if err := takeLimit(t.Context(), s, "old"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := s.DeleteLimits(ctx, time.Time{}, 100); err != nil {
		t.Fatal(err)
	}
	if n, err := s.CountLimits(t.Context()); err != nil || n != 1 {
		t.Errorf("%d keys are left, %v; want the one that is in use", n, err)
	}
}

// TestDatabasesClockSetBackHoldsUpNobody: a quota that was used up by a clock
// that was ahead is whole by the present one; and clocks that differ by less
// than a statement takes give nobody more.
func TestDatabasesClockSetBackHoldsUpNobody(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.Postgres(t))
	const quota = 5
	take := func(now time.Time) time.Duration {
		t.Helper()
		wait, err := s.TakeLimit(t.Context(), "k", now, time.Minute, (quota-1)*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	now := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
	for range 2 * quota {
		take(now.Add(2 * time.Hour))
	}
	if wait := take(now.Add(2*time.Hour - 30*time.Second)); wait != 90*time.Second {
		t.Errorf("by a clock that is late by half a minute: %v", wait)
	}
	for i := range quota {
		if wait := take(now); wait != 0 {
			t.Fatalf("use %d by a clock that was set back: to wait for %v", i+1, wait)
		}
	}
	if wait := take(now); wait != time.Minute {
		t.Errorf("beyond the quota: to wait for %v, want a minute", wait)
	}
}
