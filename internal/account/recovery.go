package account

import "time"

// Recovery gives an account that has a factor back to whoever reads a mailbox,
// after a waiting time in which anybody who has the account can stop it.
type Recovery struct {
	ID         string // 128 bits in hexadecimal
	UserID     int64
	Email      string // of the mailbox that finishes it
	Keeps      bool   // it gives another address, and takes no factor away
	ByStaff    bool   // else it was started by a link
	Reason     string // that the staff gave
	StartedAt  time.Time
	ReadyAt    time.Time // from when on it can be finished
	ToldAt     time.Time // when the mail that finishes it was owed; zero: not yet
	StoppedAt  time.Time // zero: nobody did
	StoppedBy  RecoveryStop
	FinishedAt time.Time // zero: not yet
}

// RecoveryStop says what a recovery was stopped by.
type RecoveryStop string

// What stops a recovery.
const (
	StoppedByFactor      RecoveryStop = "factor"       // in a session whose user showed it
	StoppedByYoungFactor RecoveryStop = "young_factor" // the same, by one that is not settled: perhaps a thief's
	StoppedByLink        RecoveryStop = "link"
	StoppedByStaff       RecoveryStop = "staff"

	// StopUndone is of what was stopped after a change of address that its owner
	// has taken back since: it holds up nobody.
	StopUndone RecoveryStop = "undone"
)

// RecoveryOpen is how long a recovery can be finished once its waiting time is
// over.
const RecoveryOpen = 7 * 24 * time.Hour

// Running reports whether a recovery can still come to its end.
func (r Recovery) Running(now time.Time) bool {
	return r.StoppedAt.IsZero() && r.FinishedAt.IsZero() && now.Before(r.ReadyAt.Add(RecoveryOpen))
}
