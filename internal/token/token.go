// Package token issues and verifies the JWTs that clients carry. Access
// tokens are signed with the configured algorithm, so that any holder of the
// published key can verify them; refresh tokens are read by this server
// alone, so a MAC key of its own signs them, which is an order of magnitude
// cheaper (with HS256 both use the one secret, as simplejwt does).
//
// Which algorithm verifies a token is decided by the key that the token
// names, never by its header (RFC 8725, section 3.1), and a key has one
// algorithm and one use. A token that names none may be Django's, where
// Options.Accept says so. The package keeps no state but the keys and a
// bounded cache of tokens whose signature was already verified; whether the
// session and the user are still good is for the caller to ask.
package token

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
)

// Type is the claim "token_type".
type Type string

// The two types of tokens. One is never good as the other.
const (
	Access  Type = "access"
	Refresh Type = "refresh"
)

// Claims is what a verified token says. SessionID is empty in tokens that
// Django issued.
type Claims struct {
	Type      Type
	ID        string // jti
	UserID    int64
	SessionID string    // sid
	Issuer    string    // iss; empty in tokens that Django issued
	Audience  string    // aud, separated by spaces; empty: none
	AMR       string    // amr, separated by spaces; empty: none
	AuthAt    time.Time // auth_time; zero: none
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// For reports whether the token is meant for an audience.
func (c Claims) For(audience string) bool {
	return slices.Contains(strings.Fields(c.Audience), audience)
}

// Options configure a [Tokens].
type Options struct {
	Algorithm       string        // of access tokens: one of Algorithms
	Secret          secret.Bytes  // of HS256; at least MinSecret bytes
	Accept          secret.Bytes  // signed simplejwt's tokens, which are good until they end; signs nothing here; may be empty
	AcceptMaxAge    time.Duration // the longest time that such a token may be good for; 0: any
	AcceptUntil     time.Time     // from then on none of them is good; zero: no end
	UserIDClaim     string        // of simplejwt's tokens; empty: user_id
	Issuer          string        // the claim "iss"
	Audience        []string      // the claim "aud" of access tokens; none: it is left out
	AccessLifetime  time.Duration
	RefreshLifetime time.Duration
}

// MinSecret is the least length in bytes of an HS256 secret (RFC 7518,
// section 3.2).
const MinSecret = 32

// Tokens signs and verifies. It is safe for concurrent use.
type Tokens struct {
	o    Options
	aud  any // of access tokens
	ring atomic.Pointer[keySet]
}

// New makes a Tokens without keys but the secret of HS256; see [Tokens.SetKeys].
func New(o Options) *Tokens {
	t := &Tokens{o: o}
	switch len(o.Audience) {
	case 0:
	case 1:
		t.aud = o.Audience[0]
	default:
		t.aud = o.Audience
	}
	t.SetKeys(nil, time.Time{})
	return t
}

// Algorithm is that of access tokens.
func (t *Tokens) Algorithm() string { return t.o.Algorithm }

// Lifetime is how long a token of a type is good for.
func (t *Tokens) Lifetime(typ Type) time.Duration {
	if typ == Refresh {
		return t.o.RefreshLifetime
	}
	return t.o.AccessLifetime
}

// NewID returns 128 random bits in hexadecimal, as simplejwt's jti.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}

// Issue signs a token for the user and session. The times are cut to the
// seconds that a token can hold, and are returned so.
func (t *Tokens) Issue(typ Type, userID int64, sessionID, id string, at time.Time) (string, Claims, error) {
	return t.IssueProved(typ, userID, sessionID, id, at, Proof{})
}

// Proof is how and when a user showed who they are, as access tokens tell it.
type Proof struct {
	AMR string    // methods of RFC 8176, separated by spaces; empty: the token says nothing of this
	At  time.Time // auth_time
}

// IssueProved is [Tokens.Issue] for a token that tells how its user logged in.
func (t *Tokens) IssueProved(typ Type, userID int64, sessionID, id string, at time.Time, p Proof) (string, Claims, error) {
	return t.IssueUntil(typ, userID, sessionID, id, at, time.Time{}, p)
}

// IssueUntil is [Tokens.IssueProved] for a token that is not good any more at a
// time, where that comes before the end of its lifetime. Zero: it is good for that.
func (t *Tokens) IssueUntil(typ Type, userID int64, sessionID, id string, at, until time.Time, p Proof) (string, Claims, error) {
	key := t.ring.Load().signer(typ, at)
	if key == nil {
		return "", Claims{}, fmt.Errorf("no key signs %s tokens", typ)
	}
	at = at.UTC().Truncate(time.Second)
	c := Claims{Type: typ, ID: id, UserID: userID, SessionID: sessionID, Issuer: t.o.Issuer, IssuedAt: at, ExpiresAt: at.Add(t.Lifetime(typ))}
	if until = until.UTC().Truncate(time.Second); !until.IsZero() && until.Before(c.ExpiresAt) {
		c.ExpiresAt = until
	}
	var aud any
	if typ == Access { // refresh tokens are for this server alone
		aud, c.Audience = t.aud, strings.Join(t.o.Audience, " ")
	}
	var authTime int64
	if p.AMR != "" && !p.At.IsZero() {
		c.AMR, c.AuthAt = p.AMR, p.At.UTC().Truncate(time.Second)
		authTime = c.AuthAt.Unix()
	}
	payload, err := json.Marshal(wireClaims{
		TokenType: string(typ),
		Exp:       c.ExpiresAt.Unix(),
		Iat:       c.IssuedAt.Unix(),
		Jti:       id,
		UserID:    userID,
		Sub:       strconv.FormatInt(userID, 10),
		Iss:       t.o.Issuer,
		Sid:       sessionID,
		Aud:       aud,
		AMR:       strings.Fields(c.AMR),
		AuthTime:  authTime,
	})
	if err != nil {
		return "", Claims{}, err
	}
	raw, err := key.sign(payload)
	return raw, c, err
}

// Verify returns the claims of a token of the wanted type. The errors are
// those of package account, in simplejwt's order: [account.ErrTokenInvalid]
// for all that a signature or a date can lack, then ErrTokenNoExpiry,
// ErrTokenNoID, ErrTokenNoType, ErrTokenWrongType, ErrTokenNoUser.
func (t *Tokens) Verify(raw string, want Type, now time.Time) (Claims, error) {
	r := t.ring.Load()
	digest := cacheKey(raw)
	if c, ok := r.cache.get(digest); ok && (c.Issuer != "" || !t.acceptEnded(now)) {
		if !now.Before(c.ExpiresAt) {
			return Claims{}, account.ErrTokenInvalid
		}
		if c.Type != want {
			return Claims{}, account.ErrTokenWrongType
		}
		return c, nil
	}
	c, err := t.verify(r, raw, want, now, onTime)
	if err != nil {
		return Claims{}, err
	}
	r.cache.put(digest, c)
	return c, nil
}

// VerifyEnded is [Tokens.Verify] for a token that may have expired: for who
// only wants to end what it once opened.
func (t *Tokens) VerifyEnded(raw string, want Type, now time.Time) (Claims, error) {
	return t.verify(t.ring.Load(), raw, want, now, late)
}

// lateness says whether a token may have expired.
type lateness bool

const (
	onTime lateness = false
	late   lateness = true
)

// clockSkew is how far another server's clock may run ahead of ours before
// its fresh tokens are refused as not yet valid.
const clockSkew = 5 * time.Second

// maxToken bounds the work that a stranger can ask of the parser. Our tokens
// have about 500 bytes, those of RS256 about 800.
const maxToken = 4096

func (t *Tokens) verify(r *keySet, raw string, want Type, now time.Time, may lateness) (Claims, error) {
	if len(raw) > maxToken || strings.ContainsAny(raw, "\r\n") { // which Go's base64 passes over
		return Claims{}, account.ErrTokenInvalid
	}
	var (
		c   = parsedClaims{userIDClaim: t.o.UserIDClaim}
		key *Key
	)
	parser := jwt.NewParser(jwt.WithValidMethods(r.methods), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(raw, &c, func(tok *jwt.Token) (any, error) {
		if _, critical := tok.Header["crit"]; critical {
			return nil, errors.New("critical header that is not understood") // RFC 7515, section 4.1.11
		}
		id, named := tok.Header["kid"]
		text, isText := id.(string)
		if named && !isText {
			return nil, errors.New("kid is not a string")
		}
		key = r.verifier(text, now)
		foreign := r.accept != nil && !named && c.fromSimplejwt() && t.acceptable(&c, now) && r.accept.method.Alg() == tok.Method.Alg()
		switch {
		case foreign && key == nil:
			key = r.accept
		case foreign: // or of our secret, which Django may share: both are good for the same tokens
			return jwt.VerificationKeySet{Keys: []jwt.VerificationKey{key.public, r.accept.public}}, nil
		case key == nil || key.method.Alg() != tok.Method.Alg():
			return nil, errUnknownKey
		}
		return key.public, nil
	})
	soon := now.Add(clockSkew)
	switch {
	case err != nil:
		return Claims{}, account.ErrTokenInvalid
	case !c.exp.IsZero() && !now.Before(c.exp) && may != late, c.iat.After(soon), c.nbf.After(soon):
		return Claims{}, account.ErrTokenInvalid
	case c.Iss != t.o.Issuer && (c.hasIss || key.ID != ""): // Django's tokens have none
		return Claims{}, account.ErrTokenInvalid
	case !t.audienceMatches(&c, key):
		return Claims{}, account.ErrTokenInvalid
	case c.exp.IsZero():
		return Claims{}, account.ErrTokenNoExpiry
	case !c.hasJti:
		return Claims{}, account.ErrTokenNoID
	case !plainID(c.Jti): // it is looked up in a database
		return Claims{}, account.ErrTokenInvalid
	case !c.hasType:
		return Claims{}, account.ErrTokenNoType
	case c.TokenType != string(want) || (key.Use != Any && key.Use != KeyUse(want)):
		return Claims{}, account.ErrTokenWrongType
	case !c.hasUser || (c.Sub != "" && c.Sub != strconv.FormatInt(c.UserID, 10)):
		return Claims{}, account.ErrTokenNoUser
	case key.ID != "" && c.Sid == "": // only Django's tokens have no session; ours without one is a forgery
		return Claims{}, account.ErrTokenInvalid
	}
	return Claims{
		Type: want, ID: c.Jti, UserID: c.UserID, SessionID: c.Sid, Issuer: c.Iss, Audience: strings.Join(c.aud, " "),
		AMR: strings.Join(c.amr, " "), AuthAt: c.authAt, IssuedAt: c.iat, ExpiresAt: c.exp,
	}, nil
}

// acceptEnded says that no token of Django's secret is good any more.
func (t *Tokens) acceptEnded(now time.Time) bool {
	return !t.o.AcceptUntil.IsZero() && !now.Before(t.o.AcceptUntil)
}

// acceptable bounds what Django's secret may have signed: who has it may sign
// tokens that never end. One without a date of issue is as old as it likes,
// but ends as soon.
func (t *Tokens) acceptable(c *parsedClaims, now time.Time) bool {
	if t.acceptEnded(now) {
		return false
	}
	most := t.o.AcceptMaxAge
	return most == 0 || !c.exp.After(now.Add(clockSkew+most)) && (c.iat.IsZero() || c.exp.Sub(c.iat) <= most)
}

// maxID is how long an id is that Django can store of a token.
const maxID = 255

// plainID reports whether a text can be the id of a token: simplejwt's are 32
// hexadecimal digits, and another library's are at least printable.
func plainID(id string) bool {
	return len(id) <= maxID && utf8.ValidString(id) && !strings.ContainsFunc(id, unicode.IsControl)
}

// audienceMatches reports whether a token is for this server: for one of its audiences
// or, where it says nothing, one that was issued without. That is any token
// while no audience is configured; otherwise refresh tokens, and what
// Django's secret signed.
func (t *Tokens) audienceMatches(c *parsedClaims, key *Key) bool {
	if len(c.aud) == 0 {
		return len(t.o.Audience) == 0 || key.Use != ForAccess
	}
	return slices.ContainsFunc(c.aud, func(name string) bool { return slices.Contains(t.o.Audience, name) })
}

var errUnknownKey = errors.New("unknown key")
