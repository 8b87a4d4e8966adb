package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/secret"
)

func TestStartSaysHowLongDjangosTokensAreGood(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
	django := secret.NewBytes([]byte("django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"))
	for want, c := range map[string]config.Tokens{
		"": {},
		"are good until they expire (set YOOZAK_ACCEPT_HS256_UNTIL)":                {Accept: django, AcceptMaxAge: time.Hour},
		"of 24h0m0s at most, are good until they expire, or until 2026-07-01 00:00": {Accept: django, AcceptMaxAge: 24 * time.Hour, AcceptUntil: now.AddDate(0, 0, 25).Add(12 * time.Hour)},
		"are refused since 2026-06-05 12:00 UTC: take":                              {Accept: django, AcceptMaxAge: time.Hour, AcceptUntil: now},
	} {
		if got := djangosTokens(c, now); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%q, want %q in it", got, want)
		}
	}
}

// TestProfilesAreForThisMachinesNames: a page in a browser must not read them
// under a name of its own that leads to 127.0.0.1.
func TestProfilesAreForThisMachinesNames(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]int{
		"localhost:6060": 200, "127.0.0.1:6060": 200, "[::1]:6060": 200, "localhost": 200, "127.9.9.9": 200, "[::1]": 200,
		"evil.example:6060": 421, "evil.example": 421, "localhost.evil.example:6060": 421, "192.0.2.1:6060": 421, "": 421, "127.0.0.1.nip.io": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/debug/pprof/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		debugHandler().ServeHTTP(w, r)
		if w.Code != want || want != 200 && strings.Contains(w.Body.String(), "goroutine") {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
	}
}
