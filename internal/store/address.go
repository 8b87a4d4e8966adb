package store

import (
	"context"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// keysIn is the condition that a user's address is one of the three spellings
// under which [account.EmailKeys] may have stored it.
const keysIn = `u.email_key IN ($1, $2, $3)`

// keyArgs are the arguments of keysIn, always three: one text of a query can
// then be prepared once.
func keyArgs(email string) []any {
	keys := account.EmailKeys(email)
	args := make([]any, 3)
	for i := range args {
		args[i] = keys[min(i, len(keys)-1)]
	}
	return args
}

// Prover returns the open user who has proved this address, or [ErrNotFound].
// Of several, from before there could be one only, it is the one who was first.
// A user may be left out; zero is nobody.
func (s *Store) Prover(ctx context.Context, email string, but int64) (account.User, error) {
	return s.user(ctx, `
		SELECT `+userColumns+`
		FROM users u
		WHERE `+keysIn+` AND u.email_verified_at IS NOT NULL AND u.is_active AND u.id <> $4
		ORDER BY u.email_verified_at, u.id
		LIMIT 1`, append(keyArgs(email), but)...)
}

// Keeper returns an open user who has proved this address, or who claims it,
// joined after a time and has no second factor, or [ErrNotFound]. A user may be
// left out; zero is nobody.
func (s *Store) Keeper(ctx context.Context, email string, but int64, joinedAfter time.Time) (account.User, error) {
	return s.user(ctx, `
		SELECT `+userColumns+`
		FROM users u
		WHERE `+keysIn+` AND u.is_active AND u.id <> $4
		  AND (u.email_verified_at IS NOT NULL
		       OR u.joined_at > $5 AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL))
		ORDER BY u.id
		LIMIT 1`, append(keyArgs(email), but, joinedAfter.UTC())...)
}

// Claimants returns up to limit open users who claim this address, proved or
// not, the oldest account first.
func (s *Store) Claimants(ctx context.Context, email string, limit int) ([]account.User, error) {
	return s.users(ctx, `
		SELECT `+userColumns+`
		FROM users u
		WHERE `+keysIn+` AND u.is_active
		ORDER BY u.id
		LIMIT $4`, append(keyArgs(email), limit)...)
}

// NewestClaimants is [Store.Claimants] with the youngest account first.
func (s *Store) NewestClaimants(ctx context.Context, email string, limit int) ([]account.User, error) {
	return s.users(ctx, `
		SELECT `+userColumns+`
		FROM users u
		WHERE `+keysIn+` AND u.is_active
		ORDER BY u.id DESC
		LIMIT $4`, append(keyArgs(email), limit)...)
}

// UsersByEmail returns up to limit users who claim this address, proved or not,
// open or not, the oldest account first.
func (s *Store) UsersByEmail(ctx context.Context, email string, limit int) ([]account.User, error) {
	return s.users(ctx, `
		SELECT `+userColumns+`
		FROM users u
		WHERE `+keysIn+`
		ORDER BY u.id
		LIMIT $4`, append(keyArgs(email), limit)...)
}

// LockAddress keeps others who lock this address waiting until the
// transaction ends, so that of two who would prove it one sees the other. It
// does nothing on SQLite, which has one writer.
func (s *Store) LockAddress(ctx context.Context, email string) error {
	if s.dialect != postgresDialect {
		return nil
	}
	_, err := s.exec(ctx, "lock an address", `SELECT pg_advisory_xact_lock(hashtextextended($1, 9))`, account.EmailKey(email))
	return err
}

// SetEmail gives a user an address, or none. A zero time says that nobody
// has proved it.
func (s *Store) SetEmail(ctx context.Context, id int64, email string, verifiedAt time.Time) error {
	err := s.execOne(ctx, "set an address", `
		UPDATE users
		SET email = $1, email_key = $2, email_verified_at = $3
		WHERE id = $4`, email, account.EmailKey(email), nullTime(verifiedAt), id)
	if err != nil {
		return err
	}
	return s.refreshSearch(ctx, id)
}

// SetProof notes when a user proved their address, if it is still this one,
// to the letter; else it returns [ErrNotFound]. An earlier proof stays. A
// zero time takes the proof away.
func (s *Store) SetProof(ctx context.Context, id int64, email string, at time.Time) error {
	if at.IsZero() {
		return s.execOne(ctx, "take a proof away", `
			UPDATE users
			SET email_verified_at = NULL
			WHERE id = $1 AND email = $2`, id, email)
	}
	return s.execOne(ctx, "note a proof", `
		UPDATE users
		SET email_verified_at = COALESCE(email_verified_at, $1)
		WHERE id = $2 AND email = $3`, at.UTC(), id, email)
}

// RefillEmailKeys computes up to limit keys that another rule made, or that
// a server of another release wrote, and says how many there were.
func (s *Store) RefillEmailKeys(ctx context.Context, limit int) (int, error) {
	type row struct {
		id    int64
		email string
	}
	scan := func(scan func(...any) error) (r row, err error) {
		err = scan(&r.id, &r.email)
		return r, err
	}
	rows, err := queryAll(ctx, s, "list stale keys", scan, `
		SELECT id, email
		FROM users
		WHERE email_key_version <> 2
		ORDER BY id
		LIMIT $1`, limit)
	if err != nil {
		return 0, err
	}
	if len(rows) == 0 {
		return 0, nil
	}
	ids, emails, keys := make([]int64, len(rows)), make([]string, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		ids[i], emails[i], keys[i] = r.id, r.email, account.EmailKey(r.email)
	}
	// In two steps: whoever changes the key makes the version 0.
	_, err = s.execSet(ctx, "refill keys", `
		UPDATE users
		SET email_key = v.column3
		FROM %s
		WHERE users.id = v.column1 AND users.email = v.column2 AND users.email_key <> v.column3`,
		columnOf("bigint", ids), columnOf("text", emails), columnOf("text", keys))
	if err != nil {
		return 0, err
	}
	// Only where the key is still what was computed: what somebody else
	// changed meanwhile is for the next time.
	_, err = s.execSet(ctx, "note refilled keys", `
		UPDATE users
		SET email_key_version = 2
		FROM %s
		WHERE users.id = v.column1 AND users.email_key = v.column2`,
		columnOf("bigint", ids), columnOf("text", keys))
	return len(rows), err
}

// DoubleProofs lists the ids of open users whose proof does not count,
// because another open account proved the same address before, at most limit.
func (s *Store) DoubleProofs(ctx context.Context, limit int) ([]int64, error) {
	return queryAll(ctx, s, "list double proofs", scanValue[int64], `
		SELECT u.id
		FROM users u
		WHERE u.email_verified_at IS NOT NULL AND u.is_active AND u.email <> ''
		  AND EXISTS (SELECT 1 FROM users o
		              WHERE o.email_key = u.email_key AND o.email_verified_at IS NOT NULL AND o.is_active AND o.id <> u.id
		                AND (o.email_verified_at < u.email_verified_at OR o.email_verified_at = u.email_verified_at AND o.id < u.id))
		ORDER BY u.id
		LIMIT $1`, limit)
}

// UsernameChange is a name that a user had.
type UsernameChange struct {
	Username  string // before the change
	ChangedAt time.Time
}

// ChangeUsername gives a user another name and remembers the one before. It
// returns [ErrTaken] when the name is in use, and [ErrNotFound] when old is
// not the name any more.
func (s *Store) ChangeUsername(ctx context.Context, id int64, old, username string, at time.Time) error {
	err := s.execOne(ctx, "change a username", `
		UPDATE users
		SET username = $1
		WHERE id = $2 AND username = $3`, username, id, old)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, "remember a username", `
		INSERT INTO username_changes (user_id, username, changed_at)
		VALUES ($1, $2, $3)`, id, old, at.UTC())
	if err != nil {
		return err
	}
	return s.refreshSearch(ctx, id)
}

// UsernameChanges returns the names that a user had since the given time, the
// newest change first.
func (s *Store) UsernameChanges(ctx context.Context, userID int64, since time.Time) ([]UsernameChange, error) {
	scan := func(scan func(...any) error) (c UsernameChange, err error) {
		err = scan(&c.Username, asUTC(&c.ChangedAt))
		return c, err
	}
	return queryAll(ctx, s, "list former usernames", scan, `
		SELECT username, changed_at
		FROM username_changes
		WHERE user_id = $1 AND changed_at > $2
		ORDER BY changed_at DESC, id DESC`, userID, since.UTC())
}

// DeleteUsernameChanges forgets up to limit names that were given up before
// the given time, and says how many.
func (s *Store) DeleteUsernameChanges(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.exec(ctx, "forget usernames", `
		DELETE FROM username_changes
		WHERE id IN (SELECT id FROM username_changes WHERE changed_at < $1 ORDER BY changed_at LIMIT $2)`, before.UTC(), limit)
}
