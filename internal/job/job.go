// Package job runs what the server does by itself from time to time. A job
// that fails or panics is logged and runs again at its next time; a job never runs
// twice at once in one process. Jobs here must be harmless when two servers
// do them at the same time.
package job

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Job is something to run every so often.
type Job struct {
	Name  string
	Every time.Duration
	Run   func(ctx context.Context) error
}

// Start runs the jobs, each first after its own interval, until the returned
// function is called; that cancels those under way and waits for them.
func Start(log *slog.Logger, jobs []Job) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, j := range jobs {
		wg.Go(func() {
			tick := time.NewTicker(j.Every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				if err := run(ctx, j); err != nil && ctx.Err() == nil {
					log.WarnContext(ctx, "job failed, it will run again", "job", j.Name, "error", err.Error())
				}
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// run makes an error of a panic: one job's mistake must not end the server.
func run(ctx context.Context, j Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return j.Run(ctx)
}
