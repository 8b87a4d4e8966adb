package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/authtest"
	tokens "github.com/yoozak/clients/internal/token"
)

// aged lets a session live for three days.
func aged(o *app.Options, _ *tokens.Options) { o.SessionMaxAge = 3 * 24 * time.Hour }

// TestSessionEndsOfAge however often it is renewed, and whatever its user showed
// since; no token of it outlasts that.
func TestSessionEndsOfAge(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		end := s.Clock.Now().Truncate(time.Second).Add(3 * 24 * time.Hour)
		pair := auth.TokenPair{Access: g.Access, Refresh: g.Refresh}
		for s.Clock.Now().Add(5 * time.Hour).Before(end) {
			s.Clock.Advance(5 * time.Hour)
			var err error
			if pair, err = s.Renew(t, pair.Refresh); err != nil {
				t.Fatalf("at %v: %v", s.Clock.Now(), err)
			}
			for typ, raw := range map[tokens.Type]string{tokens.Access: pair.Access, tokens.Refresh: pair.Refresh} {
				c, err := s.Tokens.Verify(raw, typ, s.Clock.Now())
				if err != nil || c.ExpiresAt.After(end) {
					t.Errorf("%s token until %v, the session until %v; %v", typ, c.ExpiresAt, end, err)
				}
			}
			caller, err := s.Authenticate(t.Context(), pair.Access)
			if err != nil {
				t.Fatal(err)
			}
			proved, err := s.Confirm(t.Context(), caller, auth.Proof{Password: account.TextInput(authtest.Good)})
			if err != nil {
				t.Fatal(err)
			}
			pair = proved
		}
		s.Clock.Advance(end.Sub(s.Clock.Now()) - time.Second)
		pair, err := s.Renew(t, pair.Refresh)
		if err != nil {
			t.Fatalf("a second before the end: %v", err)
		}
		if list, err := s.Sessions(t.Context(), s.CallerOf(t, auth.LoginResult{Access: pair.Access})); err != nil || len(list) != 1 || !list[0].ExpiresAt.Equal(end) {
			t.Errorf("%+v, %v; want one until %v", list, err, end)
		}
		s.Clock.Advance(time.Second)
		if _, err := s.Authenticate(t.Context(), pair.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("access token at the end: %v", err)
		}
		if _, err := s.Renew(t, pair.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("refresh token at the end: %v", err)
		}
	}, authtest.Rotation, aged)
}

// TestAgeHoldsForOlderSessions: those that were opened before it was set.
func TestAgeHoldsForOlderSessions(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, before *authtest.Server) {
		g := before.SignUp(t, "amina")
		s := authtest.New(t, before.Store, func(o *app.Options, to *tokens.Options) {
			o.SessionMaxAge, to.AccessLifetime = time.Hour, 24*time.Hour
		})
		s.Clock.Advance(30 * time.Minute)
		if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(30 * time.Minute)
		if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("access token: %v", err)
		}
		if _, err := s.Renew(t, g.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("refresh token: %v", err)
		}
	}, func(_ *app.Options, to *tokens.Options) { to.AccessLifetime = 24 * time.Hour })
}

func TestPasswordIsLongEnoughWithoutTheHouse(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		for plain, want := range map[string]string{
			"yoozak2026":                "password_too_short",
			"kV7#pazouk-42l":            "password_too_short",
			"kV7#pazouk-42le":           "",
			"Y00z@k-2026-tagine":        "password_of_house",
			"yoozak-shop-2026-x":        "password_of_house",
			"a-yoozak-tagine-rouge-vif": "",
		} {
			r := authtest.Registration("amina")
			r.Password = account.TextInput(plain)
			_, err := s.Accounts.NewUser(t.Context(), authtest.Req, r)
			got := ""
			if keys := authtest.FieldKeys(err)["password"]; len(keys) > 0 {
				got = keys[0]
			}
			if got != want {
				t.Errorf("%q: %q, want %q (%v)", plain, got, want, err)
			}
		}
		if n := s.PasswordMin(); n != 15 {
			t.Errorf("the page says %d", n)
		}
	}, func(o *app.Options, _ *tokens.Options) { o.PasswordMin, o.HouseWords = 15, []string{"yoozak", "shop"} })
}
