package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
)

// AuthenticateOAuthClient returns the service of an id and its secret, and counts
// the request for it. The error is [account.ErrServiceUnknown], whatever is
// wrong, or [account.ThrottledFor]: for a network that was refused too often,
// which does not keep services there from asking, and for a service that asks
// too often. It takes the same time whether or not the service exists.
func (s *Service) AuthenticateOAuthClient(ctx context.Context, req account.RequestInfo, id string, plain secret.Text) (account.OAuthClient, error) {
	asked := id
	if !serviceID(id) {
		asked = nobodysID // not anything to the database: PostgreSQL refuses some texts
	}
	v, err := s.store.OAuthClient(ctx, asked)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return account.OAuthClient{}, err
	}
	known := err == nil
	want := v.SecretHash
	if !known {
		want = nobodysHash
	}
	right := subtle.ConstantTimeCompare([]byte(HashOAuthSecret(plain.Reveal())), []byte(want)) == 1
	if !right || !known || !v.DisabledAt.IsZero() {
		return account.OAuthClient{}, s.refuseService(ctx, req)
	}
	if err := s.guard.Allow(ctx, guard.AskPerService, v.ID); err != nil {
		return account.OAuthClient{}, err
	}
	return v, nil
}

func (s *Service) refuseService(ctx context.Context, req account.RequestInfo) error {
	if err := s.guard.AllowRequest(ctx, guard.RefusedPerNetwork, req); err != nil {
		return err
	}
	return account.ErrServiceUnknown
}

// HashOAuthSecret is enough for a secret of 256 random bits: there is nothing to
// guess that a slow hash would protect.
func HashOAuthSecret(plain string) string {
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}

// A service that there is not.
const (
	nobodysID   = "00000000000000000000000000000000"
	nobodysHash = "0000000000000000000000000000000000000000000000000000000000000000"
)

func serviceID(id string) bool {
	return len(id) == len(nobodysID) && strings.Trim(id, "0123456789abcdef") == ""
}
