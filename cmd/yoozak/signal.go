package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// signalled is why a context ended.
type signalled struct{ os.Signal }

func (s signalled) Error() string { return s.String() }

// untilSignal is a context that ends with the first of some signals. A second
// one ends the process at once.
func untilSignal(signals ...os.Signal) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	got := make(chan os.Signal, 1)
	signal.Notify(got, signals...)
	go func() {
		select {
		case s := <-got:
			signal.Stop(got)
			cancel(signalled{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(got)
		cancel(nil)
	}
}

// toldToStop reports whether a context ended because a supervisor sent
// SIGTERM. A person at a terminal, who types Ctrl-C, does not want to wait.
func toldToStop(ctx context.Context) bool {
	var s signalled
	return errors.As(context.Cause(ctx), &s) && s.Signal == syscall.SIGTERM
}

// serverSignals keeps a server alive through what its surroundings send: a
// reader of its output that goes away (SIGPIPE), and logrotate and others who
// want something read again (SIGHUP; certificates are read again by
// themselves). From a terminal SIGHUP means that the terminal is gone: then
// it stops the server, unless nohup wants otherwise.
func serverSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	signal.Ignore(syscall.SIGPIPE)
	if term.IsTerminal(int(os.Stdin.Fd())) && !signal.Ignored(syscall.SIGHUP) {
		return signal.NotifyContext(ctx, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGHUP)
	return ctx, func() {}
}
