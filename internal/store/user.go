package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/yoozak/clients/internal/account"
)

const userColumns = `u.id, u.username, u.email, u.first_name, u.last_name, u.password_hash,
	u.is_active, u.is_staff, u.is_superuser, u.language, u.joined_at, u.last_login_at, u.password_at`

// userTarget returns where to scan userColumns, and what to call after.
func userTarget(u *account.User) ([]any, func()) {
	var lastLogin sql.NullTime
	return []any{
			&u.ID, &u.Username, &u.Email, &u.FirstName, &u.LastName, &u.PasswordHash,
			&u.Active, &u.Staff, &u.Superuser, &u.Language, &u.JoinedAt, &lastLogin, &u.PasswordAt,
		}, func() {
			u.JoinedAt, u.PasswordAt, u.LastLoginAt = u.JoinedAt.UTC(), u.PasswordAt.UTC(), utc(lastLogin)
		}
}

// CreateUser stores u and sets its ID. It returns [ErrTaken] when the
// username is in use.
func (s *Store) CreateUser(ctx context.Context, u *account.User) error {
	return s.mend(s.q.QueryRowContext(ctx, `
		INSERT INTO users (username, email, email_key, first_name, last_name, password_hash,
		                   is_active, is_staff, is_superuser, language, joined_at, last_login_at, password_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		RETURNING id`,
		u.Username, u.Email, account.EmailKey(u.Email), u.FirstName, u.LastName, u.PasswordHash,
		u.Active, u.Staff, u.Superuser, u.Language, u.JoinedAt.UTC(), nullTime(u.LastLoginAt), u.PasswordAt.UTC(),
	).Scan(&u.ID))
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

// UserByEmail returns the user with this address, in any case, or
// [ErrNotFound] when there is none or more than one.
func (s *Store) UserByEmail(ctx context.Context, email string) (account.User, error) {
	return s.user(ctx, `
		SELECT `+userColumns+`
		FROM users u
		WHERE u.email_key = $1
		  AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email_key = $1 AND o.id <> u.id)`,
		account.EmailKey(email))
}

func (s *Store) user(ctx context.Context, query string, args ...any) (account.User, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	var u account.User
	to, finish := userTarget(&u)
	if err := s.q.QueryRowContext(ctx, query, args...).Scan(to...); err != nil {
		return account.User{}, s.mend(err)
	}
	finish()
	return u, nil
}

// UsernameTaken reports whether a user has exactly this name.
func (s *Store) UsernameTaken(ctx context.Context, username string) (bool, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	var taken bool
	err := s.q.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM users WHERE username = $1)`, username).Scan(&taken)
	return taken, s.mend(err)
}

// Users returns up to limit users with ids after the given one, in the
// order of their ids.
func (s *Store) Users(ctx context.Context, after int64, limit int) ([]account.User, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	rows, err := s.q.QueryContext(ctx, `
		SELECT `+userColumns+`
		FROM users u
		WHERE u.id > $1
		ORDER BY u.id
		LIMIT $2`, after, limit)
	if err != nil {
		return nil, s.mend(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var users []account.User
	for rows.Next() {
		var u account.User
		to, finish := userTarget(&u)
		if err := rows.Scan(to...); err != nil {
			return nil, s.mend(err)
		}
		finish()
		users = append(users, u)
	}
	return users, s.mend(rows.Err())
}

// SetLastLogin notes a login.
func (s *Store) SetLastLogin(ctx context.Context, id int64, at time.Time) error {
	return s.one(s.q.ExecContext(ctx, `
		UPDATE users
		SET last_login_at = $1
		WHERE id = $2`, at.UTC(), id))
}

// SetPassword replaces the hash because the person chose another password.
func (s *Store) SetPassword(ctx context.Context, id int64, hash string, at time.Time) error {
	return s.one(s.q.ExecContext(ctx, `
		UPDATE users
		SET password_hash = $1, password_at = $2
		WHERE id = $3`, hash, at.UTC(), id))
}

// Rehash replaces the old hash of a password by another of the same
// password. Nothing happens when the password was changed meanwhile.
func (s *Store) Rehash(ctx context.Context, id int64, old, hash string) error {
	_, err := s.q.ExecContext(ctx, `
		UPDATE users
		SET password_hash = $1
		WHERE id = $2 AND password_hash = $3`, hash, id, old)
	return s.mend(err)
}

// SetActive enables or disables a user.
func (s *Store) SetActive(ctx context.Context, id int64, active bool) error {
	return s.one(s.q.ExecContext(ctx, `
		UPDATE users
		SET is_active = $1
		WHERE id = $2`, active, id))
}
