package store

import (
	"context"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/fold"
)

const userColumns = `u.id, u.username, u.email, u.first_name, u.last_name, u.password_hash,
	u.is_active, u.is_staff, u.is_superuser, u.language, u.joined_at, u.last_login_at, u.password_at,
	u.email_verified_at, u.closed_at, u.signed_out_at`

// userTarget is where to scan userColumns.
func userTarget(u *account.User) []any {
	return []any{
		&u.ID, &u.Username, &u.Email, &u.FirstName, &u.LastName, &u.PasswordHash,
		&u.Active, &u.Staff, &u.Superuser, &u.Language, asUTC(&u.JoinedAt), asUTC(&u.LastLoginAt), asUTC(&u.PasswordAt),
		asUTC(&u.EmailVerifiedAt), asUTC(&u.ClosedAt), asUTC(&u.SignedOutAt),
	}
}

func scanUser(scan func(...any) error) (account.User, error) {
	var u account.User
	err := scan(userTarget(&u)...)
	return u, err
}

// CreateUser stores u and sets its ID. It returns [ErrTaken] when the
// username is in use.
func (s *Store) CreateUser(ctx context.Context, u *account.User) error {
	text := searchText(*u)
	id, err := queryValue[int64](ctx, s, "create a user", `
		INSERT INTO users (username, email, email_key, email_key_version, first_name, last_name, password_hash,
		                   is_active, is_staff, is_superuser, language, joined_at, last_login_at, password_at, search, search_version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		RETURNING id`,
		u.Username, u.Email, account.EmailKey(u.Email), account.EmailKeyVersion, u.FirstName, u.LastName, u.PasswordHash,
		u.Active, u.Staff, u.Superuser, u.Language, u.JoinedAt.UTC(), nullTime(u.LastLoginAt), u.PasswordAt.UTC(), text, fold.Version)
	if err != nil {
		return err
	}
	u.ID = id
	return s.putGrams(ctx, []int64{id}, []string{text})
}

// UserByID returns a user or [ErrNotFound].
func (s *Store) UserByID(ctx context.Context, id int64) (account.User, error) {
	return s.user(ctx, `
		SELECT `+userColumns+`
		FROM users u
		WHERE u.id = $1`, id)
}

// UserByUsername returns the user with exactly this name or [ErrNotFound].
func (s *Store) UserByUsername(ctx context.Context, username string) (account.User, error) {
	return s.user(ctx, `
		SELECT `+userColumns+`
		FROM users u
		WHERE u.username = $1`, username)
}

func (s *Store) user(ctx context.Context, query string, args ...any) (account.User, error) {
	return queryRow(ctx, s, "find a user", scanUser, query, args...)
}

// UsernameTaken reports whether somebody else than the user has exactly this
// name, or has had it since the given time. A user of zero is nobody.
func (s *Store) UsernameTaken(ctx context.Context, username string, userID int64, heldSince time.Time) (bool, error) {
	return queryValue[bool](ctx, s, "look for a username", `
		SELECT EXISTS (SELECT 1 FROM users WHERE username = $1 AND id <> $2)
		    OR EXISTS (SELECT 1 FROM username_changes WHERE username = $1 AND user_id <> $2 AND changed_at > $3)`,
		username, userID, heldSince.UTC())
}

// Users returns up to limit users with ids after the given one, in the
// order of their ids.
func (s *Store) Users(ctx context.Context, after int64, limit int) ([]account.User, error) {
	return s.users(ctx, `
		SELECT `+userColumns+`
		FROM users u
		WHERE u.id > $1
		ORDER BY u.id
		LIMIT $2`, after, limit)
}

func (s *Store) users(ctx context.Context, query string, args ...any) ([]account.User, error) {
	return queryAll(ctx, s, "list users", scanUser, query, args...)
}

// Login notes a login with the password whose hash is old, and replaces that
// hash by another of the same password. It returns [ErrNotFound] when the
// hash is not the user's any more or the user is not active. Of who has a
// factor no login is noted: it is not over.
func (s *Store) Login(ctx context.Context, id int64, old, hash string, at time.Time) error {
	return s.execOne(ctx, "note a login", `
		UPDATE users
		SET last_login_at = CASE
		        WHEN EXISTS (SELECT 1 FROM factors WHERE user_id = $3 AND confirmed_at IS NOT NULL) THEN last_login_at
		        ELSE $1
		    END,
		    password_hash = $2
		WHERE id = $3 AND password_hash = $4 AND is_active`, at.UTC(), hash, id, old)
}

// NoteLogin notes a login that took more than a password.
func (s *Store) NoteLogin(ctx context.Context, id int64, at time.Time) error {
	return s.execOne(ctx, "note a login", `
		UPDATE users
		SET last_login_at = $1
		WHERE id = $2 AND is_active`, at.UTC(), id)
}

// SetPassword replaces the hash because the person chose another password.
func (s *Store) SetPassword(ctx context.Context, id int64, hash string, at time.Time) error {
	return s.execOne(ctx, "set a password", `
		UPDATE users
		SET password_hash = $1, password_at = $2
		WHERE id = $3`, hash, at.UTC(), id)
}

// ReplacePassword is [Store.SetPassword] if old is still the hash; else it
// returns [ErrNotFound].
func (s *Store) ReplacePassword(ctx context.Context, id int64, old, hash string, at time.Time) error {
	return s.execOne(ctx, "replace a password", `
		UPDATE users
		SET password_hash = $1, password_at = $2
		WHERE id = $3 AND password_hash = $4`, hash, at.UTC(), id, old)
}

// Rehash replaces the hash of a password by another of the same password. It
// returns [ErrNotFound] when old is not the hash any more.
func (s *Store) Rehash(ctx context.Context, id int64, old, hash string) error {
	return s.execOne(ctx, "renew a password hash", `
		UPDATE users
		SET password_hash = $1
		WHERE id = $2 AND password_hash = $3`, hash, id, old)
}

// Profile is what a person may change of themselves; nil leaves a field as it
// is, also where another request changes it at the same time.
type Profile struct{ Username, FirstName, LastName *string }

// SetProfile changes a profile. It returns [ErrTaken] when the username is
// in use.
func (s *Store) SetProfile(ctx context.Context, id int64, p Profile) error {
	err := s.execOne(ctx, "set a profile", `
		UPDATE users
		SET username = COALESCE($1, username), first_name = COALESCE($2, first_name), last_name = COALESCE($3, last_name)
		WHERE id = $4`, p.Username, p.FirstName, p.LastName, id)
	if err != nil {
		return err
	}
	return s.refreshSearch(ctx, id)
}

// SetLanguage changes the language in which a user is written to.
func (s *Store) SetLanguage(ctx context.Context, id int64, language string) error {
	return s.execOne(ctx, "set a language", `
		UPDATE users
		SET language = $1
		WHERE id = $2`, language, id)
}

// CloseUser makes a user inactive because they leave.
func (s *Store) CloseUser(ctx context.Context, id int64, at time.Time) error {
	return s.execOne(ctx, "close a user", `
		UPDATE users
		SET is_active = $1, closed_at = $2
		WHERE id = $3 AND closed_at IS NULL`, false, at.UTC(), id)
}

// RestoreUser undoes [Store.CloseUser]. It returns [ErrNotFound] when the user
// is not closed.
func (s *Store) RestoreUser(ctx context.Context, id int64) error {
	return s.execOne(ctx, "restore a user", `
		UPDATE users
		SET is_active = $1, closed_at = NULL
		WHERE id = $2 AND closed_at IS NOT NULL`, true, id)
}

// ErasableUsers returns the ids of up to limit users who closed their
// account before the given time, but for those to whom a link goes that opens it
// again: a challenge of that kind that can be used, or a mail with one that is owed.
func (s *Store) ErasableUsers(ctx context.Context, before, now time.Time, link account.ChallengeKind, mail account.MailKind, limit int) ([]int64, error) {
	return queryAll(ctx, s, "list users to erase", scanID, `
		SELECT u.id
		FROM users u
		WHERE u.closed_at < $1
		  AND NOT EXISTS (SELECT 1 FROM challenges c WHERE c.user_id = u.id AND c.kind = $2 AND c.used_at IS NULL AND c.expires_at > $3)
		  AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.user_id = u.id AND m.kind = $4 AND m.due_at IS NOT NULL)
		ORDER BY u.closed_at
		LIMIT $5`, before.UTC(), link, now.UTC(), mail, limit)
}

func scanID(scan func(...any) error) (id int64, err error) {
	err = scan(&id)
	return id, err
}

// EraseUsers deletes users with all that is held about them but their events:
// see [Store.AnonymiseEventsOf]. It returns the ids of those whom it deleted:
// not of whom another server had deleted, or whose account is not closed any
// more.
func (s *Store) EraseUsers(ctx context.Context, ids []int64) ([]int64, error) {
	const op = "erase users"
	keys, err := s.addressKeysOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	// Whoever delivers a mail holds its row, and then refers to its user, or to
	// who has its address. So mails are held first, or each waits for the other.
	if _, err := s.execSet(ctx, op, `UPDATE mails SET lease = lease WHERE user_id IN (SELECT column1 FROM %s)`, columnOf("bigint", ids)); err != nil {
		return nil, err
	}
	if _, err := s.execSet(ctx, op, `UPDATE mails SET lease = lease WHERE `+mailsToNobody+` AND email_key IN (SELECT column1 FROM %s)`, columnOf("text", keys)); err != nil {
		return nil, err
	}
	gone, err := querySet(ctx, s, op, scanID, `
		DELETE FROM users
		WHERE id IN (SELECT column1 FROM %s) AND closed_at IS NOT NULL
		RETURNING id`, columnOf("bigint", ids))
	if err != nil {
		return nil, err
	}
	// What was mailed to an address that nobody else claims is theirs, too.
	_, err = s.execSet(ctx, op, `
		DELETE FROM mails
		WHERE `+mailsToNobody+`
		  AND email_key IN (SELECT column1 FROM %s)
		  AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email_key = mails.email_key)`, columnOf("text", keys))
	if err != nil {
		return nil, err
	}
	_, err = s.execSet(ctx, op, `
		DELETE FROM codes
		WHERE user_id IS NULL
		  AND email_key IN (SELECT column1 FROM %s)
		  AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email_key = codes.email_key)`, columnOf("text", keys))
	if err != nil {
		return nil, err
	}
	// That they are erased is remembered, or the next import would bring them
	// back; what they were called in Django is not, not even as a digest.
	_, err = s.execSet(ctx, op, `
		UPDATE django_imports
		SET fields = ''
		WHERE user_id IN (SELECT column1 FROM %s)`, columnOf("bigint", gone))
	return gone, err
}

// mailsToNobody are the mails to addresses that may be nobody's, but for the
// operator's, whose address anybody may claim. The plus keeps the plan from all of
// them.
var mailsToNobody = func() string {
	var operators []string
	for _, kind := range account.OperatorMails() {
		operators = append(operators, `'`+string(kind)+`'`)
	}
	return `+user_id IS NULL AND kind NOT IN (` + strings.Join(operators, ", ") + `)`
}()

// addressKeysOf returns the keys of the addresses that users whose accounts are
// closed have or had: of those to which they were mailed, whatever is still kept of
// that. One that somebody only asked to have, and has not confirmed, is a stranger's.
func (s *Store) addressKeysOf(ctx context.Context, ids []int64) (keys []string, err error) {
	found, err := querySet(ctx, s, "find addresses of users", scanValue[string], `
		WITH gone AS (SELECT id, email_key FROM users WHERE id IN (SELECT column1 FROM %s) AND closed_at IS NOT NULL)
		SELECT email_key FROM gone
		UNION
		SELECT email_key FROM mails WHERE user_id IN (SELECT id FROM gone) AND kind <> '`+string(account.MailConfirmEmail)+`'
		UNION
		SELECT email_key FROM codes WHERE user_id IN (SELECT id FROM gone)
		UNION
		SELECT email_key FROM notices WHERE user_id IN (SELECT id FROM gone)
		UNION
		SELECT email FROM challenges WHERE user_id IN (SELECT id FROM gone) AND kind <> '`+string(account.ConfirmEmail)+`'
		UNION
		SELECT email FROM recoveries WHERE user_id IN (SELECT id FROM gone)`, columnOf("bigint", ids))
	for _, email := range found {
		if email != "" {
			keys = append(keys, email, account.EmailKey(email)) // of what is a key already, the same
		}
	}
	return keys, err
}

// SetActive enables or disables a user.
func (s *Store) SetActive(ctx context.Context, id int64, active bool) error {
	return s.execOne(ctx, "enable or disable a user", `
		UPDATE users
		SET is_active = $1
		WHERE id = $2`, active, id)
}
