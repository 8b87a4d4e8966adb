package store_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/fold"
	"github.com/yoozak/clients/internal/fold/foldtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

var persons atomic.Int64

// person stores somebody who is to be found. A username that is "" is made up.
func person(t *testing.T, s *store.Store, u account.User) account.User {
	t.Helper()
	if u.Username == "" {
		u.Username = fmt.Sprintf("u__%d", persons.Add(1))
	}
	if u.JoinedAt.IsZero() {
		u.JoinedAt = noon
	}
	if u.Language == "" {
		u.Language = "fr"
	}
	u.PasswordAt, u.Active = noon, true
	write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &u) })
	return u
}

func find(t *testing.T, s *store.Store, search string) []int64 {
	t.Helper()
	page, err := s.ListUsers(t.Context(), store.UserFilter{Search: search}, store.ByID, "", 50)
	if err != nil {
		t.Fatalf("search %q: %v", search, err)
	}
	return idsOf(page.Users)
}

func idsOf(users []account.User) []int64 {
	ids := make([]int64, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	return ids
}

func TestSearchFindsWhatItPromises(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		stored := map[string]int64{}
		for _, pair := range foldtest.Pairs {
			key := strings.Join(pair.Stored, "|")
			id, known := stored[key]
			if !known {
				fields := append(slices.Clone(pair.Stored), "", "", "")
				id = person(t, s, account.User{FirstName: fields[0], LastName: fields[1], Email: fields[2], Username: fields[3]}).ID
				stored[key] = id
			}
			if got := slices.Contains(find(t, s, pair.Search), id); got != pair.Found {
				t.Errorf("%q in %q: %v, want %v", pair.Search, pair.Stored, got, pair.Found)
			}
		}
	})
}

// crowd is many people, with ties in each order, of every state.
func crowd(t *testing.T, s *store.Store, random *rand.Rand) []account.User {
	t.Helper()
	firsts := []string{"Mohamed", "محمد", "Amélie", "Fatima-Zahra", "عبد الله", ""}
	lasts := []string{"Alaoui", "Tazi", "العلوي", ""}
	all := make([]account.User, 240)
	for i := range all {
		u := account.User{
			Username: fmt.Sprintf("u%x_%d", random.Uint32(), i), FirstName: firsts[random.IntN(len(firsts))], LastName: lasts[random.IntN(len(lasts))],
			Language: []string{"fr", "ar", "en"}[random.IntN(3)], JoinedAt: noon.Add(time.Duration(random.IntN(20)) * time.Hour),
		}
		if random.IntN(3) > 0 {
			u.Email = fmt.Sprintf("A%d@example.ma", random.IntN(60))
		}
		if random.IntN(3) > 0 {
			u.LastLoginAt = noon.Add(time.Duration(random.IntN(20)) * time.Hour)
		}
		u = person(t, s, u)
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			switch random.IntN(6) {
			case 0:
				return tx.CloseUser(ctx, u.ID, noon)
			case 1:
				return tx.SetActive(ctx, u.ID, false)
			case 2, 3:
				return tx.SetProof(ctx, u.ID, u.Email, noon)
			}
			return nil
		})
		var err error
		if all[i], err = s.UserByID(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// meant is a filter, by the book.
func meant(f store.UserFilter, u account.User) bool {
	row := fold.Row(u.FirstName, u.LastName, u.Email, u.Username)
	if f.Search != "" {
		q := fold.Parse(f.Search)
		if len(q.Parts) == 0 || slices.ContainsFunc(q.Parts, func(part string) bool { return !strings.Contains(row, part) }) {
			return false
		}
	}
	in := func(at, after, before time.Time) bool {
		return after.IsZero() && before.IsZero() || !at.IsZero() && !at.Before(after) && (before.IsZero() || at.Before(before))
	}
	return (f.Active == nil || *f.Active == (u.State() == account.UserActive)) &&
		(f.State == "" || f.State == u.State()) &&
		(f.Verified == nil || *f.Verified == !u.EmailVerifiedAt.IsZero()) &&
		(f.Language == "" || f.Language == u.Language) &&
		in(u.JoinedAt, f.JoinedAfter, f.JoinedBefore) && in(u.LastLoginAt, f.LastLoginAfter, f.LastLoginBefore)
}

// compare is an order, by the book.
func compare(o store.UserOrdering) func(a, b account.User) int {
	name, down := strings.CutPrefix(string(o), "-")
	return func(a, b account.User) int {
		var c int
		switch store.UserOrdering(name) {
		case store.ByUsername:
			c = strings.Compare(a.Username, b.Username)
		case store.ByEmail:
			c = strings.Compare(account.EmailKey(a.Email), account.EmailKey(b.Email))
		case store.ByJoined:
			c = a.JoinedAt.Compare(b.JoinedAt)
		case store.ByLastLogin:
			if a.LastLoginAt.IsZero() != b.LastLoginAt.IsZero() { // never comes last
				if a.LastLoginAt.IsZero() {
					return 1
				}
				return -1
			}
			c = a.LastLoginAt.Compare(b.LastLoginAt)
		}
		c = cmp.Or(c, cmp.Compare(a.ID, b.ID))
		if down {
			return -c
		}
		return c
	}
}

func anyFilter(random *rand.Rand) (f store.UserFilter) {
	either := func() *bool { b := random.IntN(2) == 0; return &b }
	if random.IntN(2) == 0 {
		f.Search = []string{"moha", "محمد", "amelie tazi", "fatima zahra", "عبدالله", "a1", "example ala", "mo", "nobody", "u", "%"}[random.IntN(11)]
	}
	switch random.IntN(8) {
	case 0:
		f.Active = either()
	case 1:
		f.State = []account.UserState{account.UserActive, account.UserDisabled, account.UserClosed}[random.IntN(3)]
	case 2:
		f.Verified = either()
	case 3:
		f.Language = "ar"
	case 4:
		f.Active, f.Verified, f.Language = either(), either(), "fr"
	}
	switch random.IntN(6) {
	case 0:
		f.JoinedAfter = noon.Add(8 * time.Hour)
	case 1:
		f.JoinedAfter, f.JoinedBefore = noon.Add(8*time.Hour), noon.Add(10*time.Hour)
	case 2:
		f.LastLoginBefore = noon.Add(5 * time.Hour)
	case 3:
		f.LastLoginAfter = noon.Add(15 * time.Hour)
	}
	return f
}

// TestListsAreWhatTheBookSays: each filter in each order, page by page to the
// end and back, however much a page may look at.
func TestListsAreWhatTheBookSays(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		random := rand.New(rand.NewPCG(1, 2)) // the same lists each time
		everybody := crowd(t, s, random)
		for round := range 240 {
			f, o := anyFilter(random), store.Orderings()[round%10]
			switch round % 3 {
			case 0:
				s.LookAt(10, 100, 50) // all ways are gone
			case 1:
				s.LookAt(7, 20, 3) // pages are short
			default:
				s.LookAt(1000, 20_000, 5000)
			}
			want := slices.DeleteFunc(slices.Clone(everybody), func(u account.User) bool { return !meant(f, u) })
			slices.SortFunc(want, compare(o))
			limit := 1 + random.IntN(40)
			ahead, last := allPages(t, s, f, o, limit, "", false)
			if !slices.Equal(ahead, idsOf(want)) {
				t.Fatalf("round %d, %+v by %s, pages of %d:\n%v, want\n%v", round, f, o, limit, ahead, idsOf(want))
			}
			// Whoever is on the last page is not among those before it.
			back, _ := allPages(t, s, f, o, limit, last.Previous, true)
			slices.Reverse(back)
			if last.Previous != "" && !slices.Equal(back, idsOf(want[:len(want)-len(last.Users)])) {
				t.Fatalf("round %d, %+v by %s, pages of %d, back from the last %d:\n%v, want\n%v", round, f, o, limit, len(last.Users), back, idsOf(want[:len(want)-len(last.Users)]))
			}
			if n, err := s.CountUsers(t.Context(), f); err != nil || n.N != int64(len(want)) || !n.Exact || n.Incomplete {
				t.Errorf("round %d, %+v: counted %+v, %v; want %d", round, f, n, err, len(want))
			}
		}
	})
}

// allPages follows the cursors from one on, and returns who was there, in the
// order of the way, and the last page.
func allPages(t *testing.T, s *store.Store, f store.UserFilter, o store.UserOrdering, limit int, cursor string, back bool) (ids []int64, last store.UserPage) {
	t.Helper()
	for range 1000 {
		page, err := s.ListUsers(t.Context(), f, o, cursor, limit)
		if err != nil {
			t.Fatalf("%+v by %s: %v", f, o, err)
		}
		if len(page.Users) > limit || page.Incomplete {
			t.Fatalf("%+v by %s: a page of %d, incomplete: %v", f, o, len(page.Users), page.Incomplete)
		}
		some := idsOf(page.Users)
		cursor = page.Next
		if back {
			slices.Reverse(some)
			cursor = page.Previous
		}
		if ids = append(ids, some...); cursor == "" {
			return ids, page
		}
	}
	t.Fatalf("%+v by %s does not end", f, o)
	return nil, store.UserPage{}
}
