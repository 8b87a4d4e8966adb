package account

import "time"

// Session is one login on one device and the family of refresh tokens that
// descends from it.
type Session struct {
	ID         string // 128 random bits in base64url; the claim "sid"
	UserID     int64
	CreatedAt  time.Time
	LastUsedAt time.Time // to within [LastUsedPrecision]
	ExpiresAt  time.Time // when its last refresh token expires
	RevokedAt  time.Time // zero: live
	IP         string
	UserAgent  string

	// RefreshID and RefreshAt are "jti" and "iat" of the newest refresh
	// token. PreviousID is the "jti" of the one before; a phone that repeats
	// its request within the grace gets the newest token again.
	RefreshID  string
	RefreshAt  time.Time
	PreviousID string
}

// LastUsedPrecision is how old LastUsedAt may grow before a refresh writes
// it again: a commit for every refresh would cost more than the date is worth.
const LastUsedPrecision = 5 * time.Minute

// Live reports whether the session gives access at the time now.
func (s Session) Live(now time.Time) bool {
	return s.RevokedAt.IsZero() && now.Before(s.ExpiresAt)
}
