package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// serverSignals keeps a server alive through what its surroundings send: a
// reader of its output that goes away (SIGPIPE), and logrotate and others who
// want something read again (SIGHUP; certificates are read again by
// themselves). From a terminal SIGHUP means that the terminal is gone: then
// it stops the server as SIGTERM does, unless nohup wants otherwise.
func serverSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	signal.Ignore(syscall.SIGPIPE)
	if term.IsTerminal(int(os.Stdin.Fd())) && !signal.Ignored(syscall.SIGHUP) {
		return signal.NotifyContext(ctx, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGHUP)
	return ctx, func() {}
}
