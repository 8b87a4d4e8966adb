package django

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
)

// sqlSource is Django's database. Everything is read in one transaction, and
// as text: each engine then writes dates and truth values in its own way,
// and a value that is none of them does not end the import.
type sqlSource struct {
	db     *sql.DB
	tx     *sql.Tx
	layout Layout
	exists string // query: is there a table of this name?
	zones  bool   // dates of USE_TZ=True have a zone, so that those without one are remarkable
	total  int64
	read   atomic.Int64
}

func openSQLite(ctx context.Context, path string, l Layout) (Source, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&_pragma=query_only(1)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	src, err := begin(ctx, &sqlSource{
		db: db, layout: l,
		exists: `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND '"' || name || '"' = $1)`,
	}, nil)
	var e *sqlite.Error
	if errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_READONLY || e.Code()&0xff == sqlite3.SQLITE_CANTOPEN) {
		err = fmt.Errorf("%w: to read a file in WAL mode its folder has to be writable: copy it, together with %s-wal if there is one, to a folder of yours", err, path)
	}
	return src, err
}

func openPostgres(ctx context.Context, where string, l Layout) (Source, error) {
	cfg, err := store.ParsePostgresURL(where)
	if err != nil {
		return nil, fmt.Errorf("the source: %w", err)
	}
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["datestyle"] = "ISO"
	cfg.RuntimeParams["client_encoding"] = "UTF8"
	cfg.RuntimeParams["application_name"] = "yoozak import-django"
	src, err := begin(ctx, &sqlSource{
		db: stdlib.OpenDB(*cfg), layout: l, zones: true,
		exists: `SELECT to_regclass($1) IS NOT NULL`,
	}, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	return src, secret.Redact(err, where)
}

// begin opens the transaction and looks for the users.
func begin(ctx context.Context, s *sqlSource, o *sql.TxOptions) (Source, error) {
	s.db.SetMaxOpenConns(1)
	err := func() (err error) {
		if s.tx, err = s.db.BeginTx(ctx, o); err != nil {
			return fmt.Errorf("open the source: %w", err)
		}
		there, err := s.has(ctx, s.layout.Table)
		if err != nil {
			return fmt.Errorf("read the source: %w", err)
		}
		if !there {
			return fmt.Errorf("the source has no table %q: say --table", s.layout.Table)
		}
		if err := s.checkColumns(ctx); err != nil {
			return err
		}
		return s.tx.QueryRowContext(ctx, `SELECT count(*) FROM `+quote(s.layout.Table)).Scan(&s.total)
	}()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *sqlSource) has(ctx context.Context, table string) (there bool, err error) {
	err = s.tx.QueryRowContext(ctx, s.exists, quote(table)).Scan(&there)
	return there, err
}

// checkColumns says which columns are missing, and what to do about it.
func (s *sqlSource) checkColumns(ctx context.Context) error {
	rows, err := s.tx.QueryContext(ctx, `SELECT * FROM `+quote(s.layout.Table)+` LIMIT 0`) //nolint:gosec // quoted
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // there are none
	there, err := rows.Columns()
	if err != nil {
		return err
	}
	for _, field := range Fields {
		column, wanted := s.layout.column(field)
		if wanted && !slices.Contains(there, column) {
			return missing("table "+s.layout.Table, field, column)
		}
	}
	return rows.Err()
}

func missing(in, field, column string) error {
	if needed[field] {
		return fmt.Errorf("the %s has no %q: say --column %s=NAME", in, column, field)
	}
	return fmt.Errorf("the %s has no %q: say --column %s=NAME, or --column %s= if it has nothing of the kind", in, column, field, field)
}

// Users reads the table.
func (s *sqlSource) Users(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := s.users(ctx, yield); err != nil {
			yield(Record{}, fmt.Errorf("read the source: %w", err))
		}
	}
}

func (s *sqlSource) users(ctx context.Context, yield func(Record, error) bool) error {
	columns := make([]string, len(Fields))
	for i, field := range Fields {
		columns[i] = "NULL"
		if column, wanted := s.layout.column(field); wanted {
			columns[i] = "CAST(" + quoteOne(column) + " AS TEXT)"
		}
	}
	idColumn, _ := s.layout.column("id")
	list := strings.Join(columns, ", ")
	query := fmt.Sprintf( //nolint:gosec // names, quoted
		`SELECT %s
		FROM %s
		ORDER BY %s`, list, quote(s.layout.Table), quoteOne(idColumn))
	rows, err := s.tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var (
		values [len(row{})]sql.NullString
		to     [len(values)]any
	)
	for i := range values {
		to[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(to[:]...); err != nil {
			return err
		}
		var r row
		for i, v := range values {
			r[i] = text{v.String, v.Valid}
		}
		s.read.Add(1)
		rec := r.record(s.layout)
		rec.Bare = rec.Bare && s.zones
		if !yield(rec, nil) {
			return nil
		}
	}
	return rows.Err()
}

// The tables of simplejwt's blacklist, in the schema of the users.
const (
	outstandingTable = "token_blacklist_outstandingtoken"
	blacklistTable   = "token_blacklist_blacklistedtoken"
)

// Blacklisted reads simplejwt's tables.
func (s *sqlSource) Blacklisted(ctx context.Context) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		if err := s.blacklisted(ctx, yield); err != nil {
			yield(Token{}, fmt.Errorf("read the blacklist: %w", err))
		}
	}
}

func (s *sqlSource) blacklisted(ctx context.Context, yield func(Token, error) bool) error {
	schema := ""
	if dot := strings.IndexByte(s.layout.Table, '.'); dot >= 0 {
		schema = s.layout.Table[:dot+1]
	}
	if s.layout.Blacklist == Ignored {
		return nil
	}
	there, err := s.has(ctx, schema+blacklistTable)
	if err != nil {
		return err
	}
	if !there {
		return absent(s.layout, "tables "+schema+"token_blacklist_…")
	}
	query := fmt.Sprintf( //nolint:gosec // names, quoted
		`SELECT CAST(o.jti AS TEXT), CAST(o.expires_at AS TEXT)
		FROM %s b
		JOIN %s o ON o.id = b.token_id
		ORDER BY o.id`, quote(schema+blacklistTable), quote(schema+outstandingTable))
	rows, err := s.tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var jti, expires sql.NullString
		if err := rows.Scan(&jti, &expires); err != nil {
			return err
		}
		t, err := token(jti.String, text{expires.String, expires.Valid}, s.layout.zone())
		if err != nil {
			return err
		}
		if !yield(t, nil) {
			return nil
		}
	}
	return rows.Err()
}

// absent is an error where the blacklist has to be there.
func absent(l Layout, what string) error {
	if l.Blacklist == Required {
		return fmt.Errorf("the source has no %s", what)
	}
	return nil
}

// token is an error when the token cannot be read: one that was taken back
// and is good again here would be a hole.
func token(jti string, expires text, zone *time.Location) (Token, error) {
	t := Token{ID: jti}
	if !date(expires, zone, &t.ExpiresAt) || t.ExpiresAt.IsZero() || jti == "" {
		return Token{}, fmt.Errorf("token %q has no jti or no date of expiry that can be read; --no-blacklist leaves all out", jti)
	}
	return t, nil
}

// Count is that of rows.
func (s *sqlSource) Count() (int64, bool) { return s.total, true }

// Progress is by rows.
func (s *sqlSource) Progress() float64 {
	if s.total == 0 {
		return 1
	}
	return min(1, float64(s.read.Load())/float64(s.total))
}

// Close lets go of the database.
func (s *sqlSource) Close() error {
	if s.tx != nil {
		_ = s.tx.Rollback() // nothing was written
	}
	return s.db.Close()
}

// quote makes a table's name, with its schema if it has one, an identifier.
func quote(table string) string { return pgx.Identifier(strings.Split(table, ".")).Sanitize() }

func quoteOne(column string) string { return pgx.Identifier{column}.Sanitize() }
