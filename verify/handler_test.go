package verify_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yoozak/clients/internal/verifytest"
	"github.com/yoozak/clients/verify"
)

// who answers with the number of the user.
var who = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	u, ok := verify.UserFrom(r.Context())
	_, _ = fmt.Fprint(w, u.ID, ok)
})

func ask(h http.Handler, headers ...string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(http.MethodPost, "/orders/?access_token=x", strings.NewReader("{}")), httptest.NewRecorder()
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	h.ServeHTTP(w, r)
	return w
}

// TestAuthorizationHeader: one header, one scheme, one token.
func TestAuthorizationHeader(t *testing.T) {
	t.Parallel()
	k := verifytest.NewKey(t, "k1", "ES256")
	v := newVerifier(t, &keyServer{answer: says(200, verifytest.KeySet(t, k))}, nil)
	h := v.Handler(who)
	token := k.Sign(t, verifytest.Claims(time.Now(), nil))
	const none, bad = `Bearer realm="api"`, `Bearer realm="api", error="invalid_token"`
	for name, test := range map[string]struct {
		headers   []string
		challenge string // empty: it gets through
	}{
		"good":                  {[]string{"Authorization", "Bearer " + token}, ""},
		"in small letters":      {[]string{"Authorization", "bearer " + token}, ""},
		"two blanks":            {[]string{"Authorization", "Bearer  " + token}, ""},
		"none":                  {nil, none},
		"empty":                 {[]string{"Authorization", ""}, bad},
		"no token":              {[]string{"Authorization", "Bearer "}, bad},
		"no scheme":             {[]string{"Authorization", token}, bad},
		"another scheme":        {[]string{"Authorization", "Basic " + token}, bad},
		"JWT":                   {[]string{"Authorization", "JWT " + token}, bad},
		"two tokens":            {[]string{"Authorization", "Bearer " + token + " " + token}, bad},
		"two headers":           {[]string{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token}, bad},
		"two in one":            {[]string{"Authorization", "Bearer " + token + ",Bearer " + token}, bad},
		"not good":              {[]string{"Authorization", "Bearer x.y.z"}, bad},
		"in another header":     {[]string{"X-Authorization", "Bearer " + token}, none},
		"an identity, no token": {[]string{"X-User-Id", "42"}, none},
	} {
		w := ask(h, test.headers...)
		got := w.Header().Get("WWW-Authenticate")
		switch {
		case test.challenge == "" && (w.Code != 200 || w.Body.String() != "42 true" || got != ""):
			t.Errorf("%s: %d %s %q", name, w.Code, w.Body, got)
		case test.challenge != "" && (w.Code != 401 || got != test.challenge || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" ||
			w.Body.String() != `{"detail":"The access token is missing or not valid.","code":"token_not_valid"}`):
			t.Errorf("%s: %d %s %q", name, w.Code, w.Body, got)
		}
	}
}

// TestRefusals look alike outside; the log has the reason, and never a token.
func TestRefusals(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	k := verifytest.NewKey(t, "k1", "ES256")
	v := newVerifier(t, &keyServer{answer: says(200, verifytest.KeySet(t, k))}, func(o *verify.Options) { o.Log = slog.New(slog.NewTextHandler(&lines, nil)) })
	h := v.Handler(who)
	var first string
	for reason, changes := range map[string]map[string]any{
		"it has expired":            {"exp": time.Now().Unix() - 1},
		"issuer is another one":     {"iss": "other"},
		"it is no access token":     {"token_type": "refresh"},
		"for another audience":      {"aud": "orders"},
		"do not name a user":        {"sub": "7"},
		"no such key: \\\"k9\\\"":   nil,
		"it is not valid yet":       {"iat": time.Now().Unix() + 600},
		"exp is missing or no date": {"exp": nil},
	} {
		signer := *k
		if changes == nil {
			signer.ID = "k9"
		}
		token := signer.Sign(t, verifytest.Claims(time.Now(), changes))
		lines.Reset()
		w := ask(h, "Authorization", "Bearer "+token)
		text := fmt.Sprint(w.Code, w.Header(), w.Body)
		if first == "" {
			first = text
		}
		if text != first {
			t.Errorf("%s: %s; another refusal: %s", reason, text, first)
		}
		if !strings.Contains(lines.String(), reason) {
			t.Errorf("the log does not say %q: %s", reason, lines.String())
		}
		for part := range strings.SplitSeq(token, ".") {
			if strings.Contains(lines.String(), part) {
				t.Errorf("%s: a part of the token is in the log", reason)
			}
		}
	}
}

// TestUnavailableIsNot401: nobody is logged out because the key set is not
// known.
func TestUnavailableIsNot401(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := verifytest.NewKey(t, "k1", "ES256")
		v := newVerifier(t, &keyServer{answer: refuses}, nil)
		w := ask(v.Handler(who), "Authorization", "Bearer "+k.Sign(t, verifytest.Claims(time.Now(), nil)))
		if w.Code != 503 || w.Header().Get("Retry-After") != "10" || w.Header().Get("WWW-Authenticate") != "" || !strings.Contains(w.Body.String(), `"code":"unavailable"`) {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		if w := ask(v.Handler(who)); w.Code != 401 {
			t.Errorf("without a token: %d", w.Code)
		}
	})
}

// TestRefuseWritesTheBody in the words of the service.
func TestRefuseWritesTheBody(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, &keyServer{answer: refuses}, func(o *verify.Options) {
		o.Refuse = func(w http.ResponseWriter, _ *http.Request, status int) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "connectez-vous")
		}
	})
	if w := ask(v.Handler(who)); w.Code != 401 || w.Body.String() != "connectez-vous" || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
