package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestVoidedMailThatWentOutWasSent: somebody used its link, which voids it, before
// its delivery was noted. One that failed stays voided, and nobody else's lease
// notes anything.
func TestVoidedMailThatWentOutWasSent(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		u := account.User{Username: "amina", Email: "amina@example.ma", Active: true, JoinedAt: noon}
		write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.CreateUser(ctx, &u) })
		claimed := func() (m account.Mail) {
			t.Helper()
			write(t, s, func(ctx context.Context, tx *store.Store) error {
				if err := tx.AddMail(ctx, account.Mail{Kind: account.MailConfirmEmail, UserID: u.ID, Email: u.Email, CreatedAt: noon}); err != nil {
					return err
				}
				all, err := tx.ClaimMails(ctx, 1, "lease", noon, noon.Add(time.Hour))
				m = all[0]
				return err
			})
			return m
		}
		finish := func(m account.Mail, sentAt, dueAt time.Time, failure string) error {
			return s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
				return tx.FinishMail(ctx, m.ID, "lease", sentAt, dueAt, failure)
			})
		}
		void := func() {
			t.Helper()
			write(t, s, func(ctx context.Context, tx *store.Store) error {
				return tx.CancelMails(ctx, u.ID, account.MailConfirmEmail)
			})
		}
		sent := claimed()
		void()
		if err := finish(sent, noon, time.Time{}, ""); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a voided claim is finished: %v, want ErrNotFound", err)
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error { return tx.NoteSent(ctx, sent.ID, noon) })
		failed := claimed()
		void()
		if err := finish(failed, time.Time{}, noon.Add(time.Hour), "it was down"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("one that failed: %v, want ErrNotFound", err)
		}
		others := claimed()
		err := s.Tx(t.Context(), func(ctx context.Context, tx *store.Store) error {
			return errors.Join(tx.FinishMail(ctx, others.ID, "another", noon, time.Time{}, ""), tx.NoteSent(ctx, others.ID, noon))
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("one that nobody voided, by another lease: %v, want ErrNotFound", err)
		}
		mails, err := s.Mails(t.Context(), 10)
		if err != nil || len(mails) != 3 {
			t.Fatalf("%d mails; %v", len(mails), err)
		}
		for _, m := range mails {
			want := map[int64]string{sent.ID: "", failed.ID: account.MailUnwanted, others.ID: ""}[m.ID]
			if isSent := m.ID == sent.ID; m.Failure != want || m.SentAt.IsZero() == isSent || m.DueAt.IsZero() == (m.ID == others.ID) {
				t.Errorf("%+v", m)
			}
		}
	})
}
