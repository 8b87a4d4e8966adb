package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/yoozak/clients/internal/secret"
)

// Algorithms are those that access tokens can be signed with.
var Algorithms = []string{"ES256", "EdDSA", "RS256", "HS256"}

// SetKeys says which type of token a key is for.
type KeyUse string

// The uses of a key.
const (
	ForAccess  = KeyUse(Access)
	ForRefresh = KeyUse(Refresh)
	Any        = KeyUse("any") // the secret of HS256, as in simplejwt
)

// Key signs from ActiveAt on, until a younger key is active, and verifies
// until RetiresAt (zero: for as long as it is the youngest, or its date is
// not set yet).
type Key struct {
	ID        string // kid; empty for the secret of HS256
	Algorithm string
	Use       KeyUse
	ActiveAt  time.Time
	RetiresAt time.Time

	header  string // of its tokens, encoded
	method  jwt.SigningMethod
	private any
	public  any // what verifies: of a MAC the same bytes
}

// Generate makes the private part of a new key: PKCS #8 in DER, or 32 random
// bytes for HS256.
func Generate(algorithm string) (secret.Bytes, error) {
	var (
		private any
		err     error
	)
	switch algorithm {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case "RS256":
		private, err = rsa.GenerateKey(rand.Reader, 3072) // 128 bits of strength: NIST SP 800-57
	case "HS256":
		mac := make([]byte, MinSecret)
		_, err = rand.Read(mac)
		return secret.NewBytes(mac), err
	default:
		return secret.Bytes{}, fmt.Errorf("unknown algorithm %q", algorithm)
	}
	if err != nil {
		return secret.Bytes{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	return secret.NewBytes(der), err
}

// Load reads the private part that [Generate] made into k.
func (k *Key) Load(hidden secret.Bytes) error {
	private := hidden.Reveal()
	if k.Algorithm == "HS256" {
		if len(private) < MinSecret {
			return errors.New("HS256 needs a longer secret")
		}
		k.method, k.private, k.public = jwt.SigningMethodHS256, private, private
		k.header = encodeHeader(k)
		return nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("key %q: %w", k.ID, err)
	}
	switch p := parsed.(type) {
	case *ecdsa.PrivateKey:
		k.method, k.private, k.public = jwt.SigningMethodES256, p, &p.PublicKey
	case ed25519.PrivateKey:
		k.method, k.private, k.public = jwt.SigningMethodEdDSA, p, p.Public()
	case *rsa.PrivateKey:
		k.method, k.private, k.public = jwt.SigningMethodRS256, p, &p.PublicKey
	}
	if k.method == nil || k.method.Alg() != k.Algorithm {
		return fmt.Errorf("key %q is not of algorithm %s", k.ID, k.Algorithm)
	}
	k.header = encodeHeader(k)
	return nil
}

// Format prints a key without what it hides.
func (k *Key) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%s key %q for %s", k.Algorithm, k.ID, k.Use)
}

// LogValue is for log/slog.
func (k *Key) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }

// encodeHeader is the first part of every token that the key signs.
func encodeHeader(k *Key) string {
	header, err := json.Marshal(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid,omitempty"`
		Typ string `json:"typ"`
	}{k.Algorithm, k.ID, "JWT"})
	if err != nil {
		panic("token: " + err.Error()) // texts always marshal
	}
	return base64.RawURLEncoding.EncodeToString(header)
}

// sign makes a token of a payload (RFC 7515, section 3.1).
func (k *Key) sign(payload []byte) (string, error) {
	text := k.header + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := k.method.Sign(text, k.private)
	if err != nil {
		return "", fmt.Errorf("sign with key %q: %w", k.ID, err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// keySet is an immutable set of keys with the cache of what they verified, so
// that a token verified by a key that is gone is gone with it.
type keySet struct {
	keys    []*Key // youngest first
	accept  *Key   // of simplejwt's tokens alone; nil: they are not accepted. It cannot sign.
	methods []string
	jwks    []byte
	cache   *cache
}

// SetKeys replaces the keys. Those of another algorithm than the configured one
// are left out: only what is configured is ever accepted.
func (t *Tokens) SetKeys(keys []*Key, now time.Time) {
	r := &keySet{}
	if t.o.Algorithm == "HS256" {
		r.methods = []string{"HS256"}
		mac := t.o.Secret.Reveal()
		only := &Key{Algorithm: "HS256", Use: Any, method: jwt.SigningMethodHS256, private: mac, public: mac}
		only.header = encodeHeader(only)
		r.keys = []*Key{only}
	} else {
		r.methods = []string{t.o.Algorithm, "HS256"}
		for _, k := range keys {
			fits := k.Use == ForAccess && k.Algorithm == t.o.Algorithm || k.Use == ForRefresh && k.Algorithm == "HS256"
			if fits && !k.retired(now) {
				r.keys = append(r.keys, k)
			}
		}
	}
	if !t.o.Accept.Empty() {
		r.accept = &Key{Algorithm: "HS256", Use: Any, method: jwt.SigningMethodHS256, public: t.o.Accept.Reveal()}
	}
	r.jwks = jwks(r.keys)
	if old := t.ring.Load(); old != nil && !slices.ContainsFunc(old.keys, func(k *Key) bool { return r.verifier(k.ID, now) == nil }) {
		r.cache = old.cache
	} else {
		r.cache = new(cache)
	}
	t.ring.Store(r)
}

// Key returns a copy of a key that is in use, or nil.
func (t *Tokens) Key(id string) *Key {
	for _, k := range t.ring.Load().keys {
		if k.ID == id {
			copied := *k
			return &copied
		}
	}
	return nil
}

// Keys returns how many keys are in use.
func (t *Tokens) Keys() int { return len(t.ring.Load().keys) }

// HasKey reports whether the token, unverified, names a key that is in use.
// A server that sees a key it does not know asks its database whether
// another server made one.
func (t *Tokens) HasKey(raw string) bool {
	tok, _, err := jwt.NewParser().ParseUnverified(raw, &parsedClaims{})
	if err != nil {
		return true // no key will make it good
	}
	id, _ := tok.Header["kid"].(string)
	for _, k := range t.ring.Load().keys {
		if k.ID == id {
			return true
		}
	}
	return id == ""
}

func (k *Key) retired(now time.Time) bool {
	return !k.RetiresAt.IsZero() && !now.Before(k.RetiresAt)
}

// signer returns the youngest key for the type that is active.
func (r *keySet) signer(typ Type, now time.Time) *Key {
	for _, k := range r.keys {
		if (k.Use == KeyUse(typ) || k.Use == Any) && !k.ActiveAt.After(now) {
			return k
		}
	}
	// This clock runs behind the one that made the keys: take the oldest, which
	// every server knows.
	for _, k := range slices.Backward(r.keys) {
		if k.Use == KeyUse(typ) {
			return k
		}
	}
	return nil
}

func (r *keySet) verifier(id string, now time.Time) *Key {
	for _, k := range r.keys {
		if k.ID == id && !k.retired(now) {
			return k
		}
	}
	return nil
}

// JWKS returns the public keys as a JSON Web Key Set (RFC 7517). Secrets are
// not in it.
func (t *Tokens) JWKS() []byte { return t.ring.Load().jwks }

type jwk struct {
	Kty string `json:"kty"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Crv string `json:"crv,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
}

func jwks(keys []*Key) []byte {
	b64 := base64.RawURLEncoding.EncodeToString
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, k := range keys {
		j := jwk{Use: "sig", Alg: k.Algorithm, Kid: k.ID}
		switch p := k.public.(type) {
		case *ecdsa.PublicKey:
			point, err := p.Bytes() // 0x04, X, Y
			if err != nil {
				continue
			}
			j.Kty, j.Crv, j.X, j.Y = "EC", "P-256", b64(point[1:33]), b64(point[33:])
		case ed25519.PublicKey:
			j.Kty, j.Crv, j.X = "OKP", "Ed25519", b64(p)
		case *rsa.PublicKey:
			j.Kty, j.N, j.E = "RSA", b64(p.N.Bytes()), b64(big.NewInt(int64(p.E)).Bytes())
		default: // a MAC key
			continue
		}
		set.Keys = append(set.Keys, j)
	}
	out, err := json.Marshal(set)
	if err != nil {
		panic("token: " + err.Error()) // strings always marshal
	}
	return out
}
