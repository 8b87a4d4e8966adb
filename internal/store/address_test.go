package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// claimant is the one user who claims an address.
func claimant(t *testing.T, s *store.Store, email string) (account.User, error) {
	t.Helper()
	users, err := s.Claimants(t.Context(), email, 2)
	if err == nil && len(users) != 1 {
		err = fmt.Errorf("%d users claim %s", len(users), email)
	}
	if err != nil {
		return account.User{}, err
	}
	return users[0], nil
}

// claiming stores a user who claims an address.
func claiming(t *testing.T, s *store.Store, username, email string) account.User {
	t.Helper()
	u := newUser(username)
	u.Email = email
	write(t, s, func(_ context.Context, tx *store.Store) error { return tx.CreateUser(t.Context(), &u) })
	return u
}

func TestOnlyOpenAccountsClaimAnAddress(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		closed, disabled := claiming(t, s, "closed", "shared@example.ma"), claiming(t, s, "disabled", "shared@example.ma")
		old, young := claiming(t, s, "old", "Shared@example.ma"), claiming(t, s, "young", "shared@EXAMPLE.ma")
		for _, u := range []account.User{closed, disabled, young, old} { // proved in this order
			at := noon.Add(time.Duration(-u.ID) * time.Minute)
			write(t, s, func(_ context.Context, tx *store.Store) error { return tx.SetProof(t.Context(), u.ID, u.Email, at) })
		}
		write(t, s, func(_ context.Context, tx *store.Store) error { return tx.CloseUser(t.Context(), closed.ID, noon) })
		write(t, s, func(_ context.Context, tx *store.Store) error { return tx.SetActive(t.Context(), disabled.ID, false) })

		ids := func(users []account.User, err error) []int64 {
			if err != nil {
				t.Fatal(err)
			}
			var ids []int64
			for _, u := range users {
				ids = append(ids, u.ID)
			}
			return ids
		}
		if got, want := ids(s.Claimants(t.Context(), "shared@example.ma", 9)), []int64{old.ID, young.ID}; !slices.Equal(got, want) {
			t.Errorf("claimants %v, want %v", got, want)
		}
		if got, want := ids(s.NewestClaimants(t.Context(), "SHARED@example.ma", 1)), []int64{young.ID}; !slices.Equal(got, want) {
			t.Errorf("newest claimant %v, want %v", got, want)
		}
		if u, err := s.Prover(t.Context(), "shared@example.ma", 0); err != nil || u.ID != young.ID { // proved first
			t.Errorf("prover: %d, %v; want %d", u.ID, err, young.ID)
		}
		if got, err := s.DoubleProofs(t.Context(), 9); err != nil || !slices.Equal(got, []int64{old.ID}) {
			t.Errorf("double proofs: %v, %v; want %d", got, err, old.ID)
		}
	})
}

// Who keeps others from an address: a proof of whatever age, or a claim of an
// account that is young enough and has no factor; open, and another's.
func TestKeeperProvedOrJoinedLately(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		const email = "shared@exämple.ma"
		closed, old, proved := claiming(t, s, "closed", email), claiming(t, s, "old", email), claiming(t, s, "proved", "Shared@xn--exmple-cua.ma")
		keeper := func(email string, but int64, after time.Time, want int64) {
			t.Helper()
			u, err := s.Keeper(t.Context(), email, but, after)
			if want == 0 && !errors.Is(err, store.ErrNotFound) || want != 0 && (err != nil || u.ID != want) {
				t.Errorf("keeper of %s but %d, after %v: %d, %v; want %d", email, but, after, u.ID, err, want)
			}
		}
		write(t, s, func(_ context.Context, tx *store.Store) error { return tx.CloseUser(t.Context(), closed.ID, noon) })
		keeper("SHARED@EXÄMPLE.ma", 0, time.Time{}, old.ID)
		keeper(email, old.ID, time.Time{}, proved.ID)
		keeper(email, 0, old.JoinedAt.Add(-time.Millisecond), old.ID)
		keeper(email, 0, old.JoinedAt, 0)
		write(t, s, func(_ context.Context, tx *store.Store) error {
			f := account.Factor{ID: "f1", UserID: old.ID, Kind: account.Passkey, CreatedAt: noon}
			if err := tx.CreateFactor(t.Context(), f); err != nil {
				return err
			}
			f.ID, f.UserID, f.ConfirmedAt = "f2", proved.ID, noon
			return tx.CreateFactor(t.Context(), f)
		})
		keeper(email, 0, time.Time{}, old.ID) // whose factor waits to be confirmed
		keeper(email, old.ID, time.Time{}, 0)
		write(t, s, func(_ context.Context, tx *store.Store) error {
			return tx.SetProof(t.Context(), proved.ID, proved.Email, noon)
		})
		keeper(email, 0, old.JoinedAt, proved.ID)
		keeper(email, proved.ID, old.JoinedAt, 0)
		keeper("other@example.ma", 0, time.Time{}, 0)
	})
}

// A server of the previous release knows neither the rule nor its version.
func TestKeysOfAnotherRuleAreFoundAndRefilled(t *testing.T) {
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
		inserted, changed := claiming(t, s, "inserted", "a@example.ma"), claiming(t, s, "changed", "b@example.ma")
		exec(`UPDATE users SET email = $1, email_key = $1, email_key_version = 1 WHERE id = $2`, "inserted@exämple.ma", inserted.ID)
		exec(`UPDATE users SET email = $1, email_key = $1 WHERE id = $2`, "changed@exämple.ma", changed.ID)

		found := func() {
			t.Helper()
			for name, want := range map[string]int64{"inserted": inserted.ID, "changed": changed.ID} {
				for _, domain := range []string{"@exämple.ma", "@xn--exmple-cua.ma", "@EXÄMPLE.ma"} {
					if u, err := claimant(t, s, name+domain); err != nil || u.ID != want {
						t.Errorf("%s: %d, %v; want %d", name+domain, u.ID, err, want)
					}
				}
			}
		}
		found()
		for range 3 { // two steps for a key that changes
			write(t, s, func(_ context.Context, tx *store.Store) error {
				_, err := tx.RefillEmailKeys(t.Context(), 1000)
				return err
			})
		}
		found()
		var stale, old int
		row := db.QueryRowContext(t.Context(), `
			SELECT COALESCE(SUM(CASE WHEN email_key_version <> 2 THEN 1 ELSE 0 END), 0),
			       COALESCE(SUM(CASE WHEN email_key LIKE '%ä%' THEN 1 ELSE 0 END), 0)
			FROM users`)
		if err := row.Scan(&stale, &old); err != nil || stale != 0 || old != 0 {
			t.Errorf("%d rows are stale, %d have a key of the earlier rule (%v)", stale, old, err)
		}
	})
}

func TestNamesAreHeldForWhoHadThem(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		amina, brahim := createUser(t, s, "amina"), createUser(t, s, "brahim")
		rename := func(old, name string) error {
			return s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
				return tx.ChangeUsername(t.Context(), amina.ID, old, name, noon)
			})
		}
		if err := rename("amina", "brahim"); !errors.Is(err, store.ErrTaken) {
			t.Errorf("another's name: %v, want ErrTaken", err)
		}
		if err := rename("other", "amina2"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("from a name that is not hers: %v, want ErrNotFound", err)
		}
		if err := rename("amina", "amina2"); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			user  int64
			since time.Time
			want  bool
		}{{0, noon.Add(-time.Hour), true}, {brahim.ID, noon.Add(-time.Hour), true}, {amina.ID, noon.Add(-time.Hour), false}, {0, noon, false}} {
			if got, err := s.UsernameTaken(t.Context(), "amina", test.user, test.since); err != nil || got != test.want {
				t.Errorf("taken for user %d since %v: %v, %v; want %v", test.user, test.since, got, err, test.want)
			}
		}
		changes, err := s.UsernameChanges(t.Context(), amina.ID, noon.Add(-time.Hour))
		if err != nil || len(changes) != 1 || changes[0].Username != "amina" {
			t.Errorf("changes: %v, %v", changes, err)
		}
		var n int64
		write(t, s, func(_ context.Context, tx *store.Store) (err error) {
			n, err = tx.DeleteUsernameChanges(t.Context(), noon.Add(time.Second), 10)
			return err
		})
		if n != 1 {
			t.Errorf("%d names forgotten, want 1", n)
		}
	})
}

// Erasing one of two people with one address must not take the other's mail.
func TestErasureLeavesMailsOfAnAddressThatAnotherClaims(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		erased := claiming(t, s, "erased", "shared@example.ma")
		claiming(t, s, "other", "Shared@example.ma")
		claiming(t, s, "alone", "alone@example.ma")
		for _, email := range []string{"shared@example.ma", "alone@example.ma"} {
			write(t, s, func(_ context.Context, tx *store.Store) error {
				return tx.AddMail(t.Context(), account.Mail{Kind: account.MailResetRequest, Email: email, CreatedAt: noon})
			})
		}
		write(t, s, func(_ context.Context, tx *store.Store) error { return tx.CloseUser(t.Context(), erased.ID, noon) })
		write(t, s, func(_ context.Context, tx *store.Store) error {
			gone, err := tx.EraseUsers(t.Context(), []int64{erased.ID})
			if len(gone) != 1 {
				t.Errorf("erased %v", gone)
			}
			return err
		})
		mails, err := s.Mails(t.Context(), 10)
		if err != nil || len(mails) != 2 {
			t.Errorf("%d mails are left (%v), want 2", len(mails), err)
		}
	})
}

func TestOneMailWaitsForAMailboxAndNoticesWaitForMails(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		add := func(kind account.MailKind, delayKey string, at time.Time) error {
			return s.Tx(t.Context(), func(_ context.Context, tx *store.Store) error {
				return tx.AddMail(t.Context(), account.Mail{Kind: kind, Email: "a@example.ma", CreatedAt: at, DelayKey: delayKey})
			})
		}
		claim := func(ctx context.Context) (m account.Mail) {
			t.Helper()
			write(t, s, func(_ context.Context, tx *store.Store) error {
				all, err := tx.ClaimMails(ctx, 1, "lease", noon.Add(time.Minute), noon.Add(time.Hour))
				if err == nil && len(all) == 1 {
					m = all[0]
				}
				return err
			})
			return m
		}
		if err := add(account.MailPasswordChanged, "", noon.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := add(account.MailResetRequest, "key", noon); err != nil {
			t.Fatal(err)
		}
		if err := add(account.MailResetRequest, "key", noon); !errors.Is(err, store.ErrTaken) {
			t.Errorf("a second mail under one key: %v, want ErrTaken", err)
		}
		m := claim(t.Context())
		if m.Kind != account.MailResetRequest || m.DelayKey != "key" {
			t.Errorf("the first is a %s with the key %q, want the request", m.Kind, m.DelayKey)
		}
		write(t, s, func(_ context.Context, tx *store.Store) error {
			return tx.FinishMail(t.Context(), m.ID, "lease", noon, time.Time{}, "")
		})
		if err := add(account.MailResetRequest, "key", noon); err != nil {
			t.Errorf("after the one that waited was sent: %v", err)
		}
	})
}
