package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/yoozak/clients/internal/job"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestJobsRunAgain: after an error, and after a panic, which is logged; and
// stopping waits for the one under way.
func TestJobsRunAgain(t *testing.T) {
	defer goleak.VerifyNone(t)
	var fails, panics, runs atomic.Int64
	var under atomic.Bool
	log := new(yoozaktest.Buffer)
	stop := job.Start(slog.New(slog.NewTextHandler(log, nil)), nil, []job.Job{
		{Name: "fails", Every: time.Millisecond, Run: func(context.Context) error { fails.Add(1); return errors.New("no luck") }},
		{Name: "panics", Every: time.Millisecond, Run: func(context.Context) error { panics.Add(1); panic("by mistake") }},
		{Name: "slow", Every: time.Millisecond, Run: func(ctx context.Context) error {
			if !under.CompareAndSwap(false, true) {
				t.Error("it runs twice at once")
			}
			defer under.Store(false)
			runs.Add(1)
			<-ctx.Done()
			time.Sleep(20 * time.Millisecond)
			return ctx.Err()
		}},
	})
	for until := time.Now().Add(20 * time.Second); fails.Load() < 3 || panics.Load() < 3 || runs.Load() < 1; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("a job did not run again")
		}
	}
	stop()
	if under.Load() {
		t.Error("stopped while a job was under way")
	}
	for _, want := range []string{"no luck", "panic=\"by mistake\"", "job_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if strings.Contains(log.String(), "slow") {
		t.Error("a job that was told to stop is logged as failed")
	}
}

// TestEachErrorOfAJobHasItsLine: a job may be several, of which some fail.
func TestEachErrorOfAJobHasItsLine(t *testing.T) {
	defer goleak.VerifyNone(t)
	log := new(yoozaktest.Buffer)
	ran := make(chan struct{}, 100)
	stop := job.Start(slog.New(slog.NewTextHandler(log, nil)), nil, []job.Job{{Name: "sweep", Every: time.Millisecond, Run: func(context.Context) error {
		select {
		case ran <- struct{}{}:
		default:
		}
		return errors.Join(errors.Join(errors.New("first"), nil), fmt.Errorf("mails: %w: %w", errors.New("second"), errors.New("why")))
	}}})
	for range 3 {
		<-ran
	}
	stop()
	for _, want := range []string{"job=sweep error=first\n", "job=sweep error=\"mails: second: why\"\n"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}

// TestJobsRunSoonAfterTheStart: a server that is started anew every hour, or
// crashes as often, would never clean up.
func TestJobsRunSoonAfterTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		runs := map[string][]time.Duration{}
		note := func(name string) func(context.Context) error {
			return func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				runs[name] = append(runs[name], time.Since(start))
				return nil
			}
		}
		stop := job.Start(slog.New(slog.DiscardHandler), nil, []job.Job{
			{Name: "hourly", Every: time.Hour, Run: note("hourly")},
			{Name: "often", Every: time.Second, Run: note("often")},
			{Name: "later", Every: time.Hour, Later: true, Run: note("later")},
		})
		time.Sleep(time.Hour + 30*time.Second)
		stop()
		if got := runs["hourly"]; len(got) != 2 || got[0] > 10*time.Second || got[1] != got[0]+time.Hour {
			t.Errorf("an hourly job ran after %v, want once soon and once an hour later", got)
		}
		if got := runs["often"]; len(got) < 3600 || got[0] > time.Second {
			t.Errorf("a job of every second ran %d times, want 3,600 or more", len(got))
		}
		if got := runs["later"]; len(got) != 1 || got[0] != time.Hour {
			t.Errorf("a job that waits ran after %v, want once after an hour", got)
		}
	})
}
