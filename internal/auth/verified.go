package auth

import (
	"context"
	"errors"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/store"
)

// AlreadyVerified reports whether a verification link that cannot be used (any
// more) has nothing left to do: its address is the account's, and verified.
// Whoever has the link reads that mailbox, and learns nothing else.
func (s *Service) AlreadyVerified(ctx context.Context, raw string) (bool, error) {
	c, err := s.store.Challenge(ctx, account.VerifyEmail, challengeHash(raw))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	u, err := s.store.UserByID(ctx, c.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return u.Active && !u.EmailVerifiedAt.IsZero() && account.EmailKey(u.Email) == account.EmailKey(c.Email), err
}
