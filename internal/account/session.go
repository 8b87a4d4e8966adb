package account

import (
	"slices"
	"strings"
	"time"
)

// Session is one login on one device and the family of refresh tokens that
// descends from it.
type Session struct {
	ID         string // 128 bits in hexadecimal, the time first; the claim "sid"
	UserID     int64
	CreatedAt  time.Time
	LastUsedAt time.Time // to within [LastUsedPrecision]
	ExpiresAt  time.Time // when its last refresh token expires
	RevokedAt  time.Time // zero: live
	IP         string
	UserAgent  string

	// RefreshID and RefreshAt are "jti" and "iat" of the newest refresh
	// token. PreviousID is the "jti" of the one before, which was exchanged
	// for it. UnseenID is RefreshID until the newest, or an access token
	// that came with it or after it, was seen in use: so long the answer with
	// it may have been lost, and whoever repeats the request gets it again.
	RefreshID  string
	RefreshAt  time.Time
	PreviousID string
	UnseenID   string

	// AMR is what was shown at login and since, as [AMRPassword], separated by
	// spaces; empty: nobody knows. ProvedAt is when its user last showed all that
	// is asked of them; zero: not in this session. ProvedBy is the id of the
	// [Factor] that was shown then, or [AMRRecovery]; empty: none was.
	AMR      string
	ProvedAt time.Time
	ProvedBy string

	TrustedID string // of the [TrustedDevice] on which it was opened; empty: none
}

// What a person shows of themselves: values of the claim "amr" (RFC 8176,
// section 2). The last two are ours; the standard has none for them.
const (
	AMRPassword = "pwd"
	AMROTP      = "otp"      // a code of an authenticator app
	AMRKey      = "pop"      // a passkey
	AMRMultiple = "mfa"      // two different factors, or a passkey that knew its user
	AMREmail    = "email"    // a code that was mailed
	AMRRecovery = "recovery" // a recovery code
)

// AddAMR returns the methods with another, each once, in the order in which
// they were shown.
func AddAMR(amr string, methods ...string) string {
	all := strings.Fields(amr)
	for _, m := range methods {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return strings.Join(all, " ")
}

// HasAMR reports whether a method is among the methods.
func HasAMR(amr, method string) bool {
	return slices.Contains(strings.Fields(amr), method)
}

// AuthAt is when its user last showed who they are, at login or since (the
// claim "auth_time" of OpenID Connect); zero: nobody knows.
func (s Session) AuthAt() time.Time {
	switch {
	case s.AMR == "":
		return time.Time{}
	case s.ProvedAt.After(s.CreatedAt):
		return s.ProvedAt
	}
	return s.CreatedAt
}

// LastUsedPrecision is how old LastUsedAt may grow before a refresh writes
// it again: a commit for every refresh would cost more than the date is
// worth. When the access token of a refresh outlasts the session's refresh
// token, the date is exact: see [Session.EndsAt].
const LastUsedPrecision = 5 * time.Minute

// Renewable reports whether a refresh token of the session is good at the
// time now.
func (s Session) Renewable(now time.Time) bool {
	return s.RevokedAt.IsZero() && now.Before(s.ExpiresAt)
}

// Unseen reports whether nothing was seen yet of the newest refresh token,
// for which another was exchanged.
func (s Session) Unseen() bool { return s.UnseenID != "" && s.UnseenID == s.RefreshID }

// EndsAt is from when on no token of the session is good: the access token of
// its last refresh may outlast its refresh token.
func (s Session) EndsAt(accessLifetime time.Duration) time.Time {
	if last := s.LastUsedAt.Truncate(time.Second).Add(accessLifetime); last.After(s.ExpiresAt) {
		return last
	}
	return s.ExpiresAt
}

// Live reports whether a token of the session is good at the time now.
func (s Session) Live(now time.Time, accessLifetime time.Duration) bool {
	return s.RevokedAt.IsZero() && now.Before(s.EndsAt(accessLifetime))
}

// RequestInfo is what a transport knows of a request before any password or
// token was looked at.
type RequestInfo struct {
	IP        string
	UserAgent string
	Language  string // of the answer: "fr", "en" or "ar"
	RequestID string // of the request, as the answer and the log have it

	DeviceToken  string // from an earlier login on this device; empty: none
	TrustedToken string // of a [TrustedDevice]; empty: none
}

// MaxUserAgent is how many bytes of a User-Agent are kept.
const MaxUserAgent = 512
