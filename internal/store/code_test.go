package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

func newCode(hash string, userID int64) account.MailedCode {
	return account.MailedCode{
		Hash: hash, Purpose: account.CodeReset, UserID: userID, Email: "Amina@example.ma", EmailKey: "amina@example.ma", Asker: "s", KnownTo: userID, CreatedAt: noon,
	}
}

func TestCodeComesBackAsStored(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return errors.Join(tx.CreateCode(ctx, newCode("a", 0)), tx.CreateCode(ctx, newCode("b", u.ID)))
		})
		for hash, userID := range map[string]int64{"a": 0, "b": u.ID} {
			want := newCode(hash, userID)
			want.CreatedAt = noon.UTC()
			if got, err := s.MailedCode(t.Context(), hash); err != nil || !cmp.Equal(got, want) {
				t.Errorf("%s: %v\n%s", hash, err, cmp.Diff(want, got))
			}
		}
		if _, err := s.MailedCode(t.Context(), "c"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an unknown one: %v", err)
		}
		if all, err := s.MailedCodes(t.Context(), u.ID, 9); err != nil || len(all) != 1 || all[0].Hash != "b" {
			t.Errorf("the user's: %+v, %v", all, err)
		}
	})
}

// TestLifeOfACode: from its first mail, again from that mail when it is made
// anew, not from another; and never after it was made worthless.
func TestLifeOfACode(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u, other := createUser(t, s, "amina"), createUser(t, s, "badr")
		const life = 10 * time.Minute
		send := func(hash string, userID, mailID int64, at time.Time) (c account.MailedCode, err error) {
			err = s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) (err error) {
				c, err = tx.SendCode(ctx, account.MailedCode{Hash: hash, UserID: userID, Email: "amina@example.ma", MailID: mailID}, at, at.Add(life))
				return err
			})
			return c, err
		}
		use := func(hash string, at time.Time) error {
			return s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { return tx.UseCode(ctx, hash, at) })
		}
		anybodys := newCode("a", 0)
		anybodys.KnownTo = other.ID
		write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.CreateCode(ctx, anybodys) })
		if err := use("a", noon); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("used before it was mailed: %v", err)
		}
		c, err := send("a", u.ID, 7, noon)
		if err != nil || c.UserID != u.ID || c.KnownTo != 0 || !c.SentAt.Equal(noon) || !c.ExpiresAt.Equal(noon.Add(life)) || c.MailID != 7 {
			t.Errorf("the first mail: %+v, %v", c, err)
		}
		if c, err = send("a", u.ID, 8, noon.Add(time.Minute)); err != nil || !c.ExpiresAt.Equal(noon.Add(life)) || c.MailID != 7 {
			t.Errorf("another mail: %+v, %v", c, err)
		}
		if _, err := send("a", other.ID, 9, noon.Add(time.Minute)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another user's mail: %v", err)
		}
		if _, err := send("a", u.ID, 8, noon.Add(life)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another mail after its end: %v", err)
		}
		late := noon.Add(time.Hour)
		if err := use("a", late); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("used after its end: %v", err)
		}
		if c, err = send("a", u.ID, 7, late); err != nil || !c.ExpiresAt.Equal(late.Add(life)) {
			t.Errorf("the first mail, made anew: %+v, %v", c, err)
		}
		for i, want := range []error{nil, store.ErrNotFound} {
			if err := use("a", late); !errors.Is(err, want) {
				t.Errorf("use %d: %v, want %v", i+1, err, want)
			}
		}
		if _, err := send("a", u.ID, 7, late); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("mailed after its use: %v", err)
		}

		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return errors.Join(tx.CreateCode(ctx, newCode("sent", u.ID)), tx.CreateCode(ctx, newCode("unsent", u.ID)), tx.CreateCode(ctx, newCode("others", other.ID)))
		})
		for hash, userID := range map[string]int64{"sent": u.ID, "others": other.ID} {
			if _, err := send(hash, userID, 1, noon); err != nil {
				t.Fatal(err)
			}
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.InvalidateCodes(ctx, u.ID, account.CodeReset, account.CodeLogin)
		})
		early := noon.Add(-time.Minute) // by a clock that is late
		if err := use("sent", early); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("used after it was made worthless: %v", err)
		}
		for _, hash := range []string{"sent", "unsent"} {
			if _, err := send(hash, u.ID, 1, early); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: mailed after it was made worthless: %v", hash, err)
			}
		}
		if err := use("others", noon); err != nil {
			t.Errorf("another user's: %v", err)
		}
	})
}

func TestTriesAtCodesAreCounted(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		strange, old := newCode("strange", u.ID), newCode("old", u.ID)
		strange.KnownTo, old.CreatedAt = 0, noon.Add(-48*time.Hour)
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return errors.Join(tx.CreateCode(ctx, newCode("known", u.ID)), tx.CreateCode(ctx, strange), tx.CreateCode(ctx, old))
		})
		try := func(hash string) error {
			return s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error { _, err := tx.CountTry(ctx, hash, 3); return err })
		}
		for _, hash := range []string{"known", "known", "known", "strange", "old", "old"} {
			if err := try(hash); err != nil {
				t.Fatal(err)
			}
		}
		if err := try("known"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the fourth: %v", err)
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.ReturnTry(ctx, "known") })
		for known, want := range map[bool][2]int{true: {2, 4}, false: {1, 1}} {
			day, month, err := s.WrongCodes(t.Context(), u.ID, known, noon.Add(-24*time.Hour), noon.Add(-30*24*time.Hour))
			if err != nil || [2]int{day, month} != want {
				t.Errorf("known %v: %d and %d, %v; want %v", known, day, month, err, want)
			}
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			n, err := tx.DeleteCodes(ctx, noon, noon.Add(-time.Hour), 9)
			if n != 1 {
				t.Errorf("%d deleted, want the old one", n)
			}
			return err
		})
	})
}
