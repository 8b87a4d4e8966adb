package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/fold"
)

// sqliteBulk writes many rows with one statement: what a statement costs by
// itself is more than a row.
//
// Where there are no users yet, it builds the indexes of users after the rows,
// but for those with a condition, in which most rows have no part.
// Filled row by row, in random order, they outgrow any cache, and each user
// costs the more the more there are: of five million, four times as much as of
// one. Sorted and built in one go, each costs the same.
type sqliteBulk struct {
	tx      *Store
	indexes []sqliteIndex // dropped, to be built again
}

type sqliteIndex struct{ name, create string }

// namesIndex is the index that finds names which come twice.
const namesIndex = "users_username"

func (b *sqliteBulk) begin(ctx context.Context) (namesLater bool, err error) {
	empty, err := queryValue[bool](ctx, b.tx, "look for users", `SELECT NOT EXISTS (SELECT 1 FROM users)`)
	if err != nil {
		return false, err
	}
	if err := b.takeMemory(ctx, empty); err != nil || !empty {
		return false, err
	}
	indexes, err := queryAll(ctx, b.tx, "list the indexes of users", scanIndex, `
		SELECT name, sql
		FROM sqlite_schema
		WHERE type = 'index' AND tbl_name = 'users' AND sql NOT LIKE '% WHERE %'
		ORDER BY name = '`+namesIndex+`' DESC, name`)
	if err != nil || len(indexes) == 0 || indexes[0].name != namesIndex { // the last: a dry run on an older schema
		return false, err
	}
	for _, index := range indexes {
		if _, err := b.tx.q.ExecContext(ctx, `DROP INDEX `+index.name); err != nil {
			return false, err
		}
	}
	b.indexes = indexes
	return true, nil
}

func scanIndex(scan func(...any) error) (i sqliteIndex, err error) {
	err = scan(&i.name, &i.create)
	return i, err
}

// takeMemory gives the connection 32 MiB for the pages of indexes that are
// changed in random order. What only grows needs half of that for its pages
// and as much for what it sorts; the rest of that goes into files without a
// name in the database's folder, rather than into memory.
func (b *sqliteBulk) takeMemory(ctx context.Context, empty bool) error {
	if !empty {
		_, err := b.tx.q.ExecContext(ctx, `PRAGMA cache_size = -32768`)
		return err
	}
	file, err := b.tx.file(ctx)
	if err != nil {
		return err
	}
	for _, pragma := range []string{
		`PRAGMA cache_size = -16384`,
		`PRAGMA temp_store_directory = '` + strings.ReplaceAll(filepath.Dir(file), "'", "''") + `'`,
		`PRAGMA temp_store = FILE`,
	} {
		if _, err := b.tx.q.ExecContext(ctx, pragma); err != nil {
			return err
		}
	}
	return nil
}

// insert says OR ROLLBACK: a row that cannot be written ends the import
// anyway, and so no statement has to be able to be undone by itself.
func (b *sqliteBulk) insert(ctx context.Context, rows []ImportRow) error {
	err := b.write(ctx, rows, `
		INSERT OR ROLLBACK INTO users (`+strings.Join(importColumns, ", ")+`)
		VALUES `, len(importColumns), "", importValues)
	if err != nil {
		return err
	}
	err = b.write(ctx, rows, `
		INSERT INTO user_grams (rowid, grams)
		VALUES `, 2, "", func(r ImportRow) []any { return []any{r.User.ID, wordsOfGrams(fold.Grams(r.search))} })
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
			    email_key_version = $15, search = $16, search_version = $17
			WHERE id = $1`, importValues(r)[:len(importColumns)-1]...)
		if err == nil {
			err = b.tx.putGrams(ctx, []int64{r.User.ID}, []string{r.search})
		}
		if err != nil {
			return err
		}
	}
	return b.remember(ctx, rows)
}

func (b *sqliteBulk) remember(ctx context.Context, rows []ImportRow) error {
	return b.write(ctx, rows, `
		INSERT OR ROLLBACK INTO django_imports (`+strings.Join(originColumns, ", ")+`)
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

// buildIndexes makes the indexes that begin dropped. Users whose name another
// has leave first: see [Import.SettleNames].
func (b *sqliteBulk) buildIndexes(ctx context.Context, left func(u account.User, owner int64)) error {
	for _, index := range b.indexes {
		_, err := b.tx.q.ExecContext(ctx, index.create)
		if index.name == namesIndex && errors.Is(mendSQLite(err), ErrTaken) {
			if err := b.removeDoubles(ctx, left); err != nil {
				return err
			}
			_, err = b.tx.q.ExecContext(ctx, index.create)
		}
		if err != nil {
			return err
		}
	}
	b.indexes = nil
	return nil
}

// removeDoubles deletes whoever has the name of a user with a smaller id.
func (b *sqliteBulk) removeDoubles(ctx context.Context, left func(u account.User, owner int64)) error {
	for _, statement := range []string{`
		CREATE INDEX users_username_all ON users (username)`, `
		CREATE TABLE import_doubles AS
		SELECT u.id, twice.owner
		FROM (SELECT username, min(id) AS owner FROM users GROUP BY username HAVING count(*) > 1) AS twice
		JOIN users u ON u.username = twice.username AND u.id > twice.owner
		ORDER BY u.id`,
	} {
		if _, err := b.tx.q.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := b.eachDouble(ctx, left); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM django_imports WHERE user_id IN (SELECT id FROM import_doubles)`,
		`DELETE FROM users WHERE id IN (SELECT id FROM import_doubles)`,
		`DROP TABLE import_doubles`,
		`DROP INDEX users_username_all`,
	} {
		if _, err := b.tx.q.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (b *sqliteBulk) eachDouble(ctx context.Context, left func(u account.User, owner int64)) error {
	rows, err := b.tx.q.QueryContext(ctx, `
		SELECT `+userColumns+`, d.owner
		FROM import_doubles d
		JOIN users u ON u.id = d.id
		ORDER BY d.id`)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var (
			u     account.User
			owner int64
		)
		if err := rows.Scan(append(userTarget(&u), &owner)...); err != nil {
			return err
		}
		left(u, owner)
	}
	return rows.Err()
}

// continueIDs has nothing to do: AUTOINCREMENT notes the largest id that was
// ever stored.
func (b *sqliteBulk) continueIDs(context.Context) error { return nil }
