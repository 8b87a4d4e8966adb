//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	pacedRate  = 100 // requests a second
	pacedConns = 32
)

// flood: GET me at a fixed rate while many clients log in without pause. The latency counts from the moment
// when a request was due, not when it could be sent: a server that stalls does not get fewer requests to be slow at.
// The server's memory in this is measured too.
func (b *bench) flood() error {
	for _, engine := range b.options.engines {
		p, err := b.populate(engine, "ES256")
		if err != nil {
			return err
		}
		if err := b.floodOn(engine, p); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return nil
}

func (b *bench) floodOn(engine string, p *population) error {
	y, err := b.startYoozak(setting{database: p.database, algorithm: "ES256", core: b.options.serverCore, debug: b.options.profiles != ""})
	if err != nil {
		return err
	}
	defer y.end()
	window := b.options.paced
	meter := cpuMeter{core: b.options.serverCore, pids: b.pids(engine, y.process)}
	calm, err := paced(b.ctx, y.addr, p.meRequests(), window, meter)
	if err != nil {
		return y.explain(err)
	}

	var rounds []sample
	var logins, refused int
	var seconds float64
	for range b.options.rounds {
		f := startFlood(b.ctx, y.addr, p.loginRequests())
		time.Sleep(b.options.settle) // until the queue of logins is what it will be
		s, err := paced(b.ctx, y.addr, p.meRequests(), window, meter)
		if err := errors.Join(err, f.end()); err != nil {
			return y.explain(err)
		}
		b.log.Info("measured", "side", "flood-"+engine, "p50", s.P50, "p99", s.P99, "logins", f.accepted, "refused", f.refused,
			"server", percent(s.CPU.Server), "core", percent(s.CPU.Core))
		rounds = append(rounds, s)
		logins, refused, seconds = logins+f.accepted, refused+f.refused, seconds+f.elapsed.Seconds()
	}
	_, peak, err := memoryOf(y.pid())
	if err != nil {
		return err
	}
	note := fmt.Sprintf("p50 %s; %.0f logins/s and %.1f/s refused with 503; without the flood p99 %s", milliseconds(medianOf(rounds, func(s sample) float64 { return float64(s.P50) })),
		float64(logins)/seconds, float64(refused)/seconds, milliseconds(float64(calm.P99)))
	b.add(result{
		Operation: "p99 of GET me in a login flood", Engine: engine, Algorithm: "ES256", Unit: "ms",
		Figure:   spreadOf(perRound(rounds, func(s sample) float64 { return s.P99.Seconds() * 1000 })),
		Measured: rounds, Absolute: note, Mark: markOf("flood", engine, "ES256"),
	})
	b.add(result{
		Operation: "memory in a login flood, peak", Engine: engine, Algorithm: "ES256", Unit: "MiB",
		Figure: spreadOf([]float64{peak}), Absolute: "VmHWM after all rounds", Mark: markOf("flood-memory", engine, "ES256"),
	})
	return b.profile("flood-"+engine, y, func(window time.Duration) error {
		f := startFlood(b.ctx, y.addr, p.loginRequests())
		_, err := paced(b.ctx, y.addr, p.meRequests(), window, meter)
		return errors.Join(err, f.end())
	})
}

// paced sends requests on a fixed schedule, whatever happens to those before.
func paced(ctx context.Context, addr string, requests [][]byte, window time.Duration, meter cpuMeter) (sample, error) {
	conns := make([]*conn, pacedConns)
	for i := range conns {
		c, err := dial(addr)
		if err != nil {
			return sample{}, err
		}
		defer c.close()
		conns[i] = c
	}
	count := int(window.Seconds() * pacedRate)
	before, start := meter.read(), time.Now().Add(10*time.Millisecond)
	latencies := make([]histogram, pacedConns)
	failures := make([]error, pacedConns)
	var wait sync.WaitGroup
	for worker, c := range conns {
		wait.Go(func() {
			for i := worker; i < count && ctx.Err() == nil; i += pacedConns {
				due := start.Add(time.Duration(i) * time.Second / pacedRate)
				time.Sleep(time.Until(due))
				answer, err := c.do(requests[i%len(requests)], stall)
				if err == nil && answer.status != 200 {
					err = unexpectedStatus(answer, 200)
				}
				if err != nil {
					failures[worker] = fmt.Errorf("paced: %w", err)
					return
				}
				latencies[worker].record(time.Since(due))
			}
		})
	}
	wait.Wait()
	if err := errors.Join(append(failures, ctx.Err())...); err != nil {
		return sample{}, err
	}
	var all histogram
	for i := range latencies {
		all.merge(&latencies[i])
	}
	return newSample(&all, time.Since(start), meter.since(before)), nil
}

// flooding is a client for each request, which repeats it without pause.
type flooding struct {
	cancel            context.CancelFunc
	wait              sync.WaitGroup
	mu                sync.Mutex
	accepted, refused int
	failure           error
	started           time.Time
	elapsed           time.Duration
}

func startFlood(ctx context.Context, addr string, requests [][]byte) *flooding {
	ctx, cancel := context.WithCancel(ctx)
	f := &flooding{cancel: cancel, started: time.Now()}
	for _, request := range requests {
		f.wait.Go(func() {
			c, err := dial(addr)
			if err != nil {
				f.note(0, err)
				return
			}
			defer c.close()
			for ctx.Err() == nil {
				answer, err := c.do(request, time.Minute)
				f.note(answer.status, err)
				if err != nil {
					return
				}
			}
		})
	}
	return f
}

func (f *flooding) note(status int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		f.failure = errors.Join(f.failure, fmt.Errorf("flood: %w", err))
	case status == 200:
		f.accepted++
	case status == 503: // the queue's deadline, which the product promises
		f.refused++
	default:
		f.failure = errors.Join(f.failure, fmt.Errorf("flood: a login answered %d", status))
	}
}

// end lets the logins under way finish, and returns what went wrong in any.
func (f *flooding) end() error {
	f.cancel()
	f.wait.Wait()
	f.elapsed = time.Since(f.started)
	if f.accepted == 0 && f.failure == nil {
		return errors.New("flood: no login succeeded")
	}
	return f.failure
}

// memory: a server that has answered once and then had nothing to do. In the flood it is measured by flood.
func (b *bench) memory() error {
	for _, engine := range b.options.engines {
		p, err := b.populate(engine, "ES256")
		if err != nil {
			return err
		}
		var values []float64
		for range 3 {
			y, err := b.startYoozak(setting{database: p.database, algorithm: "ES256", core: b.options.serverCore})
			if err != nil {
				return err
			}
			err = expect(y.addr, p.meRequests()[0], 200)
			time.Sleep(b.options.settle)
			now, _, memoryErr := memoryOf(y.pid())
			y.end()
			if err := errors.Join(err, memoryErr); err != nil {
				return err
			}
			values = append(values, now)
		}
		b.add(result{
			Operation: "memory idle", Engine: engine, Algorithm: "ES256", Unit: "MiB",
			Figure: spreadOf(values), Absolute: fmt.Sprintf("VmRSS %s after the first answer", b.options.settle), Mark: markOf("memory", engine, "ES256"),
		})
	}
	return nil
}

// start: from the creation of the process to the first GET me answered, on a database with users in it.
func (b *bench) start() error {
	const starts = 10
	for _, engine := range b.options.engines {
		p, err := b.populate(engine, "ES256")
		if err != nil {
			return err
		}
		request := p.meRequests()[0]
		var values []float64
		for range starts {
			began := time.Now()
			y, err := b.launch(setting{database: p.database, algorithm: "ES256", core: b.options.serverCore})
			if err != nil {
				return err
			}
			err = y.waitFor(b.ctx, 200*time.Microsecond, func() error { return expect(y.addr, request, 200) })
			took := time.Since(began)
			y.end()
			if err != nil {
				return err
			}
			values = append(values, took.Seconds()*1000)
		}
		b.add(result{
			Operation: "start to first answer", Engine: engine, Algorithm: "ES256", Unit: "ms",
			Figure: spreadOf(values), Absolute: fmt.Sprintf("%d starts, %d users", starts, len(p.clients)+len(p.shoppers)), Mark: markOf("start", engine, "ES256"),
		})
	}
	return nil
}

func medianOf(rounds []sample, pick func(sample) float64) float64 {
	return spreadOf(slices.Clone(perRound(rounds, pick))).Median
}

func milliseconds(ns float64) string { return fmt.Sprintf("%.1f ms", ns/1e6) }
