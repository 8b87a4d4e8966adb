// Package sdk runs the tests of the TypeScript client and of the example
// storefront against the built binary: in Node, and in Chromium.
package sdk

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/yoozaktest"
)

const (
	client     = "../../sdk/typescript"
	storefront = "../../examples/storefront"
)

// built makes dist/, which every test of the client reads.
var built = sync.OnceValue(func() error { return command(client, nil, 5*time.Minute, "node", "build.mjs") })

// command runs a program in a folder. Its error has what the program said.
func command(dir string, env []string, limit time.Duration, name string, args ...string) error {
	cmd := exec.Command(name, args...) //nolint:noctx // ours
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out.String())
	}
	return nil
}

// play runs test files of a folder with node, one after the other: tokens there live for seconds, and on a machine that does much else
// they end while they are used.
func play(t *testing.T, dir string, files ...string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatalf("%s/node_modules is missing: run scripts/install-test-deps.sh", dir)
	}
	env := []string{"YOOZAK_BINARY=" + yoozaktest.Binary(t), "YOOZAK_CLIENT_BUILT=1"}
	if err := built(); err != nil {
		t.Fatal(err)
	}
	limit := 10 * time.Minute * time.Duration(yoozaktest.Long(1, 3))
	if err := command(dir, env, limit, "node", append([]string{"--test", "--test-concurrency=1", "--test-force-exit", "--test-reporter=spec"}, files...)...); err != nil {
		t.Fatal(err)
	}
}

// TestClientInNode: renewal over networks that fail, errors, stores, servers, second factors.
func TestClientInNode(t *testing.T) {
	play(t, client, "test/refresh.test.mjs", "test/http.test.mjs", "test/store.test.mjs", "test/server.test.mjs", "test/factors.test.mjs", "test/guide.test.mjs")
}

// TestClientInChromium: tabs that share a session, and what browsers do to pages.
func TestClientInChromium(t *testing.T) { play(t, client, "test/browser.test.mjs") }

// TestPackage packs the client and uses the tarball as others do.
func TestPackage(t *testing.T) { play(t, client, "test/package.test.mjs") }

// TestToolsOfShops: webpack, Metro with Hermes, and Jest take the tarball.
func TestToolsOfShops(t *testing.T) { play(t, ".", "tools.test.mjs") }

// TestQueries of TanStack Query, as the client's README has it, in Chromium.
func TestQueries(t *testing.T) { play(t, ".", "query.test.mjs") }

// TestStorefront goes through the example in Chromium.
func TestStorefront(t *testing.T) { play(t, storefront, "test/storefront.test.mjs") }
