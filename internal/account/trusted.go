package account

import "time"

// TrustedDevice is a browser or app on which a person has shown a second
// factor and asked not to be asked for it again for a while. It stands in for
// the factor at that person's logins there, after the right password, and for
// nothing else.
type TrustedDevice struct {
	ID         string // 128 bits in hexadecimal
	UserID     int64
	Hash       string // SHA-256 of the token that the device keeps
	Factors    string // which factors its user had: with others it is not trusted
	CreatedAt  time.Time
	ExpiresAt  time.Time // use does not put it off
	LastUsedAt time.Time // zero: never
	IP         string
	UserAgent  string
}
