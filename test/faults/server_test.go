// Package faults does to the built binary what happens in production: it is
// killed, its database stops, its disk fills up.
package faults

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/binarytest"
	"github.com/yoozak/clients/internal/porttest"
)

const goodPassword = "kV7#pazouk-42lemon"

func TestMain(m *testing.M) {
	code := m.Run()
	binarytest.Remove()
	os.Exit(code)
}

// server is a running yoozak.
type server struct {
	url    string
	cmd    *exec.Cmd
	output *binarytest.Buffer
	client *http.Client
	ended  bool
}

// start runs "yoozak serve" with cheap hashes and waits until it is ready.
func start(t *testing.T, database string, env ...string) *server {
	t.Helper()
	s := launch(t, database, env...)
	s.waitReady(t)
	return s
}

func launch(t *testing.T, database string, env ...string) *server {
	t.Helper()
	address := porttest.Address(t)
	s := &server{url: "http://" + address, output: new(binarytest.Buffer), client: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 200},
	}}
	s.cmd = exec.Command(binarytest.Path(t), "serve")
	s.cmd.Dir = t.TempDir()
	s.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "YOOZAK_LISTEN=" + address, "YOOZAK_DATABASE_URL=" + database,
		"YOOZAK_INSECURE_FAST_HASH=true", "YOOZAK_ARGON2_MEMORY=64", "YOOZAK_ARGON2_TIME=1",
		"YOOZAK_HASH_WAIT=20s", "YOOZAK_LOG_REQUESTS=false",
		"YOOZAK_RATE_LIMITS=off", // one address asks for everybody
	}, env...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

// kill is kill -9; the log may be read after it.
func (s *server) kill() {
	if !s.ended {
		s.ended = true
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

// stop is SIGTERM; the exit code must be 0.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.ended = true
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("server ended with %v:\n%s", err, s.output)
	}
}

func (s *server) waitReady(t *testing.T) {
	t.Helper()
	binarytest.Await(t, s.url+"/readyz", http.StatusOK, s.output)
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) field(name string) string {
	var m map[string]any
	_ = json.Unmarshal([]byte(a.body), &m)
	text, _ := m[name].(string)
	return text
}

func (s *server) call(method, path, body string, headers ...string) (answer, error) {
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body)) //nolint:noctx // the client has a time-out
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(data)}, err
}

func (s *server) register(username string) (answer, error) {
	return s.call(http.MethodPost, "/api/clients/auth/register/", `{"username":"`+username+`","password":"`+goodPassword+`"}`)
}

func (s *server) login(username string) (answer, error) {
	return s.call(http.MethodPost, "/api/clients/auth/login/", `{"username":"`+username+`","password":"`+goodPassword+`"}`)
}

func (s *server) me(access string) (answer, error) {
	return s.call(http.MethodGet, "/api/clients/clients/me/", "", "Authorization", "Bearer "+access)
}
