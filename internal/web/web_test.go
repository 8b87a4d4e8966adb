package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestPanicEndsOneRequest: who asked is told its id, the log has the stack,
// and the next request is answered.
func TestPanicEndsOneRequest(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var observed []int
	h := New(Options{
		Log: slog.New(slog.NewJSONHandler(&log, nil)), Language: "en",
		Observe: func(_, _ string, status int, _ time.Duration) { observed = append(observed, status) },
	}, map[string]http.Handler{"/": http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := Writer(rw)
		w.Route = "Test"
		switch r.URL.Path {
		case "/panic":
			panic("a secret of ours")
		case "/late":
			w.WriteHeader(http.StatusAccepted)
			panic("late")
		case "/abort":
			panic(http.ErrAbortHandler)
		}
		w.WriteJSON(http.StatusOK, statusBody{Status: "ok"})
	})})
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	w := ask("/panic")
	var body struct{ Detail string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusInternalServerError ||
		!strings.Contains(body.Detail, w.Header().Get("X-Request-Id")) || strings.Contains(body.Detail, "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "a secret of ours") || !strings.Contains(log.String(), "web_test.go") || !strings.Contains(log.String(), w.Header().Get("X-Request-Id")) {
		t.Errorf("the log does not say what happened: %s", &log)
	}
	if w := ask("/late"); w.Code != http.StatusAccepted || w.Body.Len() > 0 {
		t.Errorf("after the beginning of the answer: %d %s", w.Code, w.Body)
	}
	func() {
		defer func() {
			if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
				t.Errorf("an answer that was cut off is sent whole: %v", err)
			}
		}()
		ask("/abort")
	}()
	if w := ask("/"); w.Code != http.StatusOK || w.Body.String() != `{"status":"ok"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(observed) != 4 {
		t.Errorf("counted %v, want each request once", observed)
	}
}

// TestPathsThatAreNotCleanGoToTheFallback: http.ServeMux would redirect them,
// which costs old clients the body.
func TestPathsThatAreNotCleanGoToTheFallback(t *testing.T) {
	t.Parallel()
	says := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	}
	h := New(Options{Log: slog.New(slog.DiscardHandler), Language: "en"}, map[string]http.Handler{"/": says("fallback"), "/account/": says("pages")})
	for path, want := range map[string]string{
		"/account/x": "pages", "/account/": "pages", "/account//x": "fallback", "/account/../x": "fallback", "/account/.": "fallback",
		"/account/.x": "pages", "/account/..x": "pages", "/x": "fallback", "//account/": "fallback",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Body.String(); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d %s, want %s", path, w.Code, got, want)
		}
	}
}
