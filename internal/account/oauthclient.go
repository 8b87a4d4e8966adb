package account

import (
	"slices"
	"time"
)

// OAuthClient is another program of the house (RFC 6749, section 2), such as the shop's orders: it has
// a secret of its own and may ask about tokens. It is nobody's account.
type OAuthClient struct {
	ID         string // client_id
	Name       string
	SecretHash string // SHA-256 in hexadecimal; the secret has 256 random bits
	Audience   string // tokens for others are none of its business; empty: any token
	Scopes     []Scope
	CreatedAt  time.Time
	DisabledAt time.Time // zero: it may ask
}

// Scope is something that a service may do.
type Scope string

// The scopes there are.
const (
	ScopeIntrospect Scope = "introspect" // ask whether a token is good, and whose it is
	ScopeRevoke     Scope = "revoke"     // end the session of a token
)

// Scopes lists them.
var Scopes = []Scope{ScopeIntrospect, ScopeRevoke}

// May reports whether the service has a scope.
func (s OAuthClient) May(scope Scope) bool { return slices.Contains(s.Scopes, scope) }
