package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/token"
)

// shortRefresh has refresh tokens that end before the access tokens that
// come with them, as those of a session's last hour do.
func shortRefresh(_ *app.Options, t *token.Options) {
	t.RefreshLifetime = 30 * time.Minute
}

// TestASessionIsThereAsLongAsATokenOfItIsGood: in the list, in the count, and
// to be ended.
func TestASessionIsThereAsLongAsATokenOfItIsGood(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		caller := s.CallerOf(t, g)
		s.Clock.Advance(31 * time.Minute)
		if _, err := s.Renew(t, g.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
			t.Fatalf("the refresh token is still good: %v", err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
			t.Fatal(err)
		}
		if n := s.SessionCount(t, caller); n != 1 {
			t.Errorf("%d sessions, want 1: its access token is good", n)
		}
		other, err := s.SignIn(t, "amina", authtest.Good)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.EndSession(t.Context(), s.CallerOf(t, other), caller.SessionID); err != nil {
			t.Errorf("end it: %v", err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("after its end: %v", err)
		}
		s.Clock.Advance(59 * time.Minute) // the other's refresh token ended, too
		if n := s.SessionCount(t, s.CallerOf(t, other)); n != 1 {
			t.Errorf("%d sessions, want the other one", n)
		}
		s.Clock.Advance(time.Minute)
		if n := s.SessionCount(t, caller); n != 0 {
			t.Errorf("%d sessions, but no token is good", n)
		}
		id, _ := s.Store.Sessions(t.Context(), g.User.ID, 100)
		for _, sess := range id {
			if err := s.EndSession(t.Context(), caller, sess.ID); !errors.Is(err, account.ErrNotFound) {
				t.Errorf("end one that is over: %v, want ErrNotFound", err)
			}
		}
	}, shortRefresh)
}

// TestALateRenewalKeepsTheSessionInTheList: to the second until its access
// token ends.
func TestALateRenewalKeepsTheSessionInTheList(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]authtest.Setting{"": nil, "with rotation": {authtest.Rotation}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
				caller := s.CallerOf(t, s.SignUp(t, "amina"))
				g, err := s.SignIn(t, "amina", authtest.Good)
				if err != nil {
					t.Fatal(err)
				}
				raw := g.Refresh
				for _, d := range []time.Duration{23*time.Hour + 50*time.Minute, 2 * time.Minute, 3*time.Minute + 700*time.Millisecond} {
					s.Clock.Advance(d)
					if _, err = s.Renew(t, raw); err != nil {
						t.Fatal(err)
					}
				}
				last, err := s.Renew(t, raw) // issued at 23:55:00 of the session
				if err != nil {
					t.Fatal(err)
				}
				end := s.Clock.Now().Truncate(time.Second).Add(time.Hour)
				s.Clock.Advance(end.Add(-time.Millisecond).Sub(s.Clock.Now()))
				if n := s.SessionCount(t, caller); n != 1 {
					t.Errorf("%d sessions just before its end, want 1", n)
				}
				if _, err := s.Authenticate(t.Context(), last.Access); err != nil {
					t.Errorf("just before its end: %v", err)
				}
				s.Clock.Advance(time.Millisecond)
				if _, err := s.Authenticate(t.Context(), last.Access); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("at its end: %v", err)
				}
				want := 0
				if len(settings) > 0 {
					want = 1 // its refresh token is as young as the last exchange
				}
				if n := s.SessionCount(t, caller); n != want {
					t.Errorf("%d sessions at its end, want %d", n, want)
				}
			}, settings...)
		})
	}
}

// TestLogoutByARefreshTokenThatEnded: the next person at the screen must not
// be in for as long as the access token lives.
func TestLogoutByARefreshTokenThatEnded(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g, other := s.SignUp(t, "amina"), s.SignUp(t, "nadia")
		s.Clock.Advance(31 * time.Minute)
		if err := s.Logout(t.Context(), authtest.Req, account.TextInput(g.Refresh)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), g.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("after the logout: %v", err)
		}
		if _, err := s.Authenticate(t.Context(), other.Access); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		service := &account.OAuthClient{ID: "orders", Scopes: []account.Scope{account.ScopeRevoke}}
		if err := s.RevokeToken(t.Context(), authtest.Req, service, account.TextInput(other.Refresh)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), other.Access); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("after a service revoked the token: %v", err)
		}
	}, shortRefresh)
}

// TestLogoutOfASessionThatIsOver is no error: there is nothing to end, and a
// client that takes 401 for "renew" would never come to an end. A token that
// is none stays an error.
func TestLogoutOfASessionThatIsOver(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		logout := func(raw string) error { return s.Logout(t.Context(), authtest.Req, account.TextInput(raw)) }
		twice, all, disabled, closed, old := s.SignUp(t, "twice"), s.SignUp(t, "all"), s.SignUp(t, "disabled"), s.SignUp(t, "closed"), s.SignUp(t, "old")
		if err := logout(twice.Refresh); err != nil {
			t.Fatal(err)
		}
		if err := s.LogoutAll(t.Context(), s.CallerOf(t, all)); err != nil {
			t.Fatal(err)
		}
		if err := s.Staff.Disable(t.Context(), s.IDOf(t, "disabled"), ""); err != nil {
			t.Fatal(err)
		}
		if err := s.CloseAccount(t.Context(), s.CallerOf(t, closed), account.TextInput(authtest.Good)); err != nil {
			t.Fatal(err)
		}
		authtest.Write(t, s.Store, func(_ context.Context, tx *store.Store) error {
			return tx.RevokeSessions(t.Context(), old.User.ID, "", s.Clock.Now())
		})
		for name, raw := range map[string]string{
			"logged out": twice.Refresh, "logged out everywhere": all.Refresh, "disabled": disabled.Refresh, "closed": closed.Refresh, "old": old.Refresh,
			"Django's, of nobody": authtest.DjangoToken(t, s, token.Refresh, 404, "a"), "Django's, disabled": authtest.DjangoToken(t, s, token.Refresh, disabled.User.ID, "b"),
			"Django's, before a logout everywhere": authtest.DjangoToken(t, s, token.Refresh, all.User.ID, "c"),
		} {
			if err := logout(raw); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.Clock.Advance(50 * time.Hour)
		if err := s.App.Sweep(t.Context(), s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		if err := logout(old.Refresh); err != nil {
			t.Errorf("forgotten: %v", err)
		}
		late := authtest.DjangoToken(t, s, token.Refresh, old.User.ID, "d")
		s.Clock.Advance(48 * time.Hour)
		if err := logout(late); err != nil {
			t.Errorf("Django's, expired: %v", err)
		}
		if list, err := s.Store.Sessions(t.Context(), old.User.ID, 100); err != nil || len(list) != 0 {
			t.Errorf("a session was opened to be ended: %+v, %v", list, err)
		}
		g := s.SignUp(t, "good")
		for name, raw := range map[string]string{
			"access token": g.Access, "junk": "junk", "tampered": g.Refresh[:len(g.Refresh)-4] + "AAAA", "none": "a.b.c",
			"of another server": authtest.New(t, s.Store, authtest.HS256).SignUp(t, "foreign").Refresh,
		} {
			if err := logout(raw); !refusedToken(err) {
				t.Errorf("%s: %v, want an error about the token", name, err)
			}
		}
		if _, err := s.Authenticate(t.Context(), g.Access); err != nil {
			t.Errorf("the session ended: %v", err)
		}
	}, authtest.Accepting)
}

func refusedToken(err error) bool {
	return errors.Is(err, account.ErrTokenInvalid) || errors.Is(err, account.ErrTokenWrongType)
}

// TestSessionsLieInTheOrderOfTime: their ids grow with it, and nobody can say
// the next.
func TestSessionsLieInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	s := authtest.New(t, storetest.Open(t, storetest.SQLite(t)))
	last, tails := "", map[string]bool{}
	for i := range 20 {
		g := s.SignUp(t, fmt.Sprint("user", i))
		id := g.Claims.SessionID
		if begins := fmt.Sprintf("%012x", s.Clock.Now().UnixMilli()); len(id) != 32 || !strings.HasPrefix(id, begins) || id <= last {
			t.Errorf("id %s after %s, want 32 digits that begin with %s", id, last, begins)
		}
		tails[id[12:]] = true
		last = id
		s.Clock.Advance(time.Millisecond)
	}
	if len(tails) != 20 {
		t.Errorf("%d of 20 random parts are new", len(tails))
	}
}
