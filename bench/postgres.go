//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// postgresServer is a PostgreSQL of the bench's own, with the settings that initdb gives (fsync is on), and
// those of -postgres.
type postgresServer struct {
	process *process
	bin     string
	host    string // directory of its socket, or an address
	port    string
}

const postgresUser = "bench"

// startPostgres starts the newest PostgreSQL that is installed, on one core. Only this user and the one
// that it runs as can reach its socket; by TCP anyone on this machine can, while the bench lasts.
func startPostgres(ctx context.Context, dir string, core int, tcp bool, settings ...string) (*postgresServer, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	credential, err := unprivileged()
	if err != nil {
		return nil, err
	}
	root := filepath.Join(dir, "postgres")
	if err := os.Mkdir(root, 0o700); err != nil {
		return nil, err
	}
	if credential != nil {
		if err := os.Chown(root, int(credential.Uid), int(credential.Gid)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(root, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--pgdata", data, "--username", postgresUser,
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions")
	initdb.Dir = root
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	if output, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, output)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	listen, host := "", root
	if tcp {
		listen, host = "127.0.0.1", "127.0.0.1"
	}
	args := []string{"-D", data, "-p", port, "-c", "listen_addresses=" + listen, "-c", "unix_socket_directories=" + root}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	p, err := command{
		name: "postgres",
		path: filepath.Join(bin, "postgres"),
		args: args,
		dir:  dir,
		core: core,
		user: credential,
	}.start()
	if err != nil {
		return nil, err
	}
	server := &postgresServer{process: p, bin: bin, host: host, port: port}
	err = p.waitFor(ctx, 50*time.Millisecond, func() error {
		return exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-q", "-h", host, "-p", port).Run()
	})
	if err != nil {
		p.stop(syscall.SIGQUIT)
		return nil, err
	}
	return server, nil
}

// create makes a database and returns its URL.
func (p *postgresServer) create(ctx context.Context, name string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "createdb"), "-h", p.host, "-p", p.port, "-U", postgresUser, name)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("createdb: %w\n%s", err, output)
	}
	query := url.Values{"host": {p.host}, "port": {p.port}, "sslmode": {"disable"}}
	return "postgres://" + postgresUser + "@/" + name + "?" + query.Encode(), nil
}

func postgresBin() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return postgresMajor(a) - postgresMajor(b) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", errors.New("no PostgreSQL server: apt-get install postgresql, or leave it out with -engines sqlite")
	}
	return filepath.Dir(path), nil
}

func postgresMajor(path string) int {
	major, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return major
}

// unprivileged returns whom to run PostgreSQL as: it refuses to be root. Nil means as we are.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("no user postgres or nobody to run PostgreSQL as")
}
