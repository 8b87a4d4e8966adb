package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// UserFilter says which users are meant; the zero value means all. What stands
// in it goes into no log and no error.
type UserFilter struct {
	Search   string // words that are parts of names, address or username, all of them, in any order
	Active   *bool  // neither closed nor disabled
	State    account.UserState
	Verified *bool // has proved the address
	Staff    *bool
	Language string

	JoinedAfter, JoinedBefore       time.Time // the first moment that is meant, and the first that is not any more
	LastLoginAfter, LastLoginBefore time.Time // the same; who never logged in is not meant
}

// UserOrdering is the order of a list, downwards with a minus. Ties are in the
// order of ids, in the same direction.
type UserOrdering string

// The orders. Who never logged in comes last in both directions.
const (
	ByID        UserOrdering = "id"
	ByUsername  UserOrdering = "username"
	ByEmail     UserOrdering = "email"
	ByJoined    UserOrdering = "date_joined"
	ByLastLogin UserOrdering = "last_login"
)

// Down is the order from the other end.
func (o UserOrdering) Down() UserOrdering { return "-" + o }

// Orderings are all there are.
func Orderings() []UserOrdering {
	all := []UserOrdering{ByID, ByUsername, ByEmail, ByJoined, ByLastLogin}
	for _, o := range all[:5:5] {
		all = append(all, o.Down())
	}
	return all
}

// UserPage is a part of a list.
type UserPage struct {
	Users          []account.User
	Next, Previous string // cursors; "" where there is no more

	// Short says that the page has fewer users than it may though there may be
	// more: so few of so many looked at were meant that the time was up. Next (of
	// a page that was asked for by a Previous, Previous) goes on.
	Short bool
	// Incomplete says that somebody may be missing because what is searched of
	// them is still to be folded: see [Store.RefillSearch].
	Incomplete bool
}

// UserCount is how many users are meant.
type UserCount struct {
	N          int64
	Exact      bool // else about so many
	Incomplete bool // as [UserPage.Incomplete]
}

// The errors of a search that cannot be made. None repeats what was searched.
var (
	ErrSearchLong = errors.New("the search is too long")             // more than MaxSearch letters or MaxSearchWords words
	ErrSearchText = errors.New("the search is no text")              // a NUL, or not UTF-8
	ErrOrdering   = errors.New("there is no such order")             // none of [Orderings]
	ErrCursor     = errors.New("the cursor is not one of this list") // tampered with, or of another search or order
)

// What a search may be.
const (
	MaxSearch      = 300
	MaxSearchWords = 10
)

// MaxUserPage is the most users that a page has.
const MaxUserPage = 200

// ListUsers returns a page of the users that are meant, of up to limit, which
// is between 1 and [MaxUserPage]. The cursor is "" or one of another page of the
// same list.
//
// It walks along the index of the order. Where few of those that it meets are
// meant it collects the candidates of what of the filter leaves fewest, if they
// are few, and sorts them. Where neither is so, it goes on until it has looked at
// so many users: see [UserPage.Short].
func (s *Store) ListUsers(ctx context.Context, f UserFilter, o UserOrdering, cursor string, limit int) (page UserPage, err error) {
	sel, err := s.selection(f)
	if err != nil {
		return UserPage{}, err
	}
	way, err := s.wayOf(o)
	if err != nil {
		return UserPage{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	at, err := s.openCursor(ctx, cursor, f, o)
	if err != nil {
		return UserPage{}, err
	}
	if page.Incomplete, err = s.incomplete(ctx, f); err != nil || sel.nobody {
		return page, err
	}
	if at.Back {
		way = way.reversed()
	}
	l := &listing{store: s, sel: sel, way: way, effort: s.effort, want: min(max(limit, 1), MaxUserPage) + 1}
	if l.effort == (effort{}) {
		l.effort = s.dialect.effort
	}
	var from *place
	if at.given {
		from = &at.place
	}
	if err := l.run(ctx, from); err != nil {
		return UserPage{}, err
	}
	return s.page(ctx, page, l, at, f, o)
}

// searchTime is the most that a question of the staff may take; what takes
// longer is an [account.ErrUnavailable].
const searchTime = 5 * time.Second

// page makes a page of what was found.
func (s *Store) page(ctx context.Context, page UserPage, l *listing, at cursorText, f UserFilter, o UserOrdering) (UserPage, error) {
	found := l.found
	ahead := len(found) == l.want // there is one more
	if ahead {
		found = found[:l.want-1]
	}
	page.Short = l.stopped
	page.Users = make([]account.User, len(found))
	for i, u := range found {
		page.Users[i] = u.User
	}
	var first, last *place // from where to go on, behind and ahead
	if at.given {
		if len(found) > 0 {
			first = l.way.placeOf(found[0])
		} else {
			first = &at.place
			first.With = true
		}
	}
	switch {
	case l.stopped:
		last = &l.reached
	case ahead:
		last = l.way.placeOf(found[len(found)-1])
	}
	if at.Back {
		slices.Reverse(page.Users)
		first, last = last, first
	}
	var err error
	if last != nil {
		page.Next, err = s.sealCursor(ctx, cursorText{place: *last}, f, o)
	}
	if first != nil && err == nil {
		page.Previous, err = s.sealCursor(ctx, cursorText{place: *first, Back: true}, f, o)
	}
	return page, err
}

func (s *Store) incomplete(ctx context.Context, f UserFilter) (bool, error) {
	if f.Search == "" {
		return false, nil
	}
	return s.SearchIncomplete(ctx)
}
