package account

import "time"

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
