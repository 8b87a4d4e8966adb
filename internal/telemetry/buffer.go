package telemetry

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Log is a log that nobody waits for. Whoever reads standard error (a pipe to
// a collector, a terminal with Ctrl-S) may stop to read; then a write to it
// waits, for ever, and with it every request, because each has a line. So
// lines go into a buffer, which a goroutine writes at once while the reader
// reads. What a full buffer has no room for is dropped and counted, and the
// log says how much it was as soon as it can. An error alone is written when
// Error returns, for the process may crash next: while the reader reads, and
// else after a moment, which is waited for once.
type Log struct {
	*slog.Logger
	out     io.Writer
	direct  *slog.Logger // to out
	mu      sync.Mutex
	lines   []byte          // not written yet
	waiters []chan struct{} // closed when they are
	stalled bool            // the reader kept an error waiting, and has read nothing since
	wake    chan struct{}   // there are some
	stop    chan struct{}
	stopped chan struct{}
	dropped atomic.Uint64
}

// bufferSize is about five thousand requests.
const bufferSize = 1 << 20

// errorPatience is how long an error waits for the reader.
const errorPatience = 100 * time.Millisecond

// keptBuffer is how much of the memory is kept when the buffer is empty again.
const keptBuffer = 64 << 10

// stopPatience is how long [Log.Stop] waits for the reader.
const stopPatience = 2 * time.Second

// NewServerLog is [NewLog] for a server. It has to be stopped.
func NewServerLog(level, format string) *Log {
	return newLog(os.Stderr, func(w io.Writer) slog.Handler { return newHandler(w, level, format) })
}

func newLog(out io.Writer, handler func(io.Writer) slog.Handler) *Log {
	l := &Log{out: out, direct: slog.New(handler(out)), wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{})}
	l.Logger = slog.New(errorsAtOnce{handler(l), l})
	go l.run()
	return l
}

// Write takes whole lines, or drops them. It never waits for the reader.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	if len(l.lines)+len(line) > bufferSize {
		l.dropped.Add(1)
	} else {
		l.lines = append(l.lines, line...)
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return len(line), nil
}

// errorsAtOnce is a handler whose errors are written out before it returns.
type errorsAtOnce struct {
	slog.Handler
	log *Log
}

func (h errorsAtOnce) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelError {
		h.log.flush()
	}
	return err
}

func (h errorsAtOnce) WithAttrs(attrs []slog.Attr) slog.Handler {
	return errorsAtOnce{h.Handler.WithAttrs(attrs), h.log}
}

func (h errorsAtOnce) WithGroup(name string) slog.Handler {
	return errorsAtOnce{h.Handler.WithGroup(name), h.log}
}

// flush waits until the lines so far are written, while the reader reads.
func (l *Log) flush() {
	written := make(chan struct{})
	l.mu.Lock()
	if l.stalled {
		l.mu.Unlock()
		return
	}
	l.waiters = append(l.waiters, written)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	select {
	case <-written:
	case <-l.stopped:
	case <-time.After(errorPatience):
		l.mu.Lock()
		l.stalled = true
		l.mu.Unlock()
	}
}

// Dropped is how many lines were dropped.
func (l *Log) Dropped() uint64 { return l.dropped.Load() }

// Stop writes what is left, if the reader takes it within two seconds. Lines
// that come later are lost.
func (l *Log) Stop() {
	close(l.stop)
	select {
	case <-l.stopped:
	case <-time.After(stopPatience):
	}
}

func (l *Log) run() {
	defer close(l.stopped)
	var spare []byte
	var told uint64
	for {
		ending := false
		select {
		case <-l.wake:
		case <-l.stop:
			ending = true
		}
		l.mu.Lock()
		lines, waiters, dropped := l.lines, l.waiters, l.dropped.Load()
		l.lines, l.waiters = spare[:0], nil
		l.mu.Unlock()
		if len(lines) > 0 {
			_, _ = l.out.Write(lines) // nobody is left to tell
			l.mu.Lock()
			l.stalled = false
			l.mu.Unlock()
		}
		for _, written := range waiters {
			close(written)
		}
		if dropped > told {
			l.direct.Warn("log lines were dropped here: whoever reads the log had stopped to read", "lines", dropped-told)
			told = dropped
		}
		if spare = lines; cap(spare) > keptBuffer {
			spare = nil
		}
		if ending {
			return
		}
	}
}
