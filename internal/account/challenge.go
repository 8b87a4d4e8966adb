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
}

// ChallengeKind says what a challenge may be used for.
type ChallengeKind string

// The kinds of challenges.
const (
	ResetPassword ChallengeKind = "reset-password"
	VerifyEmail   ChallengeKind = "verify-email"
	ConfirmEmail  ChallengeKind = "confirm-email" // of a new address
	UndoEmail     ChallengeKind = "undo-email"    // back to the one before
)
