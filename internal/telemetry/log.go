// Package telemetry is how the person who runs the server sees it: logs and
// Prometheus metrics. Flows know nothing of it.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// NewLog writes to standard error: text on a terminal, else JSON, unless
// format says which. The returned function writes out what is buffered.
func NewLog(level, format string) (*slog.Logger, func()) {
	if format == "auto" && term.IsTerminal(int(os.Stderr.Fd())) {
		format = "text"
	}
	return newLog(os.Stderr, level, format)
}

func newLog(out io.Writer, level, format string) (*slog.Logger, func()) {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // config checked it; info otherwise
	w := newFlusher(out)
	o := &slog.HandlerOptions{Level: l}
	var h slog.Handler = slog.NewJSONHandler(w, o)
	if format == "text" {
		h = slog.NewTextHandler(w, o)
	}
	return slog.New(urgent{h, w}), w.flush
}

// urgent writes errors out at once, with what came before them: a panic is
// logged as one, and may be the last that the process does.
type urgent struct {
	slog.Handler
	w *flusher
}

// Handle is slog.Handler's.
func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelError {
		u.w.write()
	}
	return err
}

// WithAttrs is slog.Handler's.
func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.w}
}

// WithGroup is slog.Handler's.
func (u urgent) WithGroup(name string) slog.Handler { return urgent{u.Handler.WithGroup(name), u.w} }

// flusher buffers a log for at most flushEvery: one system call for each
// request would cost as much as the request's database query. What a killed
// process loses is the last tenth of a second of its log, but for errors.
type flusher struct {
	mu    sync.Mutex
	out   io.Writer
	buf   []byte
	armed bool
}

const (
	flushEvery = 100 * time.Millisecond
	flushSize  = 32 << 10
)

func newFlusher(out io.Writer) *flusher { return &flusher{out: out} }

// Write never fails: there is nobody to tell that the log is full.
func (f *flusher) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf = append(f.buf, line...)
	switch {
	case len(f.buf) >= flushSize:
		f.writeOut()
	case !f.armed:
		f.armed = true
		time.AfterFunc(flushEvery, f.flush)
	}
	return len(line), nil
}

func (f *flusher) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	f.writeOut()
}

// write writes out what there is, and leaves the timer to what comes next.
func (f *flusher) write() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writeOut()
}

func (f *flusher) writeOut() {
	_, _ = f.out.Write(f.buf)
	f.buf = f.buf[:0]
}
