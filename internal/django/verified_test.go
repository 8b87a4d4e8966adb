package django_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// verifiedNow are the ids of those whose address counts as verified.
func verifiedNow(t *testing.T, st *store.Store) (ids []int64) {
	t.Helper()
	users, err := st.Users(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if !u.EmailVerifiedAt.IsZero() {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

var vouching = django.Options{Now: now, EmailsVerified: true}

func TestImportedAddressesAreVerifiedOnlyWhereDjangoDidIt(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		dump := fixture(t,
			map[string]any{"pk": 1, "username": "a", "email": "a@example.ma"},
			map[string]any{"pk": 2, "username": "b", "email": ""},
			map[string]any{"pk": 3, "username": "c", "email": "c@example.ma", "is_active": false},
			map[string]any{"pk": 4, "username": "d", "email": "none"})
		imported(t, st, dump, django.Layout{})
		if got := verifiedNow(t, st); got != nil {
			t.Fatalf("verified without the flag: %v", got)
		}
		for range 2 { // said later, and said again
			dry := vouching
			dry.DryRun = true
			want := 2 - int64(len(verifiedNow(t, st)))
			if report, _ := importAt(t, st, dump, django.Layout{}, dry); report.Verified != want {
				t.Errorf("a dry run: %+v, want %d verified", report, want)
			}
			if report, _ := importAt(t, st, dump, django.Layout{}, vouching); report.Verified != want {
				t.Errorf("%+v, want %d verified", report, want)
			}
			if diff := cmp.Diff([]int64{1, 3}, verifiedNow(t, st)); diff != "" {
				t.Errorf("verified (-want +got):\n%s", diff)
			}
		}
		imported(t, st, dump, django.Layout{}) // not said: nobody's is taken back
		if diff := cmp.Diff([]int64{1, 3}, verifiedNow(t, st)); diff != "" {
			t.Errorf("after an import without the flag (-want +got):\n%s", diff)
		}
	})
}

// TestOfSeveralAccountsWithOneAddressOneIsVerified: the earliest open one,
// whatever the order in the source.
func TestOfSeveralAccountsWithOneAddressOneIsVerified(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		joined := func(day int) string { return fmt.Sprintf("2024-06-%02dT12:00:00Z", day) }
		dump := fixture(t,
			map[string]any{"pk": 1, "username": "closed", "email": "shared@example.ma", "is_active": false, "date_joined": joined(1)},
			map[string]any{"pk": 2, "username": "late", "email": "shared@example.ma", "date_joined": joined(9)},
			map[string]any{"pk": 3, "username": "first", "email": "Shared@Example.MA", "date_joined": joined(2)},
			map[string]any{"pk": 4, "username": "second", "email": "shared@example.ma", "date_joined": joined(3)},
			map[string]any{"pk": 5, "username": "same day", "email": "twin@example.ma", "date_joined": joined(3)},
			map[string]any{"pk": 6, "username": "same day too", "email": "twin@example.ma", "date_joined": joined(3)},
			map[string]any{"pk": 7, "username": "disabled", "email": "gone@example.ma", "is_active": false, "date_joined": joined(3)},
			map[string]any{"pk": 8, "username": "disabled too", "email": "gone@example.ma", "is_active": false, "date_joined": joined(2)})
		for range 2 {
			report, remarks := importAt(t, st, dump, django.Layout{}, vouching)
			if diff := cmp.Diff([]int64{3, 5, 8}, verifiedNow(t, st)); diff != "" {
				t.Errorf("verified (-want +got):\n%s", diff)
			}
			told := map[string]int64{}
			for _, m := range remarks {
				if !m.Note || !strings.Contains(m.Reason, "stays unverified") || strings.Contains(m.Reason, "@") {
					t.Errorf("remark %+v", m)
				}
				told[m.ID] = m.Owner
			}
			if diff := cmp.Diff(map[string]int64{"1": 3, "2": 3, "4": 3, "6": 5, "7": 8}, told); diff != "" {
				t.Errorf("told (-want +got):\n%s%+v", diff, report)
			}
		}
	})
}

// TestDjangoDoesNotSpeakForAddressesChosenHere.
func TestDjangoDoesNotSpeakForAddressesChosenHere(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, st *store.Store) {
		people := []map[string]any{
			{"pk": 1, "username": "changed", "email": "old1@example.ma"}, {"pk": 2, "username": "verified", "email": "old2@example.ma"},
			{"pk": 3, "username": "both", "email": "old3@example.ma"}, {"pk": 4, "username": "left", "email": "old4@example.ma"},
			{"pk": 5, "username": "taken", "email": "stranger@here.ma"}, {"pk": 6, "username": "squatted", "email": "squatter@here.ma"},
		}
		imported(t, st, fixture(t, people...), django.Layout{})
		native(t, st, "stranger")
		native(t, st, "squatter") // the same address, never verified
		write(t, st, func(_ context.Context, tx *store.Store) error {
			for id, email := range map[int64]string{1: "new1@here.ma", 2: "new2@here.ma", 3: "new3@here.ma"} {
				if err := tx.SetEmail(t.Context(), id, email, now); err != nil {
					return err
				}
			}
			if err := tx.SetProof(t.Context(), 7, "stranger@here.ma", now); err != nil {
				return err
			}
			return tx.CloseUser(t.Context(), 4, now)
		})
		people[2]["email"] = "django3@example.ma" // changed there, too: Django's counts
		before := user(t, st, 2)
		report, remarks := importAt(t, st, fixture(t, people...), django.Layout{}, django.Options{Now: now.Add(time.Hour), EmailsVerified: true})
		if report.Verified != 2 || len(remarks) != 1 || remarks[0].ID != "5" || remarks[0].Owner != 7 {
			t.Errorf("%+v, %+v; want 3 and 6 verified, 5 told", report, remarks)
		}
		if diff := cmp.Diff(before, user(t, st, 2)); diff != "" {
			t.Errorf("an address that was chosen here (-before +after):\n%s", diff)
		}
		at := map[int64]time.Time{}
		for _, u := range []account.User{user(t, st, 1), user(t, st, 3), user(t, st, 4), user(t, st, 5), user(t, st, 6), user(t, st, 8)} {
			at[u.ID] = u.EmailVerifiedAt
		}
		// SetEmail verifies: whoever changed an address here has clicked.
		want := map[int64]time.Time{1: now, 3: now.Add(time.Hour), 4: {}, 5: {}, 6: now.Add(time.Hour), 8: {}}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("verified at (-want +got):\n%s", diff)
		}
	})
}
