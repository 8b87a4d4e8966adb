package attack

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"hash"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/store"
	"github.com/yoozak/clients/internal/token"
)

// forger has what an attacker has: the published keys, a key pair of their
// own, and more than they ever should, the claims of the victim's token. To
// show that a right signature alone is not enough, it also has the keys that
// the server signs with, from its database.
type forger struct {
	variant    string // ES256, RS256, EdDSA or HS256
	victim     person // the normal user
	other      person
	header     claims // of access tokens
	claims     claims // of the victim's access token
	refresh    claims // of the victim's refresh token
	published  []byte // the key set
	public     any    // nil for HS256
	private    any    // what the server signs access tokens with
	kid        string // of that key
	refreshKey []byte
	refreshKid string
	method     jwt.SigningMethod
	trap       *httptest.Server // where tokens say that their key is
	trapped    atomic.Int64     // requests to the trap
}

type claims map[string]any

// with returns a copy with some changed; nil takes one away.
func (c claims) with(pairs ...any) claims {
	m := maps.Clone(c)
	for i := 0; i < len(pairs); i += 2 {
		if name := pairs[i].(string); pairs[i+1] == nil {
			delete(m, name)
		} else {
			m[name] = pairs[i+1]
		}
	}
	return m
}

var b64 = base64.RawURLEncoding.EncodeToString

// must is for what only fails when the forger itself is wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func segment(token string, n int) claims {
	data := must(base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[n]))
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	c := claims{}
	if err := d.Decode(&c); err != nil {
		panic(err)
	}
	return c
}

// newForger is one who forges the tokens of a running server.
func newForger(t *testing.T, s *server) *forger {
	t.Helper()
	f := &forger{
		variant: s.variant, victim: s.user, other: s.newPerson(t),
		published: []byte(s.send(t, http.MethodGet, "/.well-known/jwks.json", nil).body),
	}
	f.prepare(t)
	if s.variant == "HS256" {
		return f
	}
	st := must(store.Open(t.Context(), s.database, store.Options{}))
	defer st.Close() //nolint:errcheck // it was read
	for _, k := range must(st.Keys(t.Context())) {
		f.has(k.ID, k.TokenType, k.Private)
	}
	return f
}

// newTokenForger is one who forges what a token.Tokens takes, with the
// settings of the servers. The people have no rows anywhere.
func newTokenForger(t *testing.T, variant string) (*forger, *token.Tokens) {
	t.Helper()
	o := token.Options{Algorithm: variant, Issuer: "yoozak", AccessLifetime: time.Hour, RefreshLifetime: 24 * time.Hour}
	now := time.Now()
	var keys []*token.Key
	if variant == "HS256" {
		o.Secret = secret.NewBytes([]byte(hmacSecret))
	} else {
		for use, algorithm := range map[token.KeyUse]string{token.ForAccess: variant, token.ForRefresh: "HS256"} {
			keys = append(keys, &token.Key{ID: token.NewID(), Algorithm: algorithm, Use: use, ActiveAt: now.Add(-time.Hour)})
		}
	}
	f := &forger{variant: variant}
	for _, k := range keys {
		private := must(token.Generate(k.Algorithm))
		must(0, k.Load(private))
		f.has(k.ID, string(k.Use), private)
	}
	tokens := token.New(o)
	tokens.SetKeys(keys, now)
	f.published = tokens.JWKS()
	for id, p := range map[int64]*person{1: &f.victim, 2: &f.other} {
		p.id = id
		session := token.NewID()
		p.access, _, _ = tokens.Issue(token.Access, id, session, token.NewID(), now)
		p.refresh, _, _ = tokens.Issue(token.Refresh, id, session, token.NewID(), now)
	}
	f.prepare(t)
	return f, tokens
}

// prepare reads the victim's tokens and sets the trap.
func (f *forger) prepare(t *testing.T) {
	t.Helper()
	f.method = jwt.GetSigningMethod(f.variant)
	if f.variant == "HS256" {
		f.private, f.refreshKey = []byte(hmacSecret), []byte(hmacSecret)
	}
	f.header, f.claims, f.refresh = segment(f.victim.access, 0), segment(f.victim.access, 1), segment(f.victim.refresh, 1)
	f.trap = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.trapped.Add(1)
		_, _ = w.Write(f.published)
	}))
	t.Cleanup(func() {
		f.trap.Close()
		if n := f.trapped.Load(); n > 0 {
			t.Errorf("the server followed %d links of tokens", n)
		}
	})
}

// has gives the forger a key of the server.
func (f *forger) has(id, use string, private secret.Bytes) {
	if use == "refresh" {
		f.refreshKey, f.refreshKid = private.Reveal(), id
		return
	}
	f.kid, f.private = id, must(x509.ParsePKCS8PrivateKey(private.Reveal()))
	switch p := f.private.(type) {
	case *ecdsa.PrivateKey:
		f.public = &p.PublicKey
	case ed25519.PrivateKey:
		f.public = p.Public()
	case *rsa.PrivateKey:
		f.public = &p.PublicKey
	}
}

// text is a part of a token before base64: claims, or JSON that is not what
// it should be.
func text(v any) []byte {
	switch v := v.(type) {
	case string:
		return []byte(v)
	case []byte:
		return v
	}
	return must(json.Marshal(v))
}

// unsigned is the two parts that are signed.
func unsigned(header, payload any) string { return b64(text(header)) + "." + b64(text(payload)) }

// signed is a token with the signature that sign makes.
func signed(header, payload any, sign func(text string) []byte) string {
	u := unsigned(header, payload)
	return u + "." + b64(sign(u))
}

// insider signs with the server's own key for access tokens.
func (f *forger) insider(header, payload any) string {
	return signed(header, payload, func(u string) []byte { return must(f.method.Sign(u, f.private)) })
}

// mac signs with HMAC-SHA-256, or another hash.
func mac(key []byte, hashes ...func() hash.Hash) func(string) []byte {
	h := sha256.New
	if len(hashes) > 0 {
		h = hashes[0]
	}
	return func(u string) []byte {
		m := hmac.New(h, key)
		_, _ = m.Write([]byte(u))
		return m.Sum(nil)
	}
}

var sha512Hashes = map[string]func() hash.Hash{"HS384": sha512.New384, "HS512": sha512.New}

// stranger signs with a key pair that is not the server's, and returns the
// public half as a JWK.
func (f *forger) stranger(header func(jwk claims) claims, payload any) string {
	switch f.variant {
	case "RS256":
		key := strangersRSA()
		jwk := claims{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": f.kid, "n": b64(key.N.Bytes()), "e": "AQAB"}
		return signed(header(jwk), payload, func(u string) []byte { return must(f.method.Sign(u, key)) })
	case "EdDSA":
		public, key, err := ed25519.GenerateKey(rand.Reader)
		must(public, err)
		jwk := claims{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": f.kid, "x": b64(public)}
		return signed(header(jwk), payload, func(u string) []byte { return must(f.method.Sign(u, key)) })
	case "HS256":
		key := []byte(strings.Repeat("attacker", 8))
		return signed(header(claims{"kty": "oct", "alg": "HS256", "k": b64(key)}), payload, mac(key))
	}
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	point := must(key.PublicKey.Bytes())
	jwk := claims{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": f.kid, "x": b64(point[1:33]), "y": b64(point[33:])}
	return signed(header(jwk), payload, func(u string) []byte { return must(f.method.Sign(u, key)) })
}

// strangersRSA takes a second to make, so there is one.
var strangersRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

// publicForms are the ways in which a public key is written down, each of
// which some library once took for the secret of a MAC.
func (f *forger) publicForms() map[string][]byte {
	if f.public == nil {
		return nil
	}
	der := must(x509.MarshalPKIXPublicKey(f.public))
	asPEM := func(name string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: name, Bytes: der})
	}
	var set struct{ Keys []json.RawMessage }
	must(0, json.Unmarshal(f.published, &set))
	spki := asPEM("PUBLIC KEY", der)
	forms := map[string][]byte{
		"PEM":                      spki,
		"PEM without its last LF":  bytes.TrimRight(spki, "\n"),
		"PEM with CR LF":           bytes.ReplaceAll(spki, []byte("\n"), []byte("\r\n")),
		"PEM on one line":          bytes.ReplaceAll(spki, []byte("\n"), nil),
		"DER":                      der,
		"base64 of DER":            []byte(base64.StdEncoding.EncodeToString(der)),
		"the JWK as published":     set.Keys[0],
		"the key set as published": f.published,
	}
	switch p := f.public.(type) {
	case *rsa.PublicKey:
		forms["PKCS #1 PEM, or the coordinates"] = asPEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(p))
		forms["PKCS #1 DER, or the shortest form"] = x509.MarshalPKCS1PublicKey(p)
		forms["the raw key"] = p.N.Bytes()
		forms["the key's number in base64"] = []byte(b64(p.N.Bytes()))
	case *ecdsa.PublicKey:
		point := must(p.Bytes())
		compressed := append([]byte{2 + point[64]&1}, point[1:33]...)
		forms["PKCS #1 PEM, or the coordinates"], forms["PKCS #1 DER, or the shortest form"] = point[1:], compressed
		forms["the raw key"] = point
		forms["the key's number in base64"] = []byte(b64(point[1:33]))
	case ed25519.PublicKey:
		forms["PKCS #1 PEM, or the coordinates"], forms["PKCS #1 DER, or the shortest form"] = []byte(base64.StdEncoding.EncodeToString(p)), der[12:]
		forms["the raw key"] = p
		forms["the key's number in base64"] = []byte(b64(p))
	}
	return forms
}

// order of the group of P-256.
var order = elliptic.P256().Params().N

// rs is an ECDSA signature as JWS writes it.
func rs(r, s *big.Int) []byte {
	var b [64]byte
	r.FillBytes(b[:32])
	s.FillBytes(b[32:])
	return b[:]
}

// twin is the other signature (r, n-s) of an ES256 token's text.
func twin(token string) string {
	u, signature := cutLast(token)
	b := must(base64.RawURLEncoding.DecodeString(signature))
	s := new(big.Int).SetBytes(b[32:])
	return u + "." + b64(rs(new(big.Int).SetBytes(b[:32]), s.Sub(order, s)))
}

// cutLast cuts a token before its signature.
func cutLast(token string) (before, signature string) {
	i := strings.LastIndexByte(token, '.')
	return token[:i], token[i+1:]
}
