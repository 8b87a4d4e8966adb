package account

import "time"

// Credential is what WebAuthn keeps of a factor that is a passkey (Web
// Authentication Level 3, section 4, "credential record").
type Credential struct {
	FactorID       string
	UserID         int64
	ID             []byte // that the authenticator gave it; no other has the same
	PublicKey      []byte // a COSE_Key (RFC 9052, section 7)
	Algorithm      int    // of COSE: -7 is ES256
	SignCount      uint32 // how often it had signed when it was last used; zero: it does not count
	AAGUID         string // the model of the authenticator, as a UUID; zeros: it does not tell
	Transports     []string
	BackupEligible bool // it can be on several devices; this never changes
	BackedUp       bool // it is, as of its last use
	RPID           string
	Held           bool // it opens nothing alone, until it was shown after the password
}

// Ceremony is what an authenticator was asked, until its answer comes. Its id
// is kept nowhere; Hash is the SHA-256 of it.
type Ceremony struct {
	Hash          string
	Kind          CeremonyKind
	UserID        int64    // whose passkey it is about; zero: whoever has one
	SessionID     string   // in which it was asked for; empty: in none
	ChallengeHash string   // of the login that waits for it; empty: none does
	Challenge     []byte   // what is to be signed
	Offered       []string // at a registration the algorithms, else the credentials, in base64url; empty: any
	RPID          string
	ExpiresAt     time.Time
}

// CeremonyKind says what an authenticator was asked for.
type CeremonyKind string

// The kinds of ceremonies.
const (
	RegisterPasskey CeremonyKind = "register"
	LoginPasskey    CeremonyKind = "login"   // by whoever has one: nobody was named
	SecondPasskey   CeremonyKind = "second"  // of a login that waits for its second factor
	ConfirmPasskey  CeremonyKind = "confirm" // in a session
)
