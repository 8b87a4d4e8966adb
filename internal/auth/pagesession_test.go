package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
)

// TestCallerByRefresh: a page knows people by a refresh token, as long as its
// session is open and no other took its place; looking exchanges nothing.
func TestCallerByRefresh(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]authtest.Setting{"": nil, "with rotation": {authtest.Rotation}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
				ask := func(raw string) error {
					_, err := s.CallerByRefresh(t.Context(), authtest.Req, raw)
					return err
				}
				g := s.SignUp(t, "amina")
				for range 3 {
					c, err := s.CallerByRefresh(t.Context(), authtest.Req, g.Refresh)
					if err != nil || c.User.Username != "amina" || c.AMR != account.AMRPassword || c.ProvedAt.IsZero() || c.SessionID == "" || c.Request != authtest.Req {
						t.Fatalf("%+v, %v", c, err)
					}
					s.Clock.Advance(10 * time.Minute)
				}
				if err := ask(g.Access); !errors.Is(err, account.ErrTokenWrongType) {
					t.Errorf("an access token: %v", err)
				}
				if err := ask("x"); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("nonsense: %v", err)
				}
				pair, err := s.Renew(t, g.Refresh)
				if err != nil {
					t.Fatal(err)
				}
				if newest := pair.Refresh; newest != "" {
					s.Clock.Advance(time.Hour)
					if err := ask(g.Refresh); err != nil { // the answer may have been lost
						t.Errorf("the one before, while the newest was not seen: %v", err)
					}
					if err := ask(newest); err != nil {
						t.Error(err)
					}
					s.Clock.Advance(time.Hour)
					if err := ask(g.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
						t.Errorf("the one before, after the newest was seen: %v", err)
					}
					if err := ask(newest); !errors.Is(err, account.ErrTokenInvalid) { // two hold the session
						t.Errorf("after that: %v", err)
					}
				}
				g = s.SignUp(t, "omar")
				if err := s.Logout(t.Context(), authtest.Req, account.TextInput(g.Refresh)); err != nil {
					t.Fatal(err)
				}
				if err := ask(g.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("after the logout: %v", err)
				}
				g = s.SignUp(t, "nadia")
				s.Clock.Advance(25 * time.Hour)
				if err := ask(g.Refresh); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("after its end: %v", err)
				}
			}, settings...)
		})
	}
}

// TestWhatCanBeShown is told to pages as it is to clients.
func TestWhatCanBeShown(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		caller := s.CallerOf(t, g)
		check := func(want ...string) {
			t.Helper()
			got, err := s.ConfirmMethods(t.Context(), caller)
			if err != nil || cmp.Diff(want, got) != "" {
				t.Errorf("%v, %v; want %v", got, err, want)
			}
		}
		check(account.MethodPassword)
		if err := s.Proved(t.Context(), caller); err != nil {
			t.Errorf("just after the login: %v", err)
		}
		s.AddTOTP(t, g.User.ID)
		check(string(account.TOTP))
		s.Clock.Advance(6 * time.Minute)
		var e *account.Error
		if err := s.Proved(t.Context(), s.CallerOf(t, g)); !errors.Is(err, account.ErrConfirmRequired) || !errors.As(err, &e) || cmp.Diff([]string{string(account.TOTP)}, e.Methods) != "" {
			t.Errorf("later: %v", err)
		}
		_, err := s.SignIn(t, "amina", authtest.Good)
		if !errors.As(err, &e) || !errors.Is(err, account.ErrSecondFactor) {
			t.Fatal(err)
		}
		challenge, want := e.Challenge, e.Methods
		for range 20 { // it is no try
			methods, err := s.SecondMethods(t.Context(), authtest.Req, challenge)
			if err != nil || cmp.Diff(want, methods) != "" {
				t.Fatalf("%v, %v", methods, err)
			}
		}
		for raw, key := range map[string]string{"x": "login_invalid", g.Refresh: "login_invalid"} {
			_, err := s.SecondMethods(t.Context(), authtest.Req, raw)
			if !errors.As(err, &e) || len(e.Fields["challenge"]) != 1 || e.Fields["challenge"][0].Key != key {
				t.Errorf("%v, want %s", err, key)
			}
		}
		s.Clock.Advance(6 * time.Minute)
		if _, err := s.SecondMethods(t.Context(), authtest.Req, challenge); !errors.As(err, &e) || len(e.Fields["challenge"]) != 1 || e.Fields["challenge"][0].Key != "login_expired" {
			t.Errorf("an old one: %v", err)
		}
	})
}
