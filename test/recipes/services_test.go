package recipes

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// startService starts the service of an example, whose customers log in at a
// server, and returns the address of its orders.
func startService(t *testing.T, name string, s *yoozaktest.Server) string {
	t.Helper()
	address := porttest.Address(t)
	_, port, _ := strings.Cut(address, ":")
	env := []string{"YOOZAK_KEY_SET_URL=" + s.URL + "/.well-known/jwks.json", "YOOZAK_ISSUER=yoozak", "YOOZAK_AUDIENCE=orders", "PORT=" + port}
	args := []string{"node", folder(t, "express/server.js")}
	switch name {
	case "fastapi":
		env = append(env, "PYTHONPATH="+folder(t, "python"))
		args = []string{python, "-m", "uvicorn", "--app-dir", folder(t, "fastapi"), "--host", "127.0.0.1", "--port", port, "app:app"}
	case "django":
		env = append(env, "PYTHONPATH="+folder(t, "django")+":"+folder(t, "python"), "DJANGO_SETTINGS_MODULE=settings")
		args = []string{python, "-m", "gunicorn", "--bind", address, "--workers", "1", "--threads", "4", "django.core.wsgi:get_wsgi_application()"}
	}
	cmd := program(t, env, args[0], args[1:]...)
	output := new(yoozaktest.Buffer)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Dir = t.TempDir()
	start(t, cmd)
	url := "http://" + address + "/orders"
	yoozaktest.Await(t, url, http.StatusUnauthorized, output)
	return url
}

// TestServices: customers of the real server get in, others do not, and a key
// that leaked is of no use.
func TestServices(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"express", "fastapi", "django"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := yoozaktest.Start(t, append(yoozaktest.CheapHashes, "YOOZAK_JWT_AUDIENCE=orders")...)
			access, refresh := login(t, s)
			url := startService(t, name, s)
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if a := call(t, method, url, nil, bearer(access)...); a.status != http.StatusOK || strings.ReplaceAll(a.body, " ", "") != `{"customer":1}` {
					t.Errorf("%s: %d %s", method, a.status, a.body)
				}
			}
			for what, headers := range map[string][]string{
				"no token":        nil,
				"a refresh token": bearer(refresh),
				"not a token":     bearer("x"),
				"another scheme":  {"Authorization", "Basic eDp5"},
				"two tokens":      {"Authorization", "Bearer " + access + " " + access},
				"an identity":     {"X-User-Id", "1"},
			} {
				a := call(t, http.MethodGet, url, nil, headers...)
				if a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") || strings.Contains(a.body, "customer") {
					t.Errorf("%s: %d %v %s", what, a.status, a.header, a.body)
				}
			}
			env := []string{"YOOZAK_DATABASE_URL=sqlite:" + s.Dir + "/yoozak.db"}
			for line := range strings.Lines(yoozaktest.Run(t, env, "key", "list")) {
				if strings.Contains(line, "signs") && strings.Contains(line, "ES256") {
					yoozaktest.Run(t, env, "key", "revoke", strings.Fields(line)[0])
				}
			}
			for end := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Second) {
				next, _ := login(t, s)
				if call(t, http.MethodGet, url, nil, bearer(next)...).status == http.StatusOK && call(t, http.MethodGet, url, nil, bearer(access)...).status == http.StatusUnauthorized {
					break
				}
				if time.Now().After(end) {
					t.Fatal("a minute after its key was revoked a token is good, or one of the next key is not")
				}
			}
		})
	}
}
