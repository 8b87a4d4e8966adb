package store

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
)

func scanNotice(scan func(...any) error) (account.NoticeCount, error) {
	var n account.NoticeCount
	err := scan(&n.Kind, asUTC(&n.Since), &n.Count)
	return n, err
}

// CountNotice counts a notice of a kind to a user's mailbox, and returns how
// many there were since when; it begins anew for one that began before the
// time since, or after now.
func (s *Store) CountNotice(ctx context.Context, userID int64, kind, emailKey string, since, now time.Time) (account.NoticeCount, error) {
	return queryRow(ctx, s, "count a notice", scanNotice, `
		INSERT INTO notices (user_id, kind, email_key, since, count)
		VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (user_id, kind, email_key) DO UPDATE
		SET count = CASE WHEN notices.since <= $5 OR notices.since > $4 THEN 1 ELSE notices.count + 1 END,
		    since = CASE WHEN notices.since <= $5 OR notices.since > $4 THEN $4 ELSE notices.since END
		RETURNING kind, since, count`, userID, kind, emailKey, now.UTC(), since.UTC())
}

// Notices returns what was counted of a user, the newest first.
func (s *Store) Notices(ctx context.Context, userID int64, limit int) ([]account.NoticeCount, error) {
	return queryAll(ctx, s, "list notices", scanNotice, `
		SELECT kind, since, count
		FROM notices
		WHERE user_id = $1
		ORDER BY since DESC, kind, email_key
		LIMIT $2`, userID, limit)
}

// DeleteNotices forgets up to limit counts that began before the given time,
// and says how many.
func (s *Store) DeleteNotices(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete counts of notices", `
		DELETE FROM notices
		WHERE (user_id, kind, email_key) IN (SELECT user_id, kind, email_key FROM notices WHERE since < $1 ORDER BY since LIMIT $2)`, before.UTC(), limit)
}
