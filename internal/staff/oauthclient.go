package staff

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// What an administrator may get wrong about a service.
var (
	ErrServiceName     = errors.New("a service's name has 1 to 64 characters, without spaces at its ends")
	ErrServiceTaken    = errors.New("there is a service of this name already")
	ErrServiceAudience = errors.New("no audience has a space or a control character in it")
	ErrNoSuchService   = errors.New("there is no such service, or it is disabled already")
)

// servicePrefix lets people and scanners of repositories see what a secret
// is for.
const servicePrefix = "yzs_"

// OAuthClients returns every service, by name. What opens it is not there.
func (s *Service) OAuthClients(ctx context.Context) ([]account.OAuthClient, error) {
	return s.store.OAuthClients(ctx)
}

// OAuthClient returns one, or [account.ErrNotFound].
func (s *Service) OAuthClient(ctx context.Context, id string) (account.OAuthClient, error) {
	v, err := s.store.OAuthClient(ctx, id)
	return v, asNotFound(err)
}

// CreateOAuthClient makes a service and returns its secret, which is stored
// nowhere: only its hash is. A secret is changed by making another service
// and disabling the first.
func (s *Service) CreateOAuthClient(ctx context.Context, v account.OAuthClient) (account.OAuthClient, secret.Text, error) {
	if n := utf8.RuneCountInString(v.Name); n < 1 || n > 64 || strings.TrimSpace(v.Name) != v.Name || !utf8.ValidString(v.Name) || strings.ContainsFunc(v.Name, unicode.IsControl) {
		return account.OAuthClient{}, secret.Text{}, ErrServiceName
	}
	if !utf8.ValidString(v.Audience) || strings.ContainsFunc(v.Audience, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		return account.OAuthClient{}, secret.Text{}, fmt.Errorf("%q: %w", v.Audience, ErrServiceAudience)
	}
	for _, scope := range v.Scopes {
		if !slices.Contains(account.Scopes, scope) {
			return account.OAuthClient{}, secret.Text{}, fmt.Errorf("there is no scope %q; there are %v", scope, account.Scopes)
		}
	}
	if len(v.Scopes) == 0 {
		return account.OAuthClient{}, secret.Text{}, fmt.Errorf("a service needs a scope, of %v", account.Scopes)
	}
	plain := servicePrefix + auth.RandomToken()
	v.ID, v.SecretHash, v.CreatedAt = token.NewID(), auth.HashOAuthSecret(plain), s.now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		if err := tx.CreateOAuthClient(ctx, v); err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, s.byOperator(account.EventServiceCreated, account.EventDetails{Service: v.ID}, v.CreatedAt))
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
		return s.audit.Record(ctx, tx, s.byOperator(account.EventServiceDisabled, account.EventDetails{Service: idOrName}, now))
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoSuchService
	}
	return err
}
