package django

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
)

// text is a value as the source wrote it, or NULL.
type text struct {
	s    string
	some bool
}

// row is a user's values in the order of [Fields].
type row [11]text

// Where a field stands in a row.
const (
	id = iota
	username
	hash
	email
	firstName
	lastName
	isActive
	isStaff
	isSuperuser
	dateJoined
	lastLogin
)

// What is wrong with a row.
const (
	reasonNoID      = "the row has no id"
	reasonBadID     = "the id is not a number above zero"
	reasonNoName    = "the username is empty"
	reasonLongName  = "the username has more than 150 characters"
	reasonNotText   = "a text is not UTF-8, or has a NUL"
	reasonBadEmail  = "the address has a control character"
	reasonBadFlag   = "is_active, is_staff or is_superuser is neither true nor false"
	reasonBadJoined = "date_joined is not a date"
	reasonBadLogin  = "last_login is not a date"
)

// Bounds of what is taken.
const (
	maxUsername = 150     // Django's
	maxID       = 1 << 62 // a larger one leaves no ids for those who register later
)

// record reads a row. Every value that is NULL has Django's default.
func (r *row) record(l Layout) Record {
	rec := Record{ID: r[id].s, User: User{
		Username: r[username].s, Password: r[hash].s, Email: r[email].s,
		FirstName: r[firstName].s, LastName: r[lastName].s,
	}}
	u := &rec.User
	if !r[id].some {
		rec.Reason = reasonNoID
		return rec
	}
	var err error
	if u.ID, err = strconv.ParseInt(r[id].s, 10, 64); err != nil || u.ID < 1 || u.ID > maxID {
		rec.Reason = reasonBadID
		return rec
	}
	rec.Reason = r.wrong(u, l.zone())
	rec.Bare = l.Zone == nil && (bareDate(r[dateJoined]) || bareDate(r[lastLogin]))
	return rec
}

// wrong reads the rest of a row and says what cannot be read.
func (r *row) wrong(u *User, zone *time.Location) string {
	for _, t := range r[:lastName+1] {
		if !utf8.ValidString(t.s) || strings.IndexByte(t.s, 0) >= 0 {
			return reasonNotText
		}
	}
	switch n := utf8.RuneCountInString(u.Username); {
	case n == 0:
		return reasonNoName
	case n > maxUsername:
		return reasonLongName
	}
	u.IsActive = true // Django's default
	switch {
	case account.HasControls(u.Email):
		return reasonBadEmail
	case !flag(r[isActive], &u.IsActive), !flag(r[isStaff], &u.IsStaff), !flag(r[isSuperuser], &u.IsSuperuser):
		return reasonBadFlag
	case !date(r[dateJoined], zone, &u.DateJoined):
		return reasonBadJoined
	case !date(r[lastLogin], zone, &u.LastLogin):
		return reasonBadLogin
	}
	return ""
}

// flag reads a truth value of any source; NULL leaves the default.
func flag(t text, to *bool) bool {
	if !t.some {
		return true
	}
	switch t.s {
	case "1", "true", "t":
		*to = true
	case "0", "false", "f":
		*to = false
	default:
		return false
	}
	return true
}

// Dates of PostgreSQL and JSON have a zone, unless the project has
// USE_TZ=False; those of SQLite never have one.
var (
	zoned = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z07"}
	bare  = []string{"2006-01-02T15:04:05", "2006-01-02"}
)

// bareDate says that a date, if it is one, has no zone.
func bareDate(t text) bool { return t.some && strings.LastIndexAny(t.s, "Z+-") <= 10 }

// date reads a date, to the microsecond; NULL leaves the zero time. One
// without a zone is of the given one.
func date(t text, zone *time.Location, to *time.Time) bool {
	if !t.some {
		return true
	}
	s, layouts := t.s, bare
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	if !bareDate(t) {
		layouts = zoned
	}
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			*to = at.UTC().Truncate(time.Microsecond)
			return to.Year() >= 1 && to.Year() <= 9999
		}
	}
	return false
}
