//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// counting is three servers on one PostgreSQL that count requests in the same place.
type counting struct {
	place string
	addrs []string
	pids  []int
}

// limits: refresh and login on three servers with one PostgreSQL, in turns with limits off, in PostgreSQL and in
// Redis. Requests come from a thousand networks.
func (b *bench) limits() error {
	p, err := b.populate(postgres, "ES256")
	if err != nil {
		return err
	}
	redisAddr, redis, err := b.startRedis()
	if err != nil {
		return err
	}
	defer redis.stop(os.Interrupt)
	var places []counting
	for _, place := range []string{"off", "PostgreSQL", "Redis"} {
		c := counting{place: place, pids: []int{b.postgres.process.pid()}}
		s := setting{database: p.database, algorithm: "ES256", core: b.options.serverCore, limits: place != "off"}
		if place == "Redis" {
			s.env = []string{"YOOZAK_REDIS_URL=redis://" + redisAddr}
			c.pids = append(c.pids, redis.pid())
		}
		for range 3 {
			y, err := b.startYoozak(s)
			if err != nil {
				return err
			}
			defer y.end()
			c.addrs, c.pids = append(c.addrs, y.addr), append(c.pids, y.pid())
		}
		places = append(places, c)
	}
	for _, op := range []struct {
		name     string
		requests [][]byte
		conns    int
	}{{"refresh", p.refreshRequests(), b.options.conns}, {"login", p.loginRequests(), 8}} {
		measured := map[string][]sample{}
		next := cycle(fromNetworks(op.requests))
		for range b.options.rounds {
			for _, c := range places {
				s, err := b.play(side{name: op.name + ", limits " + c.place, addr: strings.Join(c.addrs, ","), pids: c.pids, conns: op.conns, next: next, status: 200}, b.options.window)
				if err != nil {
					return err
				}
				measured[c.place] = append(measured[c.place], s)
			}
		}
		off := measured["off"]
		for _, c := range places[1:] {
			r := ratioResult(op.name+", limits in "+c.place+" to off", postgres, "ES256", off, measured[c.place])
			r.Absolute += fmt.Sprintf(" of %s; p50 %s of %s", milliseconds(medianOf(off, p99)), milliseconds(medianOf(measured[c.place], p50)), milliseconds(medianOf(off, p50)))
			b.add(r)
		}
	}
	return nil
}

func p50(s sample) float64 { return float64(s.P50) }
func p99(s sample) float64 { return float64(s.P99) }

// fromNetworks has each request come from one of a thousand networks, by way of a proxy.
func fromNetworks(requests [][]byte) [][]byte {
	from := make([][]byte, len(requests))
	for i, r := range requests {
		from[i] = bytes.Replace(r, []byte("\r\n"), fmt.Appendf(nil, "\r\nX-Forwarded-For: 10.2.%d.%d\r\n", i%1000>>8, i%1000&255), 1)
	}
	return from
}

// startRedis starts a Redis on the server's core.
func (b *bench) startRedis() (string, *process, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return "", nil, errors.New("no Redis: apt-get install redis-server")
	}
	addr, err := freeAddr()
	if err != nil {
		return "", nil, err
	}
	host, port, _ := strings.Cut(addr, ":")
	r, err := command{
		name: b.uniqueName("redis"), path: path, dir: b.dir, core: b.options.serverCore,
		args: []string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no"},
	}.start()
	if err != nil {
		return "", nil, err
	}
	err = r.waitFor(b.ctx, 0, func() error {
		c, err := dial(addr)
		if err == nil {
			c.close()
		}
		return err
	})
	return addr, r, err
}
