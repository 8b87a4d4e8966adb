package verify_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/yoozaktest"
	"github.com/yoozak/clients/verify"
)

// post sends JSON to the server and returns what its answer says of a field.
func post(t *testing.T, s *yoozaktest.Server, path, body, field string) string {
	t.Helper()
	res, err := http.Post(s.URL+path, "application/json", strings.NewReader(body)) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s: %d %s", path, res.StatusCode, text)
	}
	value, _ := answer[field].(string)
	return value
}

// TestTokensOfTheServer with each algorithm: they are good, its refresh tokens
// are not, a restart of the server is not noticed, and neither a rotation nor
// the end of a key needs one here.
func TestTokensOfTheServer(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"ES256", "EdDSA", "RS256"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			const login = `{"username":"amina","password":"` + yoozaktest.Password + `"}`
			s := yoozaktest.Start(t, append(yoozaktest.CheapHashes, "YOOZAK_JWT_ALGORITHM="+algorithm, "YOOZAK_JWT_AUDIENCE=orders,warehouse")...)
			access := post(t, s, "/api/clients/auth/register/", login, "access")
			refresh := post(t, s, "/api/clients/auth/login/", login, "refresh")
			v, err := verify.New(t.Context(), verify.Options{
				KeySetURL: s.URL + "/.well-known/jwks.json", Issuer: "yoozak", Audience: "orders", Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			u, err := v.Verify(t.Context(), access)
			if err != nil || u.ID != 1 || u.SessionID == "" || time.Until(u.ExpiresAt) < 50*time.Minute {
				t.Fatalf("%+v, %v", u, err)
			}
			if _, err := v.Verify(t.Context(), refresh); is(err) != "401" {
				t.Errorf("a refresh token: %v", err)
			}
			yoozaktest.Run(t, []string{"YOOZAK_DATABASE_URL=sqlite:" + s.Dir + "/yoozak.db", "YOOZAK_JWT_ALGORITHM=" + algorithm}, "key", "rotate")
			s.Stop(t)
			if _, err := v.Verify(t.Context(), access); err != nil {
				t.Errorf("while the server is away: %v", err)
			}
			s = s.Again(t)
			s.Ready(t)
			// A key that leaked: its successor signs at once, and is found by its
			// first token, which takes the old one's with it.
			first := kidOf(t, access)
			yoozaktest.Run(t, []string{"YOOZAK_DATABASE_URL=sqlite:" + s.Dir + "/yoozak.db", "YOOZAK_JWT_ALGORITHM=" + algorithm}, "key", "revoke", first)
			for end := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
				if next := post(t, s, "/api/clients/auth/login/", login, "access"); kidOf(t, next) != first {
					access, refresh = next, access
					break
				}
				if time.Now().After(end) {
					t.Fatal("the revoked key still signs")
				}
			}
			if _, err := v.Verify(t.Context(), access); err != nil {
				t.Errorf("the next key: %v", err)
			}
			if _, err := v.Verify(t.Context(), refresh); is(err) != "401" {
				t.Errorf("a token of the revoked key: %v", err)
			}
		})
	}
}
