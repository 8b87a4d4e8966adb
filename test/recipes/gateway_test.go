package recipes

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/yoozaktest"
	"github.com/yoozak/clients/test/nginxtest"
)

// backend is the service behind a gateway. It tells what it got.
type backend struct {
	*httptest.Server
	requests atomic.Int64
}

// received is what the backend says of a request.
type received struct {
	Method string
	Header http.Header
	Digest string // of the body
	Length int64
}

func startBackend(t *testing.T) *backend {
	t.Helper()
	b := new(backend)
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.requests.Add(1)
		if r.Header.Get("Upgrade") != "" {
			b.echo(w)
			return
		}
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if status := r.URL.Query().Get("status"); status != "" {
			code, _ := strconv.Atoi(status)
			w.Header().Set("WWW-Authenticate", "Theirs")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "the service's own words")
			return
		}
		_ = json.NewEncoder(w).Encode(received{r.Method, r.Header, fmt.Sprintf("%x", sum.Sum(nil)), n})
	}))
	t.Cleanup(b.Close)
	return b
}

// echo is the other end of a WebSocket, as far as a gateway sees one.
func (b *backend) echo(w http.ResponseWriter) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close() //nolint:errcheck // a test
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	_ = rw.Flush()
	line, _ := rw.ReadString('\n')
	_, _ = rw.WriteString(line)
	_ = rw.Flush()
}

// faults stands before the real server: it passes requests on or, when it is
// told, answers by itself. It keeps what it was asked.
type faults struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc // nil: the server's
	asked  []*http.Request
	bodies int64
}

func startFaults(t *testing.T, s *yoozaktest.Server) *faults {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.SetXForwarded()
	}}
	f := new(faults)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		r.Body = http.NoBody
		f.mu.Lock()
		f.asked, f.bodies = append(f.asked, r), f.bodies+n
		answer := f.answer
		f.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *faults) set(answer http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// startNginx starts nginx with the recipe, whose addresses alone are changed.
func startNginx(t *testing.T, accounts, orders string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder(t, "nginx"), "yoozak.conf"))
	if err != nil {
		t.Fatal(err)
	}
	address := porttest.Address(t)
	recipe := string(text)
	for from, to := range map[string]string{"127.0.0.1:8000": accounts, "127.0.0.1:9000": orders, "listen 80;": "listen " + address + ";"} {
		if strings.Count(recipe, from) != 1 {
			t.Fatalf("%q is not there once", from)
		}
		recipe = strings.Replace(recipe, from, to, 1)
	}
	_, output := nginxtest.Start(t, recipe)
	yoozaktest.Await(t, "http://"+address+"/", http.StatusUnauthorized, output)
	return "http://" + address
}

// startCaddy starts Caddy with the recipe as it is: its addresses are
// variables.
func startCaddy(t *testing.T, accounts, orders string) string {
	t.Helper()
	address := porttest.Address(t)
	output := runCaddy(t, filepath.Join(folder(t, "caddy"), "Caddyfile"), "SITE=http://"+address, "YOOZAK="+accounts, "ORDERS="+orders)
	yoozaktest.Await(t, "http://"+address+"/", http.StatusUnauthorized, output)
	return "http://" + address
}

func runCaddy(t *testing.T, file string, env ...string) *yoozaktest.Buffer {
	t.Helper()
	cmd := program(t, append(env, "CADDY_ADMIN=off", "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir()),
		"caddy", "run", "--adapter", "caddyfile", "--config", file)
	output := new(yoozaktest.Buffer)
	cmd.Stdout, cmd.Stderr = output, output
	start(t, cmd)
	return output
}

// TestDocumentedCaddyfile: what docs/operations.md shows, in both languages, is
// what Caddy reads, but for addresses, and puts a server behind it.
func TestDocumentedCaddyfile(t *testing.T) {
	t.Parallel()
	s := yoozaktest.Start(t, append(yoozaktest.CheapHashes, "YOOZAK_TRUSTED_PROXIES=127.0.0.1")...)
	for _, name := range []string{"operations.md", "operations.fr.md"} {
		page, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		_, block, found := strings.Cut(string(page), "```caddyfile\n")
		block, _, closed := strings.Cut(block, "```")
		if !found || !closed {
			t.Fatalf("docs/%s shows no Caddyfile", name)
		}
		address := porttest.Address(t)
		file := filepath.Join(t.TempDir(), "Caddyfile")
		block = strings.NewReplacer("accounts.shop.example", "http://"+address, "127.0.0.1:8000", strings.TrimPrefix(s.URL, "http://")).Replace(block)
		if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		yoozaktest.Await(t, "http://"+address+"/readyz", http.StatusOK, runCaddy(t, file))
	}
}

// gateway is one under test, with what is on both sides of it.
type gateway struct {
	url      string
	accounts *faults
	orders   *backend
	server   *yoozaktest.Server
	access   string
	refresh  string
}

// got asks through the gateway and returns what the service got.
func (g *gateway) got(t *testing.T, method string, body io.Reader, headers ...string) received {
	t.Helper()
	a := call(t, method, g.url+"/x", body, headers...)
	var r received
	if err := json.Unmarshal([]byte(a.body), &r); err != nil || a.status != http.StatusOK {
		t.Fatalf("%s: %d %v %s", method, a.status, a.header, a.body)
	}
	return r
}

// refused asks through the gateway, which must not ask the service.
func (g *gateway) refused(t *testing.T, what string, status int, headers ...string) answer {
	t.Helper()
	before := g.orders.requests.Load()
	a := call(t, http.MethodPost, g.url+"/x", strings.NewReader("{}"), headers...)
	if a.status != status || g.orders.requests.Load() != before {
		t.Errorf("%s: %d %v %s, want %d; %d requests reached the service", what, a.status, a.header, a.body, status, g.orders.requests.Load()-before)
	}
	for name := range a.header {
		if strings.HasPrefix(name, "X-User") || strings.HasPrefix(name, "X-Session") {
			t.Errorf("%s: the refusal has %s", what, name)
		}
	}
	return a
}

// identities are the headers of a request that a framework could take for
// ours, whatever they are written with.
func (r received) identities() map[string][]string {
	found := map[string][]string{}
	for name, values := range r.Header {
		same := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if same == "X_USER_ID" || same == "X_SESSION_ID" {
			found[name] = values
		}
	}
	return found
}

// forgeries are ways to say who one is.
var forgeries = []string{
	"X-User-Id", "7", "x-user-id", "8", "X-USER-ID", "9", "X_User_Id", "10", "x_user_id", "11", "X-User_Id", "12", "X_User-Id", "13",
	"X-Session-Id", "stolen", "X_Session_Id", "stolen", "x-session_id", "stolen",
}

func TestGateways(t *testing.T) {
	t.Parallel()
	for name, startGateway := range map[string]func(*testing.T, string, string) string{"nginx": startNginx, "caddy": startCaddy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{orders: startBackend(t), server: yoozaktest.Start(t, append(yoozaktest.CheapHashes, "YOOZAK_TRUSTED_PROXIES=127.0.0.1")...)}
			g.accounts = startFaults(t, g.server)
			g.access, g.refresh = login(t, g.server)
			g.url = startGateway(t, strings.TrimPrefix(g.accounts.URL, "http://"), strings.TrimPrefix(g.orders.URL, "http://"))
			t.Run("identity", g.identity)
			t.Run("refusals", g.refusals)
			t.Run("bodies", g.bodies)
			t.Run("methods", g.methods)
			t.Run("webSocket", g.webSocket)
			t.Run("faults", g.faults)
			t.Run("quota", g.quota)
			t.Run("absence", g.absence)
		})
	}
}

// identity: the service hears who calls from the server alone, and gets no
// token.
func (g *gateway) identity(t *testing.T) {
	for what, forged := range map[string][]string{"plain": nil, "forged": forgeries} {
		r := g.got(t, http.MethodGet, nil, append(bearer(g.access), forged...)...)
		ids := r.identities()
		if len(ids) != 2 || len(ids["X-User-Id"]) != 1 || ids["X-User-Id"][0] != "1" || len(ids["X-Session-Id"]) != 1 || len(ids["X-Session-Id"][0]) != 32 {
			t.Errorf("%s: the service got %v", what, ids)
		}
		if r.Header.Get("Authorization") != "" {
			t.Errorf("%s: the service got the token", what)
		}
	}
	// A preflight has no token, and no identity.
	if r := g.got(t, http.MethodOptions, nil, append([]string{"Origin", "https://shop.example", "Access-Control-Request-Method", "POST"}, forgeries...)...); len(r.identities()) != 0 {
		t.Errorf("preflight: the service got %v", r.identities())
	}
	// A page asks for HTML, which the question must not.
	g.got(t, http.MethodGet, nil, append(bearer(g.access), "Accept", "text/html", "If-None-Match", `"x"`, "Range", "bytes=0-1", "Cookie", "session=secret")...)
	g.accounts.mu.Lock()
	defer g.accounts.mu.Unlock()
	last := g.accounts.asked[len(g.accounts.asked)-1]
	if last.Header.Get("Cookie") != "" || last.Method != http.MethodGet || last.URL.Path != "/api/clients/auth/token/check/" || last.URL.RawQuery != "" || last.Header.Get("X-Forwarded-For") == "" {
		t.Errorf("the question: %s %s %v", last.Method, last.URL, last.Header)
	}
}

// refusals come with a challenge, and never reach the service.
func (g *gateway) refusals(t *testing.T) {
	for what, headers := range map[string][]string{
		"no token":        nil,
		"not a token":     bearer("x.y.z"),
		"a refresh token": bearer(g.refresh),
		"another scheme":  {"Authorization", "Basic eDp5"},
		"a forgery":       forgeries,
	} {
		a := g.refused(t, what, http.StatusUnauthorized, headers...)
		if got := a.header.Values("WWW-Authenticate"); len(got) != 1 || !strings.HasPrefix(got[0], "Bearer") || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v", what, a.header)
		}
	}
	// Out at once, which keys alone do not see.
	access, refresh := login(t, g.server)
	g.got(t, http.MethodGet, nil, bearer(access)...)
	call(t, http.MethodPost, g.server.URL+"/api/clients/auth/logout/", strings.NewReader(`{"refresh":"`+refresh+`"}`), "Content-Type", "application/json")
	g.refused(t, "after a logout", http.StatusUnauthorized, bearer(access)...)
	// What the service says by itself passes as it is.
	for _, status := range []int{401, 403, 404, 429, 500, 503} {
		a := call(t, http.MethodGet, g.url+"/x?status="+strconv.Itoa(status), nil, bearer(g.access)...)
		if a.status != status || a.body != "the service's own words" || a.header.Get("WWW-Authenticate") != "Theirs" {
			t.Errorf("the service's own %d: %d %v %s", status, a.status, a.header, a.body)
		}
	}
}

// bodies pass whole, and none is sent with the question.
func (g *gateway) bodies(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 10<<16) // 10 MB
	want := fmt.Sprintf("%x", sha256.Sum256(body))
	for what, reader := range map[string]io.Reader{"with a length": bytes.NewReader(body), "in chunks": io.MultiReader(bytes.NewReader(body))} {
		if r := g.got(t, http.MethodPost, reader, append(bearer(g.access), "Content-Type", "application/octet-stream")...); r.Digest != want || r.Length != int64(len(body)) {
			t.Errorf("%s: %d bytes arrived", what, r.Length)
		}
	}
	g.accounts.mu.Lock()
	defer g.accounts.mu.Unlock()
	if g.accounts.bodies > 0 {
		t.Errorf("the server was sent %d bytes of bodies", g.accounts.bodies)
	}
}

// methods other than GET and POST.
func (g *gateway) methods(t *testing.T) {
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if r := g.got(t, method, strings.NewReader("x"), bearer(g.access)...); r.Method != method || r.Length != 1 || r.Header.Get("X-User-Id") != "1" {
			t.Errorf("%+v", r)
		}
	}
	before := g.orders.requests.Load()
	if a := call(t, http.MethodHead, g.url+"/x", nil, bearer(g.access)...); a.status != http.StatusOK || a.body != "" || g.orders.requests.Load() != before+1 {
		t.Errorf("HEAD: %d %s", a.status, a.body)
	}
	if a := call(t, http.MethodHead, g.url+"/x", nil); a.status != http.StatusUnauthorized || a.body != "" || g.orders.requests.Load() != before+1 {
		t.Errorf("HEAD without a token: %d %s", a.status, a.body)
	}
}

// webSocket passes, with a good token only.
func (g *gateway) webSocket(t *testing.T) {
	for token, want := range map[string]string{g.access: "101", "x": "401"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // a test
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprintf(conn, "GET /x HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nAuthorization: Bearer %s\r\n\r\n", strings.TrimPrefix(g.url, "http://"), token)
		in := bufio.NewReader(conn)
		res, err := http.ReadResponse(in, nil)
		if err != nil || !strings.HasPrefix(res.Status, want) {
			t.Errorf("%v, %v; want %s", res, err, want)
			continue
		}
		defer res.Body.Close() //nolint:errcheck // a test
		if want == "101" {
			fmt.Fprint(conn, "salam\n")
			if line, err := in.ReadString('\n'); line != "salam\n" {
				t.Errorf("echo: %q, %v", line, err)
			}
		}
	}
}

// faults: whatever the answer to the question is, the service is asked for no
// request that was not found good.
func (g *gateway) faults(t *testing.T) {
	defer g.accounts.set(nil)
	for _, status := range []int{429, 503} {
		g.accounts.set(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "17")
			w.WriteHeader(status)
		})
		if a := g.refused(t, fmt.Sprint(status), status, bearer(g.access)...); a.header.Get("Retry-After") != "17" {
			t.Errorf("%d: %v", status, a.header)
		}
	}
	for _, status := range []int{400, 404, 500, 502} {
		g.accounts.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		before := g.orders.requests.Load()
		if a := call(t, http.MethodGet, g.url+"/x", nil, bearer(g.access)...); a.status < 400 || g.orders.requests.Load() != before {
			t.Errorf("%d of the server: %d", status, a.status)
		}
	}
	// A good answer without a name: nobody, and not who the client says.
	g.accounts.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	if r := g.got(t, http.MethodGet, nil, append(bearer(g.access), forgeries...)...); len(r.identities()) != 0 {
		t.Errorf("an answer without a name: the service got %v", r.identities())
	}
}

// quota: 1,200 reads a minute for a session, then 429 with the time to wait.
func (g *gateway) quota(t *testing.T) {
	access, _ := login(t, g.server)
	for range 20_000 { // twenty come back each second
		a := call(t, http.MethodGet, g.url+"/x", nil, bearer(access)...)
		if a.status == http.StatusOK {
			continue
		}
		if wait, err := strconv.Atoi(a.header.Get("Retry-After")); a.status != http.StatusTooManyRequests || err != nil || wait < 1 {
			t.Errorf("%d %v %s", a.status, a.header, a.body)
		}
		return
	}
	t.Error("no 429")
}

// absence: the server is gone; that is 503, which logs nobody out.
func (g *gateway) absence(t *testing.T) {
	g.accounts.Close()
	if a := g.refused(t, "the server is gone", http.StatusServiceUnavailable, bearer(g.access)...); a.header.Get("Retry-After") == "" {
		t.Errorf("%v", a.header)
	}
}
