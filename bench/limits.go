//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// limits: refresh and login on three servers with one PostgreSQL, without limits and with those that they share, in
// turns. Requests come from a thousand networks.
func (b *bench) limits() error {
	p, err := b.populate(postgres, "ES256")
	if err != nil {
		return err
	}
	off, on := side{name: "limits off", status: 200}, side{name: "limits on", status: 200}
	var servers []*yoozak
	for _, s := range []*side{&off, &on} {
		s.pids = []int{b.postgres.process.pid()}
		for range 3 {
			y, err := b.startYoozak(setting{database: p.database, algorithm: "ES256", core: b.options.serverCore, limits: s == &on})
			if err != nil {
				return err
			}
			defer y.end()
			if s == &on {
				servers = append(servers, y)
			}
			s.pids = append(s.pids, y.pid())
			s.addr = strings.TrimPrefix(s.addr+","+y.addr, ",")
		}
	}
	for _, op := range []struct {
		name     string
		requests [][]byte
		conns    int
	}{{"refresh", p.refreshRequests(), b.options.conns}, {"login", p.loginRequests(), 8}} {
		next := cycle(fromNetworks(op.requests))
		off.next, on.next, off.conns, on.conns = next, next, op.conns, op.conns
		without, with, err := b.inTurns(
			func() (sample, error) { return b.play(off, b.options.window) },
			func() (sample, error) { return b.play(on, b.options.window) },
		)
		if err != nil {
			return err
		}
		unshared, err := alone(servers)
		if err != nil {
			return err
		}
		r := ratioResult(op.name+" on three servers, with limits to without", postgres, "ES256", without, with)
		p50 := func(s sample) float64 { return float64(s.P50) }
		p99 := func(s sample) float64 { return float64(s.P99) }
		r.Absolute += fmt.Sprintf(" of %s; p50 %s of %s; by now %d servers did not share for a while", milliseconds(medianOf(without, p99)), milliseconds(medianOf(with, p50)), milliseconds(medianOf(without, p50)), unshared)
		b.add(r)
	}
	return nil
}

// alone is how many servers counted for themselves for a while, which is quicker, because PostgreSQL did not answer in
// time.
func alone(servers []*yoozak) (n int, err error) {
	for _, y := range servers {
		text, err := os.ReadFile(y.logFile)
		if err != nil {
			return 0, err
		}
		if bytes.Contains(text, []byte("cannot be shared")) {
			n++
		}
	}
	return n, nil
}

// fromNetworks has each request come from one of a thousand networks, by way of a proxy.
func fromNetworks(requests [][]byte) [][]byte {
	from := make([][]byte, len(requests))
	for i, r := range requests {
		from[i] = bytes.Replace(r, []byte("\r\n"), fmt.Appendf(nil, "\r\nX-Forwarded-For: 10.2.%d.%d\r\n", i%1000>>8, i%1000&255), 1)
	}
	return from
}
