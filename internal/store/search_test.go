package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/fold"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// wantFound fails unless exactly these are found, by the walk and by the grams.
func wantFound(t *testing.T, s *store.Store, search string, want ...int64) {
	t.Helper()
	for range 2 {
		if got := find(t, s, search); !slices.Equal(got, want) {
			t.Errorf("search %q: %v, want %v", search, got, want)
		}
		s.LookAt(1, 2, 1000) // the second by grams alone, but for the first user
	}
	s.LookAt(0, 0, 0) // the usual
}

// Whatever writes a name writes what is searched.
func TestEachWriteOfANameIsFound(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		createUser(t, s, "first")
		amina := person(t, s, account.User{Username: "amina", FirstName: "Amina", LastName: "Alaoui", Email: "amina@example.ma"}).ID
		createUser(t, s, "last")
		wantFound(t, s, "alaoui", amina)

		last := "Benchekroun"
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.SetProfile(ctx, amina, store.Profile{LastName: &last})
		})
		wantFound(t, s, "alaoui")
		wantFound(t, s, "amina bench", amina)

		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.SetEmail(ctx, amina, "other@example.ma", noon)
		})
		wantFound(t, s, "amina@ex")
		wantFound(t, s, "other@ex", amina)

		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.ChangeUsername(ctx, amina, "amina", "zahra", noon)
		})
		wantFound(t, s, "zahra", amina)

		write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.CloseUser(ctx, amina, noon) })
		wantFound(t, s, "zahra", amina) // closed accounts are found
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			_, err := tx.EraseUsers(ctx, []int64{amina})
			return err
		})
		wantFound(t, s, "zahra")
		if users, err := s.ExactUsers(t.Context(), store.UserFilter{Search: "zahra"}); err != nil || len(users) > 0 {
			t.Errorf("erased, and exactly found: %v, %v", idsOf(users), err)
		}
		if incomplete, err := s.SearchIncomplete(t.Context()); err != nil || incomplete {
			t.Errorf("incomplete: %v, %v", incomplete, err)
		}
	})
}

func TestImportedUsersAreFound(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		imported := func(fn func(ctx context.Context, i *store.Import) error) {
			t.Helper()
			if err := s.Import(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
		}
		imported(func(ctx context.Context, i *store.Import) error {
			twice := importRow(9, "yasmine")
			rows := []store.ImportRow{importRow(1, "first"), importRow(7, "yasmine"), importRow(8, "brahim")}
			if i.NamesLater() {
				rows = append(rows, twice)
			}
			return errors.Join(i.Insert(ctx, rows), i.SettleNames(ctx, func(account.User, int64) {}))
		})
		wantFound(t, s, "yasmine", 7)
		imported(func(ctx context.Context, i *store.Import) error {
			return i.Update(ctx, []store.ImportRow{importRow(7, "ghita")})
		})
		wantFound(t, s, "yasmine")
		wantFound(t, s, "ghita", 7)
		if page, err := s.ListUsers(t.Context(), store.UserFilter{Search: "ghita"}, store.ByID, "", 9); err != nil || page.Incomplete {
			t.Errorf("incomplete: %v, %v", page.Incomplete, err)
		}
	})
}

// A server of the previous release knows neither the text nor its version, and
// a release to come has another rule.
func TestUsersOfAnotherRuleAreFoldedAgain(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		db := openRaw(t, url)
		exec := func(query string, args ...any) {
			t.Helper()
			if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
				t.Fatal(err)
			}
		}
		createUser(t, s, "first")
		renamed, other := createUser(t, s, "renamed").ID, createUser(t, s, "otherrule").ID
		exec(`INSERT INTO users (id, username, email, email_key, email_key_version, first_name, last_name, password_hash, is_active, is_staff, is_superuser, language, joined_at, password_at)
			SELECT 1000, 'inserted', '', '', 2, '', '', '', is_active, is_staff, is_superuser, language, joined_at, password_at FROM users WHERE id = $1`, renamed)
		exec(`UPDATE users SET username = 'kenza' WHERE id = $1`, renamed)
		exec(`UPDATE users SET search = $1, search_version = 77 WHERE id = $2`, "\n otherrule \n", other)

		page, err := s.ListUsers(t.Context(), store.UserFilter{Search: "kenza"}, store.ByID, "", 9)
		if err != nil || !page.Incomplete {
			t.Errorf("incomplete: %v, %v; want that it says so", page.Incomplete, err)
		}
		if c, err := s.CountUsers(t.Context(), store.UserFilter{Search: "kenza"}); err != nil || !c.Incomplete {
			t.Errorf("counted %+v, %v; want that it says so", c, err)
		}
		if got := find(t, s, "otherrule"); !slices.Equal(got, []int64{other}) {
			t.Errorf("by the text of another rule: %v, want %d", got, other)
		}
		for n := 1; n > 0; {
			write(t, s, func(ctx context.Context, tx *store.Store) (err error) {
				n, err = tx.RefillSearch(ctx, 2)
				return err
			})
		}
		wantFound(t, s, "kenza", renamed)
		wantFound(t, s, "inserted", 1000)
		wantFound(t, s, "otherrule amina", other)
		if page, err = s.ListUsers(t.Context(), store.UserFilter{Search: "kenza"}, store.ByID, "", 9); err != nil || page.Incomplete {
			t.Errorf("incomplete: %v, %v; want that it is over", page.Incomplete, err)
		}
		var stale int
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM users WHERE search_version <> $1`, fold.Version).Scan(&stale); err != nil || stale > 0 {
			t.Errorf("%d are stale (%v)", stale, err)
		}
	})
}

func TestExactUsers(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		for range 8 {
			person(t, s, account.User{FirstName: "سامي", LastName: "Alaoui"})
		}
		mi := person(t, s, account.User{FirstName: "مي"}).ID
		amina := person(t, s, account.User{Username: "Amina_b", Email: "Amina.B@Example.ma", FirstName: "Fatima-Zahra"}).ID
		phone := person(t, s, account.User{Username: "+212612345678"}).ID
		for search, want := range map[string][]int64{
			"مي": {mi}, "amina.b@EXAMPLE.ma": {amina}, "Amina_b": {amina}, "amina_B": {amina}, "fatima zahra": {amina}, "fatima": {}, "06 12 34 56 78": {phone},
			"سا": {}, "%": {}, "": {}, `"`: {}, "99999999999999999999": {}, "#": {},
			"3": {3}, "#3": {3}, " ٣ ": {3},
		} {
			users, err := s.ExactUsers(t.Context(), store.UserFilter{Search: search})
			if got := idsOf(users); err != nil || !slices.Equal(got, want) {
				t.Errorf("exactly %q: %v, %v; want %v", search, got, err, want)
			}
		}
		if users, err := s.ExactUsers(t.Context(), store.UserFilter{Search: "سامي"}); err != nil || len(users) != store.MostExact {
			t.Errorf("%d users, %v; want %d at most", len(users), err, store.MostExact)
		}
		// Whoever the rest of a filter leaves out is left out here, too.
		last := person(t, s, account.User{FirstName: "سامي", Email: "amina.b@example.ma", Language: "ar"}).ID
		write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.SetActive(ctx, amina, false) })
		yes, no := true, false
		for name, test := range map[string]struct {
			filter store.UserFilter
			want   []int64
		}{
			"a name among many":    {store.UserFilter{Search: "سامي", Language: "ar"}, []int64{last}},
			"an address":           {store.UserFilter{Search: "amina.b@example.ma"}, []int64{amina, last}},
			"an address, active":   {store.UserFilter{Search: "amina.b@example.ma", Active: &yes}, []int64{last}},
			"an address, disabled": {store.UserFilter{Search: "amina.b@example.ma", Active: &no}, []int64{amina}},
			"an id":                {store.UserFilter{Search: "3", Verified: &yes}, nil},
			"a username":           {store.UserFilter{Search: "amina_b", Active: &yes, Language: "fr"}, nil},
			"nobody can be both":   {store.UserFilter{Search: "amina_b", Active: &yes, State: account.UserClosed}, nil},
		} {
			users, err := s.ExactUsers(t.Context(), test.filter)
			if got := idsOf(users); err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%s: %v, %v; want %v", name, got, err, test.want)
			}
		}
	})
}

// What somebody types is never syntax of an engine, and in no error.
func TestSearchesThatAreNone(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		createUser(t, s, "amina")
		s.LookAt(1, 2, 1000)
		createUser(t, s, "brahim")
		for _, test := range []struct {
			search string
			want   error
		}{
			{strings.Repeat("a", 10<<10), store.ErrSearchLong},
			{strings.Repeat("é", store.MaxSearch+1), store.ErrSearchLong},
			{"a1 b2 c3 d4 e5 f6 g7 h8 i9 j10 k11", store.ErrSearchLong},
			{"secret\x00", store.ErrSearchText},
			{"secret\xff", store.ErrSearchText},
			{strings.Repeat("é", store.MaxSearch), nil},
			{"%", nil}, {"_", nil}, {`"`, nil}, {"'", nil}, {`\`, nil}, {"zz' OR 1=1 --", nil}, {"zz OR amina", nil}, {"NEAR(amina brahim)", nil},
			{"username:amina", nil}, {"^amina^zz", nil}, {"-zamina", nil}, {"zz*", nil}, {"{zamina}", nil}, {"$1", nil}, {"%s", nil}, {"%!s", nil},
		} {
			f := store.UserFilter{Search: test.search}
			page, err := s.ListUsers(t.Context(), f, store.ByID, "", 9)
			_, err2 := s.CountUsers(t.Context(), f)
			_, err3 := s.ExactUsers(t.Context(), store.UserFilter{Search: test.search})
			for _, err := range []error{err, err2, err3} {
				if !errors.Is(err, test.want) || err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("search %.30q: %v, want %v", test.search, err, test.want)
				}
			}
			if len(page.Users) > 0 {
				t.Errorf("search %.30q finds %v", test.search, idsOf(page.Users))
			}
		}
	})
}

func TestCursorsAreOfTheirList(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		for _, name := range []string{"a", "b", "c", "d"} {
			createUser(t, s, name)
		}
		f := store.UserFilter{Search: "example", Language: "ar"}
		page, err := s.ListUsers(t.Context(), f, store.ByEmail, "", 2)
		if err != nil || page.Next == "" || page.Previous != "" {
			t.Fatalf("the first page: next %q, previous %q, %v", page.Next, page.Previous, err)
		}
		if strings.Contains(page.Next, "example") {
			t.Errorf("the cursor %s shows an address", page.Next)
		}
		tampered := []byte(page.Next)
		tampered[len(tampered)/2] ^= 1
		for name, try := range map[string]func() error{
			"of another search": func() error {
				_, err := s.ListUsers(t.Context(), store.UserFilter{Search: "exampl", Language: "ar"}, store.ByEmail, page.Next, 2)
				return err
			},
			"of another filter": func() error {
				_, err := s.ListUsers(t.Context(), store.UserFilter{Search: "example"}, store.ByEmail, page.Next, 2)
				return err
			},
			"of another order": func() error {
				_, err := s.ListUsers(t.Context(), f, store.ByEmail.Down(), page.Next, 2)
				return err
			},
			"tampered with": func() error {
				_, err := s.ListUsers(t.Context(), f, store.ByEmail, string(tampered), 2)
				return err
			},
			"cut": func() error {
				_, err := s.ListUsers(t.Context(), f, store.ByEmail, page.Next[:len(page.Next)-1], 2)
				return err
			},
			"made up": func() error {
				_, err := s.ListUsers(t.Context(), f, store.ByEmail, "abc", 2)
				return err
			},
		} {
			if err := try(); !errors.Is(err, store.ErrCursor) {
				t.Errorf("a cursor %s: %v, want ErrCursor", name, err)
			}
		}
		// Another server takes it.
		other := storetest.Open(t, url)
		next, err := other.ListUsers(t.Context(), f, store.ByEmail, page.Next, 2)
		if err != nil || len(next.Users) != 2 || next.Users[0].Username != "c" {
			t.Errorf("the second page: %v, %v", idsOf(next.Users), err)
		}
		if _, err := s.ListUsers(t.Context(), f, "password_hash", "", 2); !errors.Is(err, store.ErrOrdering) {
			t.Errorf("an order that is none: %v", err)
		}
	})
}
