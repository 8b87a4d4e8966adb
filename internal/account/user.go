package account

import (
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// User is a person with an account. PasswordHash is in PHC form, or empty
// (or begins with "!") when no password can match it.
type User struct {
	ID           int64
	Username     string
	Email        string
	FirstName    string
	LastName     string
	PasswordHash string
	Active       bool
	Staff        bool
	Superuser    bool   // of Django; kept for the way back, it opens nothing here
	Language     string // "fr", "en" or "ar": the language of registration
	JoinedAt     time.Time
	LastLoginAt  time.Time // zero: never
	PasswordAt   time.Time // when the password was last set

	EmailVerifiedAt time.Time // zero: nobody has shown that they read this mailbox
	ClosedAt        time.Time // zero: not closed. Then the person is erased some time later
	SignedOutAt     time.Time // tokens without a session that were issued before are not good
}

// UserState is whether an account can be used, and who decided that.
type UserState string

// The states.
const (
	UserActive   UserState = "active"
	UserDisabled UserState = "disabled" // by the staff
	UserClosed   UserState = "closed"   // by its owner
)

// State is what the columns say together: closed and disabled are one bit.
func (u User) State() UserState {
	switch {
	case !u.ClosedAt.IsZero():
		return UserClosed
	case !u.Active:
		return UserDisabled
	}
	return UserActive
}

// lower is full Unicode lower-casing, as Python's.
// Languages are those in which people are written to.
func Languages() []string { return []string{"fr", "en", "ar"} }

var lower = cases.Lower(language.Und)

// UsernameKept is how long a username that was given up stays its owner's. Until
// then it is not free and does not log in.
const UsernameKept = 30 * 24 * time.Hour

// NormalizeUsername is what Django's create_user does to a username before
// it is stored: NFKC, so that "ﬁ" and "fi" are one name.
func NormalizeUsername(name string) string { return norm.NFKC.String(name) }

// NormalizeEmail lower-cases the domain, the only part of an address that is
// case-insensitive by its standard (RFC 5321, section 2.4), as Django does.
func NormalizeEmail(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return email
	}
	return email[:at] + "@" + lower.String(email[at+1:])
}

// MaskEmail shows enough of an address for its owner to know it again.
func MaskEmail(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return "***"
	}
	first, _ := utf8.DecodeRuneInString(email)
	if at == 0 {
		return "***" + email[at:]
	}
	return string(first) + "***" + email[at:]
}

// FailedAttempts are failed tries at a password that share a budget: those at one
// name by devices that we do not know, or those of one device. Key is a
// keyed hash; no name is kept.
type FailedAttempts struct {
	Key       string
	UserID    int64 // zero: of a name, which may be nobody's
	Count     int
	LastAt    time.Time // zero: there were none
	ExpiresAt time.Time // from when on they are forgotten
}
