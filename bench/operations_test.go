//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	_ "net/http/pprof" // the stand-in serves profiles where the product does
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

// TestMain lets the test's own binary be what the bench starts: the baselines, and a stand-in for the server.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		var err error
		switch os.Args[1] {
		case "serve":
			err = serveStandIn(os.Getenv)
		case "-serve-bare", "-hash-bare":
			err = run(context.Background(), os.Args[1:])
		default:
			os.Exit(m.Run())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serveStandIn answers as the product does, as far as the bench looks, and remembers nothing: a token is the user's name.
func serveStandIn(getenv func(string) string) error {
	if getenv("YOOZAK_DATABASE_URL") == "" || (getenv("YOOZAK_JWT_ALGORITHM") == "HS256") != (getenv("YOOZAK_JWT_SECRET") != "") {
		return fmt.Errorf("not started as the contract says: %q", os.Environ())
	}
	hash := func() {
		if getenv("YOOZAK_INSECURE_FAST_HASH") == "" {
			argon2.IDKey([]byte(password), make([]byte, 16), argon2Time, argon2Memory, 1, 32)
		}
	}
	if addr := getenv("YOOZAK_DEBUG_LISTEN"); addr != "" {
		go func() { _ = http.ListenAndServe(addr, nil) }()
	}
	answer := func(w http.ResponseWriter, status int, format string, args ...any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, format, args...)
	}
	tokens := func(w http.ResponseWriter, r *http.Request, status int) {
		var in struct{ Username string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			answer(w, 400, "{}")
			return
		}
		hash()
		answer(w, status, `{"access":%q,"refresh":%q}`, in.Username, in.Username)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, "{}") })
	mux.HandleFunc("POST "+registerPath, func(w http.ResponseWriter, r *http.Request) { tokens(w, r, 201) })
	mux.HandleFunc("POST "+loginPath, func(w http.ResponseWriter, r *http.Request) { tokens(w, r, 200) })
	mux.HandleFunc("POST "+refreshPath, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `{"access":"a"}`) })
	mux.HandleFunc("GET "+mePath, func(w http.ResponseWriter, r *http.Request) {
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		answer(w, 200, `{"username":%q}`, token)
	})
	return http.ListenAndServe(getenv("YOOZAK_LISTEN"), mux)
}

// testBench measures the stand-in for moments. It does not pin itself, so its figures mean nothing.
func testBench(t *testing.T, ops ...string) *bench {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := options{
		ops: ops, engines: []string{sqlite}, algorithms: []string{"ES256", "HS256"},
		window: 50 * time.Millisecond, paced: 300 * time.Millisecond, settle: 50 * time.Millisecond,
		rounds: 2, conns: 4, users: 20, shoppers: 4, binary: executable, serverCore: 0, loadCore: 1,
	}
	b, err := newBench(t.Context(), o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

func TestEveryOperationYieldsItsLines(t *testing.T) {
	t.Parallel()
	b := testBench(t, knownOps...)
	for name, play := range map[string]func() error{
		"me": b.me, "refresh": b.refresh, "login": b.login, "flood": b.flood,
		"memory": b.memory, "start": b.start, "register": b.register, "self": b.self,
	} {
		if err := play(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	file := filepath.Join(t.TempDir(), "deep", "results.json")
	if err := b.report().writeJSON(file); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var written report
	if err := json.Unmarshal(content, &written); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	written.writeMarkdown(&table)
	got := map[string]bool{}
	for _, r := range written.Results {
		got[r.title()] = true
		if r.Figure.Median <= 0 || r.Figure.Min > r.Figure.Median || r.Figure.Median > r.Figure.Max {
			t.Errorf("%s: %+v", r.title(), r.Figure)
		}
		if !strings.Contains(table.String(), "\n| "+r.title()+" | ") {
			t.Errorf("%s is not in the table:\n%s", r.title(), table.String())
		}
	}
	want := []string{
		"me, ES256, sqlite", "me, HS256, sqlite", "refresh, ES256, sqlite", "refresh, HS256, sqlite", "login, ES256, sqlite",
		"p99 of GET me in a login flood, ES256, sqlite", "memory in a login flood, peak, ES256, sqlite", "memory idle, ES256, sqlite",
		"start to first answer, ES256, sqlite", "register, HS256, sqlite", "self",
	}
	for _, title := range want {
		if !got[title] {
			t.Errorf("no line %q", title)
		}
	}
	if len(written.Results) != len(want) {
		t.Errorf("%d lines, want %d", len(written.Results), len(want))
	}
}

func TestProfileIsKeptWithItsText(t *testing.T) {
	t.Parallel()
	b := testBench(t, "me")
	b.options.algorithms, b.options.profiles = []string{"HS256"}, filepath.Join(t.TempDir(), "profiles")
	if err := b.me(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(b.options.profiles, "me-hs256-sqlite.txt"))
	if err != nil || !strings.Contains(string(text), "flat%") {
		t.Errorf("text of the profile: %v\n%s", err, text)
	}
	if _, err := os.Stat(filepath.Join(b.options.profiles, "me-hs256-sqlite.pb.gz")); err != nil {
		t.Error(err)
	}
}

func TestUsersAreProvedToBeTheirOwn(t *testing.T) {
	t.Parallel()
	b := testBench(t, "me")
	p, err := b.populate(sqlite, "ES256")
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.startYoozak(setting{database: p.database, algorithm: "ES256", core: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer y.end()
	if err := p.proveMe(y.addr); err != nil {
		t.Fatal(err)
	}
	p.clients[3].access, p.clients[4].access = p.clients[4].access, p.clients[3].access
	if err := p.proveMe(y.addr); err == nil {
		t.Error("an answer about another user went unnoticed")
	}
}

func TestBadFlagsAreNamed(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-ops", "me,logout"}, {"-engines", "mysql"}, {"-algorithms", "none"},
		{"-rounds", "0"}, {"-seconds", "-1"}, {"-server-core", "1", "-load-core", "1"}, {"-server-core", "4096"}, {"-env", "GOGC=off"},
	} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("bench %s was accepted", strings.Join(args, " "))
		}
	}
}

func TestServerThatDoesNotStartExplainsItself(t *testing.T) {
	t.Parallel()
	b := testBench(t, "me")
	_, err := b.startYoozak(setting{algorithm: "ES256", core: -1})
	if err == nil || !strings.Contains(err.Error(), "not started as the contract says") {
		t.Errorf("error %v, want the end of the server's own log", err)
	}
}

func TestProcessStaysOnItsCore(t *testing.T) {
	t.Parallel()
	cores := allCores()
	addr, p, err := testBench(t, "self").startBare()
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop(os.Kill)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid()))
	if err != nil || addr == "" {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Split(string(status), "\n"), "Cpus_allowed_list:\t0") {
		t.Errorf("the server may leave its core, of %v", cores)
	}
}
