package store

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const recoveryColumns = `id, user_id, email, keeps, by_staff, reason, started_at, ready_at, told_at, stopped_at, stopped_by, finished_at`

func scanRecovery(scan func(...any) error) (account.Recovery, error) {
	var r account.Recovery
	err := scan(&r.ID, &r.UserID, &r.Email, &r.Keeps, &r.ByStaff, &r.Reason, asUTC(&r.StartedAt), asUTC(&r.ReadyAt), asUTC(&r.ToldAt),
		asUTC(&r.StoppedAt), &r.StoppedBy, asUTC(&r.FinishedAt))
	return r, err
}

// CreateRecovery stores a recovery.
func (s *Store) CreateRecovery(ctx context.Context, r account.Recovery) error {
	_, err := s.exec(ctx, "create a recovery", `
		INSERT INTO recoveries (`+recoveryColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		r.ID, r.UserID, r.Email, r.Keeps, r.ByStaff, r.Reason, r.StartedAt.UTC(), r.ReadyAt.UTC(), nullTime(r.ToldAt),
		nullTime(r.StoppedAt), r.StoppedBy, nullTime(r.FinishedAt))
	return err
}

// Recoveries returns a user's recoveries, the newest first. There are few: one
// in seven days.
func (s *Store) Recoveries(ctx context.Context, userID int64) ([]account.Recovery, error) {
	return queryAll(ctx, s, "list recoveries", scanRecovery, `
		SELECT `+recoveryColumns+`
		FROM recoveries
		WHERE user_id = $1
		ORDER BY started_at DESC, id`, userID)
}

// OpenCorrections returns the recoveries of several users that only give another
// address, and neither were stopped nor came to their end.
func (s *Store) OpenCorrections(ctx context.Context, userIDs []int64) ([]account.Recovery, error) {
	return querySet(ctx, s, "list corrections of addresses", scanRecovery, `
		SELECT `+recoveryColumns+`
		FROM recoveries
		WHERE user_id IN (SELECT column1 FROM %s) AND keeps AND stopped_at IS NULL AND finished_at IS NULL`, columnOf("bigint", userIDs))
}

// StopRecovery ends a recovery that is not over. Of several callers one
// succeeds; the others get [ErrNotFound].
func (s *Store) StopRecovery(ctx context.Context, id string, by account.RecoveryStop, at time.Time) error {
	return s.execOne(ctx, "stop a recovery", `
		UPDATE recoveries
		SET stopped_at = $1, stopped_by = $2
		WHERE id = $3 AND stopped_at IS NULL AND finished_at IS NULL`, at.UTC(), by, id)
}

// UndoStops notes of a user's recoveries that were stopped at the given time or
// later that it counts for nothing who stopped them.
func (s *Store) UndoStops(ctx context.Context, userID int64, since time.Time) error {
	_, err := s.exec(ctx, "undo the stops of recoveries", `
		UPDATE recoveries
		SET stopped_by = $1
		WHERE user_id = $2 AND stopped_at >= $3`, account.StopUndone, userID, since.UTC())
	return err
}

// FinishRecovery notes that a recovery came to its end. It returns
// [ErrNotFound] when it was stopped, is over, or has to wait.
func (s *Store) FinishRecovery(ctx context.Context, id string, at time.Time) error {
	return s.execOne(ctx, "finish a recovery", `
		UPDATE recoveries
		SET finished_at = $1
		WHERE id = $2 AND stopped_at IS NULL AND finished_at IS NULL AND ready_at <= $1`, at.UTC(), id)
}

// ReadyRecoveries returns recoveries of active users whose waiting time is over,
// since the given time, and whose mail is not owed yet, at most limit.
func (s *Store) ReadyRecoveries(ctx context.Context, since, now time.Time, limit int) ([]account.Recovery, error) {
	return queryAll(ctx, s, "list recoveries that are ready", scanRecovery, `
		SELECT `+recoveryColumns+`
		FROM recoveries
		WHERE told_at IS NULL AND stopped_at IS NULL AND ready_at > $1 AND ready_at <= $2
		  AND EXISTS (SELECT 1 FROM users WHERE users.id = recoveries.user_id AND users.is_active)
		ORDER BY ready_at, id
		LIMIT $3`, since.UTC(), now.UTC(), limit)
}

// TellRecovery notes that the mail that finishes a recovery is owed. Of several
// servers one succeeds; the others get [ErrNotFound].
func (s *Store) TellRecovery(ctx context.Context, id string, at time.Time) error {
	return s.execOne(ctx, "tell of a recovery", `
		UPDATE recoveries
		SET told_at = $1
		WHERE id = $2 AND told_at IS NULL AND stopped_at IS NULL`, at.UTC(), id)
}

// StopAllRecoveries ends every recovery that is not over.
func (s *Store) StopAllRecoveries(ctx context.Context, at time.Time) error {
	_, err := s.exec(ctx, "stop all recoveries", `
		UPDATE recoveries
		SET stopped_at = $1, stopped_by = $2
		WHERE stopped_at IS NULL AND finished_at IS NULL`, at.UTC(), account.StoppedByStaff)
	return err
}

// DeleteRecoveries forgets up to limit recoveries that began before the given
// time, and says how many.
func (s *Store) DeleteRecoveries(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete recoveries", `
		DELETE FROM recoveries
		WHERE id IN (SELECT id FROM recoveries WHERE started_at < $1 ORDER BY started_at LIMIT $2)`, before.UTC(), limit)
}
