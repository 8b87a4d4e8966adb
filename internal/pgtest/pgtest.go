// Package pgtest starts PostgreSQL for tests, from the binaries that the
// system has: as an unprivileged user, in a temporary folder, on loopback.
// All test processes that run at the same time share one server, and one ends
// it when the last of them has ended; a test that stops its server starts its
// own. Nothing is skipped: where there is no PostgreSQL the test fails and
// says how to install it.
package pgtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"github.com/yoozak/clients/internal/porttest"
)

// Cluster is a PostgreSQL server of our own.
type Cluster struct {
	bin, dir string
	port     *porttest.Port // the same after a stop; nil for the shared one, which does not stop
	number   int            // of the port
	durable  bool
	users    *os.File            // of the shared one: open, and locked, for as long as we use it
	admin    *sql.DB             // of the shared one: for databases that come and go
	owner    *syscall.Credential // nil: us
	process  *process
}

// process is a running postgres under a shell that ends it when we end, in
// whatever way we do: the shell's input closes with us.
type process struct {
	shell  *exec.Cmd
	input  io.Closer
	output *bytes.Buffer
	pid    int
}

// StartOwn returns a server of the test's own, which keeps what it has
// acknowledged when it is killed, and ends it with the test. PostgreSQL takes
// all that come from here for the same one, as a primary and its standbys
// are: see [StartOther].
func StartOwn(tb testing.TB) *Cluster {
	tb.Helper()
	c := Start(tb)
	return started(tb, c.copyFresh)
}

// StartOther is [StartOwn] for a server with a system identifier that no
// other has.
func StartOther(tb testing.TB) *Cluster {
	tb.Helper()
	return started(tb, (*Cluster).init)
}

func started(tb testing.TB, fill func(*Cluster) error) *Cluster {
	tb.Helper()
	c, err := makeCluster(true, fill, (*Cluster).Start)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// makeCluster makes a folder, in memory where there is room (which outlasts a
// crash of PostgreSQL, though not of the machine), and takes the steps that fill it and start a
// server on it.
func makeCluster(durable bool, steps ...func(*Cluster) error) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	// Not t.TempDir: the path of a socket must be short, and the folder the
	// unprivileged user's.
	dir, err := os.MkdirTemp(Memory(), "yzpg")
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, dir: dir, durable: durable}
	for _, step := range append([]func(*Cluster) error{(*Cluster).own}, steps...) {
		if err := step(c); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	return c, nil
}

// Memory is a folder on a file system in memory with room for what tests
// write, or "" where there is none: tests would spend most of their time
// waiting for a disk.
func Memory() string {
	const folder, room = "/dev/shm", 2 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < room {
		return ""
	}
	return folder
}

const howToInstall = "PostgreSQL's server programs are needed: run scripts/install-test-deps.sh (on Debian: apt-get install postgresql)"

// binaries finds the newest PostgreSQL; Debian keeps them out of the PATH.
func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) > 0 {
		return filepath.Dir(found[0]), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New(howToInstall)
}

func version(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// own gives the folder to an unprivileged user.
func (c *Cluster) own() (err error) {
	if c.owner, err = unprivileged(); err != nil || c.owner == nil {
		return err
	}
	return os.Chown(c.dir, int(c.owner.Uid), int(c.owner.Gid))
}

// unprivileged is who PostgreSQL, which refuses to be root, runs as; nil: us.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // said above
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// init makes the data folder.
func (c *Cluster) init() error {
	out, err := c.command("initdb", "--no-sync", "--auth=trust", "--username=yoozak", "--encoding=UTF8", "--locale=C.UTF-8", "--pgdata="+c.data()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// fresh is a data folder as initdb made it, beside that of the shared server:
// to copy it takes a tenth of the time.
func (c *Cluster) fresh() string { return filepath.Join(c.dir, "fresh") }

func (c *Cluster) keepFresh() error { return c.copyFolder(c.data(), c.fresh()) }

// copyFresh gives another server what this one was made with.
func (c *Cluster) copyFresh(to *Cluster) error { return to.copyFolder(c.fresh(), to.data()) }

func (c *Cluster) copyFolder(from, to string) error {
	if out, err := c.owned("cp", "--archive", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy a data folder: %w\n%s", err, out)
	}
	return nil
}

// command is one of PostgreSQL's programs, as the server's owner.
func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	return c.owned(filepath.Join(c.bin, name), args...)
}

func (c *Cluster) owned(program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), program, args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Setpgid: true}
	return cmd
}

// watch starts postgres and stops it at once when its input closes, which
// also happens when the test process is killed.
const watch = `"$@" </dev/null & pid=$!; echo $pid; cat >/dev/null; kill -QUIT $pid 2>/dev/null; wait $pid`

// quick are the settings of a server whose data nobody needs after a crash.
var quick = []string{"fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "checkpoint_timeout=1h", "max_wal_size=4GB"}

// args is the command line of the server.
func (c *Cluster) args() []string {
	args := []string{
		filepath.Join(c.bin, "postgres"), "-D", c.data(), "-k", c.dir, "-h", "127.0.0.1", "-p", strconv.Itoa(c.number),
		"-c", "max_connections=400", "-c", "shared_buffers=64MB",
	}
	if !c.durable {
		for _, setting := range quick {
			args = append(args, "-c", setting)
		}
	}
	return args
}

// keepPort keeps a port for the server, the first time.
func (c *Cluster) keepPort() error {
	if c.port != nil {
		return nil
	}
	port, err := porttest.Keep()
	if err != nil {
		return err
	}
	c.port, c.number = port, port.Number()
	return nil
}

// Start starts a stopped server on its old port.
func (c *Cluster) Start() error {
	if err := c.keepPort(); err != nil {
		return err
	}
	p := &process{output: new(bytes.Buffer)}
	p.shell = exec.CommandContext(context.Background(), "/bin/sh", append([]string{"-c", watch, "sh"}, c.args()...)...)
	p.shell.Dir = c.dir
	p.shell.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Setpgid: true}
	p.shell.Stderr = p.output
	input, err := p.shell.StdinPipe()
	if err != nil {
		return err
	}
	out, err := p.shell.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.shell.Start(); err != nil {
		return err
	}
	p.input = input
	if _, err := fmt.Fscanln(out, &p.pid); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	c.process = p
	if err := c.ready(); err != nil {
		c.Kill()
		return fmt.Errorf("%w\n%s", err, p.output)
	}
	return nil
}

// patience is how long a server may take to answer, where a machine runs
// every package at once. No test is about how long.
const patience = 2 * time.Minute

func (c *Cluster) ready() error {
	deadline := time.Now().Add(patience)
	for {
		err := c.exec("SELECT 1")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("postgres does not answer: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Stop stops the server as an operator does: connections are cut.
func (c *Cluster) Stop() { c.signal(syscall.SIGINT) }

// Kill stops the server as a crash does.
func (c *Cluster) Kill() { c.signal(syscall.SIGQUIT) }

func (c *Cluster) signal(s syscall.Signal) {
	if c.process == nil {
		return
	}
	_ = syscall.Kill(c.process.pid, s)
	for range 1000 { // gone when its lock file is
		if _, err := os.Stat(filepath.Join(c.data(), "postmaster.pid")); err != nil && s == syscall.SIGINT {
			break
		}
		if syscall.Kill(c.process.pid, 0) != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = c.process.input.Close()
	_ = c.process.shell.Wait()
	c.process = nil
}

// Close stops the server and removes its data.
func (c *Cluster) Close() {
	c.Kill()
	c.port.Release()
	_ = os.RemoveAll(c.dir)
}

// PID is the process id of the server.
func (c *Cluster) PID() int { return c.process.pid }

// URL names a database of the server.
func (c *Cluster) URL(database string) string {
	return fmt.Sprintf("postgres://yoozak@127.0.0.1:%d/%s?sslmode=disable", c.number, database)
}

// Exec runs a statement in the server's own database, as its superuser.
func (c *Cluster) Exec(tb testing.TB, query string) {
	tb.Helper()
	if err := c.exec(query); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
}

func (c *Cluster) exec(query string) error {
	db := c.admin
	if db == nil { // a connection would not outlast a stop
		var err error
		if db, err = sql.Open("pgx", c.URL("postgres")); err != nil {
			return err
		}
		defer db.Close() //nolint:errcheck // one query
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := db.ExecContext(ctx, query)
	return err
}

// NewDatabase makes an empty database, which is dropped with the test, and
// returns its URL.
func (c *Cluster) NewDatabase(tb testing.TB) string {
	tb.Helper()
	return c.Clone(tb, "template0")
}

// Clone is NewDatabase with all that a template has, to which nobody may be
// connected.
func (c *Cluster) Clone(tb testing.TB, template string) string {
	tb.Helper()
	return c.made(tb, template)
}

// NewEncoded is NewDatabase in another encoding than UTF8.
func (c *Cluster) NewEncoded(tb testing.TB, encoding string) string {
	tb.Helper()
	return c.made(tb, "template0 ENCODING '"+encoding+"' LOCALE 'C'")
}

func (c *Cluster) made(tb testing.TB, template string) string {
	tb.Helper()
	name, err := c.create(template)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)") })
	return c.URL(name)
}

// NewTemplate makes a database that stays as long as the server, has it
// filled, and returns its name, for [Cluster.Clone].
func (c *Cluster) NewTemplate(fill func(url string) error) (string, error) {
	name, err := c.create("template0")
	if err != nil {
		return "", err
	}
	return name, fill(c.URL(name))
}

// create makes a database with a name that no other test process has. To copy
// the files of the template takes a fifth of the time that it takes to write
// them into the log.
func (c *Cluster) create(template string) (name string, err error) {
	name = "t" + strings.ToLower(rand.Text())
	return name, c.exec("CREATE DATABASE " + name + " TEMPLATE " + template + " STRATEGY file_copy")
}

// Program is the path of one of PostgreSQL's programs, such as pg_dump, of the
// server's version.
func (c *Cluster) Program(name string) string { return filepath.Join(c.bin, name) }
