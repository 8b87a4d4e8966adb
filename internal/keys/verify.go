package keys

import (
	"context"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/token"
)

// Verify is [token.Tokens.Verify], after asking the database for the key of
// another server where the token names one that is not known here.
func (m *Manager) Verify(ctx context.Context, raw string, want token.Type, now time.Time) (token.Claims, error) {
	return m.verifyBy(ctx, raw, now, func() (token.Claims, error) { return m.tokens.Verify(raw, want, now) })
}

// VerifyEnded is Verify for a refresh token that may have expired.
func (m *Manager) VerifyEnded(ctx context.Context, raw string, now time.Time) (token.Claims, error) {
	return m.verifyBy(ctx, raw, now, func() (token.Claims, error) { return m.tokens.VerifyEnded(raw, token.Refresh, now) })
}

func (m *Manager) verifyBy(ctx context.Context, raw string, now time.Time, verify func() (token.Claims, error)) (token.Claims, error) {
	claims, err := verify()
	if errors.Is(err, account.ErrTokenInvalid) && !m.tokens.HasKey(raw) {
		reloaded, failed := m.reload(ctx, now)
		if failed != nil {
			return token.Claims{}, failed
		}
		if reloaded {
			return verify()
		}
	}
	return claims, err
}

// VerifyAny is Verify for a token of either type.
func (m *Manager) VerifyAny(ctx context.Context, raw string, now time.Time) (token.Claims, error) {
	claims, err := m.Verify(ctx, raw, token.Access, now)
	if errors.Is(err, account.ErrTokenWrongType) {
		return m.Verify(ctx, raw, token.Refresh, now)
	}
	return claims, err
}
