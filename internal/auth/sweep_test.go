package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// closedUsers makes users who closed their account long ago, each with a
// session and two events.
func closedUsers(t *testing.T, s *authtest.Server, n int) {
	t.Helper()
	now := s.Clock.Now()
	long := now.AddDate(0, 0, -31)
	authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
		var events []account.Event
		for i := range n {
			u := account.User{Username: fmt.Sprint("left", i), PasswordHash: "!", Language: "fr", JoinedAt: long, PasswordAt: long, Active: true}
			if err := tx.CreateUser(ctx, &u); err != nil {
				return err
			}
			err := tx.CreateSession(ctx, account.Session{ID: fmt.Sprint("s", i), UserID: u.ID, CreatedAt: long, LastUsedAt: long, ExpiresAt: now.Add(time.Hour), RefreshAt: long})
			if err != nil {
				return err
			}
			if err := tx.CloseUser(ctx, u.ID, long); err != nil {
				return err
			}
			for range 2 {
				events = append(events, account.Event{
					At: long, Kind: account.EventLogin, Actor: account.ActorUser, EventPerson: account.EventPerson{UserID: u.ID, IP: "203.0.113.7"},
					Salt: []byte{1}, Commitment: []byte{2},
				})
			}
		}
		return tx.AddEvents(ctx, events)
	})
}

func sweepWithin(t *testing.T, s *authtest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	if err := s.App.Sweep(ctx, s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	t.Logf("swept in %v", time.Since(began))
}

// TestFarDatabaseForgetsWhoLeft: what costs there is the round trip, and a
// transaction has ten seconds. With some for each account 600 would take four
// minutes.
func TestFarDatabaseForgetsWhoLeft(t *testing.T) {
	t.Parallel()
	const people = 600
	url := storetest.Postgres(t)
	near := authtest.New(t, storetest.Open(t, url), authtest.EraseAfter30Days)
	closedUsers(t, near, people)
	far := authtest.New(t, storetest.Open(t, pgtest.Start(t).Far(t, url, 50*time.Millisecond)), authtest.EraseAfter30Days)
	sweepWithin(t, far)
	left, err := near.Store.Users(t.Context(), 0, 1)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is still there (%v)", left, err)
	}
	count := 0
	for _, e := range near.AllEvents(t) {
		switch {
		case e.UserID != 0 || e.IP != "" || e.Salt != nil:
			t.Fatalf("event %d is still somebody's", e.ID)
		case e.Kind == account.EventAccountErased && strings.Contains(e.Details, `"count":2`):
			count++
		}
	}
	if count != people {
		t.Errorf("%d accounts are noted as erased, with their two events, want %d", count, people)
	}
}

// TestSweepThatFailsKeepsNoOtherFromIt: here sessions cannot be deleted.
func TestSweepThatFailsKeepsNoOtherFromIt(t *testing.T) {
	t.Parallel()
	storetest.ForEachURL(t, func(t *testing.T, url string) {
		s := authtest.New(t, storetest.Open(t, url), authtest.EraseAfter30Days, authtest.KeepAYear)
		s.SignUp(t, "amina")
		s.SealAll(t)
		s.Clock.Advance(2 * 365 * 24 * time.Hour)
		closedUsers(t, s, 3)
		db := authtest.OpenSQL(t, url)
		// A session of amina's, who stays; the others go with their users.
		trigger := []string{`CREATE TRIGGER stuck BEFORE DELETE ON sessions WHEN OLD.user_id = 1 BEGIN SELECT RAISE(ABORT, 'stuck'); END`}
		if strings.HasPrefix(url, "postgres") {
			trigger = []string{
				`CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stuck'; END $$`,
				`CREATE TRIGGER stuck BEFORE DELETE ON sessions FOR EACH ROW WHEN (OLD.user_id = 1) EXECUTE FUNCTION stuck()`,
			}
		}
		authtest.Execute(t, db, trigger...)
		err := s.App.Sweep(t.Context(), s.Clock.Now())
		if err == nil || !strings.Contains(err.Error(), "delete sessions that have ended: delete sessions") || !strings.Contains(err.Error(), "stuck") {
			t.Errorf("got %v, want the name of the sweep that failed", err)
		}
		if kinds := s.EventKinds(t); kinds[account.EventAccountErased] != 3 || kinds[account.EventEventsRemoved] != 1 {
			t.Errorf("the sweeps after it: %v", kinds)
		}
	})
}

// TestErasureTakesAllThatOneAddressGot, also one that they had before, where two
// who share it leave at once, and nothing of who stays.
func TestErasureTakesAllThatOneAddressGot(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		mailed := func(email string) {
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
				return tx.AddMail(ctx, account.Mail{Kind: account.MailResetPassword, Email: email, Language: "fr", CreatedAt: s.Clock.Now()})
			})
		}
		one, two, three, stays := s.Claims(t, "one", "both@example.ma"), s.Claims(t, "two", "both@example.ma"), s.Claims(t, "three", "kept@example.ma"), s.Claims(t, "stays", "kept@example.ma")
		mailed("both@example.ma")
		mailed("kept@example.ma")
		for id, before := range map[int64]string{one.User.ID: "before@example.ma", stays.User.ID: "kept-before@example.ma"} {
			mailed(before)
			authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
				return tx.AddMail(ctx, account.Mail{Kind: account.MailEmailChanged, UserID: id, Email: before, Language: "fr", CreatedAt: s.Clock.Now()})
			})
		}
		long := s.Clock.Now().AddDate(0, 0, -31)
		authtest.Write(t, s.Store, func(ctx context.Context, tx *store.Store) error {
			for _, g := range []int64{one.User.ID, two.User.ID, three.User.ID} {
				if err := tx.CloseUser(ctx, g, long); err != nil {
					return err
				}
			}
			gone, err := tx.EraseUsers(ctx, []int64{one.User.ID, two.User.ID, three.User.ID, stays.User.ID, 999})
			if len(gone) != 3 {
				t.Errorf("erased %v, want those who had closed their account", gone)
			}
			return err
		})
		var left []string
		for _, m := range s.AllMails(t) {
			if m.UserID == 0 {
				left = append(left, m.Email)
			}
		}
		if want := []string{"kept@example.ma", "kept-before@example.ma"}; !slices.Equal(left, want) {
			t.Errorf("mails to nobody are left to %v, want %v", left, want)
		}
	})
}

// TestNobodyIsErasedWhileTheWayBackIsOpen, however soon closed accounts are
// erased: whoever took one must not have it erased while its owner can take it
// back.
func TestNobodyIsErasedWhileTheWayBackIsOpen(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		amina := s.Has(t, "amina", "amina@example.ma")
		s.Prove(t, amina)
		th := thief{s, t, smtp}
		th.moves(amina, "b@thief.example")
		if err := s.CloseAccount(t.Context(), th.CallerOf(t, amina), account.TextInput(authtest.PasswordOf("amina"))); err != nil {
			t.Fatal(err)
		}
		s.Deliver(t)
		s.Clock.Advance(3 * 24 * time.Hour)
		s.SweepAll(t)
		if _, err := s.Store.UserByUsername(t.Context(), "amina"); err != nil {
			t.Fatalf("erased after 3 days: %v", err)
		}
		s.Clock.Advance(5 * 24 * time.Hour)
		s.SweepAll(t)
		if _, err := s.Store.UserByUsername(t.Context(), "amina"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("not erased when the way back was over: %v", err)
		}
	}, func(o *app.Options, _ *token.Options) { o.EraseAfter = 24 * time.Hour })
}
