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

// passkeyOf gives somebody a passkey.
func passkeyOf(t *testing.T, s *store.Store, name string, change func(*account.Credential)) (account.User, account.Credential) {
	t.Helper()
	at := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
	u := account.User{Username: name, PasswordHash: "!", JoinedAt: at, PasswordAt: at, Active: true}
	c := account.Credential{
		FactorID: "factor of " + name, ID: []byte("id of " + name), PublicKey: []byte{0, 1, 255}, Algorithm: -257, SignCount: 4_294_967_295,
		AAGUID: "00000000-0000-0000-0000-000000000000", Transports: []string{"internal", "hybrid"}, BackupEligible: true, RPID: "shop.example",
	}
	if change != nil {
		change(&c)
	}
	write(t, s, func(ctx context.Context, tx *store.Store) error {
		if err := tx.CreateUser(ctx, &u); err != nil {
			return err
		}
		c.UserID = u.ID
		if err := tx.CreateFactor(ctx, account.Factor{ID: c.FactorID, UserID: u.ID, Kind: account.Passkey, CreatedAt: at, ConfirmedAt: at}); err != nil {
			return err
		}
		return tx.CreateCredential(ctx, c)
	})
	return u, c
}

func TestPasskeysAreKeptAsTheyWere(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u, want := passkeyOf(t, s, "amina", nil)
		_, omars := passkeyOf(t, s, "omar", func(c *account.Credential) { c.SignCount, c.RPID, c.Transports = 0, "shop.ma", nil })
		got, err := s.Credential(t.Context(), want.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		all, err := s.Credentials(t.Context(), u.ID)
		if err != nil || len(all) != 1 || all[0].FactorID != want.FactorID {
			t.Errorf("%+v, %v", all, err)
		}
		if n, err := s.CredentialsElsewhere(t.Context(), "shop.example"); err != nil || len(n) != 1 || n["shop.ma"] != 1 {
			t.Errorf("elsewhere: %v, %v", n, err)
		}
		err = s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			again := want
			again.FactorID = omars.FactorID + "2"
			if err := tx.CreateFactor(ctx, account.Factor{ID: again.FactorID, UserID: omars.UserID, Kind: account.Passkey, CreatedAt: time.Now()}); err != nil {
				return err
			}
			return tx.CreateCredential(ctx, again)
		})
		if !errors.Is(err, store.ErrTaken) {
			t.Errorf("the same id again: %v", err)
		}
		use := func(c account.Credential, next uint32) error {
			return s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				return tx.UseCredential(ctx, c, next, true, time.Now())
			})
		}
		if err := use(omars, 7); err != nil {
			t.Fatal(err)
		}
		if err := use(omars, 8); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by a counter that was read before: %v", err)
		}
		got, err = s.Credential(t.Context(), omars.ID)
		f, err2 := s.Factor(t.Context(), omars.UserID, omars.FactorID)
		if err = errors.Join(err, err2); err != nil || got.SignCount != 7 || !got.BackedUp || f.LastUsedAt.IsZero() {
			t.Errorf("after a use: %+v, %+v, %v", got, f, err)
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.DeleteFactor(ctx, omars.UserID, omars.FactorID)
		})
		if _, err := s.Credential(t.Context(), omars.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("without its factor: %v", err)
		}
	})
}

func TestUserHandleIsMadeOnce(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u, _ := passkeyOf(t, s, "amina", nil)
		if _, err := s.HandleOf(t.Context(), u.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("before it is made: %v", err)
		}
		for _, fresh := range []string{"first", "second"} {
			write(t, s, func(ctx context.Context, tx *store.Store) error {
				got, err := tx.UserHandle(ctx, u.ID, []byte(fresh))
				if err == nil && string(got) != "first" {
					t.Errorf("handle %q, want the first", got)
				}
				return err
			})
		}
	})
}

func TestCeremonyIsTakenOnce(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		at := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
		u, _ := passkeyOf(t, s, "amina", nil)
		want := account.Ceremony{
			Hash: "a", Kind: account.SecondPasskey, UserID: u.ID, SessionID: "s", ChallengeHash: "c", Challenge: []byte{0, 255}, Offered: []string{"x", "y"},
			RPID: "shop.example", ExpiresAt: at,
		}
		anybody := account.Ceremony{Hash: "b", Kind: account.LoginPasskey, Challenge: []byte{1}, RPID: "shop.example", ExpiresAt: at.Add(time.Second)}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return errors.Join(tx.CreateCeremony(ctx, want), tx.CreateCeremony(ctx, anybody))
		})
		take := func(hash string) (c account.Ceremony, err error) {
			err = s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				c, err = tx.TakeCeremony(ctx, hash)
				return err
			})
			return c, err
		}
		got, err := take("a")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if _, err := take("a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("again: %v", err)
		}
		deleted := func(before time.Time) (n int64) {
			write(t, s, func(ctx context.Context, tx *store.Store) (err error) {
				n, err = tx.DeleteCeremonies(ctx, before, 10)
				return err
			})
			return n
		}
		if n := deleted(anybody.ExpiresAt); n != 0 {
			t.Errorf("%d were deleted before their time", n)
		}
		if n := deleted(anybody.ExpiresAt.Add(time.Second)); n != 1 {
			t.Errorf("%d were deleted, want 1", n)
		}
	})
}

// TestPasskeysAreHeldUntilTheyAreUsed: the young ones of one user.
func TestPasskeysAreHeldUntilTheyAreUsed(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u, young := passkeyOf(t, s, "amina", nil)
		other, omars := passkeyOf(t, s, "omar", nil)
		held := func(c account.Credential) bool {
			got, err := s.Credential(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return got.Held
		}
		hold := func(userID int64, since time.Time) {
			write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.HoldPasskeys(ctx, userID, since) })
		}
		factor, err := s.Factor(t.Context(), u.ID, young.FactorID)
		if err != nil {
			t.Fatal(err)
		}
		hold(u.ID, factor.ConfirmedAt)
		if held(young) {
			t.Error("one that is as old as the time is held")
		}
		hold(u.ID, factor.ConfirmedAt.Add(-time.Second))
		if !held(young) || held(omars) {
			t.Errorf("held: %v, another user's: %v", held(young), held(omars))
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.UseCredential(ctx, young, young.SignCount, true, factor.ConfirmedAt)
		})
		if held(young) {
			t.Error("it is held after its use")
		}
		sess := account.Session{ID: "of omar", UserID: other.ID, CreatedAt: factor.ConfirmedAt, LastUsedAt: factor.ConfirmedAt, ExpiresAt: factor.ConfirmedAt, RefreshAt: factor.ConfirmedAt, ProvedBy: "a factor"}
		write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.CreateSession(ctx, sess) })
		if by, err := s.ProvedBy(t.Context(), sess.ID); err != nil || by != "a factor" {
			t.Errorf("proved by %q, %v", by, err)
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.ProveSession(ctx, sess.ID, "pwd", "", factor.ConfirmedAt)
		})
		if by, err := s.ProvedBy(t.Context(), sess.ID); err != nil || by != "" {
			t.Errorf("after the password: proved by %q, %v", by, err)
		}
	})
}
