// Package webauthntest is an authenticator and its browser made of software,
// for tests of passkeys. It makes what the standard asks for (Web
// Authentication Level 3, sections 6 and 7), and whatever else a test wants
// forged. It keeps nothing secret.
package webauthntest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"slices"
	"sync"
)

// The algorithms of COSE that keys can have.
const (
	ES256 = -7
	EdDSA = -8
	RS256 = -257
)

// The flags of authenticator data (section 6.1).
const (
	UserPresent    = 1
	UserVerified   = 4
	BackupEligible = 8
	BackedUp       = 16
	attested       = 64
)

// Key is a passkey on a device that knows its user.
type Key struct {
	RPID, Origin string
	ID           []byte
	Handle       []byte // of its user
	Flags        byte
	Count        uint32 // grows with each signature, unless it is zero
	Algorithm    int
	Private      crypto.Signer
}

// rsaKey is the one that all keys of RSA share: to make one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func must[T any](v T, err error) T {
	if err != nil {
		panic("webauthntest: " + err.Error())
	}
	return v
}

// NewKey makes a key that counts and is bound to its device.
func NewKey(rpID, origin string, algorithm int) *Key {
	k := &Key{RPID: rpID, Origin: origin, ID: Random(32), Flags: UserPresent | UserVerified, Count: 1, Algorithm: algorithm}
	switch algorithm {
	case ES256:
		k.Private = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		k.Private = must(private, err)
	case RS256:
		k.Private = rsaKey()
	default:
		panic("webauthntest: an unknown algorithm")
	}
	return k
}

// Random returns random bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// PublicKey is the key's COSE_Key (RFC 9052, section 7).
func (k *Key) PublicKey() []byte {
	switch public := k.Private.Public().(type) {
	case *ecdsa.PublicKey:
		point := must(public.Bytes())
		return EC2(k.Algorithm, 1, point[1:33], point[33:])
	case ed25519.PublicKey:
		return OKP(k.Algorithm, 6, public)
	case *rsa.PublicKey:
		return RSA(k.Algorithm, public.N.Bytes(), big.NewInt(int64(public.E)).Bytes())
	}
	panic("webauthntest: an unknown key")
}

// EC2 is a COSE_Key of two coordinates.
func EC2(algorithm, curve int, x, y []byte) []byte {
	return Map(Int(1), Int(2), Int(3), Int(algorithm), Int(-1), Int(curve), Int(-2), Bytes(x), Int(-3), Bytes(y))
}

// OKP is a COSE_Key of one coordinate.
func OKP(algorithm, curve int, x []byte) []byte {
	return Map(Int(1), Int(1), Int(3), Int(algorithm), Int(-1), Int(curve), Int(-2), Bytes(x))
}

// RSA is a COSE_Key of a modulus and an exponent.
func RSA(algorithm int, n, e []byte) []byte {
	return Map(Int(1), Int(3), Int(3), Int(algorithm), Int(-1), Bytes(n), Int(-2), Bytes(e))
}

// Answer is what an authenticator and its browser say, before it is signed. A
// test changes of it what it wants.
type Answer struct {
	Type        string // of the client data
	Challenge   string // in base64url
	Origin      string
	CrossOrigin bool
	TopOrigin   string
	ClientData  []byte // instead of what stands above

	RPID      string
	Flags     byte
	Count     uint32
	PublicKey []byte // of a registration
	Trailing  []byte // behind the authenticator data
	Format    string // of the attestation
	Statement []byte // of it, in CBOR

	ID        []byte
	Handle    []byte // of an assertion; nil: none
	Sign      func(data []byte) []byte
	Signature func(signature []byte) []byte // nil: as it is
}

// answer is what an honest one says; the key counts.
func (k *Key) answer(ceremony string, challenge []byte) *Answer {
	a := &Answer{
		Type: ceremony, Challenge: Base64(challenge), Origin: k.Origin, RPID: k.RPID, Flags: k.Flags, Count: k.Count,
		PublicKey: k.PublicKey(), Format: "none", Statement: Map(), ID: k.ID, Handle: k.Handle, Sign: k.sign,
	}
	if k.Count > 0 {
		k.Count++
	}
	return a
}

func (k *Key) sign(data []byte) []byte {
	if private, is := k.Private.(ed25519.PrivateKey); is {
		return ed25519.Sign(private, data)
	}
	sum := sha256.Sum256(data)
	return must(k.Private.Sign(rand.Reader, sum[:], crypto.SHA256))
}

// Create is the RegistrationResponseJSON of a new passkey; change may be nil.
func (k *Key) Create(challenge []byte, change func(*Answer)) string {
	a := k.answer("webauthn.create", challenge)
	a.Flags |= attested
	if change != nil {
		change(a)
	}
	attestedData := slices.Concat(make([]byte, 16), binary.BigEndian.AppendUint16(nil, uint16(len(a.ID))), a.ID, a.PublicKey) //nolint:gosec // a short id
	object := Map(Text("fmt"), Text(a.Format), Text("attStmt"), a.Statement, Text("authData"), Bytes(slices.Concat(a.authenticatorData(), attestedData, a.Trailing)))
	return credential(a.ID, map[string]any{
		"clientDataJSON": Base64(a.clientData()), "attestationObject": Base64(object), "transports": []string{"internal", "hybrid"},
	})
}

// Get is the AuthenticationResponseJSON of a signature; change may be nil.
func (k *Key) Get(challenge []byte, change func(*Answer)) string {
	a := k.answer("webauthn.get", challenge)
	if change != nil {
		change(a)
	}
	client, data := a.clientData(), append(a.authenticatorData(), a.Trailing...)
	sum := sha256.Sum256(client)
	signature := a.Sign(slices.Concat(data, sum[:]))
	if a.Signature != nil {
		signature = a.Signature(signature)
	}
	response := map[string]any{"clientDataJSON": Base64(client), "authenticatorData": Base64(data), "signature": Base64(signature)}
	if a.Handle != nil {
		response["userHandle"] = Base64(a.Handle)
	}
	return credential(a.ID, response)
}

func credential(id []byte, response map[string]any) string {
	return string(must(json.Marshal(map[string]any{
		"id": Base64(id), "rawId": Base64(id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
		"authenticatorAttachment": "platform",
	})))
}

func (a *Answer) clientData() []byte {
	if a.ClientData != nil {
		return a.ClientData
	}
	data := map[string]any{"type": a.Type, "challenge": a.Challenge, "origin": a.Origin, "crossOrigin": a.CrossOrigin}
	if a.TopOrigin != "" {
		data["topOrigin"] = a.TopOrigin
	}
	return must(json.Marshal(data))
}

// authenticatorData is the part that every answer has (section 6.1).
func (a *Answer) authenticatorData() []byte {
	sum := sha256.Sum256([]byte(a.RPID))
	return binary.BigEndian.AppendUint32(append(sum[:], a.Flags), a.Count)
}

// Base64 is base64url without padding.
func Base64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// What follows writes CBOR (RFC 8949).

func head(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 1<<8:
		return []byte{major<<5 | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	default:
		return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n)) //nolint:gosec // tests' sizes
	}
}

// Int is an integer.
func Int(n int) []byte {
	if n < 0 {
		return head(1, uint64(-n-1))
	}
	return head(0, uint64(n))
}

// Bytes is a byte string.
func Bytes(b []byte) []byte { return append(head(2, uint64(len(b))), b...) }

// Text is a text.
func Text(s string) []byte { return append(head(3, uint64(len(s))), s...) }

// Map is a map of keys and values, one after another.
func Map(items ...[]byte) []byte {
	return append(head(5, uint64(len(items)/2)), slices.Concat(items...)...)
}
