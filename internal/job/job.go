// Package job runs what the server does by itself from time to time: first
// soon after the start, so that a server that never lives long does it, too.
// A job that fails or panics is logged and runs again at its next time; a job
// never runs twice at once in one process. Jobs here must be harmless when two servers
// do them at the same time.
package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"sync"
	"time"
)

// Job is something to run every so often.
type Job struct {
	Name  string
	Every time.Duration
	Later bool // it first runs after Every, because the start did it, or there is nothing to do yet
	Run   func(ctx context.Context) error
}

// soon bounds the wait for a job's first run. It is drawn by lot: servers
// that start together do not all do the same at once.
const soon = 10 * time.Second

// first is when a job first runs.
func (j Job) first() time.Duration {
	if j.Later {
		return j.Every
	}
	return rand.N(min(j.Every, soon)) //nolint:gosec // anybody may know it
}

// Observer is told of each run of a job: when it ended and whether it failed.
// It may be nil.
type Observer func(name string, ended time.Time, failed bool)

// Start runs the jobs until the returned function is called; that cancels
// those under way and waits for them.
func Start(log *slog.Logger, observe Observer, jobs []Job) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, j := range jobs {
		wg.Go(func() {
			next := time.NewTimer(j.first())
			defer next.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-next.C:
				}
				next.Reset(j.Every)
				ok := run(ctx, log, j)
				if observe != nil && ctx.Err() == nil {
					observe(j.Name, time.Now(), !ok)
				}
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// run logs what goes wrong, each of several errors by itself: one job's
// mistake must not end the server. It reports whether nothing did.
func run(ctx context.Context, log *slog.Logger, j Job) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			log.ErrorContext(ctx, "job panicked, it will run again", "job", j.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	err := j.Run(ctx)
	if err != nil && ctx.Err() == nil {
		for _, err := range parts(err) {
			log.WarnContext(ctx, "job failed, it will run again", "job", j.Name, "error", err.Error())
		}
	}
	return err == nil
}

// parts are the errors that errors.Join made one of. Others that wrap several
// say something of their own.
func parts(err error) (all []error) {
	if reflect.TypeOf(err) != joined {
		return []error{err}
	}
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		all = append(all, parts(e)...)
	}
	return all
}

var joined = reflect.TypeOf(errors.Join(errors.ErrUnsupported))
