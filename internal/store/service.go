package store

import (
	"context"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// CreateOAuthClient stores a service. It returns [ErrTaken] when there is one of
// this name.
func (s *Store) CreateOAuthClient(ctx context.Context, v account.OAuthClient) error {
	scopes := make([]string, len(v.Scopes))
	for i, scope := range v.Scopes {
		scopes[i] = string(scope)
	}
	_, err := s.exec(ctx, "create a service", `
		INSERT INTO services (id, name, secret_hash, audience, scopes, created_at, disabled_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		v.ID, v.Name, v.SecretHash, v.Audience, strings.Join(scopes, " "), v.CreatedAt.UTC(), nullTime(v.DisabledAt))
	return err
}

// OAuthClient returns the service with an id, or [ErrNotFound].
func (s *Store) OAuthClient(ctx context.Context, id string) (account.OAuthClient, error) {
	if !plainID(id) {
		return account.OAuthClient{}, ErrNotFound
	}
	return queryRow(ctx, s, "find a service", scanOAuthClient, `
		SELECT id, name, secret_hash, audience, scopes, created_at, disabled_at
		FROM services
		WHERE id = $1`, id)
}

// OAuthClients returns every service, by name.
func (s *Store) OAuthClients(ctx context.Context) ([]account.OAuthClient, error) {
	return queryAll(ctx, s, "list services", scanOAuthClient, `
		SELECT id, name, secret_hash, audience, scopes, created_at, disabled_at
		FROM services
		ORDER BY name`)
}

// DisableOAuthClient keeps a service, given by its id or its name, from asking
// again. It returns [ErrNotFound] when there is none that may.
func (s *Store) DisableOAuthClient(ctx context.Context, idOrName string, at time.Time) error {
	return s.execOne(ctx, "disable a service", `
		UPDATE services
		SET disabled_at = $1
		WHERE (id = $2 OR name = $2) AND disabled_at IS NULL`, at.UTC(), idOrName)
}

func scanOAuthClient(scan func(...any) error) (account.OAuthClient, error) {
	var (
		v      account.OAuthClient
		scopes string
	)
	err := scan(&v.ID, &v.Name, &v.SecretHash, &v.Audience, &scopes, asUTC(&v.CreatedAt), asUTC(&v.DisabledAt))
	for _, scope := range strings.Fields(scopes) {
		v.Scopes = append(v.Scopes, account.Scope(scope))
	}
	return v, err
}
