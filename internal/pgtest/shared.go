package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Start returns the one server of all test processes. It does not sync to
// disk: see [StartOwn] for tests that stop it.
func Start(tb testing.TB) *Cluster {
	tb.Helper()
	c, err := Shared()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Shared is [Start] for what no single test needs.
var Shared = sync.OnceValues(join)

// join finds the running server of other test processes, or starts one that
// others find. Three files in a folder that all know:
//
//   - "start" is locked by who looks whether there is a server, or starts one;
//   - "users" is locked, shared, by each process that uses it, until it ends:
//     the kernel takes the lock from a process that is killed, too;
//   - "server" says where it is.
//
// A shell stands beside the server and waits for a lock of "users" that is not
// shared. It has it when the last process has ended. Then it ends the server.
func join() (*Cluster, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("yoozak-postgres-%d", os.Getuid()))
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(owner.Uid) != os.Getuid() {
		return nil, fmt.Errorf("%s is not ours", dir)
	}
	start, err := locked(filepath.Join(dir, "start"), syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer start.Close() //nolint:errcheck // which also unlocks it
	users, err := locked(filepath.Join(dir, "users"), syscall.LOCK_SH)
	if err != nil {
		return nil, err
	}
	server := filepath.Join(dir, "server")
	c, err := running(server)
	if err != nil {
		c, err = makeCluster(false, (*Cluster).init, (*Cluster).keepFresh, func(c *Cluster) error { return c.startShared(users.Name()) })
	}
	if err == nil {
		err = os.WriteFile(server, fmt.Appendln(nil, c.dir, c.number), 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, users.Close())
	}
	c.users = users
	c.admin, err = sql.Open("pgx", c.URL("postgres")) // as long as we are there: to connect takes longer than to drop a database
	return c, err
}

// locked opens and locks a file. The lock ends with the file, or with us: no
// program that we start inherits it.
func locked(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(&os.PathError{Op: "lock", Path: path, Err: err}, f.Close())
		}
	}
}

// running is the server that a file names, if it answers.
func running(path string) (*Cluster, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := new(Cluster)
	if _, err := fmt.Sscanln(string(data), &c.dir, &c.number); err != nil {
		return nil, err
	}
	if _, err := os.Stat(c.data()); err != nil {
		return nil, err
	}
	if c.bin, err = binaries(); err != nil {
		return nil, err
	}
	if c.owner, err = unprivileged(); err != nil {
		return nil, err
	}
	return c, c.exec("SELECT 1")
}

// watchUsers starts postgres and stops it three seconds after the last
// process that used it: the next package of "go test ./..." comes before.
const watchUsers = `"$@" & pid=$!
exec 9<"$YZ_USERS"
until flock 9 && flock -u 9 && sleep 3 && flock -n 9; do :; done
kill -QUIT $pid; wait $pid; rm -rf "$YZ_REMOVE"`

// startShared starts a server that goes on when this process has ended.
func (c *Cluster) startShared(users string) error {
	if err := c.keepPort(); err != nil {
		return err
	}
	defer func() { // the server has it for as long as it runs
		c.port.Release()
		c.port = nil
	}()
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the server writes it
	shell := exec.CommandContext(context.Background(), "/bin/sh", append([]string{"-c", watchUsers, "sh"}, c.args()...)...)
	shell.Dir = c.dir
	shell.Env = append(os.Environ(), "YZ_USERS="+users, "YZ_REMOVE="+c.dir)
	shell.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Setsid: true}
	shell.Stdout, shell.Stderr = log, log // files: "go test" waits for who has its own output
	if err := shell.Start(); err != nil {
		return err
	}
	go shell.Wait() //nolint:errcheck // so that it is no zombie, should it end before us
	if err := c.ready(); err != nil {
		said, _ := os.ReadFile(log.Name())
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		return fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(said)))
	}
	return nil
}
