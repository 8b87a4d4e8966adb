package auth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/authtest"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// TestTokensOnDjangosBlacklistStayRefused: whatever they are shown to.
func TestTokensOnDjangosBlacklistStayRefused(t *testing.T) {
	t.Parallel()
	authtest.ForEachEngine(t, func(t *testing.T, s *authtest.Server) {
		g := s.SignUp(t, "amina")
		taken, good := authtest.DjangoToken(t, s, token.Refresh, g.User.ID, "taken-back"), authtest.DjangoToken(t, s, token.Refresh, g.User.ID, "good")
		authtest.Write(t, s.Store, func(_ context.Context, tx *store.Store) error {
			_, err := tx.RevokeTokens(t.Context(), []store.RevokedToken{{ID: "taken-back", ExpiresAt: s.Clock.Now().Add(time.Hour)}})
			return err
		})
		for name, show := range map[string]func(raw string) error{
			"refresh": func(raw string) error { _, err := s.Renew(t, raw); return err },
			"verify":  func(raw string) error { return s.VerifyToken(t.Context(), authtest.Req, account.TextInput(raw)) },
		} {
			if err := show(taken); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%s: %v, want ErrTokenInvalid", name, err)
			}
		}
		if err := s.Logout(t.Context(), authtest.Req, account.TextInput(taken)); err != nil {
			t.Errorf("logout: %v, but there is nothing to end", err)
		}
		if _, err := s.Renew(t, good); err != nil {
			t.Errorf("one that is not on it: %v", err)
		}
	}, authtest.Accepting)
}
