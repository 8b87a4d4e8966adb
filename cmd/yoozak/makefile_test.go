package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMakeRunLetsPagesOfThisMachineIn: it is for development, and serve by
// itself is not. Who sets the variable is not overruled.
func TestMakeRunLetsPagesOfThisMachineIn(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "make", "--dry-run", "-C", "../..", "run")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "YOOZAK_CORS_LOOPBACK=${YOOZAK_CORS_LOOPBACK:-true} bin/yoozak serve"; !strings.Contains(string(out), want) {
		t.Errorf("make run does not do %q:\n%s", want, out)
	}
}

// TestMakeRunKeepsEveryMail: a mail at registration, too, goes into the
// folder, unless there is a server to send it.
func TestMakeRunKeepsEveryMail(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "make", "--dry-run", "-C", "../..", "run").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, recipe, found := strings.Cut(string(out), "[ -n ")
	if !found {
		t.Fatalf("make run chooses no folder:\n%s", out)
	}
	recipe, _, _ = strings.Cut("[ -n "+recipe, "YOOZAK_CORS_LOOPBACK")
	for _, test := range []struct{ env, want string }{
		{"", "mails"}, {"YOOZAK_MAIL_FOLDER=/tmp/x", "/tmp/x"},
		{"YOOZAK_SMTP_URL=smtps://mail.example", ""}, {"YOOZAK_SMTP_URL_FILE=/run/smtp", ""},
	} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(recipe, "\\\n", "\n")+"\nprintf %s \"$YOOZAK_MAIL_FOLDER\"")
		cmd.Env = []string{test.env}
		got, err := cmd.CombinedOutput()
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v; want %q", test.env, got, err, test.want)
		}
	}
}

// modules are the folders of the repository that have a go.mod, and Go in them:
// "go test ./..." in one does not enter another. One without names the versions
// of tools.
func modules(t *testing.T) []string {
	t.Helper()
	var found, sources []string
	walk(t, func(path string) {
		switch {
		case filepath.Base(path) == "go.mod":
			found = append(found, filepath.Dir(path))
		case filepath.Ext(path) == ".go":
			sources = append(sources, path)
		}
	})
	found = slices.DeleteFunc(found, func(module string) bool {
		return module != "." && !slices.ContainsFunc(sources, func(path string) bool { return strings.HasPrefix(path, module+"/") })
	})
	if len(found) < 2 {
		t.Fatalf("modules: %v", found)
	}
	return found
}

// walk calls f with each file of the source, from the top of the repository.
func walk(t *testing.T, f func(path string)) {
	t.Helper()
	top := os.DirFS("../..")
	err := fs.WalkDir(top, ".", func(path string, d fs.DirEntry, err error) error {
		if name := d.Name(); d.IsDir() && (name == "node_modules" || name == "bin" || name == ".git") {
			return fs.SkipDir
		}
		if !d.IsDir() {
			f(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCommandsEnterEveryModule: make test, the race detector and the linters
// go through all packages of all modules.
func TestCommandsEnterEveryModule(t *testing.T) {
	t.Parallel()
	for target, command := range map[string]string{
		"test": `go test( -\S+| \d+m?)* \./\.\.\.`, "test-race": `(CGO_ENABLED=1 )?go test( -\S+| \d+m?)* -race( -\S+| \d+m?)* \./\.\.\.`,
		"lint": `\S+/golangci-lint-\S+ run \./\.\.\.`,
	} {
		out, err := exec.CommandContext(t.Context(), "make", "--dry-run", "-C", "../..", target).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, module := range modules(t) {
			enters := ""
			if module != "." {
				enters = "cd " + regexp.QuoteMeta(module) + " && "
			}
			if !regexp.MustCompile(`(?m)^` + enters + command + `$`).Match(out) {
				t.Errorf("make %s does not enter %s:\n%s", target, module, out)
			}
		}
	}
}

// TestNoTestIsLeftOut: each test file is of a package that "go list ./..." of
// its module has; those in folders called testdata, or behind build tags, are
// never run. The build tag long is make test-packages'.
func TestNoTestIsLeftOut(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range modules(t) {
		list := exec.CommandContext(t.Context(), "go", "list", "-tags", "long", "-f", `{{$d := .Dir}}{{range .TestGoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}`, "./...")
		list.Dir = filepath.Join(top, module)
		out, err := list.Output()
		if err != nil {
			t.Fatalf("go list in %s: %v", module, err)
		}
		for path := range strings.FieldsSeq(string(out)) {
			listed[path] = true
		}
	}
	walk(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") && !listed[filepath.Join(top, path)] {
			t.Errorf("no command runs %s", path)
		}
	})
}
