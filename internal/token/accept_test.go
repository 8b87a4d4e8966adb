package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/token"
)

var ours = []byte("ours-0123456789abcdefghijklmnopqrstuvwxyz-0123456789")

// newAccepting signs with the algorithm and accepts what Django's secret
// signed.
func newAccepting(t testing.TB, algorithm string) *token.Tokens {
	t.Helper()
	o := options(algorithm)
	o.Accept = secret.NewBytes(djangoSecret)
	if algorithm == "HS256" {
		o.Secret = secret.NewBytes(ours)
	}
	tk := token.New(o)
	tk.SetKeys([]*token.Key{newKey(t, "a1", algorithm, token.ForAccess, now), newKey(t, "r1", "HS256", token.ForRefresh, now)}, now)
	return tk
}

func TestTokensOfDjangoAreGoodBesideOurs(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, algorithm string) {
		tk := newAccepting(t, algorithm)
		for typ, other := range map[token.Type]token.Type{token.Access: token.Refresh, token.Refresh: token.Access} {
			raw := sign("HS256", sha256.New, djangoSecret, nil, django(map[string]any{"token_type": string(typ)}))
			for range 2 { // the second time from the cache
				claims, err := tk.Verify(raw, typ, now)
				if err != nil || claims.UserID != 42 || claims.SessionID != "" || claims.ID != "0d1f" {
					t.Fatalf("%s: %+v, %v", typ, claims, err)
				}
				if _, err := tk.Verify(raw, other, now); !errors.Is(err, account.ErrTokenWrongType) {
					t.Errorf("%s as %s: %v; want ErrTokenWrongType", typ, other, err)
				}
			}
			if _, err := tk.Verify(raw, typ, now.AddDate(0, 0, 1)); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%s after its end: %v; want ErrTokenInvalid", typ, err)
			}
			own, want := issue(t, tk, typ)
			if got, err := tk.Verify(own, typ, now); err != nil || got != want {
				t.Errorf("our %s: %+v, %v", typ, got, err)
			}
			parsed, _, err := jwt.NewParser().ParseUnverified(own, jwt.MapClaims{})
			if err != nil || typ == token.Access && parsed.Header["alg"] != algorithm {
				t.Errorf("our %s is signed by %v, %v", typ, parsed.Header["alg"], err)
			}
		}
		if tk.Keys() != newTokens(t, algorithm).Keys() || strings.Contains(string(tk.JWKS()), "oct") {
			t.Errorf("the secret is published: %s", tk.JWKS())
		}
	})
}

// TestSecretOfDjangoSignsNothingOfOurs: whoever has Django's secret must gain
// no token of a session, and none that names one of our keys.
func TestSecretOfDjangoSignsNothingOfOurs(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, algorithm string) {
		tk := newAccepting(t, algorithm)
		full := map[string]any{"sid": "session", "iss": "yoozak", "sub": "42"}
		for name, test := range map[string]struct{ header, claims map[string]any }{
			"all of ours":    {nil, full},
			"sid":            {nil, map[string]any{"sid": "session"}},
			"empty sid":      {nil, map[string]any{"sid": ""}},
			"sid a number":   {nil, map[string]any{"sid": 1}},
			"sid null":       {nil, map[string]any{"sid": json.RawMessage("null")}},
			"our iss":        {nil, map[string]any{"iss": "yoozak"}},
			"empty iss":      {nil, map[string]any{"iss": ""}},
			"iss null":       {nil, map[string]any{"iss": json.RawMessage("null")}},
			"access key":     {map[string]any{"kid": "a1"}, nil},
			"refresh key":    {map[string]any{"kid": "r1"}, nil},
			"empty kid":      {map[string]any{"kid": ""}, nil},
			"kid null":       {map[string]any{"kid": json.RawMessage("null")}, nil},
			"key and claims": {map[string]any{"kid": "r1"}, full},
			"crit":           {map[string]any{"crit": []string{"exp"}}, nil},
		} {
			for _, typ := range []token.Type{token.Access, token.Refresh} {
				claims := django(test.claims)
				claims["token_type"] = string(typ)
				raw := sign("HS256", sha256.New, djangoSecret, test.header, claims)
				if got, err := tk.Verify(raw, typ, now); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("%s, %s: %+v, %v; want ErrTokenInvalid", name, typ, got, err)
				}
			}
		}
		for name, raw := range map[string]string{
			"HS512":     sign("HS512", sha512.New, djangoSecret, nil, django(nil)),
			"HS384":     sign("HS384", sha512.New384, djangoSecret, nil, django(nil)),
			"none":      sign("none", nil, nil, nil, django(nil)),
			"other key": sign("HS256", sha256.New, []byte(string(djangoSecret)+"x"), nil, django(nil)),
			"no key":    sign("HS256", sha256.New, nil, nil, django(nil)),
			algorithm:   sign(algorithm, sha512.New, djangoSecret, nil, django(nil)),
		} {
			if _, err := tk.Verify(raw, token.Access, now); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%s: %v; want ErrTokenInvalid", name, err)
			}
		}
	})
}

// TestOurTokensAreNotDjangos: a server that signed with Django's secret once
// issued tokens with sessions; they are not good as tokens without one.
func TestOurTokensAreNotDjangos(t *testing.T) {
	t.Parallel()
	before := newTokens(t, "HS256")
	forEachAlgorithm(t, func(t *testing.T, algorithm string) {
		tk := newAccepting(t, algorithm)
		for _, sessionID := range []string{"session", ""} {
			raw, _, err := before.Issue(token.Access, 42, sessionID, "jti", now)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := tk.Verify(raw, token.Access, now); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("session %q: %+v, %v; want ErrTokenInvalid", sessionID, got, err)
			}
		}
	})
}

// TestPublishedKeyIsNoSecret tries what is published as the secret of a MAC,
// in each form in which a library may hold it.
func TestPublishedKeyIsNoSecret(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	key := &token.Key{ID: "a1", Algorithm: "ES256", Use: token.ForAccess, ActiveAt: now}
	if err := key.Load(secret.NewBytes(der)); err != nil {
		t.Fatal(err)
	}
	o := options("ES256")
	o.Accept = secret.NewBytes(djangoSecret)
	tk := token.New(o)
	tk.SetKeys([]*token.Key{key}, now)
	for name, mac := range map[string][]byte{
		"key set": tk.JWKS(), "DER": public, "point": point, "nothing": {},
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
	} {
		for _, header := range []map[string]any{nil, {"kid": "a1"}} {
			for _, claims := range []map[string]any{nil, {"iss": "yoozak", "sid": "session"}} {
				raw := sign("HS256", sha256.New, mac, header, django(claims))
				if _, err := tk.Verify(raw, token.Access, now); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("%s, header %v, claims %v: %v; want ErrTokenInvalid", name, header, claims, err)
				}
			}
		}
	}
}

// TestBothSecretsOfHS256 is a server whose secret Django shares by now, while
// tokens of Django's old secret are still about.
func TestBothSecretsOfHS256(t *testing.T) {
	t.Parallel()
	tk := newAccepting(t, "HS256")
	for name, mac := range map[string][]byte{"old": djangoSecret, "shared": ours} {
		if _, err := tk.Verify(sign("HS256", sha256.New, mac, nil, django(nil)), token.Access, now); err != nil {
			t.Errorf("%s secret: %v", name, err)
		}
	}
}

// TestUserIDInAnotherClaim is a Django with simplejwt's USER_ID_CLAIM, whose
// values PyJWT writes as a text or as a number.
func TestUserIDInAnotherClaim(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		claim  string
		change map[string]any
		want   error
	}{
		{"sub", map[string]any{"user_id": nil, "sub": "42"}, nil},
		{"sub", map[string]any{"user_id": nil, "sub": 42}, nil},
		{"sub", map[string]any{"user_id": 43, "sub": 42}, nil},
		{"uid", map[string]any{"user_id": nil, "uid": 42}, nil},
		{"uid", map[string]any{"user_id": nil, "uid": "42"}, nil},
		{"sub", map[string]any{"user_id": 42}, account.ErrTokenNoUser},
		{"sub", map[string]any{"user_id": nil, "sub": "amina"}, account.ErrTokenNoUser},
		{"sub", map[string]any{"user_id": nil, "sub": ""}, account.ErrTokenNoUser},
		{"sub", map[string]any{"user_id": nil, "sub": []int{42}}, account.ErrTokenInvalid},
		{"sub", map[string]any{"user_id": nil, "sub": 42.5}, account.ErrTokenInvalid},
		{"sub", map[string]any{"user_id": nil, "sub": true}, account.ErrTokenInvalid},
		// As Django's default has it, with a number in sub beside it.
		{"", map[string]any{"sub": 42}, nil},
		{"user_id", map[string]any{"sub": 42}, nil},
		{"", map[string]any{"sub": 43}, account.ErrTokenNoUser},
		{"", map[string]any{"user_id": nil, "sub": 42}, account.ErrTokenNoUser},
	} {
		for _, algorithm := range []string{"ES256", "HS256"} {
			o := options(algorithm)
			o.UserIDClaim = test.claim
			if o.Secret = secret.NewBytes(djangoSecret); algorithm != "HS256" {
				o.Secret, o.Accept = secret.Bytes{}, secret.NewBytes(djangoSecret)
			}
			tk := token.New(o)
			tk.SetKeys([]*token.Key{newKey(t, "a1", algorithm, token.ForAccess, now)}, now)
			raw := sign("HS256", sha256.New, djangoSecret, nil, django(test.change))
			if claims, err := tk.Verify(raw, token.Access, now); !errors.Is(err, test.want) || err == nil && claims.UserID != 42 {
				t.Errorf("%s, claim %q, %v: %+v, %v; want %v", algorithm, test.claim, test.change, claims, err, test.want)
			}
			own, want := issue(t, tk, token.Access)
			if got, err := tk.Verify(own, token.Access, now); err != nil || got != want {
				t.Errorf("%s, claim %q: our own: %+v, %v", algorithm, test.claim, got, err)
			}
		}
	}
}

func TestWithoutASecretNothingOfDjangoIsAccepted(t *testing.T) {
	t.Parallel()
	for _, none := range [][]byte{nil, {}} {
		o := options("ES256")
		o.Accept = secret.NewBytes(none)
		tk := token.New(o)
		for _, mac := range [][]byte{nil, {}, djangoSecret} {
			if _, err := tk.Verify(sign("HS256", sha256.New, mac, nil, django(nil)), token.Access, now); !errors.Is(err, account.ErrTokenInvalid) {
				t.Errorf("%v; want ErrTokenInvalid", err)
			}
		}
	}
}

// TestTokensOfDjangoAreBounded: whoever has Django's secret must not make
// tokens that never end, nor any after the day that was said.
func TestTokensOfDjangoAreBounded(t *testing.T) {
	t.Parallel()
	const day = 24 * 3600
	forEachAlgorithm(t, func(t *testing.T, algorithm string) {
		o := options(algorithm)
		o.Accept = secret.NewBytes(djangoSecret)
		o.AcceptMaxAge, o.AcceptUntil = 24*time.Hour, now.Add(48*time.Hour)
		if algorithm == "HS256" {
			o.Secret = secret.NewBytes(ours)
		}
		tk := token.New(o)
		tk.SetKeys([]*token.Key{newKey(t, "a1", algorithm, token.ForAccess, now), newKey(t, "r1", "HS256", token.ForRefresh, now)}, now)
		for name, test := range map[string]struct {
			claims map[string]any
			good   bool
		}{
			"a day":                 {map[string]any{"exp": now.Unix() + day}, true},
			"a day, half over":      {map[string]any{"iat": now.Unix() - day/2, "exp": now.Unix() + day/2}, true},
			"a second more":         {map[string]any{"exp": now.Unix() + day + 1}, false},
			"old, and long":         {map[string]any{"iat": now.Unix() - 10*day, "exp": now.Unix() + 60}, false},
			"ten years":             {map[string]any{"exp": now.Unix() + 3650*day}, false},
			"the end of all dates":  {map[string]any{"exp": 253402300799, "iat": 0}, false},
			"no date of issue":      {map[string]any{"iat": nil, "exp": now.Unix() + day}, true},
			"none, and ten years":   {map[string]any{"iat": nil, "exp": now.Unix() + 3650*day}, false},
			"issued in the future":  {map[string]any{"iat": now.Unix() + 100*day, "exp": now.Unix() + 100*day + 60}, false},
			"before it was issued":  {map[string]any{"iat": now.Unix() + 3, "exp": now.Unix() + 2}, true},
			"long before any issue": {map[string]any{"iat": -9e15, "exp": now.Unix() + 60}, false},
		} {
			for _, typ := range []token.Type{token.Access, token.Refresh} {
				claims := django(test.claims)
				claims["token_type"] = string(typ)
				_, err := tk.Verify(sign("HS256", sha256.New, djangoSecret, nil, claims), typ, now)
				if (err == nil) != test.good || err != nil && !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("%s, %s: %v, want good %v", name, typ, err, test.good)
				}
			}
		}
		// The day comes, also for a token that was good a moment ago.
		at := now.Add(47 * time.Hour)
		raw := sign("HS256", sha256.New, djangoSecret, nil, django(map[string]any{"iat": at.Unix(), "exp": at.Unix() + day}))
		if _, err := tk.Verify(raw, token.Access, at); err != nil {
			t.Errorf("before the day: %v", err)
		}
		if _, err := tk.Verify(raw, token.Access, now.Add(48*time.Hour)); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("on the day: %v, want ErrTokenInvalid", err)
		}
		own, _, err := tk.Issue(token.Access, 42, "session", "id", now.Add(48*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tk.Verify(own, token.Access, now.Add(48*time.Hour)); err != nil {
			t.Errorf("ours on the day: %v", err)
		}
		if algorithm == "HS256" { // the secret of ours makes the same tokens, without these bounds
			if _, err := tk.Verify(sign("HS256", sha256.New, ours, nil, django(map[string]any{"exp": now.Unix() + 10*day})), token.Access, now); err != nil {
				t.Errorf("by our secret: %v", err)
			}
		}
	})
}
