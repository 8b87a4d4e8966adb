package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/porttest"
)

// watchPooler starts PgBouncer and ends it when its input closes, which also
// happens when the test process is killed.
const watchPooler = `"$@" </dev/null & pid=$!; cat >/dev/null; kill -KILL $pid 2>/dev/null; wait $pid`

// Pooler starts a PgBouncer in front of the server that gives its connections
// to one transaction at a time, so many to each database, and returns the URL
// that leads through it to where the given one leads. It ends with the test.
func (c *Cluster) Pooler(tb testing.TB, url string, connections int) string {
	tb.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // which is in no ordinary user's PATH
	}
	port, err := porttest.Keep()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(port.Release)
	dir, err := os.MkdirTemp(c.dir, "pooler")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	users, settings := filepath.Join(dir, "users.txt"), filepath.Join(dir, "pgbouncer.ini")
	for path, text := range map[string]string{
		users: "\"yoozak\" \"\"\n",
		settings: fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = %d
max_client_conn = 500
`, c.number, port.Number(), users, connections),
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	if c.owner != nil { // who removes the whole folder when we are killed
		if err := os.Chown(dir, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
			tb.Fatal(err)
		}
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", watchPooler, "sh", program, settings)
	output := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Setpgid: true}
	input, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Wait() // it was killed
	})
	through := strings.Replace(url, fmt.Sprintf("127.0.0.1:%d/", c.number), port.Address()+"/", 1)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := ping(through)
		if err == nil {
			return through
		}
		if time.Now().After(deadline) {
			_ = input.Close()
			_ = cmd.Wait() // so that nobody writes into its output any more
			tb.Fatalf("PgBouncer does not answer (is it installed? run scripts/install-test-deps.sh): %v\n%s", err, output)
		}
	}
}

func ping(url string) error {
	db, err := sql.Open("pgx", url+"&default_query_exec_mode=simple_protocol")
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // one question
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return db.PingContext(ctx)
}
