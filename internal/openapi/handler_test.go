package openapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/web"
)

func served(t *testing.T, method, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	handlers := Handlers()
	handlers["/"] = http.NotFoundHandler()
	h := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Language: "en", Ready: func(context.Context) error { return nil }}, handlers)
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestDocumentIsServedInTheLanguageAskedFor(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ query, accept, want string }{
		{"", "", "fr"},
		{"", "en-GB,en;q=0.9", "en"},
		{"", "ar", "fr"},
		{"?lang=en", "fr", "en"},
		{"?lang=fr", "en", "fr"},
		{"?lang=ar", "en", "fr"},
		{"?lang=", "en", "fr"},
		{"?lang=%00../../etc/passwd", "en", "fr"},
	} {
		for _, path := range []string{JSONPath, YAMLPath, StaffJSONPath, StaffYAMLPath} {
			res := served(t, http.MethodGet, path+row.query, "Accept-Language", row.accept)
			if got := res.Header().Get("Content-Language"); res.Code != http.StatusOK || got != row.want {
				t.Errorf("%s%s, %q: %d, %s, want %s", path, row.query, row.accept, res.Code, got, row.want)
			}
		}
	}
}

// TestDocumentMayBeReadAndKept by pages of any origin.
func TestDocumentMayBeReadAndKept(t *testing.T) {
	t.Parallel()
	for path, mediaType := range map[string]string{
		JSONPath: "application/json", YAMLPath: "application/yaml", StaffJSONPath: "application/json", StaffYAMLPath: "application/yaml",
	} {
		first := served(t, http.MethodGet, path, "Origin", "https://anywhere.example")
		etag := first.Header().Get("ETag")
		if first.Header().Get("Access-Control-Allow-Origin") != "*" || first.Header().Get("Content-Type") != mediaType || etag == "" {
			t.Errorf("%s: %v", path, first.Header())
		}
		if res := served(t, http.MethodGet, path, "If-None-Match", etag); res.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", path, res.Code)
		}
		if res := served(t, http.MethodGet, path+"?lang=en", "If-None-Match", etag); res.Code != http.StatusOK {
			t.Errorf("%s in another language: %d", path, res.Code)
		}
		if res := served(t, http.MethodHead, path); res.Code != http.StatusOK || res.Header().Get("Content-Length") == "" {
			t.Errorf("HEAD %s: %d %v", path, res.Code, res.Header())
		}
		res := served(t, http.MethodOptions, path, "Origin", "https://anywhere.example", "Access-Control-Request-Method", "GET")
		if res.Code != http.StatusNoContent || res.Header().Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(res.Header().Get("Access-Control-Allow-Methods"), "GET") {
			t.Errorf("preflight of %s: %d %v", path, res.Code, res.Header())
		}
		if res := served(t, http.MethodPost, path); res.Code != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, res.Code)
		}
	}
}
