// Package postman plays the Postman collection against the built binary.
package postman

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/yoozak/clients/internal/binarytest"
	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/store/storetest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	binarytest.Remove()
	os.Exit(code)
}

// TestCollection is the specification's Postman chapter, played by newman as
// Postman would, on each engine, with and without refresh-token rotation.
func TestCollection(t *testing.T) {
	t.Parallel()
	newman, err := filepath.Abs("node_modules/.bin/newman")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(newman); err != nil {
		t.Fatal("newman is missing: run scripts/install-test-deps.sh")
	}
	binary := binarytest.Path(t)
	for _, rotation := range []string{"false", "true"} {
		t.Run("rotation="+rotation, func(t *testing.T) {
			t.Parallel()
			storetest.ForEachURL(t, func(t *testing.T, url string) {
				base := serve(t, binary, "YOOZAK_DATABASE_URL="+url, "YOOZAK_REFRESH_ROTATION="+rotation)
				run := exec.CommandContext(t.Context(), newman, "run", "../../postman/Yoozak-Clients.postman_collection.json",
					"--environment", "../../postman/Yoozak-Local.postman_environment.json", "--env-var", "base_url="+base, "--color", "off")
				if out, err := run.CombinedOutput(); err != nil {
					t.Errorf("newman: %v\n%s", err, out)
				}
			})
		})
	}
}

// serve starts the binary and returns its URL. It must end with 0 when it is
// told to stop.
func serve(t *testing.T, binary string, env ...string) string {
	t.Helper()
	address := porttest.Address(t)
	cmd := exec.Command(binary, "serve", "--listen", address) //nolint:noctx // ended below
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	output := new(binarytest.Buffer)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("server ended with %v:\n%s", err, output)
		}
	})
	binarytest.Await(t, "http://"+address+"/readyz", http.StatusOK, output)
	return "http://" + address
}
