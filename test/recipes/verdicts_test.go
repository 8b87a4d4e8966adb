package recipes

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/verifytest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// recipe is one of those that verify tokens by themselves.
type recipe struct {
	to  io.Writer
	out *bufio.Scanner
	log *yoozaktest.Buffer
}

// startRecipe starts a recipe that answers a verdict to each token.
func startRecipe(t *testing.T, name, keySet, audience string) *recipe {
	t.Helper()
	env := []string{"YOOZAK_KEY_SET_URL=" + keySet, "YOOZAK_ISSUER=" + verifytest.Issuer, "YOOZAK_AUDIENCE=" + audience}
	runner, err := filepath.Abs("testdata/verdicts")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{python, runner + ".py", name}
	switch name {
	case "express":
		args = []string{"node", runner + ".mjs", folder(t, "express/yoozak.js")}
	case "django":
		env = append(env, "PYTHONPATH="+folder(t, "django")+":"+folder(t, "python"), "DJANGO_SETTINGS_MODULE=settings")
	default:
		env = append(env, "PYTHONPATH="+folder(t, "python"))
	}
	cmd := program(t, env, args[0], args[1:]...)
	r := &recipe{log: new(yoozaktest.Buffer)}
	cmd.Stderr = r.log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, cmd)
	r.to, r.out = in, bufio.NewScanner(out)
	return r
}

// verdict is good, 401 or 503.
func (r *recipe) verdict(t *testing.T, token string) string {
	t.Helper()
	line, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.to.Write(append(line, '\n')); err != nil || !r.out.Scan() {
		t.Fatalf("no verdict: %v, %v\n%s", err, r.out.Err(), r.log)
	}
	return r.out.Text()
}

var recipesThatVerify = []string{"express", "python", "django"}

// TestVerdicts: each recipe says what package verify says to every token of
// the table, with the settings that it comes with.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	keys := [2]*verifytest.Key{verifytest.NewKey(t, "k1", "ES256"), verifytest.NewKey(t, "k2", "ES256")}
	stranger := verifytest.NewKey(t, "stranger", "ES256")
	var strangers atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/jwks.json", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(verifytest.KeySet(t, keys[:]...)) })
	mux.HandleFunc("/stranger.json", func(w http.ResponseWriter, _ *http.Request) {
		strangers.Add(1)
		_, _ = w.Write(verifytest.KeySet(t, stranger))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, name := range recipesThatVerify {
		byAudience := map[string]*recipe{}
		for _, audience := range []string{"", verifytest.Audience} {
			byAudience[audience] = startRecipe(t, name, server.URL+"/jwks.json", audience)
		}
		rows := verifytest.Table(t, time.Now(), server.URL+"/stranger.json", keys, stranger)
		for _, row := range rows {
			want := map[bool]string{true: "good", false: "401"}[row.Good]
			if got := byAudience[row.Audience].verdict(t, row.Token); got != want {
				t.Errorf("%s: %s: %s, want %s", name, row.Name, got, want)
			}
		}
		t.Logf("%s: %d tokens", name, len(rows))
	}
	if n := strangers.Load(); n > 0 {
		t.Errorf("keys that a token points to were fetched %d times", n)
	}
}

// TestKeySetThatIsBroken: what a recipe holds stays when the key set cannot be
// had, and a start without one is 503 until it can.
func TestKeySetThatIsBroken(t *testing.T) {
	t.Parallel()
	k, next := verifytest.NewKey(t, "k1", "ES256"), verifytest.NewKey(t, "k2", "ES256")
	good := verifytest.KeySet(t, k)
	answers := map[string]http.HandlerFunc{
		"503":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503); _, _ = w.Write(good) },
		"HTML":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"no keys":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"keys":[]}`) },
		"cut":      func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(good[:len(good)-9]) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"hang up":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for _, name := range recipesThatVerify {
		for _, problem := range slices.Sorted(maps.Keys(answers)) {
			t.Run(name+"/"+strings.ReplaceAll(problem, " ", "_"), func(t *testing.T) {
				t.Parallel()
				var broken atomic.Bool
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if broken.Load() && r.URL.Path != "/elsewhere" {
						answers[problem](w, r)
						return
					}
					_, _ = w.Write(good)
				}))
				defer server.Close()
				r := startRecipe(t, name, server.URL, "")
				sign := func(k *verifytest.Key) string { return k.Sign(t, verifytest.Claims(time.Now(), nil)) }
				if got := r.verdict(t, sign(k)); got != "good" {
					t.Fatalf("at first: %s", got)
				}
				broken.Store(true)
				if got := r.verdict(t, sign(next)); got != "503" {
					t.Errorf("a new key meanwhile: %s", got)
				}
				if got := r.verdict(t, sign(k)); got != "good" {
					t.Errorf("a known key meanwhile: %s", got)
				}

				late := startRecipe(t, name, server.URL, "")
				if got := late.verdict(t, sign(k)); got != "503" {
					t.Errorf("a start without a key set: %s", got)
				}
				if problem != "503" { // it recovers from all in one way, after ten seconds
					return
				}
				broken.Store(false)
				for end := time.Now().Add(time.Minute); late.verdict(t, sign(k)) != "good"; time.Sleep(200 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("it does not recover")
					}
				}
			})
		}
	}
}
