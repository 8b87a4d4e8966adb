package account

import "time"

// Factor is something beside the password by which a person shows that they
// are themselves.
type Factor struct {
	ID          string // 128 bits in hexadecimal
	UserID      int64
	Kind        FactorKind
	Name        string // that its owner gave it; may be empty
	SessionID   string // that asked for it
	CreatedAt   time.Time
	ExpiresAt   time.Time // of one that is not confirmed yet; zero: it is
	ConfirmedAt time.Time // zero: it is no factor yet
	LastUsedAt  time.Time // zero: never

	PasswordBefore string // the hash in force when it was confirmed; empty: no password opens the way back
	Secret         []byte // of TOTP; encrypted, where there is a key for it
	LastStep       int64  // of TOTP: the newest time step that was used
}

// FactorKind names a kind of factor. It is also what a client is told that it
// may show: see [Error.Methods].
type FactorKind string

// The kinds of factors.
const (
	TOTP    FactorKind = "totp"    // codes of an authenticator app (RFC 6238)
	Passkey FactorKind = "passkey" // WebAuthn
)

// What a client may show where a factor is asked for, beside the kinds of
// factors; in answers the strongest comes first and recovery last.
const (
	MethodPassword = "password"
	MethodEmail    = "email" // a code that is mailed
	MethodRecovery = "recovery_code"
)
