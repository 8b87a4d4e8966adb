package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/fold"
)

// What is searched of a user is a column, folded by package fold, with the
// version of the rule beside it, and its grams are an index beside the table:
// FTS5 on SQLite, GIN on PostgreSQL. Whoever writes a name writes both; a
// trigger makes the version 0 where a server of the previous release does not,
// and a job refills: see docs/decisions/0034-search.md.

// searchText is the folded text of a user.
func searchText(u account.User) string {
	return fold.Row(u.FirstName, u.LastName, u.Email, u.Username)
}

// gramsColumn are the grams of folded texts as a column of a statement for
// many rows.
func (s *Store) gramsColumn(texts []string) column {
	grams := make([]string, len(texts))
	for i, text := range texts {
		grams[i] = s.dialect.grams(fold.Grams(text))
	}
	return columnOf("text", grams)
}

// arrayOfGrams are grams as PostgreSQL writes an array.
func arrayOfGrams(grams []int16) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, gram := range grams {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(gram)))
	}
	b.WriteByte('}')
	return b.String()
}

// wordsOfGrams are grams as the words of a text, for FTS5.
func wordsOfGrams(grams []int16) string {
	b := make([]byte, 0, 5*len(grams))
	for i, gram := range grams {
		if i > 0 {
			b = append(b, ' ')
		}
		b = fmt.Appendf(b, "%04x", uint16(gram)) //nolint:gosec // the bits are meant
	}
	return string(b)
}

// putGrams makes the grams of users those of the texts.
func (s *Store) putGrams(ctx context.Context, ids []int64, texts []string) error {
	_, err := s.execSet(ctx, "index what is searched", s.dialect.putGrams, columnOf("bigint", ids), s.gramsColumn(texts))
	return err
}

// refreshSearch makes what is searched of a user fit the names that the
// transaction has just changed. It holds the user's row.
func (s *Store) refreshSearch(ctx context.Context, id int64) error {
	u, err := s.UserByID(ctx, id)
	if err != nil {
		return err
	}
	text := searchText(u)
	err = s.execOne(ctx, "note what is searched", `
		UPDATE users
		SET search = $1, search_version = $2
		WHERE id = $3`, text, fold.Version, id)
	if err != nil {
		return err
	}
	return s.putGrams(ctx, []int64{id}, []string{text})
}

// RefillSearch folds up to limit users again that another rule folded, or
// whom a server of another release wrote, and says how many there were.
func (s *Store) RefillSearch(ctx context.Context, limit int) (int, error) {
	scan := func(scan func(...any) error) (u account.User, err error) {
		err = scan(&u.ID, &u.Username, &u.Email, &u.FirstName, &u.LastName)
		return u, err
	}
	stale, err := queryAll(ctx, s, "list what is to be folded", scan, `
		SELECT id, username, email, first_name, last_name
		FROM users
		WHERE search_version <> `+searchVersion+`
		ORDER BY id
		LIMIT $1`, limit)
	if err != nil || len(stale) == 0 {
		return 0, err
	}
	n := len(stale)
	ids, texts := make([]int64, n), make([]string, n)
	names := [4][]string{make([]string, n), make([]string, n), make([]string, n), make([]string, n)}
	text := make(map[int64]string, n)
	for i, u := range stale {
		ids[i], texts[i] = u.ID, searchText(u)
		names[0][i], names[1][i], names[2][i], names[3][i] = u.Username, u.Email, u.FirstName, u.LastName
		text[u.ID] = texts[i]
	}
	// Only where the names are still what was folded: what somebody else changed
	// meanwhile is for the next time, or done.
	done, err := querySet(ctx, s, "note what is searched", scanID, `
		UPDATE users
		SET search = v.column2, search_version = `+searchVersion+`
		FROM %s
		WHERE users.id = v.column1 AND users.search_version <> `+searchVersion+`
		  AND users.username = v.column3 AND users.email = v.column4 AND users.first_name = v.column5 AND users.last_name = v.column6
		RETURNING users.id`,
		columnOf("bigint", ids), columnOf("text", texts),
		columnOf("text", names[0]), columnOf("text", names[1]), columnOf("text", names[2]), columnOf("text", names[3]))
	if err != nil {
		return 0, err
	}
	texts = texts[:0]
	for _, id := range done {
		texts = append(texts, text[id])
	}
	if len(done) == 0 {
		return n, nil
	}
	return n, s.putGrams(ctx, done, texts)
}

// searchVersion is [fold.Version] where a query is shaped for the index of
// what is of another: a parameter would hide it.
var searchVersion = strconv.Itoa(fold.Version)

// SearchIncomplete reports whether there are users whom [Store.RefillSearch]
// has still to fold, so that a search may not find them, or by names that they
// no longer have.
func (s *Store) SearchIncomplete(ctx context.Context) (bool, error) {
	return queryValue[bool](ctx, s, "look for what is to be folded", `
		SELECT EXISTS (SELECT 1 FROM users WHERE search_version <> `+searchVersion+`)`)
}
