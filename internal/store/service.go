package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// CreateService stores a service. It returns [ErrTaken] when there is one of
// this name.
func (s *Store) CreateService(ctx context.Context, v account.Service) error {
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

// Service returns the service with an id, or [ErrNotFound].
func (s *Store) Service(ctx context.Context, id string) (account.Service, error) {
	return row(ctx, s, "find a service", scanService, `
		SELECT id, name, secret_hash, audience, scopes, created_at, disabled_at
		FROM services
		WHERE id = $1`, id)
}

// Services returns every service, by name.
func (s *Store) Services(ctx context.Context) ([]account.Service, error) {
	return list(ctx, s, "list services", scanService, `
		SELECT id, name, secret_hash, audience, scopes, created_at, disabled_at
		FROM services
		ORDER BY name`)
}

// DisableService keeps a service, given by its id or its name, from asking
// again. It returns [ErrNotFound] when there is none that may.
func (s *Store) DisableService(ctx context.Context, idOrName string, at time.Time) error {
	return s.execOne(ctx, "disable a service", `
		UPDATE services
		SET disabled_at = $1
		WHERE (id = $2 OR name = $2) AND disabled_at IS NULL`, at.UTC(), idOrName)
}

func scanService(scan func(...any) error) (account.Service, error) {
	var (
		v        account.Service
		scopes   string
		disabled sql.NullTime
	)
	err := scan(&v.ID, &v.Name, &v.SecretHash, &v.Audience, &scopes, &v.CreatedAt, &disabled)
	for _, scope := range strings.Fields(scopes) {
		v.Scopes = append(v.Scopes, account.Scope(scope))
	}
	v.CreatedAt, v.DisabledAt = v.CreatedAt.UTC(), utc(disabled)
	return v, err
}
