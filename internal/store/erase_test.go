package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestErasureWaitsForTheMailThatGoesOut: whoever delivers a mail holds its row,
// and makes a link of its user's. An erasure that began meanwhile ends after it,
// and neither fails.
func TestErasureWaitsForTheMailThatGoesOut(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := createUser(t, s, "amina")
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			return tx.AddMail(ctx, account.Mail{Kind: account.MailVerifyEmail, UserID: u.ID, Email: "amina@example.ma", CreatedAt: noon, DueAt: noon})
		})
		mails, err := s.Mails(t.Context(), 1)
		if err != nil || len(mails) != 1 {
			t.Fatal(mails, err)
		}
		erased := make(chan error, 1)
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			if err := tx.LockMail(ctx, mails[0].ID, ""); err != nil {
				return err
			}
			go func() {
				erased <- s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
					if err := tx.CloseUser(ctx, u.ID, noon); err != nil {
						return err
					}
					_, err := tx.EraseUsers(ctx, []int64{u.ID})
					return err
				})
			}()
			time.Sleep(300 * time.Millisecond) // until it waits
			return tx.CreateChallenge(ctx, account.Challenge{Hash: "h", Kind: account.VerifyEmail, UserID: u.ID, Email: "amina@example.ma", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)})
		})
		if err := <-erased; err != nil {
			t.Errorf("the erasure: %v", err)
		}
	})
}

// TestErasureLeavesMailsThatAreNotTheirs: what waits for an address that somebody
// only asked to have, and what the operator is told, at whatever address.
func TestErasureLeavesMailsThatAreNotTheirs(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := claiming(t, s, "amina", "amina@example.ma")
		mailed := []account.Mail{{Kind: account.MailConfirmEmail, UserID: u.ID, Email: "typed@example.ma"}, {Kind: account.MailResetRequest, Email: "typed@example.ma"}}
		for _, kind := range account.OperatorMails() {
			mailed = append(mailed, account.Mail{Kind: kind, Email: "amina@example.ma"})
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			for _, m := range mailed {
				m.CreatedAt = noon
				if err := tx.AddMail(ctx, m); err != nil {
					return err
				}
			}
			return tx.CreateChallenge(ctx, account.Challenge{Hash: "h", Kind: account.ConfirmEmail, UserID: u.ID, Email: "typed@example.ma", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)})
		})
		erases(t, s, u.ID)
		left, err := s.Mails(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []account.MailKind
		for _, m := range slices.Backward(left) {
			kinds = append(kinds, m.Kind)
		}
		if diff := cmp.Diff(append([]account.MailKind{account.MailResetRequest}, account.OperatorMails()...), kinds); diff != "" {
			t.Errorf("mails that are left (-want +got):\n%s", diff)
		}
	})
}

// TestErasureTakesWhatFormerAddressesGot, also when the mails to their owner are
// forgotten, which is a day after they were sent: a request that failed is kept for
// longer.
func TestErasureTakesWhatFormerAddressesGot(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u, stays := claiming(t, s, "amina", "amina@example.ma"), claiming(t, s, "zineb", "zineb@example.ma")
		for _, of := range []account.User{u, stays} {
			at := func(what string) string { return what + "." + of.Username + "@Example.ma" }
			write(t, s, func(ctx context.Context, tx *store.Store) error {
				for _, what := range []string{"undo", "recovery", "code", "notice"} {
					c := account.MailedCode{Hash: "nobodys" + at(what), Purpose: account.CodeReset, Email: at(what), EmailKey: account.EmailKey(at(what)), CreatedAt: noon}
					if err := errors.Join(tx.AddMail(ctx, account.Mail{Kind: account.MailResetRequest, Email: at(what), CreatedAt: noon}), tx.CreateCode(ctx, c)); err != nil {
						return err
					}
				}
				_, err := tx.CountNotice(ctx, of.ID, string(account.MailEmailNotice), account.EmailKey(at("notice")), noon, noon)
				return errors.Join(err,
					tx.CreateChallenge(ctx, account.Challenge{Hash: at("undo"), Kind: account.UndoEmail, UserID: of.ID, Email: at("undo"), CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}),
					tx.CreateRecovery(ctx, account.Recovery{ID: at("recovery"), UserID: of.ID, Email: at("recovery"), StartedAt: noon, ReadyAt: noon}),
					tx.CreateCode(ctx, account.MailedCode{Hash: "own" + at("code"), Purpose: account.CodeReset, UserID: of.ID, Email: at("code"), EmailKey: account.EmailKey(at("code")), CreatedAt: noon}))
			})
		}
		erases(t, s, u.ID)
		mails, err := s.Mails(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, of := range []string{"amina", "zineb"} {
			for _, what := range []string{"undo", "recovery", "code", "notice"} {
				email := what + "." + of + "@Example.ma"
				mailed := slices.ContainsFunc(mails, func(m account.Mail) bool { return m.Email == email })
				_, err := s.MailedCode(t.Context(), "nobodys"+email)
				if left := of == "zineb"; mailed != left || (err == nil) != left {
					t.Errorf("%s: mail %v, code %v; want both left: %v", email, mailed, err, left)
				}
			}
		}
	})
}

// erases closes an account and erases it.
func erases(t *testing.T, s *store.Store, id int64) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Store) error {
		if err := tx.CloseUser(ctx, id, noon); err != nil {
			return err
		}
		gone, err := tx.EraseUsers(ctx, []int64{id})
		if len(gone) != 1 {
			t.Errorf("erased %v", gone)
		}
		return err
	})
}
