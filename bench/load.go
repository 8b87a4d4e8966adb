//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"
)

// load is a closed loop: each connection sends its next request when the last one was answered.
type load struct {
	addr     string // one or several, with commas, between which the connections are shared
	conns    int
	warmup   time.Duration
	duration time.Duration
	next     func() []byte // the bytes of the next request; called from one goroutine
	status   int           // what every answer must be
}

// sample is one measured window.
type sample struct {
	Requests int           `json:"requests"`
	Seconds  float64       `json:"seconds"`
	Rate     float64       `json:"rate"`
	P50      time.Duration `json:"p50_ns"`
	P99      time.Duration `json:"p99_ns"`
	CPU      cpuUse        `json:"cpu"`
}

// stall is how long a load may go without any answer before it is given up.
const stall = time.Minute

// run plays the load and returns what it measured after the warm-up. Any answer but the expected
// one ends it with an error: a rate of refusals is no rate.
//
// It is one thread around epoll rather than a goroutine per connection, which costs the load
// core about half as much per request, so that a bare server stays the slower side.
func (l load) run(ctx context.Context, meter cpuMeter) (sample, error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return sample{}, fmt.Errorf("epoll: %w", err)
	}
	defer func() { _ = syscall.Close(poll) }()

	lanes, addrs := make([]lane, l.conns), strings.Split(l.addr, ",")
	for i := range lanes {
		if err := lanes[i].open(addrs[i%len(addrs)], poll, i); err != nil {
			return sample{}, err
		}
		defer lanes[i].close()
	}
	for i := range lanes {
		if err := lanes[i].send(l.next()); err != nil {
			return sample{}, err
		}
	}

	var (
		begin     = time.Now()
		lastSeen  = begin
		start     time.Time // zero during the warm-up
		before    cpuReading
		latencies histogram
		events    = make([]syscall.EpollEvent, l.conns)
	)
	for {
		n, err := syscall.EpollWait(poll, events, 100)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return sample{}, fmt.Errorf("epoll: %w", err)
		}
		if n <= 0 {
			if err := ctx.Err(); err != nil {
				return sample{}, err
			}
			if time.Since(lastSeen) > stall {
				return sample{}, fmt.Errorf("no answer from %s for %s", l.addr, stall)
			}
			continue
		}
		for _, event := range events[:n] {
			c := &lanes[event.Fd]
			answer, err := c.receive()
			if errors.Is(err, errIncomplete) {
				continue
			}
			if err != nil {
				return sample{}, err
			}
			if answer.status != l.status {
				return sample{}, unexpectedStatus(answer, l.status)
			}
			now := time.Now()
			lastSeen = now
			switch {
			case !start.IsZero():
				latencies.record(now.Sub(c.sent))
				// The window goes from one answer to another, so that a slow operation
				// is not counted with a fraction of an answer cut off at either end.
				if now.Sub(start) >= l.duration {
					return newSample(&latencies, now.Sub(start), meter.since(before)), nil
				}
			case now.Sub(begin) >= l.warmup:
				before = meter.read()
				start = time.Now()
			}
			c.filled = 0
			if err := c.send(l.next()); err != nil {
				return sample{}, err
			}
		}
		if ctx.Err() != nil {
			return sample{}, ctx.Err()
		}
	}
}

func newSample(latencies *histogram, elapsed time.Duration, cpu cpuUse) sample {
	return sample{
		Requests: int(latencies.total),
		Seconds:  elapsed.Seconds(),
		Rate:     float64(latencies.total) / elapsed.Seconds(),
		P50:      latencies.quantile(0.5),
		P99:      latencies.quantile(0.99),
		CPU:      cpu,
	}
}

func unexpectedStatus(answer response, want int) error {
	return fmt.Errorf("answered %d where %d is due: %.200s", answer.status, want, answer.body)
}

// cycle returns the requests one after another, for ever.
func cycle(requests [][]byte) func() []byte {
	i := -1
	return func() []byte {
		i++
		if i == len(requests) {
			i = 0
		}
		return requests[i]
	}
}

// lane is one non-blocking connection of a load. Its zero value is closed.
type lane struct {
	fd     int
	opened bool
	sent   time.Time
	buf    [16 << 10]byte
	filled int
}

func (c *lane) open(addr string, poll, index int) error {
	tcp, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	c.fd, c.opened = fd, true
	peer := &syscall.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(tcp.IP.To4())}
	if err := syscall.Connect(fd, peer); err != nil {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("connect %s: %w", addr, err)
	}
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(index)}
	if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

func (c *lane) close() {
	if c.opened {
		_ = syscall.Close(c.fd)
		c.opened = false
	}
}

// send writes a request, which is far smaller than a socket's buffer: a partial write is an error.
func (c *lane) send(request []byte) error {
	c.sent = time.Now()
	n, err := syscall.Write(c.fd, request)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if n != len(request) {
		return fmt.Errorf("send: %d of %d bytes", n, len(request))
	}
	return nil
}

// receive returns the answer once it is whole, errIncomplete before.
func (c *lane) receive() (response, error) {
	n, err := syscall.Read(c.fd, c.buf[c.filled:])
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return response{}, errIncomplete
	}
	if err != nil {
		return response{}, fmt.Errorf("receive: %w", err)
	}
	if n == 0 {
		return response{}, fmt.Errorf("connection closed after %d bytes of an answer", c.filled)
	}
	c.filled += n
	answer, err := parseResponse(c.buf[:c.filled])
	if err != nil {
		if errors.Is(err, errIncomplete) && c.filled == len(c.buf) {
			return response{}, fmt.Errorf("answer larger than %d bytes", len(c.buf))
		}
		return response{}, err
	}
	if answer.size != c.filled {
		return response{}, fmt.Errorf("%d bytes after the end of an answer", c.filled-answer.size)
	}
	return answer, nil
}
