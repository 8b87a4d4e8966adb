package token_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/secret"
	"github.com/yoozak/clients/internal/token"
)

var (
	djangoSecret = []byte("django-insecure-0123456789abcdefghijklmnopqrstuvwxyz")
	now          = time.Date(2026, 6, 5, 12, 56, 56, 789e6, time.UTC)
)

func options(algorithm string) token.Options {
	o := token.Options{Algorithm: algorithm, Issuer: "yoozak", AccessLifetime: time.Hour, RefreshLifetime: 24 * time.Hour}
	if algorithm == "HS256" {
		o.Secret = secret.NewBytes(djangoSecret)
	}
	return o
}

func newKey(t testing.TB, id, algorithm string, use token.KeyUse, activeAt time.Time) *token.Key {
	t.Helper()
	private, err := generate(id, algorithm)
	if err != nil {
		t.Fatal(err)
	}
	k := &token.Key{ID: id, Algorithm: algorithm, Use: use, ActiveAt: activeAt}
	if err := k.Load(private); err != nil {
		t.Fatal(err)
	}
	return k
}

// generate makes a key. For RSA, which takes most of a second, one of each id
// does for all tests.
func generate(id, algorithm string) (secret.Bytes, error) {
	if algorithm != "RS256" {
		return token.Generate(algorithm)
	}
	made, _ := rsaKeys.LoadOrStore(id, sync.OnceValues(func() (secret.Bytes, error) { return token.Generate(algorithm) }))
	return made.(func() (secret.Bytes, error))()
}

var rsaKeys sync.Map // by id

// newTokens has a key for each use, if the algorithm needs any.
func newTokens(t testing.TB, algorithm string) *token.Tokens {
	t.Helper()
	tk := token.New(options(algorithm))
	if algorithm != "HS256" {
		tk.SetKeys([]*token.Key{newKey(t, "a1", algorithm, token.ForAccess, now), newKey(t, "r1", "HS256", token.ForRefresh, now)}, now)
	}
	return tk
}

func issue(t testing.TB, tk *token.Tokens, typ token.Type) (string, token.Claims) {
	t.Helper()
	raw, claims, err := tk.Issue(typ, 42, "session", "jti", now)
	if err != nil {
		t.Fatal(err)
	}
	return raw, claims
}

func forEachAlgorithm(t *testing.T, test func(t *testing.T, algorithm string)) {
	for _, algorithm := range token.Algorithms {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			test(t, algorithm)
		})
	}
}

func TestIssuedTokenVerifiesAsItsTypeOnly(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, algorithm string) {
		tk := newTokens(t, algorithm)
		for typ, other := range map[token.Type]token.Type{token.Access: token.Refresh, token.Refresh: token.Access} {
			raw, want := issue(t, tk, typ)
			for range 2 { // the second time from the cache
				got, err := tk.Verify(raw, typ, now)
				if err != nil || got != want {
					t.Fatalf("%s: got %+v, %v; want %+v", typ, got, err, want)
				}
				if _, err := tk.Verify(raw, other, now); !errors.Is(err, account.ErrTokenWrongType) {
					t.Fatalf("%s as %s: %v; want ErrTokenWrongType", typ, other, err)
				}
			}
		}
	})
}

func TestIssuedTokenHasTheClaimsOfSimplejwt(t *testing.T) {
	t.Parallel()
	raw, _ := issue(t, newTokens(t, "HS256"), token.Access)
	parts := strings.Split(raw, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"token_type":"access","exp":1780667816,"iat":1780664216,"jti":"jti","user_id":42,"sub":"42","iss":"yoozak","sid":"session"}`
	if string(payload) != want {
		t.Errorf("got  %s\nwant %s", payload, want)
	}
	header, _ := base64.RawURLEncoding.DecodeString(parts[0])
	if string(header) != `{"alg":"HS256","typ":"JWT"}` {
		t.Errorf("header %s", header)
	}
}

// TestTokenOfOurKeyNamesItsSession: one without would outlive every logout,
// as only tokens of Django may.
func TestTokenOfOurKeyNamesItsSession(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, algorithm string) {
		tk := newTokens(t, algorithm)
		raw, _, err := tk.Issue(token.Access, 42, "", "jti", now)
		if err != nil {
			t.Fatal(err)
		}
		want := account.ErrTokenInvalid
		if algorithm == "HS256" {
			want = nil
		}
		if _, err := tk.Verify(raw, token.Access, now); (err == nil) != (want == nil) || err != nil && !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	})
}

func TestTokenIsOneLine(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, algorithm string) {
		tk := newTokens(t, algorithm)
		raw, _ := issue(t, tk, token.Access)
		for _, line := range []string{"\n", "\r", "\r\n"} {
			for _, bent := range []string{raw + line, line + raw, raw[:len(raw)-9] + line + raw[len(raw)-9:]} {
				if _, err := tk.Verify(bent, token.Access, now); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("with %q in it: %v; want ErrTokenInvalid", line, err)
				}
			}
		}
	})
}

func TestTokenEndsWhenItSays(t *testing.T) {
	t.Parallel()
	tk := newTokens(t, "ES256")
	raw, claims := issue(t, tk, token.Access)
	if _, err := tk.Verify(raw, token.Access, claims.ExpiresAt.Add(-time.Second)); err != nil {
		t.Errorf("a second before: %v", err)
	}
	for _, at := range []time.Time{claims.ExpiresAt, claims.ExpiresAt.Add(time.Hour)} { // cached by now
		if _, err := tk.Verify(raw, token.Access, at); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("at %v: %v; want ErrTokenInvalid", at, err)
		}
	}
	if _, err := newTokens(t, "ES256").Verify(raw, token.Access, now); !errors.Is(err, account.ErrTokenInvalid) {
		t.Errorf("under other keys of the same name: %v; want ErrTokenInvalid", err)
	}
}

// sign makes a token with HMAC, as somebody who has the secret would.
func sign(alg string, h func() hash.Hash, key []byte, header, claims map[string]any) string {
	head := map[string]any{"alg": alg, "typ": "JWT"}
	for k, v := range header {
		head[k] = v
	}
	encode := func(v any) string {
		b, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := encode(head) + "." + encode(claims)
	if h == nil {
		return text + "."
	}
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// django are the claims of a token that simplejwt issued, changed; nil
// removes one.
func django(change map[string]any) map[string]any {
	c := map[string]any{"token_type": "access", "exp": now.Unix() + 3600, "iat": now.Unix(), "jti": "0d1f", "user_id": 42}
	for k, v := range change {
		if v == nil {
			delete(c, k)
			continue
		}
		c[k] = v
	}
	return c
}

func TestTokensOfDjango(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change map[string]any
		want   error
	}{
		"as issued":            {nil, nil},
		"extra claims":         {map[string]any{"extra": []int{1}}, nil},
		"user_id as text":      {map[string]any{"user_id": "42"}, nil},
		"user_id as float":     {map[string]any{"user_id": 42.0}, nil},
		"exp as float":         {map[string]any{"exp": float64(now.Unix()) + 10.5}, nil},
		"our iss":              {map[string]any{"iss": "yoozak"}, nil},
		"nbf in the past":      {map[string]any{"nbf": now.Unix() - 10}, nil},
		"iat of a fast clock":  {map[string]any{"iat": now.Unix() + 4}, nil},
		"expired":              {map[string]any{"exp": now.Unix() - 10}, account.ErrTokenInvalid},
		"expires now":          {map[string]any{"exp": now.Unix()}, account.ErrTokenInvalid},
		"exp as text":          {map[string]any{"exp": "soon"}, account.ErrTokenInvalid},
		"exp in milliseconds":  {map[string]any{"exp": now.UnixMilli()}, account.ErrTokenInvalid}, // the year 58,000
		"exp huge":             {map[string]any{"exp": 1e300}, account.ErrTokenInvalid},
		"exp negative":         {map[string]any{"exp": -1}, account.ErrTokenInvalid},
		"exp true":             {map[string]any{"exp": true}, account.ErrTokenInvalid},
		"exp null":             {map[string]any{"exp": json.RawMessage("null")}, account.ErrTokenInvalid},
		"iat in the future":    {map[string]any{"iat": now.Unix() + 60}, account.ErrTokenInvalid},
		"iat as text":          {map[string]any{"iat": "now"}, account.ErrTokenInvalid},
		"nbf in the future":    {map[string]any{"nbf": now.Unix() + 60}, account.ErrTokenInvalid},
		"other iss":            {map[string]any{"iss": "elsewhere"}, account.ErrTokenInvalid},
		"iss not a text":       {map[string]any{"iss": 5}, account.ErrTokenInvalid},
		"somebody's aud":       {map[string]any{"aud": "elsewhere"}, account.ErrTokenInvalid},
		"no exp":               {map[string]any{"exp": nil}, account.ErrTokenNoExpiry},
		"no jti":               {map[string]any{"jti": nil}, account.ErrTokenNoID},
		"jti of simplejwt":     {map[string]any{"jti": "0d1f2b3c4d5e6f708192a3b4c5d6e7f8"}, nil},
		"jti with hyphens":     {map[string]any{"jti": "0d1f2b3c-4d5e-6f70-8192-a3b4c5d6e7f8"}, nil},
		"jti of Django's most": {map[string]any{"jti": strings.Repeat("j", 255)}, nil},
		"jti with NUL":         {map[string]any{"jti": "a\x00b"}, account.ErrTokenInvalid},
		"jti with line break":  {map[string]any{"jti": "a\nb"}, account.ErrTokenInvalid},
		"jti too long":         {map[string]any{"jti": strings.Repeat("j", 256)}, account.ErrTokenInvalid},
		"no token_type":        {map[string]any{"token_type": nil}, account.ErrTokenNoType},
		"token_type number":    {map[string]any{"token_type": 5}, account.ErrTokenWrongType},
		"sliding":              {map[string]any{"token_type": "sliding"}, account.ErrTokenWrongType},
		"Token_Type":           {map[string]any{"token_type": nil, "Token_Type": "access"}, account.ErrTokenNoType},
		"no user_id":           {map[string]any{"user_id": nil}, account.ErrTokenNoUser},
		"user_id no number":    {map[string]any{"user_id": "abc"}, account.ErrTokenNoUser},
		"user_id with a half":  {map[string]any{"user_id": 1.5}, account.ErrTokenNoUser},
		"user_id list":         {map[string]any{"user_id": []int{42}}, account.ErrTokenNoUser},
		"user_id true":         {map[string]any{"user_id": true}, account.ErrTokenNoUser},
		"sub of somebody else": {map[string]any{"sub": "43"}, account.ErrTokenNoUser},
	}
	tk := newTokens(t, "HS256")
	for name, test := range tests {
		raw := sign("HS256", sha256.New, djangoSecret, nil, django(test.change))
		claims, err := tk.Verify(raw, token.Access, now)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
		if err == nil && (claims.UserID != 42 || claims.SessionID != "") {
			t.Errorf("%s: claims %+v", name, claims)
		}
	}
}

// TestVerifyEnded takes what Verify takes, and what has expired, and nothing
// else.
func TestVerifyEnded(t *testing.T) {
	t.Parallel()
	tk := newTokens(t, "HS256")
	for name, test := range map[string]struct {
		change map[string]any
		want   error
	}{
		"good":              {nil, nil},
		"expired":           {map[string]any{"exp": now.Unix() - 1}, nil},
		"long expired":      {map[string]any{"iat": 0, "exp": 1}, nil},
		"no exp":            {map[string]any{"exp": nil}, account.ErrTokenNoExpiry},
		"not yet":           {map[string]any{"exp": now.Unix() - 1, "nbf": now.Unix() + 60}, account.ErrTokenInvalid},
		"another issuer":    {map[string]any{"exp": now.Unix() - 1, "iss": "elsewhere"}, account.ErrTokenInvalid},
		"another type":      {map[string]any{"exp": now.Unix() - 1, "token_type": "access"}, account.ErrTokenWrongType},
		"jti with NUL":      {map[string]any{"exp": now.Unix() - 1, "jti": "\x00"}, account.ErrTokenInvalid},
		"user is no number": {map[string]any{"exp": now.Unix() - 1, "user_id": "x"}, account.ErrTokenNoUser},
	} {
		claims := django(map[string]any{"token_type": "refresh"})
		for k, v := range test.change {
			claims[k] = v
			if v == nil {
				delete(claims, k)
			}
		}
		raw := sign("HS256", sha256.New, djangoSecret, nil, claims)
		if got, err := tk.VerifyEnded(raw, token.Refresh, now); !errors.Is(err, test.want) || err == nil && got.UserID != 42 {
			t.Errorf("%s: %+v, %v; want %v", name, got, err, test.want)
		}
		if _, err := tk.VerifyEnded(raw[:len(raw)-2]+"AA", token.Refresh, now); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("%s, tampered: %v", name, err)
		}
		if _, err := tk.Verify(raw, token.Refresh, now); (err == nil) != (name == "good") {
			t.Errorf("%s: Verify after VerifyEnded: %v", name, err)
		}
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	hs := newTokens(t, "HS256")
	good := sign("HS256", sha256.New, djangoSecret, nil, django(nil))
	if _, err := hs.Verify(good, token.Access, now); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	parts := strings.Split(good, ".")
	for name, raw := range map[string]string{
		"nothing":             "",
		"dots":                "..",
		"junk":                "junk",
		"no signature":        parts[0] + "." + parts[1] + ".",
		"two parts":           parts[0] + "." + parts[1],
		"five parts":          good + ".a.b",
		"something more":      good + "x",
		"padding":             good + "=",
		"space":               " " + good,
		"alg none":            sign("none", nil, nil, nil, django(nil)),
		"alg None":            sign("None", nil, nil, nil, django(nil)),
		"alg none, signed":    sign("none", sha256.New, djangoSecret, nil, django(nil)),
		"HS512, same key":     sign("HS512", sha512.New, djangoSecret, nil, django(nil)),
		"HS384 named only":    sign("HS384", sha256.New, djangoSecret, nil, django(nil)),
		"other key":           sign("HS256", sha256.New, []byte("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), nil, django(nil)),
		"empty key":           sign("HS256", sha256.New, nil, nil, django(nil)),
		"kid of nobody":       sign("HS256", sha256.New, djangoSecret, map[string]any{"kid": "../../dev/null"}, django(nil)),
		"kid a number":        sign("HS256", sha256.New, djangoSecret, map[string]any{"kid": 1}, django(nil)),
		"crit":                sign("HS256", sha256.New, djangoSecret, map[string]any{"crit": []string{"exp"}}, django(nil)),
		"key in the header":   sign("HS256", sha256.New, []byte("k"), map[string]any{"jwk": map[string]string{"kty": "oct", "k": "aw"}}, django(nil)),
		"huge":                good + strings.Repeat("A", 1<<20),
		"payload not JSON":    parts[0] + ".e30x." + parts[2],
		"payload of somebody": parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"user_id":1}`)) + "." + parts[2],
	} {
		if _, err := hs.Verify(raw, token.Access, now); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("%s: got %v, want ErrTokenInvalid", name, err)
		}
	}
}

func TestKeyConfusionIsRefused(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, algorithm string) {
		if algorithm == "HS256" {
			return
		}
		tk := newTokens(t, algorithm)
		claims := map[string]any{"iss": "yoozak", "sid": "s"}
		// The public key, as published, taken for the secret of a MAC.
		for _, kid := range []any{"a1", "r1", "", nil} {
			header := map[string]any{"kid": kid}
			if kid == nil {
				header = nil
			}
			for _, key := range [][]byte{tk.JWKS(), {}, []byte("a1")} {
				raw := sign("HS256", sha256.New, key, header, django(claims))
				if _, err := tk.Verify(raw, token.Access, now); !errors.Is(err, account.ErrTokenInvalid) {
					t.Errorf("kid %v: got %v, want ErrTokenInvalid", kid, err)
				}
			}
		}
		// A token that Django's secret signed is nothing to a server of ES256.
		if _, err := tk.Verify(sign("HS256", sha256.New, djangoSecret, nil, django(nil)), token.Access, now); !errors.Is(err, account.ErrTokenInvalid) {
			t.Errorf("Django's: got %v", err)
		}
	})
}

// TestMACKeyOfRefreshTokensSignsNoAccessToken: whoever steals the refresh
// key must not gain access tokens that other services accept, nor we.
func TestMACKeyOfRefreshTokensSignsNoAccessToken(t *testing.T) {
	t.Parallel()
	tk := token.New(options("ES256"))
	mac := &token.Key{ID: "r1", Algorithm: "HS256", Use: token.ForRefresh, ActiveAt: now}
	if err := mac.Load(secret.NewBytes(djangoSecret)); err != nil {
		t.Fatal(err)
	}
	tk.SetKeys([]*token.Key{mac, newKey(t, "a1", "ES256", token.ForAccess, now)}, now)
	raw := sign("HS256", sha256.New, djangoSecret, map[string]any{"kid": "r1"}, django(map[string]any{"iss": "yoozak"}))
	if _, err := tk.Verify(raw, token.Access, now); !errors.Is(err, account.ErrTokenWrongType) {
		t.Errorf("got %v, want ErrTokenWrongType", err)
	}
}

func TestRotatedKeysOverlap(t *testing.T) {
	t.Parallel()
	tk := token.New(options("ES256"))
	first, refresh := newKey(t, "a1", "ES256", token.ForAccess, now), newKey(t, "r1", "HS256", token.ForRefresh, now)
	tk.SetKeys([]*token.Key{first, refresh}, now)
	old, _ := issue(t, tk, token.Access)

	next := newKey(t, "a2", "ES256", token.ForAccess, now.Add(2*time.Minute))
	first.RetiresAt = now.Add(2*time.Minute + time.Hour)
	tk.SetKeys([]*token.Key{next, first, refresh}, now)
	for at, want := range map[time.Duration]string{0: "a1", time.Minute: "a1", 3 * time.Minute: "a2"} {
		raw, _, err := tk.Issue(token.Access, 42, "session", "jti", now.Add(at))
		if err != nil {
			t.Fatal(err)
		}
		parsed, _, err := jwt.NewParser().ParseUnverified(raw, jwt.MapClaims{})
		if err != nil || parsed.Header["kid"] != want {
			t.Errorf("after %v: kid %v, %v; want %s", at, parsed.Header["kid"], err, want)
		}
		if _, err := tk.Verify(raw, token.Access, now.Add(at)); err != nil {
			t.Errorf("after %v: %v", at, err)
		}
	}
	if _, err := tk.Verify(old, token.Access, now.Add(59*time.Minute)); err != nil {
		t.Errorf("token of the old key: %v", err)
	}
	if !strings.Contains(string(tk.JWKS()), `"a1"`) || !strings.Contains(string(tk.JWKS()), `"a2"`) {
		t.Errorf("key set lacks a key: %s", tk.JWKS())
	}

	// A key that is taken away takes what it signed with it, cached or not.
	tk.SetKeys([]*token.Key{next, refresh}, now)
	if _, err := tk.Verify(old, token.Access, now); !errors.Is(err, account.ErrTokenInvalid) {
		t.Errorf("token of a removed key: got %v, want ErrTokenInvalid", err)
	}
	if tk.HasKey(old) {
		t.Error("a removed key is known")
	}
}

func TestKeySetShowsNoSecret(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, algorithm string) {
		tk := newTokens(t, algorithm)
		var set struct{ Keys []map[string]string }
		if err := json.Unmarshal(tk.JWKS(), &set); err != nil {
			t.Fatal(err)
		}
		want := 1
		if algorithm == "HS256" {
			want = 0
		}
		if len(set.Keys) != want {
			t.Fatalf("%d keys, want %d: %s", len(set.Keys), want, tk.JWKS())
		}
		for _, k := range set.Keys {
			if k["alg"] != algorithm || k["kid"] != "a1" || k["use"] != "sig" {
				t.Errorf("key %v", k)
			}
			for _, private := range []string{"d", "p", "q", "k"} {
				if k[private] != "" {
					t.Errorf("key set shows %q", private)
				}
			}
		}
	})
}

func TestWrongKeysAreRefusedAtLoad(t *testing.T) {
	t.Parallel()
	es, err := token.Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	for name, load := range map[string]func() error{
		"other algorithm": func() error { return (&token.Key{Algorithm: "EdDSA"}).Load(es) },
		"no key":          func() error { return (&token.Key{Algorithm: "ES256"}).Load(secret.NewBytes([]byte("junk"))) },
		"short secret":    func() error { return (&token.Key{Algorithm: "HS256"}).Load(secret.NewBytes([]byte("short"))) },
	} {
		if load() == nil {
			t.Errorf("%s was loaded", name)
		}
	}
	if _, err := token.Generate("none"); err == nil {
		t.Error("a key for none was made")
	}
}

func FuzzVerify(f *testing.F) {
	tk := newTokens(f, "HS256")
	raw, _ := issue(f, tk, token.Access)
	f.Add(raw)
	f.Add("")
	f.Add("a.b.c")
	f.Add(sign("none", nil, nil, nil, django(nil)))
	f.Add(sign("HS256", sha256.New, djangoSecret, nil, map[string]any{"exp": []int{}, "user_id": map[string]any{}}))
	f.Fuzz(func(t *testing.T, in string) {
		claims, err := tk.Verify(in, token.Access, now)
		if err == nil && in != raw {
			t.Errorf("accepted %q as %+v", in, claims)
		}
		tk.HasKey(in)
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range token.Algorithms {
		tk := newTokens(b, algorithm)
		raw, _ := issue(b, tk, token.Access)
		b.Run(algorithm+"/cached", func(b *testing.B) {
			for b.Loop() {
				if _, err := tk.Verify(raw, token.Access, now); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(algorithm+"/issue", func(b *testing.B) {
			for b.Loop() {
				issue(b, tk, token.Access)
			}
		})
	}
}

func TestKeyPrintsNoPrivatePart(t *testing.T) {
	t.Parallel()
	mac := &token.Key{ID: "r1", Algorithm: "HS256", Use: token.ForRefresh}
	if err := mac.Load(secret.NewBytes(djangoSecret)); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", mac, "tokens", fmt.Sprintf("%+v", options("HS256")))
	for _, out := range []string{fmt.Sprintf("%v %+v %#v %s %x", mac, mac, mac, mac, mac), fmt.Sprintf("%+v %#v", []any{mac}, struct{ k *token.Key }{mac}), log.String()} {
		if strings.Contains(out, "django") || strings.Contains(out, fmt.Sprintf("%x", "django")) || strings.Contains(out, "100 106 97 110") {
			t.Error(out)
		}
	}
}

// audienced is newTokens with the keys of another, for an audience.
func audienced(t *testing.T, from *token.Tokens, algorithm string, audience ...string) *token.Tokens {
	t.Helper()
	o := options(algorithm)
	o.Audience = audience
	tk := token.New(o)
	if algorithm != "HS256" {
		tk.SetKeys([]*token.Key{from.Key("a1"), from.Key("r1")}, now)
	}
	return tk
}

func TestAudienceIsCheckedWhereItIsConfigured(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, algorithm string) {
		none := newTokens(t, algorithm)
		shop, erp := audienced(t, none, algorithm, "shop"), audienced(t, none, algorithm, "erp")
		both := audienced(t, none, algorithm, "erp", "shop")
		keyed := algorithm != "HS256"
		for name, test := range map[string]struct {
			issuer, verifier *token.Tokens
			want             bool // of an access token
		}{
			"same":                   {shop, shop, true},
			"another":                {shop, erp, false},
			"one of two":             {both, shop, true},
			"for one of two":         {shop, both, true},
			"unexpected":             {shop, none, false},
			"missing":                {none, shop, !keyed}, // Django's secret signs without one
			"none wanted, none said": {none, none, true},
		} {
			raw, issued := issue(t, test.issuer, token.Access)
			got, err := test.verifier.Verify(raw, token.Access, now)
			if (err == nil) != test.want || err != nil && !errors.Is(err, account.ErrTokenInvalid) || err == nil && got != issued {
				t.Errorf("%s: %+v, %v; want %v", name, got, err, test.want)
			}
			raw, _ = issue(t, test.issuer, token.Refresh)
			if got, err := test.verifier.Verify(raw, token.Refresh, now); err != nil || got.Audience != "" {
				t.Errorf("%s, refresh token: %+v, %v", name, got, err)
			}
		}
		_, claims := issue(t, both, token.Access)
		if !claims.For("erp") || !claims.For("shop") || claims.For("sho") || claims.For("") || claims.Issuer != "yoozak" {
			t.Errorf("claims %+v", claims)
		}
	})
}

func TestAudiencesOfTokensFromElsewhere(t *testing.T) {
	t.Parallel()
	tk := audienced(t, nil, "HS256", "shop")
	for name, test := range map[string]struct {
		aud  any
		want bool
	}{
		"text":       {"shop", true},
		"list":       {[]string{"elsewhere", "shop"}, true},
		"null":       {nil, true},
		"blank":      {"", true},
		"another":    {"elsewhere", false},
		"longer":     {"shop erp", false},
		"others":     {[]string{"a", "b"}, false},
		"empty list": {[]string{}, false},
		"number":     {1, false},
		"numbers":    {[]any{"shop", 1}, false},
		"object":     {map[string]string{"shop": "shop"}, false},
	} {
		raw := sign("HS256", sha256.New, djangoSecret, nil, django(map[string]any{"aud": test.aud}))
		if _, err := tk.Verify(raw, token.Access, now); (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
