package django_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/django"
	"github.com/yoozak/clients/internal/pgtest"
)

// people is what "manage.py people" says that it made.
type people struct {
	Users []struct {
		ID          int64
		Username    string
		Password    string
		Email       string
		FirstName   string     `json:"first_name"`
		LastName    string     `json:"last_name"`
		IsActive    bool       `json:"is_active"`
		IsStaff     bool       `json:"is_staff"`
		IsSuperuser bool       `json:"is_superuser"`
		DateJoined  time.Time  `json:"date_joined"`
		LastLogin   *time.Time `json:"last_login"`
	}
	Outstanding, Blacklisted, Expired string
}

// manage runs the real Django's manage.py on a database, for one command or
// several with "then" between them: to start it takes longer than most do.
func manage(t *testing.T, database, stdin string, args ...string) string {
	t.Helper()
	out, err := runManage(database, stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type manageError struct{ what, output string }

func (e *manageError) Error() string { return "manage.py " + e.what + ":\n" + e.output }

func runManage(database, stdin string, args ...string) (string, error) {
	cmd := exec.Command("/usr/bin/python3", append([]string{"../../test/django/manage.py"}, args...)...) //nolint:noctx // ends by itself
	cmd.Env = append(os.Environ(), "DJANGO_DATABASE="+strings.TrimSuffix(database, "?sslmode=disable"))
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", &manageError{strings.Join(args, " ") + ": " + err.Error(), stderr.String() + "\nIs something missing? Run scripts/install-test-deps.sh"}
	}
	return stdout.String(), nil
}

// site is a Django project with people in it, as a database and as dumps.
type site struct {
	sqlite, json, jsonl string
	people              people
}

var shared struct {
	once sync.Once
	dir  string
	site site
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// theSite is made once, and not to be changed: see copyOf.
func theSite(t *testing.T) site {
	t.Helper()
	shared.once.Do(func() {
		shared.err = func() error {
			var err error
			if shared.dir, err = os.MkdirTemp("", "yzdjango"); err != nil {
				return err
			}
			in := func(name string) string { return filepath.Join(shared.dir, name) }
			s := site{sqlite: in("db.sqlite3"), json: in("dump.json"), jsonl: in("dump.jsonl")}
			out, err := runManage(s.sqlite, "", "migrate", "-v0", "then", "people",
				"then", "dumpdata", "--output", s.json, "then", "dumpdata", "--format=jsonl", "--output", s.jsonl)
			if err != nil {
				return err
			}
			shared.site = s
			return json.Unmarshal([]byte(out), &shared.site.people)
		}()
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.site
}

// postgresSite is a site in PostgreSQL, of which each test has its own.
func postgresSite(t *testing.T) (url string, p people) {
	t.Helper()
	s, err := postgresTemplate()
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.Start(t).Clone(t, s.database), s.people
}

var postgresTemplate = sync.OnceValues(func() (s struct {
	database string
	people   people
}, err error) {
	server, err := pgtest.Shared()
	if err != nil {
		return s, err
	}
	s.database, err = server.NewTemplate(func(url string) error {
		out, err := runManage(url, "", "migrate", "-v0", "then", "people")
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(out), &s.people)
	})
	return s, err
})

// copyOf is a file that a test may change.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// open opens a source that must be good.
func open(t *testing.T, where string, l django.Layout) django.Source {
	t.Helper()
	src, err := django.Open(t.Context(), where, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Errorf("close the source: %v", err)
		}
	})
	return src
}

// fixture writes a dump of users; a user is its fields, and its key as "pk".
func fixture(t *testing.T, users ...map[string]any) string {
	t.Helper()
	objects := []any{}
	for _, u := range users {
		fields := map[string]any{
			"password": "md5$salt$" + strings.Repeat("0", 32), "email": "", "first_name": "", "last_name": "", "is_active": true,
			"is_staff": false, "is_superuser": false, "date_joined": "2024-06-05T13:56:56.123Z", "last_login": nil,
		}
		for name, value := range u {
			fields[name] = value
		}
		delete(fields, "pk")
		object := map[string]any{"model": "auth.user", "fields": fields}
		if pk, there := u["pk"]; there {
			object["pk"] = pk
		}
		objects = append(objects, object)
	}
	data, err := json.Marshal(objects)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dump.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
