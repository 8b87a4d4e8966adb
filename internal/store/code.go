package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const codeColumns = `id_hash, purpose, user_id, email, email_key, asker, known_to, created_at, mail_id, sent_at, expires_at, tries, used_at`

func scanCode(scan func(...any) error) (account.MailedCode, error) {
	var c account.MailedCode
	var userID, mailID sql.NullInt64
	err := scan(&c.Hash, &c.Purpose, &userID, &c.Email, &c.EmailKey, &c.Asker, &c.KnownTo, asUTC(&c.CreatedAt), &mailID, asUTC(&c.SentAt), asUTC(&c.ExpiresAt), &c.Tries, asUTC(&c.UsedAt))
	c.UserID, c.MailID = userID.Int64, mailID.Int64
	return c, err
}

// CreateCode stores a request for a code that was not mailed yet.
func (s *Store) CreateCode(ctx context.Context, c account.MailedCode) error {
	_, err := s.exec(ctx, "create a code", `
		INSERT INTO codes (id_hash, purpose, user_id, email, email_key, asker, known_to, created_at, tries)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`,
		c.Hash, c.Purpose, sql.NullInt64{Int64: c.UserID, Valid: c.UserID != 0}, c.Email, c.EmailKey, c.Asker, c.KnownTo, c.CreatedAt.UTC())
	return err
}

// MailedCode returns a request for a code or [ErrNotFound].
func (s *Store) MailedCode(ctx context.Context, hash string) (account.MailedCode, error) {
	return queryRow(ctx, s, "find a code", scanCode, `
		SELECT `+codeColumns+`
		FROM codes
		WHERE id_hash = $1`, hash)
}

// SendCode notes that a mail with the code is made for a user, and returns the
// row. The first mail begins its life, and begins it again when it could not
// be delivered and is made anew; another does not prolong it. It returns
// [ErrNotFound] when the code is dead, or another user's.
func (s *Store) SendCode(ctx context.Context, c account.MailedCode, now, until time.Time) (account.MailedCode, error) {
	return queryRow(ctx, s, "send a code", scanCode, `
		UPDATE codes
		SET user_id = $1, email = $2, known_to = CASE WHEN known_to = $1 THEN known_to ELSE 0 END,
		    mail_id = COALESCE(mail_id, $3),
		    sent_at = CASE WHEN sent_at IS NULL OR mail_id = $3 THEN $4 ELSE sent_at END,
		    expires_at = CASE WHEN sent_at IS NULL OR mail_id = $3 THEN $5 ELSE expires_at END
		WHERE id_hash = $6 AND used_at IS NULL AND (user_id IS NULL OR user_id = $1)
		  AND (expires_at IS NULL OR expires_at > $4 OR mail_id = $3)
		RETURNING `+codeColumns, c.UserID, c.Email, c.MailID, now.UTC(), until.UTC(), c.Hash)
}

// CountTry counts a try at a code and returns the row, in one step, so that of
// many at once no more than most are compared. It returns [ErrNotFound] for
// those that come after.
func (s *Store) CountTry(ctx context.Context, hash string, most int) (account.MailedCode, error) {
	return queryRow(ctx, s, "count a try at a code", scanCode, `
		UPDATE codes
		SET tries = tries + 1
		WHERE id_hash = $1 AND tries < $2
		RETURNING `+codeColumns, hash, most)
}

// ReturnTry takes a counted try back, which was right.
func (s *Store) ReturnTry(ctx context.Context, hash string) error {
	return s.execOne(ctx, "return a try at a code", `
		UPDATE codes
		SET tries = tries - 1
		WHERE id_hash = $1`, hash)
}

// UseCode uses a code up. Of several callers exactly one succeeds; the others,
// and those who come too late, get [ErrNotFound].
func (s *Store) UseCode(ctx context.Context, hash string, at time.Time) error {
	return s.execOne(ctx, "use a code", `
		UPDATE codes
		SET used_at = $1
		WHERE id_hash = $2 AND used_at IS NULL AND expires_at > $1`, at.UTC(), hash)
}

// InvalidateCodes makes a user's codes for some purposes worthless, those that
// were mailed and those that are to be, by every server's clock.
func (s *Store) InvalidateCodes(ctx context.Context, userID int64, purposes ...account.CodePurpose) error {
	for _, purpose := range purposes {
		if _, err := s.exec(ctx, "void codes", voidCodes+` AND user_id = $2 AND purpose = $3`, longAgo, userID, purpose); err != nil {
			return err
		}
	}
	return nil
}

// InvalidateAllCodes makes every code worthless.
func (s *Store) InvalidateAllCodes(ctx context.Context) error {
	_, err := s.exec(ctx, "void all codes", voidCodes, longAgo)
	return err
}

const voidCodes = `
	UPDATE codes
	SET expires_at = $1, mail_id = NULL
	WHERE used_at IS NULL AND (expires_at IS NULL OR expires_at > $1)`

var longAgo = time.Unix(0, 0).UTC()

// WrongCodes counts the wrong tries at a user's codes of requests since two
// times: those from the user's known devices and sessions, or all others.
func (s *Store) WrongCodes(ctx context.Context, userID int64, known bool, day, month time.Time) (ofDay, ofMonth int, err error) {
	which := `known_to <> user_id`
	if known {
		which = `known_to = user_id`
	}
	type sums struct{ day, month int }
	scan := func(scan func(...any) error) (n sums, err error) {
		err = scan(&n.day, &n.month)
		return n, err
	}
	n, err := queryRow(ctx, s, "count wrong codes", scan, `
		SELECT COALESCE(SUM(CASE WHEN created_at > $1 THEN tries ELSE 0 END), 0), COALESCE(SUM(tries), 0)
		FROM codes
		WHERE user_id = $2 AND created_at > $3 AND `+which, day.UTC(), userID, month.UTC())
	return n.day, n.month, err
}

// MailedCodes returns a user's requests for codes, the newest first, at most
// limit.
func (s *Store) MailedCodes(ctx context.Context, userID int64, limit int) ([]account.MailedCode, error) {
	return queryAll(ctx, s, "list codes", scanCode, `
		SELECT `+codeColumns+`
		FROM codes
		WHERE user_id = $1
		ORDER BY created_at DESC, id_hash
		LIMIT $2`, userID, limit)
}

// DeleteCodes forgets up to limit requests for codes: those for nobody from
// before one time, and all from before the other. It says how many.
func (s *Store) DeleteCodes(ctx context.Context, nobodys, all time.Time, limit int) (int64, error) {
	return s.exec(ctx, "delete codes", `
		DELETE FROM codes
		WHERE id_hash IN (SELECT id_hash FROM codes
		                  WHERE created_at < $1 AND (user_id IS NULL OR created_at < $2)
		                  ORDER BY created_at
		                  LIMIT $3)`, nobodys.UTC(), all.UTC(), limit)
}
