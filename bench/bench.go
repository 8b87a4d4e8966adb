//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// bench holds what several operations share. Databases and PostgreSQL are made when first needed.
type bench struct {
	ctx         context.Context
	options     options
	dir         string
	executable  string // this program, to be started as a baseline
	binary      string
	secret      string // for HS256
	postgres    *postgresServer
	populations map[string]*population
	names       int // makes the names of processes unique
	results     []result
	log         *slog.Logger
}

func newBench(ctx context.Context, o options, runDir string) (*bench, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(runDir, "yoozak-bench-")
	if err != nil {
		return nil, err
	}
	// PostgreSQL, as another user, has to reach its directory below.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	b := &bench{
		ctx:         ctx,
		options:     o,
		dir:         dir,
		executable:  executable,
		binary:      o.binary,
		secret:      rand.Text() + rand.Text(),
		populations: map[string]*population{},
		log:         slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	if b.binary == "" && (len(o.ops) > 1 || o.ops[0] != "self") {
		b.binary = filepath.Join(dir, "yoozak")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.binary, "./cmd/yoozak")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		var output []byte
		err := onCore(-1, func() (err error) { output, err = build.CombinedOutput(); return err })
		if err != nil {
			b.close()
			return nil, fmt.Errorf("build yoozak: %w\n%s", err, output)
		}
	} else if b.binary != "" {
		if b.binary, err = filepath.Abs(b.binary); err != nil {
			b.close()
			return nil, err
		}
	}
	return b, nil
}

// close ends PostgreSQL and removes every database.
func (b *bench) close() {
	if b.postgres != nil {
		b.postgres.process.stop(syscall.SIGINT)
	}
	if err := os.RemoveAll(b.dir); err != nil {
		b.log.Warn("databases left behind", "dir", b.dir, "error", err)
	}
}

func (b *bench) uniqueName(kind string) string {
	b.names++
	return fmt.Sprintf("%s-%d", kind, b.names)
}

// side is one of the two that are held against each other.
type side struct {
	name   string
	addr   string
	pids   []int
	conns  int
	next   func() []byte
	status int
}

func (b *bench) play(s side, window time.Duration) (sample, error) {
	meter := cpuMeter{core: b.options.serverCore, pids: s.pids}
	l := load{addr: s.addr, conns: s.conns, warmup: 300 * time.Millisecond, duration: window, next: s.next, status: s.status}
	measured, err := l.run(b.ctx, meter)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", s.name, err)
	}
	b.log.Info("measured", "side", s.name, "rate", int(measured.Rate), "p99", measured.P99,
		"server", percent(measured.CPU.Server), "core", percent(measured.CPU.Core), "load", percent(measured.CPU.Load))
	return measured, nil
}

// inTurns measures the baseline and the server one after the other, round by round.
func (b *bench) inTurns(baseline, server func() (sample, error)) (bare, measured []sample, err error) {
	for range b.options.rounds {
		one, err := baseline()
		if err != nil {
			return nil, nil, err
		}
		other, err := server()
		if err != nil {
			return nil, nil, err
		}
		bare, measured = append(bare, one), append(measured, other)
	}
	return bare, measured, nil
}

// startBare starts the bare server with the answers given.
func (b *bench) startBare(answers ...bareAnswer) (addr string, p *process, err error) {
	content, err := json.Marshal(answers)
	if err != nil {
		return "", nil, err
	}
	name := b.uniqueName("bare")
	file := filepath.Join(b.dir, name+".json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return "", nil, err
	}
	addr, err = freeAddr()
	if err != nil {
		return "", nil, err
	}
	p, err = command{
		name: name,
		path: b.executable,
		args: []string{"-serve-bare", addr, "-answers", file},
		dir:  b.dir,
		core: b.options.serverCore,
	}.start()
	if err != nil {
		return "", nil, err
	}
	err = p.waitFor(b.ctx, time.Millisecond, func() error {
		c, err := dial(addr)
		if err == nil {
			c.close()
		}
		return err
	})
	if err != nil {
		p.stop(os.Kill)
		return "", nil, err
	}
	return addr, p, nil
}

// bareHashes runs the bare hash on the server's core.
func (b *bench) bareHashes(window time.Duration) (sample, error) {
	cmd := exec.CommandContext(b.ctx, b.executable, "-hash-bare", fmt.Sprint(window.Seconds()))
	var output []byte
	err := onCore(b.options.serverCore, func() (err error) { output, err = cmd.Output(); return err })
	if err != nil {
		return sample{}, fmt.Errorf("bare hash: %w", err)
	}
	var rate hashRate
	if err := json.Unmarshal(output, &rate); err != nil {
		return sample{}, fmt.Errorf("bare hash: %w", err)
	}
	if rate.Hashes == 0 {
		return sample{}, errors.New("bare hash: none in the window")
	}
	s := sample{Requests: rate.Hashes, Seconds: rate.Seconds, Rate: float64(rate.Hashes) / rate.Seconds}
	s.CPU.Server = rate.CPU / rate.Seconds
	s.CPU.Core = s.CPU.Server
	b.log.Info("measured", "side", "bare Argon2id", "rate", fmt.Sprintf("%.1f", s.Rate), "server", percent(s.CPU.Server))
	return s, nil
}

func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }
