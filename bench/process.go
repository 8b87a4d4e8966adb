//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is a server that the bench started and will end.
type process struct {
	name    string
	cmd     *exec.Cmd
	logFile string
	exited  chan struct{} // closed when it has ended
}

// command describes a process to start.
type command struct {
	name string
	path string
	args []string
	env  []string
	dir  string // also where its log goes
	core int    // negative: any
	user *syscall.Credential
}

func (c command) start() (*process, error) {
	logFile := filepath.Join(c.dir, c.name+".log")
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, log, log
	// Nothing of the caller's environment reaches a server, least of all a YOOZAK_ variable.
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "LANG=C.UTF-8"}, c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.user}
	if err := onCore(c.core, cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	p := &process{name: c.name, cmd: cmd, logFile: logFile, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks with a signal, and does not ask again after 20 seconds.
func (p *process) stop(signal os.Signal) {
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// waitFor tries until ready returns nil.
func (p *process) waitFor(ctx context.Context, every time.Duration, ready func() error) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.exited:
			return p.explain(errors.New("ended before it was ready"))
		case <-time.After(every):
		}
		if time.Now().After(deadline) {
			return p.explain(fmt.Errorf("not ready in time: %w", err))
		}
	}
}

// explain adds the end of the process's own log to an error.
func (p *process) explain(err error) error {
	content, _ := os.ReadFile(p.logFile)
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	tail := bytes.Join(lines[max(0, len(lines)-8):], []byte("\n"))
	return fmt.Errorf("%s: %w\n%s", p.name, err, tail)
}

// freeAddr returns a loopback address that nobody listened on a moment ago.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
