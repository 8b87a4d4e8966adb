package store

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/fold"
)

// postgresBulk writes through COPY: new users right into their table, others
// into a temporary one first.
type postgresBulk struct {
	tx   *Store
	conn *sql.Conn // the transaction's, for COPY
}

// begin keeps everybody else from writing users, or what was free when it
// was asked could be taken when it is written. Plans are made while the
// tables are empty and kept while they grow by a million rows, so they have
// to use the indexes from the first. (A plan that may not do what it does is
// thought to cost billions, which is when PostgreSQL would compile it.)
func (b *postgresBulk) begin(ctx context.Context) (namesLater bool, err error) {
	for _, statement := range []string{
		`SET LOCAL lock_timeout = '60s'`,
		`SET LOCAL statement_timeout = 0`,
		`SET LOCAL idle_in_transaction_session_timeout = 0`,
		`SET LOCAL enable_seqscan = off`,
		`SET LOCAL enable_hashjoin = off`,
		`SET LOCAL enable_mergejoin = off`,
		`SET LOCAL jit = off`,
		`LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE`,
		`CREATE TEMPORARY TABLE changed_users (LIKE users) ON COMMIT DROP`,
		`CREATE TEMPORARY TABLE changed_imports (LIKE django_imports) ON COMMIT DROP`,
		`CREATE TEMPORARY TABLE changed_grams (LIKE user_grams) ON COMMIT DROP`,
	} {
		if _, err := b.tx.q.ExecContext(ctx, statement); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (b *postgresBulk) insert(ctx context.Context, rows []ImportRow) error {
	if err := b.copy(ctx, "users", importColumns, rows, importValues); err != nil {
		return err
	}
	if err := b.copy(ctx, "user_grams", gramColumns, rows, gramValues); err != nil {
		return err
	}
	return b.copy(ctx, "django_imports", originColumns, rows, originValues)
}

var gramColumns = []string{"user_id", "grams"}

func gramValues(r ImportRow) []any { return []any{r.User.ID, fold.Grams(r.search)} }

func (b *postgresBulk) update(ctx context.Context, rows []ImportRow) error {
	if err := b.copy(ctx, "changed_users", importColumns, rows, importValues); err != nil {
		return err
	}
	if err := b.copy(ctx, "changed_imports", originColumns, rows, originValues); err != nil {
		return err
	}
	if err := b.copy(ctx, "changed_grams", gramColumns, rows, gramValues); err != nil {
		return err
	}
	for _, statement := range []string{`
		UPDATE users u
		SET username = c.username, email = c.email, email_key = c.email_key, first_name = c.first_name,
		    last_name = c.last_name, password_hash = c.password_hash, is_active = c.is_active, is_staff = c.is_staff,
		    is_superuser = c.is_superuser, joined_at = c.joined_at, last_login_at = c.last_login_at,
		    password_at = c.password_at, email_verified_at = c.email_verified_at,
		    email_key_version = c.email_key_version, search = c.search, search_version = c.search_version
		FROM changed_users c
		WHERE u.id = c.id`, `
		INSERT INTO django_imports (user_id, fields, password_at)
		SELECT user_id, fields, password_at
		FROM changed_imports
		ON CONFLICT (user_id) DO UPDATE
		SET fields = excluded.fields, password_at = excluded.password_at`, `
		INSERT INTO user_grams (user_id, grams)
		SELECT user_id, grams
		FROM changed_grams
		ON CONFLICT (user_id) DO UPDATE
		SET grams = excluded.grams`,
		`TRUNCATE changed_users, changed_imports, changed_grams`,
	} {
		if _, err := b.tx.q.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (b *postgresBulk) copy(ctx context.Context, table string, columns []string, rows []ImportRow, values func(ImportRow) []any) error {
	return b.conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns,
			pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) { return values(rows[i]), nil }))
		return err
	})
}

// buildIndexes has nothing to do: begin leaves them in place. To drop them
// would keep readers of a running server waiting until the end.
func (b *postgresBulk) buildIndexes(context.Context, func(account.User, int64)) error { return nil }

func (b *postgresBulk) continueIDs(ctx context.Context) error {
	_, err := b.tx.q.ExecContext(ctx, `
		SELECT setval(pg_get_serial_sequence('users', 'id')::regclass, largest.id)
		FROM (SELECT max(id) AS id FROM users) AS largest
		WHERE largest.id > (SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('users', 'id')::regclass), 0))`)
	return err
}
