package store_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func newEvent(userID int64) account.Event {
	return account.Event{
		At: noon, Kind: account.EventLogin, Actor: account.ActorUser, Details: `{"count":2}`,
		EventPerson: account.EventPerson{UserID: userID, SessionID: "s1", RequestID: "r-1", IP: "2001:db8::1", UserAgent: "Test/1.0 é"},
		Salt:        []byte{1, 0, 255}, Commitment: []byte{2, 0, 254},
	}
}

func addEvent(t *testing.T, s *store.Store, e account.Event) {
	t.Helper()
	write(t, s, func(_ context.Context, tx *store.Store) error { return tx.AddEvent(t.Context(), e) })
}

func allEvents(t *testing.T, s *store.Store) []account.Event {
	t.Helper()
	events, err := s.Events(t.Context(), store.EventFilter{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// sealAll gives every event its place, with hashes that only a test has.
func sealAll(t *testing.T, s *store.Store) {
	t.Helper()
	write(t, s, func(_ context.Context, tx *store.Store) error {
		chain, err := tx.LockEventChain(t.Context())
		if err != nil {
			return err
		}
		events, err := tx.EventsToSeal(t.Context(), 1000)
		if err != nil {
			return err
		}
		var ids []int64
		var places []store.EventHead
		for _, e := range events {
			chain.Head.Seq++
			chain.Head.Hash = []byte{byte(chain.Head.Seq)}
			ids, places = append(ids, e.ID), append(places, chain.Head)
		}
		if err := tx.SealEvents(t.Context(), ids, places); err != nil {
			return err
		}
		return tx.SetEventHead(t.Context(), chain.Head)
	})
}

func TestEventComesBackAsStoredWithItsTimeInUTC(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		want := newEvent(7)
		addEvent(t, s, want)
		want.ID, want.At = 1, noon.UTC()
		got := allEvents(t, s)
		if diff := cmp.Diff([]account.Event{want}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		sealAll(t, s)
		want.Seq, want.Hash = 1, []byte{1}
		if diff := cmp.Diff([]account.Event{want}, allEvents(t, s)); diff != "" {
			t.Errorf("sealed (-want +got):\n%s", diff)
		}
		chain, err := s.EventChain(t.Context())
		if err != nil || chain.Head.Seq != 1 || string(chain.Head.Hash) != "\x01" || chain.Removed.Seq != 0 {
			t.Errorf("chain %+v, %v", chain, err)
		}
	})
}

func TestEventsAreFiltered(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		for i := range 6 {
			e := newEvent(int64(i%2) + 1)
			if i >= 4 {
				e.Kind = account.EventLogout
			}
			addEvent(t, s, e)
		}
		for name, test := range map[string]struct {
			filter store.EventFilter
			limit  int
			want   []int64
		}{
			"all":                   {store.EventFilter{}, 0, []int64{6, 5, 4, 3, 2, 1}},
			"newest two":            {store.EventFilter{}, 2, []int64{6, 5}},
			"of a user":             {store.EventFilter{UserID: 1}, 0, []int64{5, 3, 1}},
			"of a user, next page":  {store.EventFilter{UserID: 1, Before: 5}, 1, []int64{3}},
			"of a kind":             {store.EventFilter{Kind: account.EventLogout}, 0, []int64{6, 5}},
			"of a user and a kind":  {store.EventFilter{UserID: 2, Kind: account.EventLogout}, 0, []int64{6}},
			"of a user without any": {store.EventFilter{UserID: 3}, 0, nil},
		} {
			events, err := s.Events(t.Context(), test.filter, test.limit)
			var got []int64
			for _, e := range events {
				got = append(got, e.ID)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
		}
	})
}

// TestEventsInTheOrderOfTheChain: whoever reads on from a place misses none,
// also of a transaction that was committed after others with higher ids.
func TestEventsInTheOrderOfTheChain(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		seal := func(ids ...int64) {
			t.Helper()
			write(t, s, func(_ context.Context, tx *store.Store) error {
				chain, err := tx.LockEventChain(t.Context())
				if err != nil {
					return err
				}
				var places []store.EventHead
				for range ids {
					chain.Head.Seq++
					chain.Head.Hash = []byte{byte(chain.Head.Seq)}
					places = append(places, chain.Head)
				}
				if err := tx.SealEvents(t.Context(), ids, places); err != nil {
					return err
				}
				return tx.SetEventHead(t.Context(), chain.Head)
			})
		}
		for i := range 6 {
			addEvent(t, s, newEvent(int64(i%2)+1))
		}
		seal(1, 3)
		seal(2, 5, 4) // 6 has no place yet
		for name, test := range map[string]struct {
			filter         store.EventFilter
			after, through int64
			limit          int
			want           []int64
		}{
			"all":           {store.EventFilter{}, 0, 9, 9, []int64{1, 3, 2, 5, 4}},
			"a page":        {store.EventFilter{}, 0, 9, 2, []int64{1, 3}},
			"the next page": {store.EventFilter{}, 2, 9, 2, []int64{2, 5}},
			"up to a place": {store.EventFilter{}, 1, 3, 9, []int64{3, 2}},
			"of a user":     {store.EventFilter{UserID: 2}, 0, 9, 9, []int64{2, 4}},
			"no more":       {store.EventFilter{}, 5, 9, 9, nil},
		} {
			events, err := s.EventsPlaced(t.Context(), test.filter, test.after, test.through, test.limit)
			var got []int64
			for _, e := range events {
				got = append(got, e.ID)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
		}
	})
}

func TestEventIsSealedOnce(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		addEvent(t, s, newEvent(1))
		sealAll(t, s)
		err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return tx.SealEvents(t.Context(), []int64{1}, []store.EventHead{{Seq: 2, Hash: []byte{2}}})
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("again: %v", err)
		}
		addEvent(t, s, newEvent(1))
		err = s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			return tx.SealEvents(t.Context(), []int64{2}, []store.EventHead{{Seq: 1, Hash: []byte{2}}})
		})
		if !errors.Is(err, store.ErrTaken) {
			t.Errorf("two events in one place: %v", err)
		}
	})
}

func TestForgettingTakesThePersonalPartOnly(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		old := newEvent(0)
		old.At = noon.Add(-time.Hour)
		for _, e := range []account.Event{newEvent(1), newEvent(2), newEvent(1), newEvent(0), old} {
			addEvent(t, s, e)
		}
		sealAll(t, s)
		write(t, s, func(_ context.Context, tx *store.Store) error {
			n, err := tx.AnonymiseEventsOf(t.Context(), []int64{1})
			if n[1] != 2 || len(n) != 1 {
				t.Errorf("forgot %v events of the user, want 2", n)
			}
			return err
		})
		write(t, s, func(_ context.Context, tx *store.Store) error {
			n, err := tx.AnonymiseUnattributedEvents(t.Context(), noon, 10)
			if n != 1 {
				t.Errorf("forgot %d old events of nobody, want 1", n)
			}
			return err
		})
		for _, e := range allEvents(t, s) {
			gone := e.ID == 1 || e.ID == 3 || e.ID == 5
			if gone != (e.EventPerson == account.EventPerson{}) || gone != (e.Salt == nil) {
				t.Errorf("event %d: %+v", e.ID, e)
			}
			if e.Kind != account.EventLogin || e.Seq != e.ID || e.Details == "" || len(e.Commitment) == 0 || len(e.Hash) == 0 {
				t.Errorf("event %d lost more: %+v", e.ID, e)
			}
		}
	})
}

func TestOldestEventsAreRemoved(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		for range 5 {
			addEvent(t, s, newEvent(1))
		}
		sealAll(t, s)
		remove := func(seq int64) error {
			return s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
				return tx.RemoveEvents(t.Context(), store.EventHead{Seq: seq, Hash: []byte{byte(seq)}})
			})
		}
		if err := remove(3); err != nil {
			t.Fatal(err)
		}
		for _, seq := range []int64{3, 2, 6} {
			if err := remove(seq); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("remove up to %d: %v", seq, err)
			}
		}
		if left := allEvents(t, s); len(left) != 2 || left[1].ID != 4 {
			t.Errorf("left: %+v", left)
		}
		chain, err := s.EventChain(t.Context())
		if err != nil || chain.Removed.Seq != 3 || string(chain.Removed.Hash) != "\x03" || chain.Head.Seq != 5 {
			t.Errorf("%+v, %v", chain, err)
		}
	})
}

// TestDatabaseRefusesToChangeEvents: a mistake at a prompt, or ours.
func TestDatabaseRefusesToChangeEvents(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		for range 3 {
			addEvent(t, s, newEvent(1))
		}
		sealAll(t, s)
		addEvent(t, s, newEvent(1)) // not sealed
		before := allEvents(t, s)
		db := openRaw(t, url)
		for _, statement := range []string{
			`UPDATE events SET kind = 'logout'`,
			`UPDATE events SET at = '2026-01-01'`,
			`UPDATE events SET id = id + 100`,
			`UPDATE events SET actor = 'system' WHERE id = 4`,
			`UPDATE events SET details = ''`,
			`UPDATE events SET commitment = salt`,
			`UPDATE events SET hash = commitment WHERE id = 2`,
			`UPDATE events SET seq = NULL WHERE id = 2`,
			`UPDATE events SET ip = '192.0.2.1'`,
			`UPDATE events SET ip = ''`,
			`UPDATE events SET user_id = NULL`,
			`UPDATE events SET user_id = 2`,
			`DELETE FROM events`,
			`DELETE FROM events WHERE id = 2`,
			`DELETE FROM events WHERE id = 4`,
		} {
			if _, err := db.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s: no error", statement)
			}
		}
		if diff := cmp.Diff(before, allEvents(t, s)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
	})
}

// openRaw is a way into the database beside the product's.
func openRaw(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, name := "pgx", url
	if path, isFile := strings.CutPrefix(url, "sqlite:"); isFile {
		driver, name = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestFailedTransactionLeavesNoEvent(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		wrong := errors.New("wrong")
		err := s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
			if err := tx.AddEvent(t.Context(), newEvent(1)); err != nil {
				return err
			}
			return wrong
		})
		if !errors.Is(err, wrong) || len(allEvents(t, s)) != 0 {
			t.Errorf("%v, %+v", err, allEvents(t, s))
		}
	})
}
