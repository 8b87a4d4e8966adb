// Package script plays scripts of the command line, as a person types them.
package script

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/yoozak/clients/internal/pgtest"
	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestScripts plays testdata on each engine, against the built yoozak and
// yoozak-shadow.
// Beside testscript's own commands there are:
//
//	start                    starts "yoozak serve" and waits until it is ready
//	stop                     sends SIGTERM; the server must end with 0
//	http STATUS METHOD PATH [BODY] [HEADER]...
//	                         calls it, or what else listens at $YOOZAK_LISTEN or is about to;
//	                         the answer is in stdout for the next line
//	until PATTERN COMMAND [ARG]...
//	                         runs it again and again until its output matches; the command may be http
//	save NAME FIELD          keeps a text field of the last answer as $NAME
//	capture NAME REGEXP      keeps the group of a match in stdout as $NAME
func TestScripts(t *testing.T) {
	t.Parallel()
	bin := filepath.Dir(yoozaktest.Binary(t))
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Dir: "testdata",
				Setup: func(env *testscript.Env) error {
					env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
					env.Setenv("YOOZAK_DATABASE_URL", "sqlite:"+filepath.Join(env.WorkDir, "yoozak.db"))
					if engine == "postgres" {
						env.Setenv("YOOZAK_DATABASE_URL", pgtest.Start(t).NewDatabase(t))
					}
					env.Setenv("YOOZAK_MIGRATE", "auto")
					env.Setenv("YOOZAK_INSECURE_FAST_HASH", "true")
					env.Setenv("YOOZAK_ARGON2_MEMORY", "64")
					env.Setenv("YOOZAK_ARGON2_TIME", "1")
					env.Setenv("SHADOW", porttest.Address(t))
					env.Setenv("ENGINE", engine)
					project, err := filepath.Abs("../django")
					if err != nil {
						return err
					}
					env.Setenv("DJANGO", project)
					env.Setenv("DJANGO_DATABASE", filepath.Join(env.WorkDir, "django.sqlite3"))
					env.Values["server"] = &scriptServer{binary: filepath.Join(bin, "yoozak")}
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"start": scriptStart, "stop": scriptStop, "http": scriptHTTP, "save": scriptSave,
					"until": scriptUntil, "capture": scriptCapture,
				},
				Condition: func(cond string) (bool, error) { return cond == engine, nil },
			})
		})
	}
}

// patience is how long tests wait for what must come. None is about how long
// that takes, and a busy machine takes its time.
const patience = 2 * time.Minute

// scriptServer is the server that a script started, and its last answer.
type scriptServer struct {
	binary string
	cmd    *exec.Cmd
	output yoozaktest.Buffer
	answer string
}

func scriptStart(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("server").(*scriptServer)
	port, err := porttest.Keep()
	ts.Check(err)
	ts.Defer(port.Release)
	ts.Setenv("YOOZAK_LISTEN", port.Address())
	ts.Setenv("PORT", strconv.Itoa(port.Number()))
	s.cmd = exec.CommandContext(context.Background(), s.binary, append([]string{"serve"}, args...)...)
	s.cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{
		"PATH", "HOME", "YOOZAK_DATABASE_URL", "YOOZAK_MIGRATE", "YOOZAK_INSECURE_FAST_HASH", "YOOZAK_ARGON2_MEMORY", "YOOZAK_ARGON2_TIME", "YOOZAK_LISTEN",
		"YOOZAK_ENCRYPTION_KEY", "YOOZAK_ENCRYPTION_KEY_OLD", "YOOZAK_JWT_AUDIENCE",
	} {
		s.cmd.Env = append(s.cmd.Env, name+"="+ts.Getenv(name))
	}
	s.cmd.Env = append(s.cmd.Env, "YOOZAK_DRAIN=0s") // nobody is in front
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	ts.Check(s.cmd.Start())
	ts.Defer(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	})
	client := &http.Client{Timeout: 10 * time.Second}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := client.Get("http://" + ts.Getenv("YOOZAK_LISTEN") + "/readyz") //nolint:noctx // has a time-out
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
	}
	ts.Fatalf("the server did not become ready:\n%s", s.output.String())
}

func scriptStop(ts *testscript.TestScript, _ bool, _ []string) {
	s := ts.Value("server").(*scriptServer)
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	if err := s.cmd.Wait(); err != nil {
		ts.Fatalf("the server ended with %v:\n%s", err, s.output.String())
	}
	fmt.Fprint(ts.Stdout(), s.output.String())
}

func scriptHTTP(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: http STATUS METHOD PATH [BODY] [HEADER]...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	body := ""
	if len(args) > 3 {
		body = args[3]
	}
	awaitListener(ts.Getenv("YOOZAK_LISTEN"))
	req, err := http.NewRequest(args[1], "http://"+ts.Getenv("YOOZAK_LISTEN")+args[2], strings.NewReader(body)) //nolint:noctx // bounded by the script
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	for _, header := range args[min(4, len(args)):] {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	s := ts.Value("server").(*scriptServer)
	s.answer = string(data)
	_ = res.Header.Write(ts.Stdout())
	fmt.Fprintln(ts.Stdout(), s.answer)
	if res.StatusCode != want {
		ts.Fatalf("%s %s: status %d, want %d: %s", args[1], args[2], res.StatusCode, want, data)
	}
}

func awaitListener(address string) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = c.Close()
			return
		}
	}
}

func scriptSave(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("server").(*scriptServer)
	m := regexp.MustCompile(`"` + args[1] + `":"([^"]*)"`).FindStringSubmatch(s.answer)
	if m == nil {
		ts.Fatalf("no text field %s in %s", args[1], s.answer)
	}
	ts.Setenv(args[0], m[1])
}

func scriptUntil(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND [ARG]...")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	run := func() string {
		ts.Check(ts.Exec(args[1], args[2:]...))
		return ts.ReadFile("stdout")
	}
	if args[1] == "http" {
		run = func() string {
			scriptHTTP(ts, false, args[2:])
			return ts.Value("server").(*scriptServer).answer
		}
	}
	output := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if output = run(); pattern.MatchString(output) {
			return
		}
	}
	ts.Fatalf("%s never printed %s:\n%s", strings.Join(args[1:], " "), args[0], output)
}

func scriptCapture(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if m == nil {
		ts.Fatalf("nothing matches %s", args[1])
	}
	ts.Setenv(args[0], m[1])
}
