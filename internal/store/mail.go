package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const mailColumns = `id, kind, user_id, email, language, ip, details, created_at, due_at, attempts, sent_at, failure`

func scanMail(scan func(...any) error) (account.Mail, error) {
	var m account.Mail
	var userID sql.NullInt64
	var due, sent sql.NullTime
	var details string
	if err := scan(&m.ID, &m.Kind, &userID, &m.Email, &m.Language, &m.IP, &details, &m.CreatedAt, &due, &m.Attempts, &sent, &m.Failure); err != nil {
		return account.Mail{}, err
	}
	m.UserID, m.CreatedAt, m.DueAt, m.SentAt = userID.Int64, m.CreatedAt.UTC(), utc(due), utc(sent)
	return m, json.Unmarshal([]byte(details), &m.Details)
}

// AddMail puts a mail into the outbox, in the transaction of the change that
// causes it. It is due at once unless it says otherwise.
func (s *Store) AddMail(ctx context.Context, m account.Mail) error {
	details, err := json.Marshal(m.Details)
	if err != nil {
		return err
	}
	if m.DueAt.IsZero() {
		m.DueAt = m.CreatedAt
	}
	_, err = s.q.ExecContext(ctx, `
		INSERT INTO mails (kind, user_id, email, email_key, language, ip, details, created_at, due_at, lease, attempts, failure)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', 0, '')`,
		m.Kind, sql.NullInt64{Int64: m.UserID, Valid: m.UserID != 0}, m.Email, account.EmailKey(m.Email),
		m.Language, m.IP, string(details), m.CreatedAt.UTC(), m.DueAt.UTC())
	return s.mend(err)
}

// ClaimMail takes the mail that is due longest, or returns [ErrNotFound].
// Nobody else gets it before the time until; the lease is what its taker
// shows to finish it.
func (s *Store) ClaimMail(ctx context.Context, lease string, now, until time.Time) (account.Mail, error) {
	m, err := scanMail(s.q.QueryRowContext(ctx, `
		UPDATE mails
		SET due_at = $1, lease = $2, attempts = attempts + 1
		WHERE id = (SELECT id FROM mails WHERE due_at <= $3 ORDER BY due_at, id LIMIT 1) AND due_at <= $3
		RETURNING `+mailColumns, until.UTC(), lease, now.UTC()).Scan)
	return m, s.mend(err)
}

// FinishMail notes that a claimed mail was delivered (at sentAt), failed and
// is to be tried again (at dueAt), or was given up (both zero). It returns
// [ErrNotFound] when the claim is not the taker's any more.
func (s *Store) FinishMail(ctx context.Context, id int64, lease string, sentAt, dueAt time.Time, failure string) error {
	return s.one(s.q.ExecContext(ctx, `
		UPDATE mails
		SET sent_at = $1, due_at = $2, failure = $3, lease = ''
		WHERE id = $4 AND lease = $5`, nullTime(sentAt), nullTime(dueAt), failure, id, lease))
}

// HoldMail keeps others from a claimed mail until the transaction ends. It
// returns [ErrNotFound] when the claim is not the taker's any more.
func (s *Store) HoldMail(ctx context.Context, id int64, lease string) error {
	return s.one(s.q.ExecContext(ctx, `
		UPDATE mails
		SET lease = lease
		WHERE id = $1 AND lease = $2`, id, lease))
}

// VoidMails gives up a user's mails of a kind that are not delivered yet,
// for good.
func (s *Store) VoidMails(ctx context.Context, userID int64, kind account.MailKind) error {
	_, err := s.q.ExecContext(ctx, `
		UPDATE mails
		SET due_at = NULL, lease = '', failure = $1
		WHERE user_id = $2 AND kind = $3 AND sent_at IS NULL`, account.MailUnwanted, userID, kind)
	return s.mend(err)
}

// RetryMail makes a mail that was not delivered, and is still wanted, due
// now. It returns [ErrNotFound] when there is no such mail.
func (s *Store) RetryMail(ctx context.Context, id int64, now time.Time) error {
	return s.one(s.q.ExecContext(ctx, `
		UPDATE mails
		SET due_at = $1, attempts = 0, lease = ''
		WHERE id = $2 AND sent_at IS NULL AND failure <> $3`, now.UTC(), id, account.MailUnwanted))
}

// DeadMails lists the ids of mails that were given up and are still wanted.
func (s *Store) DeadMails(ctx context.Context) ([]int64, error) {
	mails, err := s.mails(ctx, `WHERE due_at IS NULL AND sent_at IS NULL AND failure <> $1 ORDER BY id LIMIT 10000`, account.MailUnwanted)
	ids := make([]int64, 0, len(mails))
	for _, m := range mails {
		ids = append(ids, m.ID)
	}
	return ids, err
}

// Mails returns the mails of the outbox, the newest first, at most limit.
// Those that were sent stay for a day.
func (s *Store) Mails(ctx context.Context, limit int) ([]account.Mail, error) {
	return s.mails(ctx, `ORDER BY id DESC LIMIT $1`, limit)
}

// MailsOf returns the mails of one user, the newest first, at most limit.
func (s *Store) MailsOf(ctx context.Context, userID int64, limit int) ([]account.Mail, error) {
	return s.mails(ctx, `WHERE user_id = $1 ORDER BY id DESC LIMIT $2`, userID, limit)
}

func (s *Store) mails(ctx context.Context, rest string, args ...any) ([]account.Mail, error) {
	return list(ctx, s, scanMail, `SELECT `+mailColumns+` FROM mails `+rest, args...)
}

// LimitingMail returns when the mail was put into the outbox, since a time,
// that makes the perEmail newest of an address or the perIP newest of an IP
// address full, the later of the two; or zero when there is room.
func (s *Store) LimitingMail(ctx context.Context, email string, perEmail int, ip string, perIP int, since time.Time) (time.Time, error) {
	byEmail, err := s.nthMail(ctx, `email_key = $1`, account.EmailKey(email), perEmail, since)
	if err != nil {
		return time.Time{}, err
	}
	byIP, err := s.nthMail(ctx, `ip = $1`, ip, perIP, since)
	if byIP.After(byEmail) {
		return byIP, err
	}
	return byEmail, err
}

func (s *Store) nthMail(ctx context.Context, condition, value string, n int, since time.Time) (time.Time, error) {
	var at time.Time
	err := s.mend(s.q.QueryRowContext(ctx, `
		SELECT created_at
		FROM mails
		WHERE `+condition+` AND created_at > $2 AND ip <> ''
		ORDER BY created_at DESC
		LIMIT 1 OFFSET $3`, value, since.UTC(), n-1).Scan(&at))
	if errors.Is(err, ErrNotFound) {
		return time.Time{}, nil
	}
	return at.UTC(), err
}

// MailedSince reports whether a user was owed a mail of this kind since a
// time.
func (s *Store) MailedSince(ctx context.Context, userID int64, kind account.MailKind, since time.Time) (bool, error) {
	var found bool
	err := s.q.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM mails WHERE user_id = $1 AND kind = $2 AND created_at > $3)`,
		userID, kind, since.UTC()).Scan(&found)
	return found, s.mend(err)
}

// DeleteMails forgets up to limit mails that were created before the given
// time and are not due, and says how many.
func (s *Store) DeleteMails(ctx context.Context, sentBefore, deadBefore time.Time, limit int) (int64, error) {
	res, err := s.q.ExecContext(ctx, `
		DELETE FROM mails
		WHERE id IN (SELECT id FROM mails
		             WHERE due_at IS NULL AND (sent_at < $1 OR created_at < $2)
		             LIMIT $3)`, sentBefore.UTC(), deadBefore.UTC(), limit)
	if err != nil {
		return 0, s.mend(err)
	}
	return res.RowsAffected()
}
