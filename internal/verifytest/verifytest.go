// Package verifytest makes keys, key sets and access tokens as the server
// does, and tokens that are nearly right, for the tests of those who verify
// them: package verify and the recipes of docs/services.md.
package verifytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Issuer and Audience are those of the tokens, where they have one.
const (
	Issuer   = "yoozak"
	Audience = "orders"
)

// Key signs tokens.
type Key struct {
	ID      string
	Method  jwt.SigningMethod
	Private crypto.Signer
}

// NewKey makes a key of ES256, EdDSA or RS256.
func NewKey(tb testing.TB, id, algorithm string) *Key {
	tb.Helper()
	k := &Key{ID: id, Method: jwt.GetSigningMethod(algorithm)}
	var err error
	switch algorithm {
	case "ES256":
		k.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, k.Private, err = ed25519.GenerateKey(rand.Reader)
	case "RS256":
		k.Private, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		tb.Fatalf("no key of %s", algorithm)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// JWK is the public key as the server publishes it.
func (k *Key) JWK(tb testing.TB) map[string]string {
	tb.Helper()
	j := map[string]string{"use": "sig", "alg": k.Method.Alg(), "kid": k.ID}
	switch public := k.Private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 0x04, X, Y
		if err != nil {
			tb.Fatal(err)
		}
		j["kty"], j["crv"], j["x"], j["y"] = "EC", "P-256", encode(point[1:33]), encode(point[33:])
	case ed25519.PublicKey:
		j["kty"], j["crv"], j["x"] = "OKP", "Ed25519", encode(public)
	case *rsa.PublicKey:
		j["kty"], j["n"], j["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	}
	return j
}

// KeySet is a JSON Web Key Set of the keys.
func KeySet(tb testing.TB, keys ...*Key) []byte {
	tb.Helper()
	set := map[string][]map[string]string{"keys": {}}
	for _, k := range keys {
		set["keys"] = append(set["keys"], k.JWK(tb))
	}
	return marshal(tb, set)
}

// Claims are those of a good access token that was issued at a time, for an
// hour, with changes; a change to nil takes a claim away.
func Claims(at time.Time, changes map[string]any) map[string]any {
	claims := map[string]any{
		"token_type": "access", "exp": at.Unix() + 3600, "iat": at.Unix(), "jti": "0d1f0d1f0d1f0d1f0d1f0d1f0d1f0d1f",
		"user_id": 42, "sub": "42", "iss": Issuer, "sid": "5c0ffee5c0ffee5c0ffee5c0ffee5c0f",
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// Null is a claim that is there and null.
var Null = json.RawMessage("null")

// Sign makes a token of claims, with the server's header.
func (k *Key) Sign(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	return k.signText(tb, k.header(), string(marshal(tb, claims)))
}

func (k *Key) header() string {
	return `{"alg":"` + k.Method.Alg() + `","kid":"` + k.ID + `","typ":"JWT"}`
}

// signText makes a token of any two texts.
func (k *Key) signText(tb testing.TB, header, payload string) string {
	tb.Helper()
	text := encode([]byte(header)) + "." + encode([]byte(payload))
	signature, err := k.Method.Sign(text, k.Private)
	if err != nil {
		tb.Fatal(err)
	}
	return text + "." + encode(signature)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
