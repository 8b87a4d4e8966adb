package django

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"
)

// User is a row of Django's user table that can be stored as it is.
type User struct {
	ID          int64
	Username    string
	Email       string
	FirstName   string
	LastName    string
	Password    string // Django's hash, whatever its format
	IsActive    bool
	IsStaff     bool
	IsSuperuser bool
	DateJoined  time.Time // zero: unknown
	LastLogin   time.Time // zero: never
}

// Token is a refresh token on the blacklist.
type Token struct {
	ID        string // jti
	ExpiresAt time.Time
}

// Record is a row as it came: a user, or the reason why it is none.
type Record struct {
	User   User
	ID     string // as it came
	Reason string // empty: the user is good
	Bare   bool   // a date has no time zone, and nobody said which it means
}

// Source is an open database or dump. Its methods are called one after the
// other, except Progress.
type Source interface {
	// Users yields every row, in the order of ids where the source has one.
	// An error ends it.
	Users(ctx context.Context) iter.Seq2[Record, error]

	// Blacklisted yields every refresh token on the blacklist, expired ones
	// too. It may be called after Users has ended, and yields nothing where
	// there is no blacklist.
	Blacklisted(ctx context.Context) iter.Seq2[Token, error]

	// Count is how many users there are. A dump tells in the end only: it is
	// then what would fit, and not exact.
	Count() (users int64, exact bool)

	// Progress is the part of the users that was read, from 0 to 1.
	Progress() float64

	Close() error
}

// Layout says how Django's tables are named where they are not the usual
// ones.
type Layout struct {
	Table     string            // of users in a database; "" is auth_user
	Model     string            // of users in a dump; "" is auth.user
	Columns   map[string]string // Django's field → column here; "" where there is none
	Blacklist Presence          // of simplejwt's token_blacklist
	Zone      *time.Location    // of dates without one (USE_TZ=False); nil: they mean UTC
}

// zone is what a date without a time zone means.
func (l Layout) zone() *time.Location {
	if l.Zone == nil {
		return time.UTC
	}
	return l.Zone
}

// Presence is whether something has to be there.
type Presence int

// The presences. Optional is the zero value.
const (
	Optional Presence = iota
	Required
	Ignored
)

// Fields are those of django.contrib.auth's user that have a place here.
var Fields = []string{
	"id", "username", "password", "email", "first_name", "last_name",
	"is_active", "is_staff", "is_superuser", "date_joined", "last_login",
}

// The fields that a user cannot do without.
var needed = map[string]bool{"id": true, "username": true, "password": true}

// column is where a field stands; false: nowhere.
func (l Layout) column(field string) (string, bool) {
	name, given := l.Columns[field]
	if !given {
		name = field
	}
	return name, name != ""
}

// check finds fields that do not exist and those that have to.
func (l Layout) check() error {
	for field, column := range l.Columns {
		known := false
		for _, f := range Fields {
			known = known || f == field
		}
		if !known {
			return fmt.Errorf("there is no field %q: the fields are %s", field, strings.Join(Fields, ", "))
		}
		if needed[field] && column == "" {
			return fmt.Errorf("the field %q cannot be left out", field)
		}
	}
	return nil
}

// IsPostgres reports whether where is a PostgreSQL URL rather than a file.
func IsPostgres(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

// Open opens a PostgreSQL URL, a SQLite file or a JSON dump.
func Open(ctx context.Context, where string, l Layout) (Source, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	if l.Table == "" {
		l.Table = "auth_user"
	}
	if l.Model == "" {
		l.Model = "auth.user"
	}
	if IsPostgres(where) {
		return openPostgres(ctx, where, l)
	}
	path := strings.TrimPrefix(where, "sqlite:")
	first, err := beginning(path)
	if err != nil {
		return nil, err
	}
	start := bytes.TrimLeft(first, "\ufeff \t\r\n")
	switch why := otherFile(first); {
	case why != "":
		return nil, fmt.Errorf("%s cannot be read: %s", path, why)
	case bytes.HasPrefix(first, []byte("SQLite format 3\x00")):
		return openSQLite(ctx, path, l)
	case bytes.HasPrefix(start, []byte("[")), bytes.HasPrefix(start, []byte("{")):
		return openJSON(path, l)
	case lineBeforeJSON(first):
		return nil, fmt.Errorf("%s cannot be read: something printed a line before the JSON; make it again with manage.py dumpdata --output users.json", path)
	}
	return nil, fmt.Errorf("%s is neither a SQLite database nor the JSON of dumpdata", path)
}

func beginning(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the path is the operator's
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	first := make([]byte, 256)
	n, err := io.ReadFull(f, first)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return first[:n], nil
}
