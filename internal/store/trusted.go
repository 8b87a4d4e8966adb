package store

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const trustedColumns = `id, user_id, hash, factors, created_at, expires_at, last_used_at, ip, user_agent`

func scanTrusted(scan func(...any) error) (account.TrustedDevice, error) {
	var d account.TrustedDevice
	err := scan(&d.ID, &d.UserID, &d.Hash, &d.Factors, asUTC(&d.CreatedAt), asUTC(&d.ExpiresAt), asUTC(&d.LastUsedAt), &d.IP, &d.UserAgent)
	return d, err
}

// CreateTrustedDevice stores a trusted device.
func (s *Store) CreateTrustedDevice(ctx context.Context, d account.TrustedDevice) error {
	_, err := s.exec(ctx, "create a trusted device", `
		INSERT INTO trusted_devices (`+trustedColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		d.ID, d.UserID, d.Hash, d.Factors, d.CreatedAt.UTC(), d.ExpiresAt.UTC(), nullTime(d.LastUsedAt), d.IP, d.UserAgent)
	return err
}

// UseTrustedDevice notes the use of a user's trusted device, which has a hash
// and was trusted with these factors, and returns its id. It returns
// [ErrNotFound] when there is none, or its time is over.
func (s *Store) UseTrustedDevice(ctx context.Context, userID int64, hash, factors string, at time.Time) (id string, err error) {
	return queryValue[string](ctx, s, "use a trusted device", `
		UPDATE trusted_devices
		SET last_used_at = $1
		WHERE hash = $2 AND user_id = $3 AND factors = $4 AND expires_at > $1
		RETURNING id`, at.UTC(), hash, userID, factors)
}

// TrustedDevices returns a user's trusted devices, the newest first, also
// those that are trusted no more. There are few.
func (s *Store) TrustedDevices(ctx context.Context, userID int64) ([]account.TrustedDevice, error) {
	return queryAll(ctx, s, "list trusted devices", scanTrusted, `
		SELECT `+trustedColumns+`
		FROM trusted_devices
		WHERE user_id = $1
		ORDER BY created_at DESC, id`, userID)
}

// KeepTrustedDevices deletes a user's trusted devices but for the newest, as
// many as there may be, of those that are trusted with these factors.
func (s *Store) KeepTrustedDevices(ctx context.Context, userID int64, factors string, most int, at time.Time) error {
	_, err := s.exec(ctx, "delete old trusted devices", `
		DELETE FROM trusted_devices
		WHERE user_id = $1
		  AND id NOT IN (SELECT id
		                 FROM trusted_devices
		                 WHERE user_id = $1 AND factors = $2 AND expires_at > $3
		                 ORDER BY created_at DESC, id
		                 LIMIT $4)`, userID, factors, at.UTC(), most)
	return err
}

// DeleteTrustedDevice deletes a user's trusted device, or returns [ErrNotFound].
func (s *Store) DeleteTrustedDevice(ctx context.Context, userID int64, id string) error {
	return s.execOne(ctx, "delete a trusted device", `
		DELETE FROM trusted_devices
		WHERE user_id = $1 AND id = $2`, userID, id)
}

// DeleteTrustedDevices deletes all of a user's.
func (s *Store) DeleteTrustedDevices(ctx context.Context, userID int64) error {
	_, err := s.exec(ctx, "delete trusted devices", `
		DELETE FROM trusted_devices
		WHERE user_id = $1`, userID)
	return err
}

// DeleteAllTrustedDevices deletes everybody's.
func (s *Store) DeleteAllTrustedDevices(ctx context.Context) error {
	_, err := s.exec(ctx, "delete all trusted devices", `DELETE FROM trusted_devices`)
	return err
}

// DeleteExpiredDevices forgets up to limit trusted devices whose time was over
// before the given one, and says how many.
func (s *Store) DeleteExpiredDevices(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete trusted devices that have expired", `
		DELETE FROM trusted_devices
		WHERE id IN (SELECT id FROM trusted_devices WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, before.UTC(), limit)
}

// RevokeSessionsOfDevice ends the sessions of a user's trusted device but the
// one to keep, and says how many.
func (s *Store) RevokeSessionsOfDevice(ctx context.Context, userID int64, trustedID, keep string, at time.Time) (int64, error) {
	return s.exec(ctx, "revoke the sessions of a trusted device", `
		UPDATE sessions
		SET revoked_at = $1
		WHERE user_id = $2 AND trusted_id = $3 AND revoked_at IS NULL AND id <> $4`, at.UTC(), userID, trustedID, keep)
}
