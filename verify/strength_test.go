package verify_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/verifytest"
	"github.com/yoozak/clients/verify"
)

// TestServiceAsksForStrength: what a token does not say is never enough.
func TestServiceAsksForStrength(t *testing.T) {
	t.Parallel()
	k := verifytest.NewKey(t, "k1", "ES256")
	s := &keyServer{answer: says(200, verifytest.KeySet(t, k))}
	v := newVerifier(t, s, func(o *verify.Options) { o.RequireAMR, o.MaxAuthAge = []string{"otp", "mfa"}, 10*time.Minute })
	lax := newVerifier(t, s, nil)
	now := time.Now()
	fresh, old := now.Add(-9*time.Minute).Unix(), now.Add(-11*time.Minute).Unix()
	for name, row := range map[string]struct {
		amr, authTime any
		strong        bool
	}{
		"two factors, lately":       {[]string{"pwd", "otp", "mfa"}, fresh, true},
		"two factors, long ago":     {[]string{"pwd", "otp", "mfa"}, old, false},
		"another second factor":     {[]string{"pop", "mfa"}, fresh, false},
		"a password":                {[]string{"pwd"}, fresh, false},
		"nothing said":              {nil, nil, false},
		"no time":                   {[]string{"pwd", "otp", "mfa"}, nil, false},
		"a time that is none":       {[]string{"pwd", "otp", "mfa"}, "now", false},
		"one text":                  {"otp mfa", fresh, false},
		"words in one":              {[]string{"otp mfa"}, fresh, false},
		"a list of something else":  {[]any{"otp", "mfa", 1}, fresh, false},
		"other letters":             {[]string{"OTP", "MFA"}, fresh, false},
		"a null":                    {[]any{"otp", "mfa", nil}, fresh, false},
		"long before there was any": {[]string{"otp", "mfa"}, 0, false},
	} {
		change := map[string]any{}
		if row.amr != nil {
			change["amr"] = row.amr
		}
		if row.authTime != nil {
			change["auth_time"] = row.authTime
		}
		token := k.Sign(t, verifytest.Claims(now, change))
		for range 2 { // the second time from the cache
			_, err := v.Verify(t.Context(), token)
			if row.strong && err != nil || !row.strong && (!errors.Is(err, verify.ErrStrength) || is(err) != "401") {
				t.Errorf("%s: %v", name, err)
			}
		}
		expect(t, lax, token, "good", name+", where nobody asks")
		if row.strong {
			continue
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		v.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != http.StatusUnauthorized || !strings.Contains(challenge, `error="insufficient_user_authentication"`) || !strings.Contains(challenge, `max_age="600"`) ||
			!strings.Contains(w.Body.String(), `"code":"insufficient_user_authentication"`) {
			t.Errorf("%s: %d %s %s", name, w.Code, challenge, w.Body)
		}
	}
	bad := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer x")
	v.Handler(http.NotFoundHandler()).ServeHTTP(bad, r)
	if strings.Contains(bad.Header().Get("WWW-Authenticate"), "insufficient") {
		t.Error("a token that is not good is told to be too weak")
	}
}

func TestStrengthThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*verify.Options){
		func(o *verify.Options) { o.RequireAMR = []string{""} },
		func(o *verify.Options) { o.RequireAMR = []string{"otp mfa"} },
		func(o *verify.Options) { o.MaxAuthAge = -time.Second },
	} {
		o := verify.Options{KeySetURL: "https://accounts.shop.example/.well-known/jwks.json", Issuer: "yoozak"}
		change(&o)
		if _, err := verify.New(t.Context(), o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
