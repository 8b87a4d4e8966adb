package account

import "time"

// Challenge is a one-time token that was mailed: whoever shows it reads that
// mailbox. The token itself is kept nowhere; Hash is its SHA-256.
type Challenge struct {
	Hash      string
	Kind      ChallengeKind
	UserID    int64
	Email     string // where the token was mailed to
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: not yet. Also set when another act made it worthless
	AMR       string    // of SecondFactor: what was shown before it, as of [Session]
	FactorID  string    // of UndoFactor: which one; of SecondFactor: those that the account had, as of [TrustedDevice]
}

// ChallengeKind says what a challenge may be used for.
type ChallengeKind string

// The kinds of challenges.
const (
	ResetPassword ChallengeKind = "reset-password"
	VerifyEmail   ChallengeKind = "verify-email"
	ConfirmEmail  ChallengeKind = "confirm-email" // of a new address
	UndoEmail     ChallengeKind = "undo-email"    // back to the one before
	SecondFactor  ChallengeKind = "second-factor" // of a login: it was not mailed, but answered
	UndoFactor    ChallengeKind = "undo-factor"   // takes away a factor that somebody else added
	NotMe         ChallengeKind = "not-me"        // whoever did what the mail tells was not the owner

	StopRecovery   ChallengeKind = "stop-recovery"
	FinishRecovery ChallengeKind = "finish-recovery"

	AcceptRole ChallengeKind = "accept-role" // of the staff; it also chooses a first password
)

// LinksOfAddress are the links that are worthless once another address, or nobody,
// is to have the account: what was mailed to the one before opens nothing any
// more, nor does a login that waits for its second factor. The ways back are none
// of them.
func LinksOfAddress() []ChallengeKind {
	return []ChallengeKind{ResetPassword, VerifyEmail, ConfirmEmail, SecondFactor, AcceptRole}
}
