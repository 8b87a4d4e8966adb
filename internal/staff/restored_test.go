package staff_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/smtptest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// TestRestoredEndsWhatABackupBringsBack: all of it was good when the backup was
// made, and may have been taken back since.
func TestRestoredEndsWhatABackupBringsBack(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, smtp *smtptest.Server) {
		g := s.SignUp(t, "amina")
		s.Deliver(t)
		verify := authtest.WantTokens(t, smtp, account.VerifyEmail, 1)[0]
		adopted := authtest.DjangoToken(t, s, token.Refresh, g.User.ID, "adopted")
		if _, err := s.Renew(t, adopted); err != nil {
			t.Fatal(err)
		}
		waiting := authtest.DjangoToken(t, s, token.Refresh, g.User.ID, "not-seen-yet")
		access := authtest.DjangoToken(t, s, token.Access, g.User.ID, "access")
		undated := undatedToken(t, s, g.User.ID)
		for _, raw := range []string{access, undated} {
			if _, err := s.Authenticate(t.Context(), raw); err != nil {
				t.Fatal(err)
			}
		}
		s.AskReset(t, "amina@example.ma") // a mail that waits
		if _, _, err := s.Staff.CreateOAuthClient(t.Context(), account.OAuthClient{Name: "orders", Scopes: []account.Scope{account.ScopeIntrospect}}); err != nil {
			t.Fatal(err)
		}
		s.SealAll(t)
		before := s.Verified(t, store.EventHead{}).Head
		s.Clock.Advance(time.Second)

		r, err := s.Staff.Restored(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if r.Sessions != 2 || r.Keys != 2 || r.Links != 1 || r.Mails != 1 || r.NextID != g.User.ID+1001 || len(r.Services) != 1 || r.Services[0].Name != "orders" {
			t.Errorf("%+v", r)
		}
		if err := s.Keys.Load(t.Context()); err != nil { // as the next start does
			t.Fatal(err)
		}
		for name, raw := range map[string]string{"access": g.Access, "Django's access": access, "Django's without a date": undated} {
			if _, err := s.Authenticate(t.Context(), raw); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, raw := range map[string]string{"refresh": g.Refresh, "adopted": adopted, "not adopted": waiting} {
			if _, err := s.Renew(t, raw); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := s.VerifyEmail(t.Context(), authtest.Req, verify); !cmp.Equal(authtest.FieldKeys(err), map[string][]string{"token": {"challenge_used"}}) {
			t.Errorf("a link of before: %v", err)
		}
		s.Clock.Advance(time.Hour)
		sent := len(smtp.Messages())
		s.Deliver(t)
		if got := len(smtp.Messages()); got != sent {
			t.Errorf("%d mails went out that had waited", got-sent)
		}
		// What comes after it is as ever.
		if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
			t.Errorf("login: %v", err)
		}
		if u := s.SignUp(t, "badr").User; u.ID != r.NextID {
			t.Errorf("the next user has the id %d, want %d", u.ID, r.NextID)
		}
		if _, err := s.Authenticate(t.Context(), authtest.DjangoToken(t, s, token.Access, g.User.ID, "later")); err != nil {
			t.Errorf("a token that Django issued later: %v", err)
		}
		s.SealAll(t)
		s.Verified(t, before)
		if n := s.EventKinds(t)[account.EventDatabaseRestored]; n != 1 {
			t.Errorf("%d events", n)
		}
		again, err := s.Staff.Restored(t.Context(), 1000)
		if err != nil || again.NextID != r.NextID+1001 || again.Keys != 2 {
			t.Errorf("again: %+v, %v", again, err)
		}
		if err := s.Keys.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(t, "amina", authtest.Good); err != nil {
			t.Errorf("login after the second time: %v", err)
		}
	}, authtest.Accepting)
}

// TestRestoredForgetsDevices: their secret may have been rotated because it
// leaked.
// TestSecondRestoreByAClockSetBack ends no less than the first did.
func TestSecondRestoreByAClockSetBack(t *testing.T) {
	t.Parallel()
	authtest.ForEachPost(t, func(t *testing.T, s *authtest.Server, _ *smtptest.Server) {
		g := s.SignUp(t, "amina")
		access := authtest.DjangoToken(t, s, token.Access, g.User.ID, "access")
		s.Clock.Advance(time.Minute)
		var last time.Time
		for range 2 {
			if _, err := s.Staff.Restored(t.Context(), 1000); err != nil {
				t.Fatal(err)
			}
			at, err := s.Store.RestoredAt(t.Context())
			if err != nil || !at.After(last) {
				t.Errorf("restored at %v after %v: %v", at, last, err)
			}
			last = at
			s.Clock.Advance(-time.Hour)
		}
		s.Clock.Advance(2 * time.Hour)
		if err := s.Keys.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("Django's token: %v", err)
		}
	})
}

func TestRestoredForgetsDevices(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		device := s.OnDevice(t, "amina")
		if _, err := s.Staff.Restored(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		for _, load := range []func(context.Context) error{s.Keys.Load, s.Guard.LoadSecret} { // as every server does
			if err := load(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if s.Knows(t, "amina", device) {
			t.Error("the device is known")
		}
	}, authtest.Limited)
}

// TestRestoredTakesSealedKeysThatNobodyCanOpen: the backup's encryption key
// may be lost, too.
func TestRestoredTakesSealedKeysThatNobodyCanOpen(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		s.SignUp(t, "amina")
		other := authtest.Unloaded(t, s.Store, authtest.Sealing(t, 2, 0))
		if err := other.Keys.Load(t.Context()); err == nil {
			t.Fatal("keys of another encryption key were read")
		}
		if _, err := other.Staff.Restored(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(other.Keys.Load(t.Context()), other.Guard.LoadSecret(t.Context())); err != nil {
			t.Fatal(err)
		}
		if _, err := other.SignIn(t, "amina", authtest.Good); err != nil {
			t.Error(err)
		}
	}, authtest.Sealing(t, 1, 0), func(o *app.Options, _ *token.Options) { o.Staff = "root" })
}

// undatedToken is one of Django's without a date of issue.
func undatedToken(t *testing.T, s *authtest.Server, userID int64) string {
	t.Helper()
	raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"token_type": "access", "exp": s.Clock.Now().Add(time.Hour).Unix(), "jti": "undated", "user_id": userID,
	}).SignedString([]byte(authtest.DjangoSecret))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
