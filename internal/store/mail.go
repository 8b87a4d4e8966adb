package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/trace"
)

const mailColumns = `id, kind, user_id, email, language, ip, details, created_at, due_at, attempts, sent_at, failure, delay_key`

func scanMail(scan func(...any) error) (account.Mail, error) {
	var m account.Mail
	var userID sql.NullInt64
	var details string
	var delay sql.NullString
	if err := scan(&m.ID, &m.Kind, &userID, &m.Email, &m.Language, &m.IP, &details, asUTC(&m.CreatedAt), asUTC(&m.DueAt), &m.Attempts, asUTC(&m.SentAt), &m.Failure, &delay); err != nil {
		return account.Mail{}, err
	}
	m.DelayKey = delay.String
	m.UserID = userID.Int64
	return m, json.Unmarshal([]byte(details), &m.Details)
}

// AddMail puts a mail into the outbox, in the transaction of the change that
// causes it. It is due at once unless it says otherwise. Of those with one
// DelayKey only one is kept: for another AddMail returns [ErrTaken].
func (s *Store) AddMail(ctx context.Context, m account.Mail) error {
	m.Details.Trace = trace.Cause(ctx)
	details, err := json.Marshal(m.Details)
	if err != nil {
		return err
	}
	if m.DueAt.IsZero() {
		m.DueAt = m.CreatedAt
	}
	err = s.execOne(ctx, "add a mail", `
		INSERT INTO mails (kind, priority, user_id, email, email_key, language, ip, details, created_at, due_at, delay_key, lease, attempts, failure)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', 0, '')
		ON CONFLICT (delay_key) WHERE delay_key IS NOT NULL DO NOTHING`,
		m.Kind, mailPriority(m.Kind), sql.NullInt64{Int64: m.UserID, Valid: m.UserID != 0}, m.Email, account.EmailKey(m.Email),
		m.Language, m.IP, string(details), m.CreatedAt.UTC(), m.DueAt.UTC(), sql.NullString{String: m.DelayKey, Valid: m.DelayKey != ""})
	if errors.Is(err, ErrNotFound) {
		return ErrTaken
	}
	return err
}

// mailPriority puts the mails that somebody waits for before the others.
func mailPriority(kind account.MailKind) int {
	if kind.Awaited() {
		return 0
	}
	return 1
}

// DelayedMail returns the mail that waits under a key or [ErrNotFound].
func (s *Store) DelayedMail(ctx context.Context, delayKey string) (account.Mail, error) {
	return queryRow(ctx, s, "find a delayed mail", scanMail, `
		SELECT `+mailColumns+`
		FROM mails
		WHERE delay_key = $1`, delayKey)
}

// FirstDelayedMail returns the id of the first of the mails that wait under a key
// with this beginning and are due by a time, or go out at this moment: by the key,
// or else the one that was owed first. Zero is none.
func (s *Store) FirstDelayedMail(ctx context.Context, beginning string, byKey bool, due time.Time) (int64, error) {
	order := "id"
	if byKey {
		order = "delay_key"
	}
	return queryValue[int64](ctx, s, "find the first delayed mail", `
		SELECT coalesce((SELECT id
		                 FROM mails
		                 WHERE delay_key IS NOT NULL AND substr(delay_key, 1, $1) = $2 AND (due_at <= $3 OR lease <> '')
		                 ORDER BY `+order+`
		                 LIMIT 1), 0)`, len(beginning), beginning, due.UTC())
}

// ShareDelayedMail changes which code the mail that waits under a key carries.
// Whoever has claimed it meanwhile goes on with what it was.
func (s *Store) ShareDelayedMail(ctx context.Context, delayKey string, d account.MailDetails) error {
	details, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, "share a delayed mail", `
		UPDATE mails
		SET details = $1
		WHERE delay_key = $2 AND lease = ''`, string(details), delayKey)
	return err
}

// ClaimMails takes mails that are due, at most so many: what somebody waits for
// before notices, and then what is due longest. Nobody else gets them before the
// time until; the lease is what their taker shows to finish them. On PostgreSQL
// servers that look at once take others, and none waits.
func (s *Store) ClaimMails(ctx context.Context, most int, lease string, now, until time.Time) ([]account.Mail, error) {
	return queryAll(ctx, s, "claim mails", scanMail, `
		UPDATE mails
		SET due_at = $1, lease = $2, attempts = attempts + 1
		WHERE id IN (SELECT id FROM mails WHERE due_at <= $3 ORDER BY priority, due_at, id LIMIT $4`+s.dialect.skipLocked+`) AND due_at <= $3
		RETURNING `+mailColumns, until.UTC(), lease, now.UTC(), most)
}

// FinishMail notes that a claimed mail was delivered (at sentAt), failed and
// is to be tried again (at dueAt), or was given up (both zero). It returns
// [ErrNotFound] when the claim is not the taker's any more.
func (s *Store) FinishMail(ctx context.Context, id int64, lease string, sentAt, dueAt time.Time, failure string) error {
	return s.execOne(ctx, "finish a mail", `
		UPDATE mails
		SET sent_at = $1, due_at = $2, failure = $3, lease = '', delay_key = NULL
		WHERE id = $4 AND lease = $5`, nullTime(sentAt), nullTime(dueAt), failure, id, lease)
}

// NoteSent notes that a mail went out that was voided while it was handed over:
// its taker has no claim any more. It returns [ErrNotFound] of any other.
func (s *Store) NoteSent(ctx context.Context, id int64, sentAt time.Time) error {
	return s.execOne(ctx, "note that a voided mail was sent", `
		UPDATE mails
		SET sent_at = $1, failure = ''
		WHERE id = $2 AND due_at IS NULL AND sent_at IS NULL AND failure = $3`, sentAt.UTC(), id, account.MailUnwanted)
}

// LockMail keeps others from a claimed mail until the transaction ends. It
// returns [ErrNotFound] when the claim is not the taker's any more.
func (s *Store) LockMail(ctx context.Context, id int64, lease string) error {
	return s.execOne(ctx, "hold a mail", `
		UPDATE mails
		SET lease = lease
		WHERE id = $1 AND lease = $2`, id, lease)
}

// ExtendMail makes a claim longer. It returns [ErrNotFound] when the claim is
// not the taker's any more.
func (s *Store) ExtendMail(ctx context.Context, id int64, lease string, until time.Time) error {
	return s.execOne(ctx, "extend a mail", `
		UPDATE mails
		SET due_at = $1
		WHERE id = $2 AND lease = $3`, until.UTC(), id, lease)
}

// PostponeMail gives a claimed mail back until the time at, and counts no
// attempt. It returns [ErrNotFound] when the claim is not the taker's any
// more.
func (s *Store) PostponeMail(ctx context.Context, id int64, lease string, at time.Time, failure string) error {
	return s.execOne(ctx, "postpone a mail", `
		UPDATE mails
		SET due_at = $1, failure = $2, lease = '', attempts = attempts - 1
		WHERE id = $3 AND lease = $4`, at.UTC(), failure, id, lease)
}

// HastenMails makes mails due now that wait for longer than any has to,
// because the clock was set back: those that are due after longest, those that
// wait for their turn and are due after turn, and those that were owed after
// soon. Of the last it is noted that they are owed now.
func (s *Store) HastenMails(ctx context.Context, now, soon, turn, longest time.Time) (int64, error) {
	return s.exec(ctx, "hasten mails", `
		UPDATE mails
		SET due_at = $1, created_at = CASE WHEN created_at > $2 THEN $1 ELSE created_at END
		WHERE due_at > $1
		  AND (due_at > $4 OR lease = '' AND (created_at > $2 OR delay_key IS NOT NULL AND due_at > $3))`,
		now.UTC(), soon.UTC(), turn.UTC(), longest.UTC())
}

// CancelMails gives up a user's mails of a kind that are not delivered yet,
// for good.
func (s *Store) CancelMails(ctx context.Context, userID int64, kind account.MailKind) error {
	return s.cancelMails(ctx, userID, kind, `TRUE`)
}

// CancelYoungerMails is [Store.CancelMails] for those that are owed since the
// given time or later.
func (s *Store) CancelYoungerMails(ctx context.Context, userID int64, kind account.MailKind, than time.Time) error {
	return s.cancelMails(ctx, userID, kind, `created_at >= $4`, than.UTC())
}

// CancelMailsTo is [Store.CancelMails] for those to an address, to the letter.
func (s *Store) CancelMailsTo(ctx context.Context, userID int64, kind account.MailKind, email string) error {
	return s.cancelMails(ctx, userID, kind, `email = $4`, email)
}

func (s *Store) cancelMails(ctx context.Context, userID int64, kind account.MailKind, which string, args ...any) error {
	_, err := s.exec(ctx, "void mails", giveUp+`user_id = $2 AND kind = $3 AND sent_at IS NULL AND `+which,
		append([]any{account.MailUnwanted, userID, kind}, args...)...)
	return err
}

// giveUp ends the tries at some mails; $1 says why.
const giveUp = `
	UPDATE mails
	SET due_at = NULL, lease = '', failure = $1, delay_key = NULL
	WHERE `

// RetryMail makes a mail that was not delivered, and is still wanted, due
// now. It returns [ErrNotFound] when there is no such mail.
func (s *Store) RetryMail(ctx context.Context, id int64, now time.Time) error {
	return s.execOne(ctx, "retry a mail", `
		UPDATE mails
		SET due_at = $1, attempts = 0, lease = ''
		WHERE id = $2 AND sent_at IS NULL AND failure <> $3`, now.UTC(), id, account.MailUnwanted)
}

// RetryFailedMail is [Store.RetryMail] for a mail of which an attempt failed, and
// none is under way: one that waits for its turn waits, and none goes out twice.
func (s *Store) RetryFailedMail(ctx context.Context, id int64, now time.Time) error {
	return s.execOne(ctx, "retry a mail", `
		UPDATE mails
		SET due_at = $1, attempts = 0, lease = ''
		WHERE id = $2 AND sent_at IS NULL AND failure <> $3 AND failure <> '' AND (lease = '' OR due_at <= $1)`, now.UTC(), id, account.MailUnwanted)
}

// Of the mails that were given up, those that are still wanted, and how many of
// them are looked at.
const (
	failedMails = `due_at IS NULL AND sent_at IS NULL AND failure <> $1`
	mostFailed  = 10_000
)

// CountFailedMails says how many mails were given up and are still wanted, at
// most 10,000.
func (s *Store) CountFailedMails(ctx context.Context) (int, error) {
	return queryValue[int](ctx, s, "count the mails that failed", `
		SELECT COUNT(*)
		FROM (SELECT 1 FROM mails WHERE `+failedMails+` LIMIT $2) AS failed`, account.MailUnwanted, mostFailed)
}

// FailedMails lists the ids of mails that were given up and are still wanted.
func (s *Store) FailedMails(ctx context.Context) ([]int64, error) {
	return queryAll(ctx, s, "list the mails that failed", scanID, `SELECT id FROM mails WHERE `+failedMails+` ORDER BY id LIMIT $2`, account.MailUnwanted, mostFailed)
}

// WaitingMails lists the ids of mails that failed and wait for their next try,
// which nobody has under way.
func (s *Store) WaitingMails(ctx context.Context, now time.Time) ([]int64, error) {
	return queryAll(ctx, s, "list the mails that wait", scanID, `
		SELECT id
		FROM mails
		WHERE due_at > $1 AND lease = '' AND attempts > 0
		ORDER BY id
		LIMIT $2`, now.UTC(), mostFailed)
}

// Mails returns the mails of the outbox, the newest first, at most limit.
// Those that were sent stay for a day.
func (s *Store) Mails(ctx context.Context, limit int) ([]account.Mail, error) {
	return s.mails(ctx, `ORDER BY id DESC LIMIT $1`, limit)
}

// MailsIn returns mails in a state ("" is any) with ids below one (zero is none),
// the newest first, at most limit.
func (s *Store) MailsIn(ctx context.Context, state account.MailState, before int64, limit int) ([]account.Mail, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	where := map[account.MailState]string{
		"": "TRUE", account.MailWaiting: "due_at IS NOT NULL", account.MailSent: "sent_at IS NOT NULL", account.MailFailed: "due_at IS NULL AND sent_at IS NULL",
	}[state]
	return s.mails(ctx, `WHERE id < $1 AND `+where+` ORDER BY id DESC LIMIT $2`, before, limit)
}

// Mail returns one mail, or [ErrNotFound].
func (s *Store) Mail(ctx context.Context, id int64) (account.Mail, error) {
	return queryRow(ctx, s, "find a mail", scanMail, `SELECT `+mailColumns+` FROM mails WHERE id = $1`, id)
}

// MailsOf returns the mails of one user, or those before an id that is not zero,
// the newest first, at most limit.
func (s *Store) MailsOf(ctx context.Context, userID, before int64, limit int) ([]account.Mail, error) {
	return s.mails(ctx, `WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`, userID, orNewest(before), limit)
}

// orNewest is the id before which a list begins: zero is its beginning.
func orNewest(before int64) int64 {
	if before == 0 {
		return math.MaxInt64
	}
	return before
}

func (s *Store) mails(ctx context.Context, rest string, args ...any) ([]account.Mail, error) {
	return queryAll(ctx, s, "list mails", scanMail, `SELECT `+mailColumns+` FROM mails `+rest, args...)
}

// MailedSince reports whether a user was owed a mail of this kind since a
// time.
func (s *Store) MailedSince(ctx context.Context, userID int64, kind account.MailKind, since time.Time) (bool, error) {
	return queryValue[bool](ctx, s, "look for a mail", `
		SELECT EXISTS (SELECT 1 FROM mails WHERE user_id = $1 AND kind = $2 AND created_at > $3)`,
		userID, kind, since.UTC())
}

// DeleteMails forgets up to limit mails that were created before the given
// time and are not due, and says how many.
func (s *Store) DeleteMails(ctx context.Context, sentBefore, deadBefore time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete mails", `
		DELETE FROM mails
		WHERE id IN (SELECT id FROM mails
		             WHERE due_at IS NULL AND (sent_at < $1 OR created_at < $2)
		             LIMIT $3)`, sentBefore.UTC(), deadBefore.UTC(), limit)
}

// KindMailedSince reports whether anybody was owed a mail of this kind since
// a time.
func (s *Store) KindMailedSince(ctx context.Context, kind account.MailKind, since time.Time) (bool, error) {
	return queryValue[bool](ctx, s, "look for mails of a kind", `
		SELECT EXISTS (SELECT 1 FROM mails WHERE kind = $1 AND created_at > $2)`, kind, since.UTC())
}

// GivenUpMails counts the mails that were owed since a time, given up and are
// still wanted, but for those of some kinds, and says why the newest of them
// was. Those that a restore gave up do not count: they may have gone out.
func (s *Store) GivenUpMails(ctx context.Context, since time.Time, but ...account.MailKind) (n int, reason string, err error) {
	which := `
		FROM mails
		WHERE due_at IS NULL AND sent_at IS NULL AND failure NOT IN ($1, $2) AND created_at > $3 AND kind NOT IN (` + params(3, len(but)) + `)`
	args := []any{account.MailUnwanted, account.MailRestored, since.UTC()}
	for _, kind := range but {
		args = append(args, kind)
	}
	if n, err = queryValue[int](ctx, s, "count mails that were given up", `SELECT COUNT(*)`+which, args...); err != nil || n == 0 {
		return 0, "", err
	}
	reason, err = queryValue[string](ctx, s, "find why a mail was given up", `SELECT failure`+which+` ORDER BY id DESC LIMIT 1`, args...)
	if errors.Is(err, ErrNotFound) { // tried again since
		return 0, "", nil
	}
	return n, reason, err
}
