package verify_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/verifytest"
)

// FuzzVerify: nothing but a token that our key signed is good, whatever is
// around it, and nothing panics.
func FuzzVerify(f *testing.F) {
	keys := [2]*verifytest.Key{verifytest.NewKey(f, "k1", "ES256"), verifytest.NewKey(f, "k2", "ES256")}
	v := newVerifier(f, &keyServer{answer: says(200, verifytest.KeySet(f, keys[:]...))}, nil)
	good := map[string]bool{}
	for _, row := range verifytest.Table(f, time.Now(), "https://evil.example/", keys, verifytest.NewKey(f, "s", "ES256")) {
		if row.Audience == "" && len(row.Token) < 4<<10 {
			f.Add(row.Token)
			good[row.Token] = row.Good
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Verify(t.Context(), token); err == nil && !good[token] {
			t.Errorf("good: %q", token)
		}
	})
}

// FuzzKeySet: a set is taken or refused, and nothing panics. What is taken
// verifies no token of a key that it does not have.
func FuzzKeySet(f *testing.F) {
	k := verifytest.NewKey(f, "k1", "ES256")
	stranger := verifytest.NewKey(f, "k1", "ES256")
	token := stranger.Sign(f, verifytest.Claims(time.Now(), nil))
	for _, algorithm := range []string{"ES256", "EdDSA", "RS256"} {
		f.Add(verifytest.KeySet(f, k, verifytest.NewKey(f, "k2", algorithm)))
	}
	f.Add([]byte(`{"keys":[{"kty":"RSA","alg":"RS256","kid":"k1","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, set []byte) {
		v := newVerifier(t, &keyServer{answer: says(200, set)}, nil)
		if _, err := v.Verify(t.Context(), token); err == nil {
			t.Errorf("good with %q", set)
		}
	})
}

// kidOf is the name of the key that a token says signed it.
func kidOf(t *testing.T, token string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	var header struct{ Kid string }
	if err != nil || json.Unmarshal(text, &header) != nil {
		t.Fatalf("header %q", text)
	}
	return header.Kid
}
