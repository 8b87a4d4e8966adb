package staff

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/store"
)

// Query is which users are asked for, as it came in: every field is named as
// in addresses, and may be missing. Days are those of the shop.
type Query struct {
	Search, IsActive, Verified, IsStaff, Language              account.Input
	JoinedAfter, JoinedBefore, LastLoginAfter, LastLoginBefore account.Input
	Ordering, Cursor, PageSize                                 account.Input
}

// The sizes of a page.
const (
	PageSize     = 50
	MostPageSize = store.MaxUserPage
)

// filter reads what of a query says who is meant. A bad value is an error about
// its field, and never means more people.
func (s *Service) filter(q Query) (store.UserFilter, account.Fields) {
	errs := account.Fields{}
	f := store.UserFilter{Search: searchField.Read(errs, q.Search), Language: languageField.Read(errs, q.Language)}
	f.Active, f.Verified, f.Staff = boolean(errs, "is_active", q.IsActive), boolean(errs, "verified", q.Verified), boolean(errs, "is_staff", q.IsStaff)
	f.JoinedAfter, f.JoinedBefore = s.moment(errs, "date_joined_after", q.JoinedAfter, 0), s.moment(errs, "date_joined_before", q.JoinedBefore, 1)
	f.LastLoginAfter, f.LastLoginBefore = s.moment(errs, "last_login_after", q.LastLoginAfter, 0), s.moment(errs, "last_login_before", q.LastLoginBefore, 1)
	return f, errs
}

func boolean(errs account.Fields, field string, in account.Input) *bool {
	if in.State == account.Missing || in.State == account.Given && in.Text == "" {
		return nil
	}
	if in.State == account.Null {
		errs.Add(field, "field.null", nil)
		return nil
	}
	v := false
	switch strings.ToLower(in.Text) {
	case "true", "1":
		v = true
	case "false", "0":
	default:
		errs.Add(field, "field.boolean", nil)
		return nil
	}
	return &v
}

// moment reads a time, or a day of the shop: its beginning, or that of the day
// as many days later.
func (s *Service) moment(errs account.Fields, field string, in account.Input, later int) time.Time {
	value := auth.Field{Name: field}.Read(errs, in)
	if value == "" || len(errs[field]) > 0 {
		return time.Time{}
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil && at.Year() > 1900 {
		return at
	}
	day, err := time.ParseInLocation(time.DateOnly, value, s.o.Zone)
	if err != nil || day.Year() < 1901 || day.Year() > 9000 {
		errs.Add(field, "field.date", nil)
		return time.Time{}
	}
	return day.AddDate(0, 0, later)
}

// Page is a part of a list of users.
type Page struct {
	Users          []account.User
	Roles          map[int64]account.StaffMember // of those who have one
	Waits          map[int64]account.Recovery    // the corrections of addresses that wait, by their users
	Count          int64
	Estimated      bool   // the count is about so many
	Next, Previous string // cursors; "" where there is no more
	Short          bool   // fewer than a page though there may be more: Next goes on
	Incomplete     bool   // somebody may be missing whose names are still to be made searchable
}

// List returns a page of the users that are asked for. That somebody listed
// them is an event, with how many they were and never with the words. It returns
// [account.ThrottledFor] to who lists more than anybody needs to help.
func (s *Service) List(ctx context.Context, q Query) (Page, error) {
	f, errs := s.filter(q)
	order := store.UserOrdering(orderingField.Read(errs, q.Ordering))
	if order == "" {
		order = store.ByJoined.Down()
	}
	size := PageSize
	if n := number(errs, pageSizeField, q.PageSize); n > 0 {
		size = int(min(n, MostPageSize))
	}
	cursor := cursorField.Read(errs, q.Cursor)
	if err := errs.Err(); err != nil {
		return Page{}, err
	}
	found, err := s.store.ListUsers(ctx, f, order, cursor, size)
	if err != nil {
		return Page{}, asFieldError(err)
	}
	count, err := s.store.CountUsers(ctx, f)
	if err != nil {
		return Page{}, asFieldError(err)
	}
	p := Page{
		Users: found.Users, Count: count.N, Estimated: !count.Exact, Next: found.Next, Previous: found.Previous,
		Short: found.Short, Incomplete: found.Incomplete || count.Incomplete,
	}
	if p.Roles, err = s.roles(ctx); err != nil {
		return Page{}, err
	}
	if p.Waits, err = s.corrections(ctx, p.Users); err != nil {
		return Page{}, err
	}
	if err := s.names(ctx, len(p.Users)); err != nil {
		return Page{}, err
	}
	return p, s.listed(ctx, len(p.Users))
}

// Count says how many users a list of ids or, where it is missing, a search
// means.
func (s *Service) Count(ctx context.Context, ids account.Input, q Query) (store.UserCount, error) {
	if ids.State != account.Missing {
		users, err := s.ofList(ctx, ids, MostFrozen)
		return store.UserCount{N: int64(len(users)), Exact: true}, err
	}
	f, errs := s.filter(q)
	if err := errs.Err(); err != nil {
		return store.UserCount{}, err
	}
	count, err := s.store.CountUsers(ctx, f)
	return count, asFieldError(err)
}

// ExactMatches returns the few whom a query's search means as a whole, above a
// list in whatever order: by id, whole address, username, or whole name; of
// those whom the rest of the query means.
func (s *Service) ExactMatches(ctx context.Context, q Query) ([]account.User, error) {
	f, errs := s.filter(q)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	users, err := s.store.ExactUsers(ctx, f)
	return users, asFieldError(err)
}

func (s *Service) listed(ctx context.Context, n int) error {
	if s.agent == nil {
		return nil
	}
	return s.store.Tx(ctx, func(ctx context.Context, tx *store.Store) error {
		e := s.by(account.EventUsersListed, 0, s.now())
		e.Details.Count = n
		return s.audit.Record(ctx, tx, e)
	})
}

// roles are those of everybody who has one: there are few.
func (s *Service) roles(ctx context.Context) (map[int64]account.StaffMember, error) {
	members, err := s.store.StaffMembers(ctx)
	all := make(map[int64]account.StaffMember, len(members))
	for _, m := range members {
		all[m.UserID] = m
	}
	return all, err
}

// asFieldError says in which field a search is wrong.
func asFieldError(err error) error {
	switch {
	case errors.Is(err, store.ErrSearchLong):
		return account.FieldError("search", "field.max_length", account.Args{"max": store.MaxSearch})
	case errors.Is(err, store.ErrSearchText):
		return account.FieldError("search", "field.null_characters", nil)
	case errors.Is(err, store.ErrOrdering):
		return account.FieldError("ordering", "field.choice", nil)
	case errors.Is(err, store.ErrCursor):
		return account.FieldError("cursor", "field.cursor", nil)
	}
	return err
}
