package store

import (
	"context"
	"time"
)

// PlaceSeenAt returns when a user last logged in at a place, or [ErrNotFound].
// The place is a keyed hash.
func (s *Store) PlaceSeenAt(ctx context.Context, userID int64, place string) (time.Time, error) {
	return queryRow(ctx, s, "find a place of logins", scanTime, `
		SELECT seen_at
		FROM login_places
		WHERE user_id = $1 AND place = $2`, userID, place)
}

// HasPlaces reports whether a user has logged in at any place since a time,
// of those whose hash is keyed with this secret.
func (s *Store) HasPlaces(ctx context.Context, userID int64, epoch string, since time.Time) (bool, error) {
	return queryValue[bool](ctx, s, "look for places of logins", `
		SELECT EXISTS (SELECT 1 FROM login_places WHERE user_id = $1 AND epoch = $2 AND seen_at > $3)`, userID, epoch, since.UTC())
}

// NotePlace notes that a user logs in at a place.
func (s *Store) NotePlace(ctx context.Context, userID int64, place, epoch string, at time.Time) error {
	_, err := s.exec(ctx, "note a place of logins", `
		INSERT INTO login_places (user_id, place, epoch, seen_at)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, place) DO UPDATE
		SET epoch = excluded.epoch, seen_at = excluded.seen_at`, userID, place, epoch, at.UTC())
	return err
}

// Places returns when a user logged in last at each place, the newest first, at
// most limit.
func (s *Store) Places(ctx context.Context, userID int64, limit int) ([]time.Time, error) {
	return queryAll(ctx, s, "list places of logins", scanTime, `
		SELECT seen_at
		FROM login_places
		WHERE user_id = $1
		ORDER BY seen_at DESC
		LIMIT $2`, userID, limit)
}

// DeletePlaces forgets up to limit places at which nobody logged in since the
// given time, and says how many.
func (s *Store) DeletePlaces(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete places of logins", `
		DELETE FROM login_places
		WHERE (user_id, place) IN (SELECT user_id, place FROM login_places WHERE seen_at < $1 ORDER BY seen_at LIMIT $2)`, before.UTC(), limit)
}
