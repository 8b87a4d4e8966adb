package auth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// TestTokensOnDjangosBlacklistStayRefused: whatever they are shown to.
func TestTokensOnDjangosBlacklistStayRefused(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *server) {
		g := s.register(t, "amina")
		taken, good := djangoToken(t, s, token.Refresh, g.User.ID, "taken-back"), djangoToken(t, s, token.Refresh, g.User.ID, "good")
		write(t, s.store, func(_ context.Context, tx *store.Store) error {
			_, err := tx.RevokeTokens(t.Context(), []store.RevokedToken{{ID: "taken-back", ExpiresAt: s.clock.now().Add(time.Hour)}})
			return err
		})
		for name, show := range map[string]func(raw string) error{
			"refresh": func(raw string) error { _, err := s.refresh(t, raw); return err },
			"verify":  func(raw string) error { return s.VerifyToken(t.Context(), req, account.TextInput(raw)) },
		} {
			if err := show(taken); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%s: %v, want ErrTokenInvalid", name, err)
			}
		}
		if err := s.Logout(t.Context(), req, account.TextInput(taken)); err != nil {
			t.Errorf("logout: %v, but there is nothing to end", err)
		}
		if _, err := s.refresh(t, good); err != nil {
			t.Errorf("one that is not on it: %v", err)
		}
	}, accepting)
}
