package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/yoozak/clients/internal/secret"
)

// accepting is ES256 for our tokens, with Django's secret for Django's.
func accepting(o *settings) {
	es256(o)
	o.tokens.Accept = secret.NewBytes([]byte(djangoSecret))
}

// djangoToken is a token that simplejwt issued a quarter of an hour ago.
func djangoToken(t *testing.T, typ string, userID int64, change jwt.MapClaims) string {
	t.Helper()
	at := time.Now().Add(-15 * time.Minute)
	claims := jwt.MapClaims{"token_type": typ, "exp": at.Add(time.Hour).Unix(), "iat": at.Unix(), "jti": randomName("j"), "user_id": userID}
	for name, value := range change {
		claims[name] = value
	}
	raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(djangoSecret))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestNoTextOfATokenIsA500: what stands in a signed token is looked up in the
// database, where some texts are an error.
func TestNoTextOfATokenIsA500(t *testing.T) {
	t.Parallel()
	forEachEngine(t, accepting, func(t *testing.T, s *server) {
		p, shop := newPerson(t, s), newShop(t, s, nil)
		id := s.user(t, p.name).ID
		for name, change := range map[string]jwt.MapClaims{
			"NUL": {"jti": "a\x00b"}, "only NUL": {"jti": "\x00"}, "long": {"jti": strings.Repeat("j", 2000)}, "escape": {"jti": "\x1b[2J"},
			"no text": {"jti": 5}, "a list": {"jti": []string{"\x00"}}, "blank": {"jti": ""}, "quotes": {"jti": "' OR '1'='1"}, "not ASCII": {"jti": "é\u202eا"},
			"session with NUL": {"jti": "j", "sid": "\x00"}, "user with NUL": {"user_id": "1\x00"}, "huge user": {"user_id": 1 << 62},
		} {
			refresh, access := djangoToken(t, "refresh", id, change), djangoToken(t, "access", id, change)
			for what, a := range map[string]answer{
				"refresh":           s.post(t, refreshPath, `{"refresh":"`+refresh+`"}`),
				"verify":            s.post(t, "/api/clients/auth/token/verify/", `{"token":"`+refresh+`"}`),
				"verify access":     s.post(t, "/api/clients/auth/token/verify/", `{"token":"`+access+`"}`),
				"introspect":        shop.ask(t, introspectPath, url.Values{"token": {refresh}, "token_type_hint": {"refresh_token"}}),
				"introspect access": shop.ask(t, introspectPath, url.Values{"token": {access}}),
				"revoke":            shop.ask(t, revokePath, url.Values{"token": {refresh}}),
				"logout":            s.post(t, "/api/clients/auth/logout/", `{"refresh":"`+refresh+`"}`),
				"me":                s.me(t, access),
			} {
				if a.status >= http.StatusInternalServerError {
					t.Errorf("%s, %s: %d %s", name, what, a.status, a.body)
				}
			}
			if a := s.post(t, refreshPath, `{"refresh":"`+refresh+`"}`); a.status != http.StatusUnauthorized && strings.Contains(name, "NUL") {
				t.Errorf("%s: %d %s, want 401", name, a.status, a.body)
			}
		}
	})
}

// TestClientOfDjangoStaysLoggedIn is a phone that logged in at Django: its
// access token reads the profile, its refresh token gets one of ours.
func TestClientOfDjangoStaysLoggedIn(t *testing.T) {
	t.Parallel()
	forEachEngine(t, accepting, func(t *testing.T, s *server) {
		s.register(t, "amina")
		id := s.user(t, "amina").ID
		const profile = `"username":"amina"`

		if a := s.me(t, djangoToken(t, "access", id, nil)); a.status != http.StatusOK || !strings.Contains(a.body, profile) {
			t.Fatalf("me: %d %s", a.status, a.body)
		}
		refresh := djangoToken(t, "refresh", id, nil)
		a := s.post(t, refreshPath, `{"refresh":"`+refresh+`"}`)
		access := a.field("access")
		if want := `{"access":"` + access + `"}`; a.status != http.StatusOK || a.body != want {
			t.Fatalf("refresh: %d %s", a.status, a.body)
		}
		parsed, _, err := jwt.NewParser().ParseUnverified(access, jwt.MapClaims{})
		if err != nil || parsed.Header["alg"] != "ES256" || parsed.Header["kid"] == nil || payloadOf(access)["sid"] == nil {
			t.Errorf("renewed access token: header %v, %v", parsed.Header, err)
		}
		if a := s.me(t, access); a.status != http.StatusOK || !strings.Contains(a.body, profile) {
			t.Errorf("me with the renewed token: %d %s", a.status, a.body)
		}

		// Signing out ends it, though Django would still take the token.
		if a := s.post(t, "/api/clients/auth/logout/", `{"refresh":"`+refresh+`"}`); a.status != http.StatusNoContent {
			t.Errorf("logout: %d %s", a.status, a.body)
		}
		if a := s.post(t, refreshPath, `{"refresh":"`+refresh+`"}`); a.status != http.StatusUnauthorized {
			t.Errorf("refresh after logout: %d %s", a.status, a.body)
		}
		for name, raw := range map[string]string{
			"refresh as access": refresh,
			"with a session":    djangoToken(t, "access", id, jwt.MapClaims{"sid": payloadOf(access)["sid"]}),
			"in our name":       djangoToken(t, "access", id, jwt.MapClaims{"iss": "yoozak"}),
			"expired":           djangoToken(t, "access", id, jwt.MapClaims{"exp": time.Now().Unix() - 1}),
			"of nobody":         djangoToken(t, "access", 404, nil),
		} {
			if a := s.me(t, raw); a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		for _, text := range []string{djangoSecret, refresh} {
			if strings.Contains(s.logged(), text) {
				t.Error("the log holds a secret")
			}
		}
	})
}
