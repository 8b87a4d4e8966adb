package django

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// site is the URL of a running server.
type site string

func startYoozak(t *testing.T, env ...string) site {
	t.Helper()
	env = append(append(slices.Clone(yoozaktest.CheapHashes), "YOOZAK_RATE_LIMITS=off"), env...) // hundreds of phones at one address
	return site(yoozaktest.Start(t, env...).URL)
}

// startDjango runs the reference with settings after its own and a module
// beside them, and gives it the users.
func startDjango(t *testing.T, settings, module string) site {
	t.Helper()
	d := startDjangoIn(t, t.TempDir(), settings, module)
	d.python(t, `
import django
django.setup()
from django.contrib.auth import get_user_model
for name in ("first", "amina"):
    get_user_model().objects.create_user(name, name + "@django.example", "`+password+`")
`)
	return d.site
}

// django is a running reference, with what another process needs to work on
// its database.
type django struct {
	site
	dir string
	env []string
}

// database is its SQLite file.
func (d django) database() string { return filepath.Join(d.dir, "reference.sqlite3") }

// python runs a program with its settings.
func (d django) python(t *testing.T, program string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", program)
	cmd.Dir, cmd.Env = d.dir, d.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// startDjangoIn keeps its files in a folder.
func startDjangoIn(t *testing.T, dir, settings, module string) django {
	t.Helper()
	for name, text := range map[string]string{"switch_settings.py": "from shop.settings import *\n" + settings, "yoozak_tokens.py": module} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reference, err := filepath.Abs("../reference")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1", "DJANGO_SETTINGS_MODULE=switch_settings",
		"REFERENCE_SECRET=" + secret, "REFERENCE_DIR=" + dir,
	}
	address := porttest.Address(t)
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(filepath.Join(reference, "serve.sh"), port)
	cmd.Dir, cmd.Env = dir, append(env, "PYTHONPATH="+dir)
	url := run(t, cmd, address, mePath, http.StatusUnauthorized)
	return django{url, dir, append(env, "PYTHONPATH="+dir+":"+reference)}
}

// run starts a server and waits until a path answers with a status. The
// server and what it started end with the test.
func run(t *testing.T, cmd *exec.Cmd, address, path string, status int) site {
	t.Helper()
	output := new(yoozaktest.Buffer)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(cmd.Path), output)
		}
	})
	yoozaktest.Await(t, "http://"+address+path, status, output)
	return site("http://" + address)
}

// await waits until something listens.
func (s site) await(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", strings.TrimPrefix(string(s), "http://")); err == nil {
			_ = c.Close()
			return
		}
	}
	t.Fatalf("nothing listens at %s", s)
}

type answer struct {
	status int
	body   string
}

// field returns a text of a JSON body.
func (a answer) field(name string) string {
	var m map[string]any
	_ = json.Unmarshal([]byte(a.body), &m)
	s, _ := m[name].(string)
	return s
}

func (s site) call(t *testing.T, method, path, body, authorization string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, string(s)+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, string(data)}
}

func (s site) post(t *testing.T, path, body string) answer {
	t.Helper()
	return s.call(t, http.MethodPost, path, body, "")
}

func (s site) me(t *testing.T, access string) answer {
	t.Helper()
	return s.call(t, http.MethodGet, mePath, "", "Bearer "+access)
}
