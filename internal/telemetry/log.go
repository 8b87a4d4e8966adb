// Package telemetry is how the person who runs the server sees it: logs and
// Prometheus metrics. Flows know nothing of it.
package telemetry

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// NewLog writes to standard error: text on a terminal, else JSON, unless
// format says which. Each line is written at once.
func NewLog(level, format string) *slog.Logger { return slog.New(newHandler(os.Stderr, level, format)) }

func newHandler(w io.Writer, level, format string) slog.Handler {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // config checked it; info otherwise
	o := &slog.HandlerOptions{Level: l}
	if format == "text" || format == "auto" && term.IsTerminal(int(os.Stderr.Fd())) {
		return slog.NewTextHandler(w, o)
	}
	return slog.NewJSONHandler(w, o)
}
