package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/yoozaktest"
)

func jsonTo(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) }

// TestLogKeepsEveryLineInItsOrder while its reader reads, from many at once.
func TestLogKeepsEveryLineInItsOrder(t *testing.T) {
	t.Parallel()
	out := new(yoozaktest.Buffer)
	l := newLog(out, jsonTo)
	const writers, lines = 8, 2000
	var all sync.WaitGroup
	for writer := range writers {
		all.Go(func() {
			for n := range lines {
				l.Info("line", "writer", writer, "n", n)
			}
		})
	}
	all.Wait()
	l.Stop()
	next := map[string]int{}
	for line := range strings.Lines(out.String()) {
		var writer, n int
		_, after, _ := strings.Cut(line, `"msg":"line",`)
		if _, err := fmt.Sscanf(after, `"writer":%d,"n":%d}`, &writer, &n); err != nil {
			t.Fatalf("a line that nobody wrote: %s", line)
		}
		key := fmt.Sprint(writer)
		if n != next[key] {
			t.Fatalf("writer %d: line %d where %d was to come", writer, n, next[key])
		}
		next[key]++
	}
	for writer := range writers {
		if n := next[fmt.Sprint(writer)]; n != lines {
			t.Errorf("writer %d: %d of %d lines", writer, n, lines)
		}
	}
	if l.Dropped() != 0 {
		t.Errorf("%d lines were dropped", l.Dropped())
	}
}

// TestLogDropsWhatNobodyReads, says how much and where, and stops in time.
func TestLogDropsWhatNobodyReads(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close() //nolint:errcheck // a test
	l := newLog(write, jsonTo)
	line := strings.Repeat("x", 1000)
	written := 0
	for l.Dropped() < 10 {
		l.Info("line", "text", line)
		written++
	}
	dropped := int(l.Dropped())
	began := time.Now()
	l.Stop()
	if took := time.Since(began); took < stopPatience || took > 10*stopPatience {
		t.Errorf("it stopped after %v, want %v", took, stopPatience)
	}
	text := make(chan string)
	go func() {
		data, _ := io.ReadAll(read)
		text <- string(data)
	}()
	<-l.stopped
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	got := <-text
	gap := strings.Index(got, `"msg":"log lines were dropped here`)
	if gap < 0 || !strings.Contains(got[gap:], fmt.Sprintf(`"lines":%d}`, dropped)) {
		t.Fatalf("the log does not say that %d lines are missing", dropped)
	}
	if n := strings.Count(got, line); n != written-dropped {
		t.Errorf("%d of %d lines that were not dropped", n, written-dropped)
	}
}

// TestErrorsAreWrittenAtOnce: a process that crashes after an error leaves it in
// the log; a reader that has stopped keeps one of them waiting, and for a moment.
func TestErrorsAreWrittenAtOnce(t *testing.T) {
	t.Parallel()
	out := new(yoozaktest.Buffer)
	l := newLog(out, jsonTo)
	for n := range 200 {
		l.Info("before")
		l.With("n", n).WithGroup("g").Error("last words", "n", n)
		if lines := strings.Count(out.String(), "last words"); lines != n+1 {
			t.Fatalf("%d of %d errors are written", lines, n+1)
		}
	}
	l.Stop()
	l.Error("after the end") // nobody waits for it

	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	l = newLog(write, jsonTo)
	for range 200 { // more than a pipe holds
		l.Info("filling", "with", strings.Repeat("x", 1000))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 1000 {
			l.Error("nobody reads")
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second): // each would wait for errorPatience
		t.Error("each error waits for the reader")
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	l.Stop()
	_ = read.Close()
	_ = write.Close()
}
