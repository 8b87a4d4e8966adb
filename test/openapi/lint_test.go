package openapi

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/openapi"
)

// TestLintersFindNothing in the document of either language, in either form.
func TestLintersFindNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"openapi.json", "openapi.en.json", "openapi.staff.json", "openapi.staff.en.json"} {
		for _, l := range linters {
			t.Run(l.name+" "+name, func(t *testing.T) {
				t.Parallel()
				if out, clean := l.lint(t, filepath.Join("../../docs", name)); !clean {
					t.Errorf("%s finds something:\n%s", l.name, out)
				}
			})
		}
	}
}

// TestLintersWouldFindSomething: an example that is wrong, and an operation
// without a text.
func TestLintersWouldFindSomething(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	for from, finder := range map[string]int{`"open_sessions": 1`: 0, `"operationId": "getMe"`: 1} {
		broken := strings.Replace(string(data), from, map[int]string{0: `"open_sessions": "deux"`, 1: `"operationId": "login"`}[finder], 1)
		if broken == string(data) {
			t.Fatalf("%s is not in the document", from)
		}
		name := filepath.Join(t.TempDir(), "openapi.json")
		if err := os.WriteFile(name, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, clean := linters[finder].lint(t, name); clean {
			t.Errorf("%s does not see that %s is wrong:\n%s", linters[finder].name, from, out)
		}
	}
}

// TestYAMLSaysTheSame: somebody else's reader makes the same document of it.
func TestYAMLSaysTheSame(t *testing.T) {
	t.Parallel()
	saysTheSame(t, openapi.YAML("fr"), openapi.Document("fr"))
	saysTheSame(t, openapi.StaffYAML("fr"), openapi.StaffDocument("fr"))
}

func saysTheSame(t *testing.T, yaml, document []byte) {
	t.Helper()
	folder := t.TempDir()
	in, out := filepath.Join(folder, "openapi.yaml"), filepath.Join(folder, "openapi.json")
	if err := os.WriteFile(in, yaml, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, done := run(t, "redocly", "bundle", in, "--output", out); !done {
		t.Fatal(said)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := errors.Join(json.Unmarshal(data, &got), json.Unmarshal(document, &want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("YAML and JSON differ (-JSON +YAML):\n%s", diff)
	}
}

type linter struct {
	name string
	args []string
}

var linters = []linter{
	{"redocly", []string{"lint", "--config", "redocly.yaml", "--max-problems", "20"}},
	{"spectral", []string{"lint", "--ruleset", "spectral.yaml", "--fail-severity", "hint", "--quiet"}},
}

// lint reports what a linter says, and whether it found nothing: by the
// settings every finding is an error.
func (l linter) lint(t *testing.T, file string) (said string, clean bool) {
	t.Helper()
	return run(t, l.name, append(l.args, file)...)
}

// run runs a program that npm installed, and reports whether it was content.
func run(t *testing.T, name string, args ...string) (said string, done bool) {
	t.Helper()
	program, err := filepath.Abs(filepath.Join("node_modules/.bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%s is missing: run scripts/install-test-deps.sh", name)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "NO_COLOR=1", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "CI=true")
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}
