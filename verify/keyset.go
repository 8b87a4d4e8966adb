package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// key verifies tokens, by one algorithm.
type key struct {
	id     string
	method jwt.SigningMethod
	public publicKey
}

// publicKey is what the public keys of the standard library have in common.
type publicKey interface {
	Equal(other crypto.PublicKey) bool
}

// algorithms that a server may sign access tokens with. With HS256 there is
// no public key, and this package cannot help.
var algorithms = []string{"ES256", "EdDSA", "RS256"}

// keySet is an immutable set of keys.
type keySet struct {
	keys map[string]*key // by kid
}

// jwk is a JSON Web Key (RFC 7517) as the server publishes it.
type jwk struct {
	Kty, Use, Alg, Kid, Crv, X, Y, N, E string
}

// parseKeySet reads a JSON Web Key Set. What is no key that signs tokens, or a
// broken one, is passed over (RFC 7517, section 5); a set without any is an
// error. Keys that were in the set before are taken from there, so that what
// they verified stays verified.
func parseKeySet(data []byte, before *keySet) (*keySet, error) {
	var published struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(data, &published); err != nil {
		return nil, errors.New("it is no JSON Web Key Set")
	}
	set := &keySet{keys: map[string]*key{}}
	for _, j := range published.Keys {
		k := j.key()
		if k == nil {
			continue
		}
		if set.keys[k.id] != nil {
			return nil, fmt.Errorf("key %q is there twice", k.id)
		}
		if before != nil {
			if old := before.keys[k.id]; old != nil && old.method == k.method && old.public.Equal(k.public) {
				k = old
			}
		}
		set.keys[k.id] = k
	}
	if len(set.keys) == 0 {
		return nil, errors.New("it has no key that signs tokens")
	}
	return set, nil
}

// Lengths of RSA keys in bits; the least is that of RFC 7518, section 3.3.
const (
	minRSA = 2048
	maxRSA = 8192 // more costs too much time
)

// key returns nil for what does not sign tokens, and for what is broken.
func (j jwk) key() *key {
	if j.Use != "" && j.Use != "sig" || j.Kid == "" {
		return nil
	}
	switch {
	case j.Kty == "EC" && j.Crv == "P-256" && j.Alg == "ES256":
		x, y := decode(j.X), decode(j.Y)
		if len(x) != 32 || len(y) != 32 { // RFC 7518, section 6.2.1.2
			return nil
		}
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
		if err != nil { // not a point of the curve
			return nil
		}
		return &key{j.Kid, jwt.SigningMethodES256, public}
	case j.Kty == "OKP" && j.Crv == "Ed25519" && j.Alg == "EdDSA":
		x := decode(j.X)
		if len(x) != ed25519.PublicKeySize {
			return nil
		}
		return &key{j.Kid, jwt.SigningMethodEdDSA, ed25519.PublicKey(x)}
	case j.Kty == "RSA" && j.Alg == "RS256":
		n, e := new(big.Int).SetBytes(decode(j.N)), new(big.Int).SetBytes(decode(j.E))
		if n.BitLen() < minRSA || n.BitLen() > maxRSA || !e.IsInt64() || e.Int64() < 3 || e.Int64() > math.MaxInt32 {
			return nil
		}
		return &key{j.Kid, jwt.SigningMethodRS256, &rsa.PublicKey{N: n, E: int(e.Int64())}}
	}
	return nil
}

// decode returns nothing for what is no base64url.
func decode(text string) []byte {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}
