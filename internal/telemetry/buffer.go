package telemetry

import (
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
// log says how much it was as soon as it can.
type Log struct {
	*slog.Logger
	out     io.Writer
	direct  *slog.Logger // to out
	mu      sync.Mutex
	lines   []byte        // not written yet
	wake    chan struct{} // there are some
	stop    chan struct{}
	stopped chan struct{}
	dropped atomic.Uint64
}

// bufferSize is about five thousand requests.
const bufferSize = 1 << 20

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
	l.Logger = slog.New(handler(l))
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
		lines, dropped := l.lines, l.dropped.Load()
		l.lines = spare[:0]
		l.mu.Unlock()
		if len(lines) > 0 {
			_, _ = l.out.Write(lines) // nobody is left to tell
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
