//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// me: GET me, cycling through all users.
func (b *bench) me() error {
	return b.eachSetting(func(engine, algorithm string) error {
		return b.againstBare("me", http.MethodGet, mePath, engine, algorithm, (*population).meRequests)
	})
}

// refresh: POST refresh, cycling through all sessions, without rotation.
func (b *bench) refresh() error {
	return b.eachSetting(func(engine, algorithm string) error {
		return b.againstBare("refresh", http.MethodPost, refreshPath, engine, algorithm, (*population).refreshRequests)
	})
}

func (b *bench) eachSetting(play func(engine, algorithm string) error) error {
	for _, engine := range b.options.engines {
		for _, algorithm := range b.options.algorithms {
			if err := play(engine, algorithm); err != nil {
				return fmt.Errorf("%s, %s: %w", engine, algorithm, err)
			}
		}
	}
	return nil
}

// againstBare holds the server against a net/http server that answers the same bytes to the same requests.
func (b *bench) againstBare(op, method, path, engine, algorithm string, requestsOf func(*population) [][]byte) error {
	p, err := b.populate(engine, algorithm)
	if err != nil {
		return err
	}
	y, err := b.startYoozak(setting{database: p.database, algorithm: algorithm, core: b.options.serverCore, debug: true})
	if err != nil {
		return err
	}
	defer y.end()
	if op == "me" {
		if err := p.proveMe(y.addr); err != nil {
			return err
		}
	}
	requests := requestsOf(p)
	answer, size, err := copyAnswer(y.addr, method, path, requests[0])
	if err != nil {
		return err
	}
	bareAddr, bare, err := b.startBare(answer)
	if err != nil {
		return err
	}
	defer bare.stop(os.Kill)
	if _, bareSize, err := copyAnswer(bareAddr, method, path, requests[0]); err != nil || bareSize != size {
		return fmt.Errorf("bare server answers %d bytes, yoozak %d (%w)", bareSize, size, err)
	}

	name := op + "-" + strings.ToLower(algorithm) + "-" + engine
	baseline := side{name: "bare", addr: bareAddr, pids: []int{bare.pid()}, conns: b.options.conns, next: cycle(requests), status: 200}
	server := side{name: name, addr: y.addr, pids: b.pids(engine, y.process), conns: b.options.conns, next: cycle(requests), status: 200}
	bareRounds, rounds, err := b.inTurns(
		func() (sample, error) { return b.play(baseline, b.options.window) },
		func() (sample, error) { return b.play(server, b.options.window) },
	)
	if err != nil {
		return y.explain(err)
	}
	b.add(ratioResult(op, engine, algorithm, bareRounds, rounds))
	return b.profile(name, y, func(window time.Duration) error {
		_, err := b.play(server, window)
		return err
	})
}

// copyAnswer takes an answer as the bare server shall give it, and its size on the wire.
func copyAnswer(addr, method, path string, request []byte) (bareAnswer, int, error) {
	c, err := dial(addr)
	if err != nil {
		return bareAnswer{}, 0, err
	}
	defer c.close()
	answer, err := c.do(request, 10*time.Second)
	if err != nil {
		return bareAnswer{}, 0, err
	}
	if answer.status != 200 {
		return bareAnswer{}, 0, unexpectedStatus(answer, 200)
	}
	header := map[string][]string{}
	for line := range bytes.SplitSeq(bytes.TrimSpace(answer.header), []byte("\r\n")) {
		name, value, isField := strings.Cut(string(line), ":")
		// net/http adds these two by itself.
		if isField && !strings.EqualFold(name, "Date") && !strings.EqualFold(name, "Content-Length") {
			header[name] = append(header[name], strings.TrimSpace(value))
		}
	}
	return bareAnswer{Method: method, Path: path, Status: answer.status, Header: header, Body: bytes.Clone(answer.body)}, answer.size, nil
}

// login: real parameters, enough clients to keep the server's hash slots busy, against the bare hash.
func (b *bench) login() error {
	const clients = 8
	for _, engine := range b.options.engines {
		p, err := b.populate(engine, "ES256")
		if err != nil {
			return err
		}
		err = func() error {
			y, err := b.startYoozak(setting{database: p.database, algorithm: "ES256", core: b.options.serverCore, debug: true})
			if err != nil {
				return err
			}
			defer y.end()
			server := side{name: "login-" + engine, addr: y.addr, pids: b.pids(engine, y.process), conns: clients, next: cycle(p.loginRequests()), status: 200}
			bareRounds, rounds, err := b.inTurns(
				func() (sample, error) { return b.bareHashes(b.options.window) },
				func() (sample, error) { return b.play(server, b.options.window) },
			)
			if err != nil {
				return y.explain(err)
			}
			b.add(ratioResult("login", engine, "ES256", bareRounds, rounds))
			return b.profile("login-"+engine, y, func(window time.Duration) error {
				_, err := b.play(server, window)
				return err
			})
		}()
		if err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return nil
}

// register: storage alone. Two servers on SQLite files of their own, hashing turned down, one with a commit for each
// row. They run on any core, as only the relation of the two is asked for.
func (b *bench) register() error {
	const clients = 64
	var servers [2]*yoozak
	for i, batch := range []int{1, 0} {
		database, err := b.newDatabase(sqlite, fmt.Sprintf("register-%d", batch))
		if err != nil {
			return err
		}
		servers[i], err = b.startYoozak(setting{database: database, algorithm: "HS256", core: -1, fastHash: true, batch: batch, debug: true})
		if err != nil {
			return err
		}
		defer servers[i].end()
	}
	var serial atomic.Int64
	next := func() []byte { return registration(fmt.Sprintf("acheteur-%08d", serial.Add(1))) }
	sideOf := func(name string, y *yoozak) side {
		return side{name: name, addr: y.addr, pids: []int{y.pid()}, conns: clients, next: next, status: 201}
	}
	single, batched := sideOf("register, commit per row", servers[0]), sideOf("register", servers[1])
	bareRounds, rounds, err := b.inTurns(
		func() (sample, error) { return b.play(single, b.options.window) },
		func() (sample, error) { return b.play(batched, b.options.window) },
	)
	if err != nil {
		return err
	}
	r := ratioResult("register", sqlite, "HS256", bareRounds, rounds)
	r.PerCPU = nil // it is about waiting for the disk, not about the processor
	b.add(r)
	err = b.profile("register-sqlite", servers[1], func(window time.Duration) error {
		_, err := b.play(batched, window)
		return err
	})
	if err != nil {
		return err
	}
	return b.profile("register-single-sqlite", servers[0], func(window time.Duration) error {
		_, err := b.play(single, window)
		return err
	})
}

// self holds the bare server against a second one: what it shows besides 1 is the harness' own error.
func (b *bench) self() error {
	answer := bareAnswer{
		Method: http.MethodGet,
		Path:   mePath,
		Status: 200,
		Header: map[string][]string{"Content-Type": {"application/json"}, "Vary": {"Accept-Language, Origin"}},
		Body:   []byte(`{"id":1,"username":"client-00001","email":"client-00001@example.com","first_name":"Amina","last_name":"El Idrissi"}`),
	}
	requests := [][]byte{getRequest(mePath, strings.Repeat("x", 400))}
	var sides [2]side
	for i, name := range []string{"bare", "bare too"} {
		addr, p, err := b.startBare(answer)
		if err != nil {
			return err
		}
		defer p.stop(os.Kill)
		sides[i] = side{name: name, addr: addr, pids: []int{p.pid()}, conns: b.options.conns, next: cycle(requests), status: 200}
	}
	bareRounds, rounds, err := b.inTurns(
		func() (sample, error) { return b.play(sides[0], b.options.window) },
		func() (sample, error) { return b.play(sides[1], b.options.window) },
	)
	if err != nil {
		return err
	}
	b.add(ratioResult("self", "none", "", bareRounds, rounds))
	return nil
}
