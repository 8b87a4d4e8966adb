package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestWhatWaitsIsCounted, and since when.
func TestWhatWaitsIsCounted(t *testing.T) {
	t.Parallel()
	storetest.ForEachEngine(t, func(t *testing.T, s *store.Store) {
		look := func() (mails, events store.Waiting) {
			t.Helper()
			mails, err := s.MailsWaiting(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if events, err = s.EventsWaiting(t.Context()); err != nil {
				t.Fatal(err)
			}
			return mails, events
		}
		if mails, events := look(); mails != (store.Waiting{}) || events != (store.Waiting{}) {
			t.Errorf("in a new database %+v, %+v", mails, events)
		}
		write(t, s, func(ctx context.Context, tx *store.Store) error {
			for i, key := range []string{"", "", "quota"} {
				at := noon.Add(time.Duration(i) * time.Minute)
				if err := tx.AddMail(ctx, account.Mail{Kind: account.MailResetRequest, Email: "a@example.ma", CreatedAt: at, DelayKey: key}); err != nil {
					return err
				}
				if err := tx.AddEvent(ctx, account.Event{At: at, Kind: account.EventLogin, Actor: account.ActorUser, Commitment: []byte{1}}); err != nil {
					return err
				}
			}
			return nil
		})
		mails, events := look()
		if mails.Count != 2 || !mails.Oldest.Equal(noon) || events.Count != 3 || !events.Oldest.Equal(noon) {
			t.Errorf("%+v, %+v", mails, events)
		}
	})
}
