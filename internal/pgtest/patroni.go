package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/porttest"
)

// Patroni is three PostgreSQL servers that Patroni keeps, with one etcd: one
// server leads, the others follow it synchronously, and one of them takes
// over when it is gone.
type Patroni struct {
	Nodes []*Node
	etcd  *kept
}

// Node is one server of [Patroni].
type Node struct {
	Name     string
	cluster  *Cluster // its folder, its port, who it runs as
	api      *porttest.Port
	settings string // the file
	running  *kept  // nil: it was killed
}

// kept is a program under a shell that ends it, and removes its folder, when
// we end in whatever way: the shell's input closes with us.
type kept struct {
	shell *exec.Cmd
	input io.Closer
}

// keep is that shell's script. The PostgreSQL of Patroni is in a session of
// its own: it is found by its file.
const keep = `folder=$1; shift
"$@" </dev/null & pid=$!; cat >/dev/null; kill -KILL $pid 2>/dev/null
file="$folder/data/postmaster.pid"
if postgres=$(head -n 1 "$file" 2>/dev/null) && grep -zqF "$folder/data" "/proc/$postgres/cmdline"; then
	kill -QUIT "$postgres"
	for i in 1 2 3 4 5 6 7 8 9 10; do [ ! -e "$file" ] || sleep 1; done
fi
rm -rf "$folder"; kill -KILL 0`

func (c *Cluster) keep(program string, args ...string) (*kept, error) {
	k := new(kept)
	k.shell = exec.CommandContext(context.Background(), "/bin/sh", append([]string{"-c", keep, "sh", c.dir, program}, args...)...)
	k.shell.Dir = c.dir
	k.shell.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "LANG=C.UTF-8"}
	k.shell.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Setpgid: true}
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the program has it
	k.shell.Stdout, k.shell.Stderr = log, log
	if k.input, err = k.shell.StdinPipe(); err != nil {
		return nil, err
	}
	return k, k.shell.Start()
}

// kill is kill -9 to the program and its children, and leaves the folder.
func (k *kept) kill() {
	_ = syscall.Kill(-k.shell.Process.Pid, syscall.SIGKILL)
	_ = k.shell.Wait() // it was killed
	_ = k.input.Close()
}

// patroniSettings are those of docs/scale.md, but for addresses and sizes.
const patroniSettings = `
scope: yoozak
name: %[1]s
restapi:
  listen: %[2]s
  connect_address: %[2]s
etcd3:
  host: %[3]s
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 8
    maximum_lag_on_failover: 1048576
    synchronous_mode: true
    synchronous_mode_strict: true
    synchronous_node_count: 2
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters:
        max_connections: 100
        shared_buffers: 32MB
        max_wal_size: 256MB
        wal_keep_size: 256MB
        wal_retrieve_retry_interval: 500ms
  initdb:
    - encoding: UTF8
    - locale: C.UTF-8
    - data-checksums
postgresql:
  listen: %[4]s
  connect_address: %[4]s
  data_dir: %[5]s
  bin_dir: %[6]s
  pgpass: %[7]s/pgpass
  remove_data_directory_on_rewind_failure: true
  remove_data_directory_on_diverged_timelines: true
  authentication:
    superuser:
      username: yoozak
    replication:
      username: yoozak
  parameters:
    unix_socket_directories: %[7]s
    dynamic_shared_memory_type: mmap # in the folder: who is killed leaves it behind
  basebackup:
    - checkpoint: fast
  pg_hba:
    - local all all trust
    - host all all 127.0.0.1/32 trust
    - host replication all 127.0.0.1/32 trust
`

// StartPatroni returns three servers, of which two follow the third
// synchronously. They end with the test.
func StartPatroni(tb testing.TB) *Patroni {
	tb.Helper()
	for _, program := range []string{"patroni", "etcd"} {
		if _, err := exec.LookPath(program); err != nil {
			tb.Fatalf("%v: run scripts/install-test-deps.sh (on Debian: apt-get install patroni etcd-server)", err)
		}
	}
	p := new(Patroni)
	address := p.startEtcd(tb)
	for n := range 3 {
		node, err := newNode(fmt.Sprint("node", n+1), address)
		if err != nil {
			tb.Fatal(err)
		}
		p.Nodes = append(p.Nodes, node)
		tb.Cleanup(node.close)
		node.Start(tb)
	}
	p.AwaitWhole(tb)
	return p
}

// folder makes a folder for what runs as an unprivileged user, in memory.
func folder() (*Cluster, error) {
	return makeCluster(false, func(*Cluster) error { return nil })
}

func (p *Patroni) startEtcd(tb testing.TB) (address string) {
	tb.Helper()
	c, err := folder()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(c.dir) })
	client, peer := porttest.Address(tb), porttest.Address(tb)
	p.etcd, err = c.keep("etcd", "--name=etcd", "--data-dir="+c.data(), "--logger=zap", "--log-level=warn",
		"--listen-client-urls=http://"+client, "--advertise-client-urls=http://"+client,
		"--listen-peer-urls=http://"+peer, "--initial-advertise-peer-urls=http://"+peer, "--initial-cluster=etcd=http://"+peer)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.etcd.kill)
	return client
}

func newNode(name, etcd string) (*Node, error) {
	c, err := folder()
	if err != nil {
		return nil, err
	}
	n := &Node{Name: name, cluster: c, settings: filepath.Join(c.dir, "patroni.yml")}
	if n.api, err = porttest.Keep(); err == nil {
		err = c.keepPort()
	}
	if err == nil {
		err = os.WriteFile(n.settings, fmt.Appendf(nil, patroniSettings, name, n.api.Address(), etcd, c.port.Address(), c.data(), c.bin, c.dir), 0o644)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	return n, nil
}

// Start starts a server that was killed.
func (n *Node) Start(tb testing.TB) {
	tb.Helper()
	var err error
	if n.running, err = n.cluster.keep("patroni", n.settings); err != nil {
		tb.Fatal(err)
	}
}

// Kill is kill -9 to Patroni and to every process of its PostgreSQL, as when
// the machine is gone. It returns when none is left.
func (n *Node) Kill() {
	n.stopPatroni() // first, or it would start PostgreSQL again
	postgres := n.postgres()
	if postgres == 0 {
		return
	}
	_ = syscall.Kill(postgres, syscall.SIGSTOP) // it has no more children from now on
	all := append(children(postgres), postgres)
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, pid := range all {
		for alive(pid) {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func (n *Node) stopPatroni() {
	if n.running != nil {
		n.running.kill()
		n.running = nil
	}
}

func (n *Node) close() {
	n.stopPatroni()
	if postgres := n.postgres(); postgres != 0 {
		_ = syscall.Kill(postgres, syscall.SIGQUIT) // unlike a kill it gives its shared memory back
		for end := time.Now().Add(10 * time.Second); alive(postgres) && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
	}
	n.Kill()
	n.api.Release()
	n.cluster.port.Release()
	_ = os.RemoveAll(n.cluster.dir)
}

// postgres is the process id of the server; 0: it does not run.
func (n *Node) postgres() int {
	file, err := os.ReadFile(filepath.Join(n.cluster.data(), "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(file), "\n")
	command, err := os.ReadFile(filepath.Join("/proc", first, "cmdline"))
	if err != nil || !strings.Contains(string(command), n.cluster.data()) { // the file is an old one
		return 0
	}
	pid, _ := strconv.Atoi(first)
	return pid
}

// children are the process ids of those that a process has started.
func children(parent int) (all []int) {
	found, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range found {
		pid, _ := strconv.Atoi(filepath.Base(path))
		if _, of := state(pid); of == parent {
			all = append(all, pid)
		}
	}
	return all
}

// alive reports whether a process is there and no zombie.
func alive(pid int) bool {
	is, _ := state(pid)
	return is != "" && is != "Z" && is != "X"
}

// state is what a process does, in one letter, and its parent.
func state(pid int) (letter string, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	_, _ = fmt.Sscan(string(stat[bytes.LastIndexByte(stat, ')')+1:]), &letter, &parent)
	return letter, parent
}

// URL names a database of the one server.
func (n *Node) URL(database string) string { return n.cluster.URL(database) }

// URL names a database of whichever server takes changes.
func (p *Patroni) URL(database string) string {
	return p.url(func(n *Node) string { return n.URL(database) })
}

// Pooled is [Patroni.URL] through a PgBouncer beside each server, which goes
// on when the server is gone: see [Cluster.Pooler].
func (p *Patroni) Pooled(tb testing.TB, database string, connections int) string {
	tb.Helper()
	return p.url(func(n *Node) string { return n.cluster.Pooler(tb, n.URL(database), connections) })
}

// url is that of one database on all servers.
func (p *Patroni) url(of func(n *Node) string) string {
	const scheme = "postgres://yoozak@"
	var hosts []string
	var database string
	for _, n := range p.Nodes {
		var host string
		host, database, _ = strings.Cut(strings.TrimPrefix(of(n), scheme), "/")
		hosts = append(hosts, host)
	}
	return scheme + strings.Join(hosts, ",") + "/" + database
}

// is asks a server's Patroni whether it is what the path says: "primary",
// "synchronous".
func (n *Node) is(path string) bool {
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get("http://" + n.api.Address() + "/" + path) //nolint:noctx // has a time-out
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// Leader is the server that takes changes; nil: there is none now.
func (p *Patroni) Leader() *Node {
	for _, n := range p.Nodes {
		if n.running != nil && n.is("primary") {
			return n
		}
	}
	return nil
}

// AwaitLeader waits for [Patroni.Leader].
func (p *Patroni) AwaitLeader(tb testing.TB) *Node {
	tb.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if n := p.Leader(); n != nil {
			return n
		}
	}
	tb.Fatalf("no server leads within %v\n%s", patience, p.logs())
	return nil
}

// Standby is a server that follows the one that leads.
func (p *Patroni) Standby(tb testing.TB) *Node {
	tb.Helper()
	leader := p.AwaitLeader(tb)
	for _, n := range p.Nodes {
		if n != leader && n.running != nil {
			return n
		}
	}
	tb.Fatal("no server follows")
	return nil
}

// AwaitWhole waits until one server leads and the two others follow it
// synchronously: Patroni says so, and the leader's PostgreSQL.
func (p *Patroni) AwaitWhole(tb testing.TB) {
	tb.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		following := 0
		for _, n := range p.Nodes {
			if n.is("synchronous") {
				following++
			}
		}
		if leader := p.Leader(); leader != nil && following == len(p.Nodes)-1 {
			n, err := leader.cluster.count(`SELECT COUNT(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'`)
			if err == nil && n == following {
				return
			}
		}
	}
	tb.Fatalf("not one leader and two synchronous standbys within %v\n%s", patience, p.logs())
}

// AwaitWrite waits until a server takes a change, which its standbys have.
func (n *Node) AwaitWrite(tb testing.TB) {
	tb.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = n.cluster.exec(`CREATE TABLE IF NOT EXISTS written (at TIMESTAMPTZ); INSERT INTO written VALUES (now())`); err == nil {
			return
		}
	}
	tb.Fatalf("%s takes no change: %v", n.Name, err)
}

// Exec is [Cluster.Exec].
func (n *Node) Exec(tb testing.TB, query string) {
	tb.Helper()
	n.cluster.Exec(tb, query)
}

// logs is the end of what each Patroni and its PostgreSQL wrote.
func (p *Patroni) logs() string {
	var b strings.Builder
	for _, n := range p.Nodes {
		text, _ := os.ReadFile(filepath.Join(n.cluster.dir, "log"))
		fmt.Fprintf(&b, "%s:\n%s\n", n.Name, text[max(0, len(text)-6000):])
	}
	return b.String()
}
