// Package binarytest gives tests the built yoozak, waits until a server answers,
// and has a buffer for what one prints.
package binarytest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var build struct {
	once   sync.Once
	dir    string
	binary string
	err    error
}

// Path builds yoozak once for the tests of a package, whose TestMain calls
// [Remove] in the end.
func Path(tb testing.TB) string {
	tb.Helper()
	build.once.Do(func() { build.err = compile() })
	if build.err != nil {
		tb.Fatal(build.err)
	}
	return build.binary
}

// Shadow builds yoozak-shadow, beside yoozak.
func Shadow(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(filepath.Dir(Path(tb)), "yoozak-shadow")
	out, err := exec.Command("go", "build", "-o", path, "github.com/yoozak/clients/cmd/yoozak-shadow").CombinedOutput() //nolint:gosec // a folder of our own
	if err != nil {
		tb.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

func compile() error {
	var err error
	if build.dir, err = os.MkdirTemp("", "yoozak"); err != nil {
		return err
	}
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return err
	}
	// "go test" keeps results for as long as what the test has looked at is
	// the same: so it has to look at what the binary is made of.
	root := filepath.Dir(strings.TrimSpace(string(module)))
	for _, folder := range []string{"cmd", "internal"} {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(root, folder), func(_ string, _ fs.DirEntry, err error) error { return err }))
	}
	if err != nil {
		return err
	}
	build.binary = filepath.Join(build.dir, "yoozak")
	out, err := exec.Command("go", "build", "-o", build.binary, "github.com/yoozak/clients/cmd/yoozak").CombinedOutput() //nolint:gosec // a folder of our own
	if err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// Remove deletes what Path made.
func Remove() { _ = os.RemoveAll(build.dir) }

// patience is how long a server may take to answer. On a machine that runs
// every package at once it shares a core with many others; how long that
// takes is not what any test is about.
const patience = 2 * time.Minute

// Await waits until a URL is answered with a status. If it never is, the
// output of the server is shown.
func Await(tb testing.TB, url string, status int, output fmt.Stringer) {
	tb.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if res, err := client.Get(url); err == nil { //nolint:noctx // has a time-out
			_ = res.Body.Close()
			if res.StatusCode == status {
				return
			}
		}
	}
	tb.Fatalf("no %d from %s within %v:\n%s", status, url, patience, output)
}

// Buffer may be read while a process writes.
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
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
