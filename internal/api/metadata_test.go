package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const metadataPath = "/.well-known/oauth-authorization-server"

// TestMetadata is RFC 8414: what there is, by the name that tokens have, and
// nothing that there is not.
func TestMetadata(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ issuer, publicURL, path, base string }{
		"issuer":              {"https://accounts.shop.example", "", metadataPath, "https://accounts.shop.example"},
		"with a slash":        {"https://accounts.shop.example/", "", metadataPath, "https://accounts.shop.example"},
		"with a path":         {"https://shop.example/accounts", "", metadataPath + "/accounts", "https://shop.example/accounts"},
		"public URL":          {"https://shop.example", "https://accounts.shop.example", metadataPath, "https://accounts.shop.example"},
		"http, on a port":     {"http://127.0.0.1:8000", "", metadataPath, "http://127.0.0.1:8000"},
		"path and public URL": {"https://shop.example/a/b/", "https://accounts.shop.example", metadataPath + "/a/b", "https://accounts.shop.example"},
	} {
		s := onSQLite(t, func(o *settings) {
			o.tokens.Issuer, o.api.Issuer, o.api.PublicURL = test.issuer, test.issuer, test.publicURL
		})
		want := map[string]any{
			"issuer":                   test.issuer,
			"jwks_uri":                 test.base + "/.well-known/jwks.json",
			"response_types_supported": []any{},
			"grant_types_supported":    []any{},
			"introspection_endpoint":   test.base + introspectPath,
			"revocation_endpoint":      test.base + revokePath,
			"service_documentation":    "https://github.com/yoozak/clients",
			"introspection_endpoint_auth_methods_supported": []any{"client_secret_basic", "client_secret_post"},
			"revocation_endpoint_auth_methods_supported":    []any{"client_secret_basic", "client_secret_post"},
		}
		for _, path := range []string{test.path, test.path + "/"} {
			a := s.call(t, http.MethodGet, path, "", "Accept", "application/json", "Origin", "https://anywhere.example")
			var got map[string]any
			if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if a.header.Get("Content-Type") != "application/json" || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Cache-Control") != "public, max-age=60" {
				t.Errorf("%s: %v", name, a.header)
			}
		}
		for _, path := range []string{metadataPath + "/other", test.path + "/x", "/.well-known/openid-configuration"} {
			if a := s.call(t, http.MethodGet, path, ""); a.status != http.StatusNotFound {
				t.Errorf("%s: %s: %d %s", name, path, a.status, a.body)
			}
		}
		if a := s.call(t, http.MethodPost, test.path, ""); a.status != http.StatusNotFound {
			t.Errorf("%s: POST: %d", name, a.status)
		}
	}
}

// TestNoMetadataWithoutAURL: an issuer that is a name, as by default, is not
// found by anybody.
func TestNoMetadataWithoutAURL(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"yoozak", "", "urn:yoozak", "accounts.shop.example", "https://", "ftp://shop.example", "https://shop.example?x", "https://shop.example#x", "https://u:p@shop.example", "mailto:a@shop.example"} {
		s := onSQLite(t, func(o *settings) {
			o.tokens.Issuer, o.api.Issuer, o.api.PublicURL = issuer, issuer, "https://accounts.shop.example"
		})
		for _, path := range []string{metadataPath, metadataPath + "/"} {
			if a := s.call(t, http.MethodGet, path, ""); a.status != http.StatusNotFound {
				t.Errorf("issuer %q: %d %s", issuer, a.status, a.body)
			}
		}
	}
}

// TestCheckSaysWhoCalls in headers, which pages are not shown, and in no
// answer that refuses.
func TestCheckSaysWhoCalls(t *testing.T) {
	t.Parallel()
	const path = "/api/clients/auth/token/check/"
	forEachEngine(t, func(o *settings) { o.web.CORSOrigins = []string{"*"} }, func(t *testing.T, s *server) {
		p := newPerson(t, s)
		id, _ := payloadOf(p.access)["sub"].(string)
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := s.call(t, method, path, "", "Authorization", "Bearer "+p.access, "Origin", "https://shop.example", "X-User-Id", "1", "X-Session-Id", "x")
			if a.status != http.StatusNoContent || a.body != "" || !slices.Equal(a.header.Values("X-User-Id"), []string{id}) || !slices.Equal(a.header.Values("X-Session-Id"), []string{p.session}) {
				t.Errorf("%s: %d %v %s", method, a.status, a.header, a.body)
			}
			if exposed := a.header.Get("Access-Control-Expose-Headers"); strings.Contains(exposed, "User") || strings.Contains(exposed, "Session") {
				t.Errorf("pages may read %s", exposed)
			}
		}
		s.post(t, "/api/clients/auth/logout/", `{"refresh":"`+p.refresh+`"}`)
		for name, headers := range map[string][]string{
			"logged out":       {"Authorization", "Bearer " + p.access},
			"no token":         {},
			"a refresh token":  {"Authorization", "Bearer " + newPerson(t, s).refresh},
			"two headers":      {"Authorization", "Bearer " + newPerson(t, s).access, "Authorization", "Bearer x"},
			"a forged header":  {"X-User-Id", "1"},
			"HTML is accepted": {"Accept", "text/html", "Authorization", "Bearer " + p.access},
		} {
			a := s.call(t, http.MethodGet, path, "", headers...)
			if a.status < 400 || a.header.Get("X-User-Id") != "" || a.header.Get("X-Session-Id") != "" || a.status == 401 && a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: %d %v", name, a.status, a.header)
			}
		}
	})
}
