// Package yoozaktest runs the built yoozak for tests: it starts a server on a
// port that nobody else gets, waits until it is ready, and stops or kills it.
package yoozaktest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/porttest"
)

// Password is one that the rules for passwords take.
const Password = "kV7#pazouk-42lemon" //nolint:gosec // nobody's

// CheapHashes are settings with which a password costs next to nothing.
var CheapHashes = []string{"YOOZAK_INSECURE_FAST_HASH=true", "YOOZAK_ARGON2_MEMORY=64", "YOOZAK_ARGON2_TIME=1", "YOOZAK_HASH_WAIT=20s"}

// Long is how much of something a test does: the greater number in "make
// test-long", which sets YOOZAK_TEST_LONG.
func Long(short, long int) int {
	if os.Getenv("YOOZAK_TEST_LONG") != "" {
		return long
	}
	return short
}

// patience is how long a server may take to answer. On a machine that runs
// every package at once it shares a core with many others; how long that
// takes is not what any test is about.
const patience = 2 * time.Minute

// Server is a process "yoozak serve".
type Server struct {
	URL, Address string  // "http://127.0.0.1:1234", "127.0.0.1:1234"
	Dir          string  // where it runs
	Output       *Buffer // its log

	log   io.Writer
	cmd   *exec.Cmd
	done  atomic.Bool   // somebody has ended it
	ended chan struct{} // closed when it has ended, with err
	err   error
}

// Start runs a server with settings beside those by default and waits until
// it is ready. Its database is SQLite in its folder, unless the settings name
// another; it makes the tables by itself. At the end of the test it gets SIGTERM, and must end with 0.
func Start(tb testing.TB, env ...string) *Server {
	tb.Helper()
	s := Launch(tb, env...)
	s.Ready(tb)
	return s
}

// Launch is Start without the wait.
func Launch(tb testing.TB, env ...string) *Server {
	tb.Helper()
	return LaunchInto(tb, new(Buffer), env...)
}

// LaunchInto is Launch for a test that reads the log in another way: from a
// file, which the server then has by itself.
func LaunchInto(tb testing.TB, log io.Writer, env ...string) *Server {
	tb.Helper()
	address, dir := porttest.Address(tb), tb.TempDir()
	return launch(tb, address, dir, log, append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "YOOZAK_LISTEN=" + address, "YOOZAK_DATABASE_URL=sqlite:yoozak.db", "YOOZAK_MIGRATE=auto", "YOOZAK_DRAIN=0s",
	}, env...))
}

// Again starts a server that has ended with the same settings, in the same
// folder, on the same port and with the same log.
func (s *Server) Again(tb testing.TB) *Server {
	tb.Helper()
	return launch(tb, s.Address, s.Dir, s.log, s.cmd.Env)
}

func launch(tb testing.TB, address, dir string, log io.Writer, env []string) *Server {
	tb.Helper()
	s := &Server{URL: "http://" + address, Address: address, Dir: dir, log: log, ended: make(chan struct{})}
	s.cmd = exec.CommandContext(context.Background(), Binary(tb), "serve") //nolint:gosec // ours
	s.cmd.Dir, s.cmd.Env = dir, env
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.Output, _ = log.(*Buffer)
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	tb.Cleanup(func() { s.Stop(tb) })
	return s
}

// Ready waits until the server answers that it is ready.
func (s *Server) Ready(tb testing.TB) {
	tb.Helper()
	await(tb, s.URL+"/readyz", http.StatusOK, s.Output, s.ended)
}

// PID is the id of the process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Signal sends a signal.
func (s *Server) Signal(tb testing.TB, signal os.Signal) {
	tb.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		tb.Errorf("%v to the server: %v", signal, err)
	}
}

// Ended is closed when the server has ended; then Err says how.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Err is how a server ended that has ended: nil for the exit code 0.
func (s *Server) Err() error {
	<-s.ended
	return s.err
}

// Stop is SIGTERM: the server must end with 0, in time. One that was stopped
// or killed before is left alone.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	if s.done.Swap(true) {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	s.wait(tb)
}

// WaitStopped is Stop for a server that was told already: a second signal
// would end it at once.
func (s *Server) WaitStopped(tb testing.TB) {
	tb.Helper()
	s.done.Store(true)
	s.wait(tb)
}

func (s *Server) wait(tb testing.TB) {
	tb.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		tb.Errorf("the server does not end within %v", patience)
	}
	if err := s.Err(); err != nil {
		tb.Errorf("the server ended with %v:\n%s", err, s.Output)
	}
}

// Kill is kill -9, and returns when the process is gone. Others may do it at
// the same time.
func (s *Server) Kill() {
	s.done.Store(true)
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// Run runs another command of the binary with an environment, and returns
// what it prints. It must end with 0.
func Run(tb testing.TB, env []string, args ...string) string {
	tb.Helper()
	return RunWith(tb, "", env, args...)
}

// RunWith is Run for a command that reads something.
func RunWith(tb testing.TB, input string, env []string, args ...string) string {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), Binary(tb), args...) //nolint:gosec // ours
	cmd.Dir, cmd.Env = tb.TempDir(), append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	cmd.Stdin = strings.NewReader(input)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("yoozak %s: %v\n%s%s", strings.Join(args, " "), err, out, problems.String())
	}
	return string(out)
}

// Await waits until a URL is answered with a status, by any server. If it
// never is, the output of the server is shown.
func Await(tb testing.TB, url string, status int, output *Buffer) {
	tb.Helper()
	await(tb, url, status, output, nil)
}

func await(tb testing.TB, url string, status int, output *Buffer, ended <-chan struct{}) {
	tb.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if res, err := client.Get(url); err == nil { //nolint:noctx // has a time-out
			_ = res.Body.Close()
			if res.StatusCode == status {
				return
			}
		}
		select {
		case <-ended:
			tb.Fatalf("the server ended before it answered:\n%s", output)
		case <-time.After(20 * time.Millisecond):
		}
	}
	tb.Fatalf("no %d from %s within %v:\n%s", status, url, patience, output)
}

// Buffer may be read while a process, or another goroutine, writes. The zero
// value is empty; nil is shown as empty.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write is io.Writer's.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is all that was written.
func (b *Buffer) String() string {
	if b == nil {
		return ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Clock is a time that passes only when a test says so.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock is a clock that stands at a time.
func NewClock(at time.Time) *Clock { return &Clock{at: at} }

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance lets time pass.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Set is for a clock that goes by another.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}
