package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// What an administrator may get wrong about a service.
var (
	ErrServiceName   = errors.New("a service's name has 1 to 64 characters, without spaces at its ends")
	ErrServiceTaken  = errors.New("there is a service of this name already")
	ErrNoSuchService = errors.New("there is no such service, or it is disabled already")
)

// servicePrefix lets people and scanners of repositories see what a secret
// is for.
const servicePrefix = "yzs_"

// CreateOAuthClient makes a service and returns its secret, which is stored
// nowhere: only its hash is. A secret is changed by making another service
// and disabling the first.
func (s *Service) CreateOAuthClient(ctx context.Context, v account.OAuthClient) (account.OAuthClient, secret.Text, error) {
	if n := utf8.RuneCountInString(v.Name); n < 1 || n > 64 || strings.TrimSpace(v.Name) != v.Name || !utf8.ValidString(v.Name) || strings.ContainsFunc(v.Name, unicode.IsControl) {
		return account.OAuthClient{}, secret.Text{}, ErrServiceName
	}
	if strings.ContainsFunc(v.Audience, unicode.IsSpace) {
		return account.OAuthClient{}, secret.Text{}, fmt.Errorf("%q is no audience: it has a space in it", v.Audience)
	}
	for _, scope := range v.Scopes {
		if !slices.Contains(account.Scopes, scope) {
			return account.OAuthClient{}, secret.Text{}, fmt.Errorf("there is no scope %q; there are %v", scope, account.Scopes)
		}
	}
	if len(v.Scopes) == 0 {
		return account.OAuthClient{}, secret.Text{}, fmt.Errorf("a service needs a scope, of %v", account.Scopes)
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	plain := servicePrefix + base64.RawURLEncoding.EncodeToString(random[:])
	v.ID, v.SecretHash, v.CreatedAt = token.NewID(), serviceHash(plain), s.now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.CreateOAuthClient(ctx, v); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, s.audit.ByOperator(account.EventServiceCreated, account.EventDetails{Service: v.ID}, v.CreatedAt))
	})
	if errors.Is(err, store.ErrTaken) {
		err = ErrServiceTaken
	}
	if err != nil {
		return account.OAuthClient{}, secret.Text{}, err
	}
	return v, secret.NewText(plain), nil
}

// DisableOAuthClient ends what a service may do, at once. It is named by its id
// or its name.
func (s *Service) DisableOAuthClient(ctx context.Context, idOrName string) error {
	now := s.now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.DisableOAuthClient(ctx, idOrName, now); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, s.audit.ByOperator(account.EventServiceDisabled, account.EventDetails{Service: idOrName}, now))
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoSuchService
	}
	return err
}

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
	right := subtle.ConstantTimeCompare([]byte(serviceHash(plain.Reveal())), []byte(want)) == 1
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

// serviceHash is enough for a secret of 256 random bits: there is nothing to
// guess that a slow hash would protect.
func serviceHash(plain string) string {
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
