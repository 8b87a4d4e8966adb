package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/fold"
)

// Import is one long transaction that takes users in by the thousand. What
// it is given must be good: a username that is taken ends the transaction,
// so ask [Import.Owners] first, unless [Import.NamesLater].
type Import struct {
	*Store
	bulk       bulk
	namesLater bool
}

// bulk is what the engines do differently when there is much to write.
type bulk interface {
	begin(ctx context.Context) (namesLater bool, err error)
	insert(ctx context.Context, rows []ImportRow) error
	update(ctx context.Context, rows []ImportRow) error
	buildIndexes(ctx context.Context, left func(u account.User, owner int64)) error
	continueIDs(ctx context.Context) error
}

// ImportRow is a user to write, and what to remember of where it came from.
type ImportRow struct {
	User   account.User
	Origin Origin
	search string // of the user, folded, when it is written
}

// Origin is what the last import saw of a user. A user without one came
// another way; an Origin without a user is of somebody who was erased here.
type Origin struct {
	Fields     []byte    // the importer's own
	PasswordAt time.Time // the user's PasswordAt after that import
}

// Import runs fn in one transaction that lasts as long as fn does. Until it
// ends nobody else writes users: registrations and logins wait, on SQLite
// every other write too. What fn returns an error for is undone.
func (s *Store) Import(ctx context.Context, fn func(context.Context, *Import) error) error {
	if err := s.outside(ctx); err != nil {
		return fmt.Errorf("begin an import: %w", err)
	}
	ctx = s.inside(ctx)
	if s.batch != nil {
		return s.batch.do(ctx, func(q querier) error {
			tx := &Store{q: q, slow: q, dialect: s.dialect, health: s.health}
			return tx.take(ctx, &sqliteBulk{tx: tx}, fn)
		})
	}
	return s.postgres.changing(ctx, func() error { return s.importPostgres(ctx, fn) })
}

func (s *Store) importPostgres(ctx context.Context, fn func(context.Context, *Import) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.wrapErr("begin an import", err)
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool
	sqlTx, err := conn.BeginTx(ctx, readCommitted)
	if err != nil {
		return s.wrapErr("begin an import", err)
	}
	defer sqlTx.Rollback() //nolint:errcheck // a no-op after Commit; after an error there is a better one to return
	tx := &Store{q: sqlTx, slow: sqlTx, dialect: s.dialect, health: s.health}
	if err := tx.take(ctx, &postgresBulk{tx, conn}, fn); err != nil {
		return whyUndone(ctx, err)
	}
	return s.wrapErr("commit", whyUndone(ctx, sqlTx.Commit()))
}

func (s *Store) take(ctx context.Context, b bulk, fn func(context.Context, *Import) error) error {
	namesLater, err := b.begin(ctx)
	if err != nil {
		return s.wrapErr("begin an import", err)
	}
	i := &Import{s, b, namesLater}
	if err := fn(ctx, i); err != nil {
		return err
	}
	var taken error
	err = i.SettleNames(ctx, func(u account.User, owner int64) {
		taken = i.wrapErr("insert users", fmt.Errorf("%w: the username of %d, by %d", ErrTaken, u.ID, owner))
	})
	return errors.Join(err, taken)
}

// NamesLater reports whether usernames may come twice until
// [Import.SettleNames]: there was nobody here, and one look at all of them in
// the end costs less than one for each. Until then only ids are found fast.
func (i *Import) NamesLater() bool { return i.namesLater }

// SettleNames ends [Import.NamesLater]. Of several users with one name that
// with the smallest id stays; left is told of the others, who are not here
// any more. Where fn does not call it, names that come twice are
// [ErrTaken].
func (i *Import) SettleNames(ctx context.Context, left func(u account.User, owner int64)) error {
	if !i.namesLater {
		return nil
	}
	i.namesLater = false
	return i.wrapErr("build the indexes of users", i.bulk.buildIndexes(ctx, left))
}

// Insert stores new users under their own ids.
func (i *Import) Insert(ctx context.Context, rows []ImportRow) error {
	if len(rows) == 0 {
		return nil
	}
	return i.wrapErr("insert users", i.bulk.insert(ctx, folded(rows)))
}

// Update replaces all of users that exist, except their language and when
// they left or signed out.
func (i *Import) Update(ctx context.Context, rows []ImportRow) error {
	if len(rows) == 0 {
		return nil
	}
	return i.wrapErr("update users", i.bulk.update(ctx, folded(rows)))
}

// folded are rows with what is searched.
func folded(rows []ImportRow) []ImportRow {
	rows = slices.Clone(rows)
	for i, r := range rows {
		rows[i].search = searchText(r.User)
	}
	return rows
}

// ContinueIDs makes the next new user's id larger than all there are. It
// cannot be undone, so it comes last.
func (i *Import) ContinueIDs(ctx context.Context) error {
	return i.wrapErr("continue the ids", i.bulk.continueIDs(ctx))
}

// UsersWithID returns those users that exist.
func (i *Import) UsersWithID(ctx context.Context, ids []int64) (map[int64]account.User, error) {
	users := make(map[int64]account.User)
	err := askMany(ctx, i, "find users", ids, `
		SELECT `+userColumns+`
		FROM users u
		WHERE u.id IN (%s)`,
		func(rows *sql.Rows) error {
			var u account.User
			err := rows.Scan(userTarget(&u)...)
			users[u.ID] = u
			return err
		})
	return users, err
}

// Origins returns the origins of those ids that were imported before.
func (i *Import) Origins(ctx context.Context, ids []int64) (map[int64]Origin, error) {
	origins := make(map[int64]Origin)
	err := askMany(ctx, i, "find the origins of users", ids, `
		SELECT user_id, fields, password_at
		FROM django_imports
		WHERE user_id IN (%s)`,
		func(rows *sql.Rows) error {
			var (
				id int64
				o  Origin
			)
			err := rows.Scan(&id, &o.Fields, asUTC(&o.PasswordAt))
			origins[id] = o
			return err
		})
	return origins, err
}

// Owners returns the ids of those who have one of the usernames, or have had it
// since a time and nobody has it now: see [Store.UsernameTaken].
func (i *Import) Owners(ctx context.Context, names []string, heldSince time.Time) (map[string]int64, error) {
	owners := make(map[string]int64)
	since := heldSince.UTC()
	err := askMany(ctx, i, "find who had usernames", names, `
		SELECT user_id, username, changed_at
		FROM username_changes
		WHERE username IN (%s)`,
		func(rows *sql.Rows) error {
			var (
				id   int64
				name string
				at   time.Time
			)
			err := rows.Scan(&id, &name, asUTC(&at))
			if at.After(since) {
				owners[name] = id
			}
			return err
		})
	if err != nil {
		return nil, err
	}
	err = askMany(ctx, i, "find the owners of usernames", names, `
		SELECT id, username
		FROM users
		WHERE username IN (%s)`,
		func(rows *sql.Rows) error {
			var (
				id   int64
				name string
			)
			err := rows.Scan(&id, &name)
			owners[name] = id
			return err
		})
	return owners, err
}

// UsersWithEmail returns everybody who has one of the addresses, by their keys
// (see [account.EmailKey]).
func (i *Import) UsersWithEmail(ctx context.Context, keys []string) (map[string][]account.User, error) {
	users := make(map[string][]account.User)
	seen := make(map[int64]bool)
	err := askMany(ctx, i, "find users with addresses", keys, `
		SELECT `+userColumns+`
		FROM users u
		WHERE u.email_key IN (%s)`,
		func(rows *sql.Rows) error {
			var u account.User
			err := rows.Scan(userTarget(&u)...)
			if key := account.EmailKey(u.Email); !seen[u.ID] {
				users[key] = append(users[key], u)
				seen[u.ID] = true
			}
			return err
		})
	return users, err
}

// VerifyEmails notes that users read the mailboxes of the addresses that
// they have.
func (i *Import) VerifyEmails(ctx context.Context, userIDs []int64, at time.Time) error {
	for _, id := range userIDs {
		_, err := i.exec(ctx, "note imported proofs", `
			UPDATE users
			SET email_verified_at = $1
			WHERE id = $2 AND email_verified_at IS NULL`, at.UTC(), id)
		if err != nil {
			return err
		}
	}
	return nil
}

// LargestID is the largest id of a user here or of an origin; 0: there is
// none.
func (i *Import) LargestID(ctx context.Context) (int64, error) {
	return queryValue[int64](ctx, i.Store, "find the largest id", `
		SELECT max(id)
		FROM (SELECT coalesce(max(id), 0) AS id FROM users
		      UNION ALL
		      SELECT coalesce(max(user_id), 0) FROM django_imports) AS largest`)
}

// ImportedIDs returns up to limit ids after the given one that were
// imported and have a user, in their order.
func (i *Import) ImportedIDs(ctx context.Context, after int64, limit int) ([]int64, error) {
	return queryAll(ctx, i.Store, "list imported users", scanID, `
		SELECT d.user_id
		FROM django_imports d
		JOIN users u ON u.id = d.user_id
		WHERE d.user_id > $1
		ORDER BY d.user_id
		LIMIT $2`, after, limit)
}

// EndSessions ends every session of several users, and every trust in their
// devices. Tokens that another service issued stay good: that the password changed
// there is no news to it.
func (i *Import) EndSessions(ctx context.Context, userIDs []int64, at time.Time) error {
	const op = "end the sessions of imported users"
	err := i.changeMany(ctx, op, userIDs, `
		UPDATE sessions
		SET revoked_at = $1
		WHERE user_id IN (%s) AND revoked_at IS NULL`, at.UTC())
	if err != nil {
		return err
	}
	return i.changeMany(ctx, op, userIDs, `
		DELETE FROM trusted_devices
		WHERE user_id IN (%s)`)
}

// EndLinks makes several users' links of some kinds worthless, mails of some kinds
// that are owed, and every code.
func (i *Import) EndLinks(ctx context.Context, userIDs []int64, links []account.ChallengeKind, mails []account.MailKind, at time.Time) error {
	const op = "void the links of imported users"
	args := []any{account.MailUnwanted}
	for _, kind := range mails {
		args = append(args, kind)
	}
	// The mails come first, as wherever links are made worthless.
	err := i.changeMany(ctx, op, userIDs, giveUp+`sent_at IS NULL AND kind IN (`+params(1, len(mails))+`) AND user_id IN (%s)`, args...)
	if err != nil {
		return err
	}
	args = []any{at.UTC()}
	for _, kind := range links {
		args = append(args, kind)
	}
	err = i.changeMany(ctx, op, userIDs, `
		UPDATE challenges
		SET used_at = $1
		WHERE used_at IS NULL AND kind IN (`+params(1, len(links))+`) AND user_id IN (%s)`, args...)
	if err != nil {
		return err
	}
	return i.changeMany(ctx, op, userIDs, voidCodes+` AND user_id IN (%s)`, longAgo)
}

// EndApprovals is [Store.DeleteApprovalsOf] for several users.
func (i *Import) EndApprovals(ctx context.Context, userIDs []int64) error {
	return i.changeMany(ctx, "forget approvals of imported users", userIDs, `DELETE FROM staff_approvals WHERE asked_by IN (%[1]s) OR decided_by IN (%[1]s)`)
}

// EndCorrections stops what runs of several users' recoveries that only give
// another address, and gives up the mails that finish them. Who has an import done
// is of the staff, and is said to have stopped them.
func (i *Import) EndCorrections(ctx context.Context, userIDs []int64, at time.Time) error {
	const (
		op   = "stop the corrections of imported users"
		runs = `keeps AND stopped_at IS NULL AND finished_at IS NULL AND ready_at > $3 AND user_id IN (%s)`
	)
	began := at.UTC().Add(-account.RecoveryOpen)
	// The mails come first: they are found by what runs.
	err := i.changeMany(ctx, op, userIDs, giveUp+`kind = $2 AND sent_at IS NULL AND user_id IN (SELECT user_id FROM recoveries WHERE `+runs+`)`,
		account.MailUnwanted, account.MailRecoveryReady, began)
	if err != nil {
		return err
	}
	return i.changeMany(ctx, op, userIDs, `
		UPDATE recoveries
		SET stopped_at = $1, stopped_by = $2
		WHERE `+runs, at.UTC(), account.StoppedByStaff, began)
}

// changeMany runs a statement whose %s is a list of users of any length, as
// [askMany] runs a query. Its other parameters come first.
func (i *Import) changeMany(ctx context.Context, op string, userIDs []int64, query string, args ...any) error {
	return eachList(userIDs, query, args, func(query string, args []any) error {
		_, err := i.exec(ctx, op, query, args...)
		return err
	})
}

// askMany runs a query whose %s is a list of any length, some at a time.
func askMany[T any](ctx context.Context, i *Import, op string, values []T, query string, scan func(*sql.Rows) error) error {
	err := eachList(values, query, nil, func(query string, args []any) error { return i.ask(ctx, query, args, scan) })
	return i.wrapErr(op, err)
}

// eachList runs a statement whose %s is a list of any length, some at a time,
// after its other parameters. The last list is filled up with a value of its
// own, so that the database sees one text.
func eachList[T any](values []T, query string, args []any, run func(query string, args []any) error) error {
	const most = 200
	query = fmt.Sprintf(query, params(len(args), most))
	for some := range slices.Chunk(values, most) {
		all := slices.Clone(args)
		for at := range most {
			all = append(all, some[min(at, len(some)-1)])
		}
		if err := run(query, all); err != nil {
			return err
		}
	}
	return nil
}

func (i *Import) ask(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := i.q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// importColumns are the columns of a user that an import writes; importValues
// are in their order. The last one is not updated.
var importColumns = []string{
	"id", "username", "email", "email_key", "first_name", "last_name", "password_hash",
	"is_active", "is_staff", "is_superuser", "joined_at", "last_login_at", "password_at", "email_verified_at", "email_key_version", "search", "search_version", "language",
}

func importValues(r ImportRow) []any {
	u := r.User
	return []any{
		u.ID, u.Username, u.Email, account.EmailKey(u.Email), u.FirstName, u.LastName, u.PasswordHash,
		u.Active, u.Staff, u.Superuser, u.JoinedAt.UTC(), nullTime(u.LastLoginAt), u.PasswordAt.UTC(), nullTime(u.EmailVerifiedAt), account.EmailKeyVersion, r.search, fold.Version, u.Language,
	}
}

var originColumns = []string{"user_id", "fields", "password_at"}

func originValues(r ImportRow) []any {
	return []any{r.User.ID, r.Origin.Fields, r.Origin.PasswordAt.UTC()}
}

// HasImportedPassword reports whether a user's password is the one that came
// from Django: nobody has chosen another here.
func (s *Store) HasImportedPassword(ctx context.Context, userID int64) (bool, error) {
	return queryValue[bool](ctx, s, "look for an imported password", `
		SELECT EXISTS (SELECT 1 FROM django_imports i JOIN users u ON u.id = i.user_id
		               WHERE u.id = $1 AND i.password_at = u.password_at)`, userID)
}
