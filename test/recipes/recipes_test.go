// Package recipes runs the files of examples/, which docs/services.md
// explains, as they are: gateways and services that trust the server's access
// tokens, against the built server.
package recipes

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/yoozaktest"
)

const (
	python      = "/usr/bin/python3" // Debian's, which has the packages
	examples    = "../../examples"
	credentials = `{"username":"amina","password":"` + yoozaktest.Password + `"}`
)

// folder is the absolute path of an example.
func folder(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// program makes a command that ends with the test, with all that it started.
func program(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + filepath.Base(name) // which is in no ordinary user's PATH
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PYTHONDONTWRITEBYTECODE=1"}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// start starts a command, and ends it with the test.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s is needed: run scripts/install-test-deps.sh: %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
}

// answer is an answer that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) field(name string) string {
	var v map[string]any
	_ = json.Unmarshal([]byte(a.body), &v)
	text, _ := v[name].(string)
	return text
}

var client = &http.Client{
	Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 50},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// call sends a request with headers, which are names and values.
func call(t *testing.T, method, url string, body io.Reader, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		// As it is written: some of these are forgeries.
		req.Header[headers[i]] = append(req.Header[headers[i]], headers[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// login registers amina, or logs her in, and returns both tokens.
func login(t *testing.T, s *yoozaktest.Server) (access, refresh string) {
	t.Helper()
	const path = "/api/clients/auth/"
	a := call(t, http.MethodPost, s.URL+path+"login/", strings.NewReader(credentials), "Content-Type", "application/json")
	if a.status != http.StatusOK {
		a = call(t, http.MethodPost, s.URL+path+"register/", strings.NewReader(credentials), "Content-Type", "application/json")
	}
	if a.field("access") == "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return a.field("access"), a.field("refresh")
}

// bearer is a header with a token.
func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }
