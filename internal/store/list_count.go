package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/fold"
)

// MostCounted is up to how many users a count is exact.
const MostCounted = 10_000

// How a count is made: of so many candidates each is looked at; of more, some
// users are, whose ids are as far apart as there is room.
const (
	countCandidates = MostCounted + MostCounted/2
	countProbes     = 40
	countProbe      = 100
)

// CountUsers says how many users are meant: exactly up to [MostCounted] if some
// part of the filter leaves half as many again at most, else about. It costs more
// than a page: show the page first.
func (s *Store) CountUsers(ctx context.Context, f UserFilter) (c UserCount, err error) {
	sel, err := s.selection(f)
	if err != nil {
		return UserCount{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	if c.Incomplete, err = s.incomplete(ctx, f); err != nil || sel.nobody {
		c.Exact = true
		return c, err
	}
	everybody, exact, err := s.countAll(ctx)
	if err != nil {
		return UserCount{}, err
	}
	if len(sel.where) == 0 {
		c.N, c.Exact = everybody, exact
		return c, nil
	}
	// Who is many in a sample is not looked at one by one.
	share := 1.0
	if !exact {
		if share, err = s.share(ctx, sel); err != nil {
			return UserCount{}, err
		}
	}
	about := int64(share * float64(everybody))
	if !exact && about > countCandidates {
		c.N = about
		return c, nil
	}
	ids, few, err := s.candidates(ctx, sel.paths, countCandidates, MostCounted/10)
	if err != nil {
		return UserCount{}, err
	}
	switch {
	case few:
		c.N, err = s.countIn(ctx, sel, ids)
		c.Exact = true
	case exact: // and not many, so that each is looked at
		c.N, err = queryValue[int64](ctx, s, "count users", numbered(`SELECT count(*) FROM users u WHERE `+and(sel.where...), len(sel.args)), sel.args...)
		c.Exact = true
	default:
		c.N = max(about, 1)
	}
	return c, err
}

// countAll is how many users there are, or about.
func (s *Store) countAll(ctx context.Context) (n int64, exact bool, err error) {
	n, err = queryValue[int64](ctx, s, "count users", `
		SELECT count(*)
		FROM (SELECT 1 FROM users LIMIT `+strconv.Itoa(MostCounted+1)+`) AS these`)
	if err != nil || n <= MostCounted {
		return n, true, err
	}
	n, err = queryValue[int64](ctx, s, "count users", s.dialect.allUsers)
	return n, false, err
}

func (s *Store) countIn(ctx context.Context, sel *selection, ids []int64) (int64, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	return queryValue[int64](ctx, s, "count users", numbered(`
		SELECT count(*)
		FROM `+s.dialect.idList+` CROSS JOIN users u
		WHERE u.id = c.id AND `+and(sel.where...), len(sel.args)+1), append([]any{s.dialect.ids(ids)}, sel.args...)...)
}

// share is which part of some users is meant.
func (s *Store) share(ctx context.Context, sel *selection) (float64, error) {
	type span struct{ first, last int64 }
	ends := func(scan func(...any) error) (e span, err error) {
		err = scan(&e.first, &e.last)
		return e, err
	}
	e, err := queryRow(ctx, s, "count users", ends, `SELECT (SELECT COALESCE(min(id), 0) FROM users), (SELECT COALESCE(max(id), 0) FROM users)`)
	if err != nil {
		return 0, err
	}
	var asked, meant int64
	both := func(scan func(...any) error) (c [2]int64, err error) {
		err = scan(&c[0], &c[1])
		return c, err
	}
	query := numbered(`
		SELECT count(*), COALESCE(sum(CASE WHEN `+and(sel.where...)+` THEN 1 ELSE 0 END), 0)
		FROM (SELECT * FROM users WHERE id >= %s ORDER BY id LIMIT `+strconv.Itoa(countProbe)+`) u`, len(sel.args)+1)
	for i := range int64(countProbes) {
		from := e.first + (e.last-e.first)/countProbes*i
		n, err := queryRow(ctx, s, "count users", both, query, append(slices.Clone(sel.args), from)...)
		if err != nil {
			return 0, err
		}
		asked, meant = asked+n[0], meant+n[1]
	}
	if asked == 0 {
		return 0, nil
	}
	return float64(meant) / float64(asked), nil
}

// MostExact is how many users [Store.ExactUsers] returns at most.
const MostExact = 5

// ExactUsers returns who is meant by a filter's search as a whole: by an id
// (4821 or #4821), a whole address, a username, or a whole first or last name;
// those by the first of these come first. Nobody is returned whom the rest of
// the filter leaves out.
func (s *Store) ExactUsers(ctx context.Context, f UserFilter) ([]account.User, error) {
	sel, err := s.selection(UserFilter{Search: f.Search})
	if err != nil {
		return nil, err
	}
	search := f.Search
	f.Search = ""
	rest, err := s.selection(f)
	if err != nil || rest.nobody {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	var found []account.User
	add := func(more []account.User, err error) error {
		for _, u := range more {
			if len(found) < MostExact && !slices.ContainsFunc(found, func(o account.User) bool { return o.ID == u.ID }) {
				found = append(found, u)
			}
		}
		return err
	}
	meant := func(users []account.User, err error) ([]account.User, error) {
		if err != nil || len(users) == 0 || len(rest.where) == 0 {
			return users, err
		}
		return s.usersIn(ctx, rest, users)
	}
	typed := strings.TrimSpace(search)
	if id, err := strconv.ParseInt(fold.String(strings.TrimPrefix(typed, "#")), 10, 64); err == nil {
		if err := add(meant(s.users(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id))); err != nil {
			return nil, err
		}
	}
	if strings.Contains(typed, "@") {
		if err := add(meant(s.UsersByEmail(ctx, typed, mostClaims))); err != nil {
			return nil, err
		}
	}
	if typed != "" {
		if err := add(meant(s.users(ctx, `SELECT `+userColumns+` FROM users u WHERE u.username = $1`, account.NormalizeUsername(typed)))); err != nil {
			return nil, err
		}
	}
	if sel.query.Whole == "" {
		return found, nil
	}
	args := append([]any{s.dialect.gramQuery(sel.query.WholeGrams()), sel.query.Whole}, rest.args...)
	err = add(s.users(ctx, numbered(`
		SELECT `+userColumns+`
		FROM (`+s.dialect.findGrams+`) AS c CROSS JOIN users u
		WHERE u.id = c.id AND `+and(append([]string{fmt.Sprintf(s.dialect.contains, "u.search", "%s")}, rest.where...)...)+`
		LIMIT `+strconv.Itoa(MostExact), len(args)), args...))
	return found, err
}

// mostClaims is how many of those who claim one address [Store.ExactUsers] looks
// at: anybody can register with anybody's.
const mostClaims = 100

// usersIn returns those users whom a selection means.
func (s *Store) usersIn(ctx context.Context, sel *selection, users []account.User) ([]account.User, error) {
	ids := make([]int64, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	return s.users(ctx, numbered(`
		SELECT `+userColumns+`
		FROM `+s.dialect.idList+` CROSS JOIN users u
		WHERE u.id = c.id AND `+and(sel.where...)+`
		ORDER BY u.id`, len(sel.args)+1), append([]any{s.dialect.ids(ids)}, sel.args...)...)
}
