//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	guessers       = 32     // connections
	guessAddresses = 10_000 // that they come from
	ownLogins      = 20     // of the customer, one a second
)

// guess: a customer works, and logs in on a device that has done so before, while 64 clients log in without pause
// and guesses at the customer's password come from 10,000 addresses without pause. Then the same without limits.
func (b *bench) guess() error {
	for _, engine := range b.options.engines {
		p, err := b.populate(engine, "ES256")
		if err != nil {
			return err
		}
		for _, limits := range []bool{true, false} {
			if err := b.guessOn(engine, p, limits); err != nil {
				return fmt.Errorf("%s, limits %v: %w", engine, limits, err)
			}
		}
	}
	return nil
}

func (b *bench) guessOn(engine string, p *population, limits bool) error {
	y, err := b.startYoozak(setting{database: p.database, algorithm: "ES256", core: b.options.serverCore, limits: limits})
	if err != nil {
		return err
	}
	defer y.end()
	name := fmt.Sprintf("victim-%v", limits)
	own, err := dial(y.addr)
	if err != nil {
		return err
	}
	defer own.close()
	registered, err := own.do(registration(name), 30*time.Second)
	if err != nil || registered.status != 201 {
		return errors.Join(err, fmt.Errorf("register answered %d", registered.status))
	}
	device := headerOf(registered, "X-Device-Token")
	if (device != "") != limits {
		return fmt.Errorf("limits are %v, the device token is %q", limits, device)
	}

	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	var floods, guesses tally
	for i, c := range p.shoppers {
		request := login(c.username, password, fmt.Sprintf("198.51.100.%d", i), "")
		floods.repeat(ctx, y.addr, func() []byte { return request })
	}
	for g := range guessers {
		i := g
		guesses.repeat(ctx, y.addr, func() []byte {
			i += guessers
			n := i % guessAddresses
			return login(name, fmt.Sprintf("guess-%d", i), fmt.Sprintf("10.1.%d.%d", n>>8, n&255), "")
		})
	}
	time.Sleep(b.options.settle)
	floods.reset()
	guesses.reset()

	var me sample
	var failed error
	var wait sync.WaitGroup
	wait.Go(func() {
		meter := cpuMeter{core: b.options.serverCore, pids: b.pids(engine, y.process)}
		me, failed = paced(b.ctx, y.addr, p.meRequests(), ownLogins*time.Second, meter)
	})
	var latencies histogram
	in := 0
	for start, i := time.Now(), 0; i < ownLogins && b.ctx.Err() == nil; i++ {
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second)))
		began := time.Now()
		answer, err := own.do(login(name, password, "203.0.113.7", device), time.Minute)
		if err != nil {
			return y.explain(err)
		}
		latencies.record(time.Since(began))
		if answer.status == 200 {
			in++
		}
	}
	wait.Wait()
	cancel()
	floodText, guessText := floods.end(), guesses.end()
	if err := errors.Join(failed, floods.failure, guesses.failure); err != nil {
		return y.explain(err)
	}
	_, peak, err := memoryOf(y.pid())
	if err != nil {
		return err
	}
	which := "with limits"
	if !limits {
		which = "without limits"
	}
	b.add(result{
		Operation: "p99 of a customer's login while others guess, " + which, Engine: engine, Algorithm: "ES256", Unit: "ms",
		Figure: spreadOf([]float64{latencies.quantile(0.99).Seconds() * 1000}),
		Absolute: fmt.Sprintf("%d of %d logins succeed, p50 %s; GET me p50 %s, p99 %s; flood: %s; guesses: %s; peak memory %.0f MiB", in, ownLogins,
			milliseconds(float64(latencies.quantile(0.5))), milliseconds(float64(me.P50)), milliseconds(float64(me.P99)), floodText, guessText, peak),
	})
	return nil
}

// login is a login from an address, with a device token or without.
func login(name, plain, address, device string) []byte {
	header := "X-Forwarded-For: " + address + "\r\n"
	if device != "" {
		header += "X-Device-Token: " + device + "\r\n"
	}
	request := postRequest(loginPath, fmt.Appendf(nil, `{"username":%q,"password":%q}`, name, plain))
	return bytes.Replace(request, []byte("\r\n"), []byte("\r\n"+header), 1)
}

func headerOf(answer response, name string) string {
	for line := range strings.Lines(string(answer.header)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// tally counts the answers to clients that repeat their requests.
type tally struct {
	wait    sync.WaitGroup
	mu      sync.Mutex
	began   time.Time
	counts  map[int]int
	failure error
}

func (t *tally) repeat(ctx context.Context, addr string, next func() []byte) {
	t.wait.Go(func() {
		c, err := dial(addr)
		if err != nil {
			t.note(0, err)
			return
		}
		defer c.close()
		for ctx.Err() == nil {
			answer, err := c.do(next(), time.Minute)
			if t.note(answer.status, err); err != nil {
				return
			}
		}
	})
}

func (t *tally) note(status int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
		t.failure = errors.Join(t.failure, err)
	case status == 200 || status == 401 || status == 429 || status == 503:
		if t.counts != nil {
			t.counts[status]++
		}
	default:
		t.failure = errors.Join(t.failure, fmt.Errorf("a login answered %d", status))
	}
}

// reset begins to count.
func (t *tally) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.began, t.counts = time.Now(), map[int]int{}
}

// end waits for the last answers and says what they were.
func (t *tally) end() string {
	seconds := time.Since(t.began).Seconds()
	t.wait.Wait()
	var parts []string
	for _, status := range []int{200, 401, 429, 503} {
		if n := t.counts[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%.1f/s %d", float64(n)/seconds, status))
		}
	}
	return strings.Join(parts, ", ")
}
