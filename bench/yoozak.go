//go:build linux

package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

const (
	registerPath = "/api/clients/auth/register/"
	loginPath    = "/api/clients/auth/login/"
	refreshPath  = "/api/clients/auth/token/refresh/"
	mePath       = "/api/clients/clients/me/"
)

// setting says how to start the server. Everything else is as an operator gets it by default.
type setting struct {
	database  string
	algorithm string
	core      int // negative: any
	fastHash  bool
	batch     int  // writes in one commit on SQLite; 0: the default
	debug     bool // serve pprof
	limits    bool // leave rate limits on, and believe what the load says of where it comes from
}

// yoozak is a running server.
type yoozak struct {
	*process
	addr  string
	debug string
}

func (b *bench) launch(s setting) (*yoozak, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	y := &yoozak{addr: addr}
	env := []string{
		"YOOZAK_LISTEN=" + addr,
		"YOOZAK_DATABASE_URL=" + s.database, "YOOZAK_MIGRATE=auto",
		"YOOZAK_JWT_ALGORITHM=" + s.algorithm,
	}
	if s.limits {
		env = append(env, "YOOZAK_TRUSTED_PROXIES=127.0.0.1")
	} else {
		env = append(env, "YOOZAK_RATE_LIMITS=off") // one address asks for everybody
	}
	if s.algorithm == "HS256" {
		env = append(env, "YOOZAK_JWT_SECRET="+b.secret)
	}
	if s.fastHash {
		env = append(env, "YOOZAK_INSECURE_FAST_HASH=true", "YOOZAK_ARGON2_MEMORY=8", "YOOZAK_ARGON2_TIME=1")
	}
	if s.batch > 0 {
		env = append(env, fmt.Sprintf("YOOZAK_SQLITE_BATCH=%d", s.batch))
	}
	env = append(env, b.options.env...)
	if s.debug {
		if y.debug, err = freeAddr(); err != nil {
			return nil, err
		}
		env = append(env, "YOOZAK_DEBUG_LISTEN="+y.debug)
	}
	y.process, err = command{
		name: b.uniqueName("yoozak"),
		path: b.binary,
		args: []string{"serve"},
		env:  env,
		dir:  b.dir,
		core: s.core,
	}.start()
	return y, err
}

// startYoozak launches the server and waits until it says that it is ready.
func (b *bench) startYoozak(s setting) (*yoozak, error) {
	y, err := b.launch(s)
	if err != nil {
		return nil, err
	}
	ready := []byte("GET /readyz HTTP/1.1\r\nHost: bench.local\r\n\r\n")
	err = y.waitFor(b.ctx, 2*time.Millisecond, func() error { return expect(y.addr, ready, 200) })
	if err != nil {
		y.stop(os.Kill)
		return nil, err
	}
	return y, nil
}

func (y *yoozak) end() { y.stop(syscall.SIGINT) } // SIGTERM would drain first

// expect sends one request on a connection of its own.
func expect(addr string, request []byte, status int) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	answer, err := c.do(request, 10*time.Second)
	if err != nil {
		return err
	}
	if answer.status != status {
		return unexpectedStatus(answer, status)
	}
	return nil
}

// pids are the processes that serve an engine: the server, and PostgreSQL if that is where it keeps its data.
func (b *bench) pids(engine string, p *process) []int {
	if engine == postgres {
		return []int{p.pid(), b.postgres.process.pid()}
	}
	return []int{p.pid()}
}
