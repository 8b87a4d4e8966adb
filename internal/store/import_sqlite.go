package store

import (
	"context"
	"strings"
)

// sqliteBulk writes many rows with one statement: what a statement costs by
// itself is more than a row.
type sqliteBulk struct{ tx *Store }

// begin gives the connection the memory that two indexes, filled in random
// order, want: 32 MiB.
func (b *sqliteBulk) begin(ctx context.Context) error {
	_, err := b.tx.q.ExecContext(ctx, `PRAGMA cache_size = -32768`)
	return err
}

func (b *sqliteBulk) insert(ctx context.Context, rows []ImportRow) error {
	err := b.write(ctx, rows, `
		INSERT INTO users (`+strings.Join(importColumns, ", ")+`)
		VALUES `, len(importColumns), "", func(r ImportRow) []any { return importValues(r.User) })
	if err != nil {
		return err
	}
	return b.remember(ctx, rows)
}

func (b *sqliteBulk) update(ctx context.Context, rows []ImportRow) error {
	for _, r := range rows {
		_, err := b.tx.q.ExecContext(ctx, `
			UPDATE users
			SET username = $2, email = $3, email_key = $4, first_name = $5, last_name = $6, password_hash = $7,
			    is_active = $8, is_staff = $9, is_superuser = $10,
			    joined_at = $11, last_login_at = $12, password_at = $13, email_verified_at = $14,
			    email_key_version = $15
			WHERE id = $1`, importValues(r.User)[:len(importColumns)-1]...)
		if err != nil {
			return err
		}
	}
	return b.remember(ctx, rows)
}

func (b *sqliteBulk) remember(ctx context.Context, rows []ImportRow) error {
	return b.write(ctx, rows, `
		INSERT INTO django_imports (`+strings.Join(originColumns, ", ")+`)
		VALUES `, len(originColumns), `
		ON CONFLICT (user_id) DO UPDATE
		SET fields = excluded.fields, password_at = excluded.password_at`, originValues)
}

func (b *sqliteBulk) write(ctx context.Context, rows []ImportRow, before string, columns int, after string, values func(ImportRow) []any) error {
	for _, n := range portions(len(rows)) {
		args := make([]any, 0, n*columns)
		for _, r := range rows[:n] {
			args = append(args, values(r)...)
		}
		rows = rows[n:]
		if _, err := b.tx.q.ExecContext(ctx, before+marks(n, columns)+after, args...); err != nil {
			return err
		}
	}
	return nil
}

// continueIDs has nothing to do: AUTOINCREMENT notes the largest id that was
// ever stored.
func (b *sqliteBulk) continueIDs(context.Context) error { return nil }
