package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/job"
	"github.com/yoozak/clients/internal/shadow"
	"github.com/yoozak/clients/internal/telemetry"
	"github.com/yoozak/clients/internal/web"
)

type shadowCmd struct{ config.Shadow }

// shadowStop is how long the requests under way may take when it is told to
// stop, and then those that wait for the copy.
const shadowStop = 20 * time.Second

// shadowRead is how long a request may take to arrive: long enough for an
// upload, and not for ever. Its answer takes as long as the upstream lets it.
const shadowRead = 5 * time.Minute

func newShadowServer(handler http.Handler, read time.Duration, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: min(read, 10*time.Second),
		ReadTimeout:       read,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// sharedPaths are those of the public API, each once, without those that hold
// an id.
func sharedPaths() []string {
	var paths []string
	for _, rt := range api.Routes() {
		if !strings.Contains(rt.Path, "{") && !slices.Contains(paths, rt.Path) {
			paths = append(paths, rt.Path)
		}
	}
	return paths
}

// Run is the proxy until a signal comes; then the last summary goes to the
// report, and as a table to standard error.
func (cmd shadowCmd) Run(e env) error {
	c, err := load(e, groups{cmd.Shadow})
	if err != nil {
		return err
	}
	var done context.CancelFunc
	e.ctx, done = serverSignals(e.ctx)
	defer done()
	log, flush := telemetry.NewLog("info", "auto")
	defer flush()
	report := e.stdout
	if c.Shadow.Report != "" {
		file, err := os.OpenFile(c.Shadow.Report, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // the path is the operator's
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // each line was written at once
		report = file
	}
	listener, err := web.Listen("YOOZAK_SHADOW_LISTEN", c.Shadow.Listen)
	if err != nil {
		return err
	}
	proxy := shadow.New(shadow.Options{Upstream: c.Shadow.Upstream, Copy: c.Shadow.Copy, Paths: sharedPaths(), Report: report, Log: log})
	server := newShadowServer(proxy, shadowRead, log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Fprintf(e.stderr, "Yoozak Clients %s, shadow\n  Listens:  http://%s\n  Answers:  %s\n  Compares: %s\n",
		versionText(), listener.Addr(), c.Shadow.Upstream, c.Shadow.Copy)
	stopJobs := job.Start(log, []job.Job{{Name: "summary", Every: c.Shadow.Every, Later: true, Run: func(context.Context) error {
		proxy.WriteSummary()
		return nil
	}}})

	select {
	case <-e.ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serve shadow: %w", err)
	}
	stopJobs()
	ctx, cancel := context.WithTimeout(context.Background(), shadowStop)
	defer cancel()
	if late := server.Shutdown(ctx); late != nil {
		err = errors.Join(err, fmt.Errorf("stop shadow: %w", late))
		_ = server.Close()
	}
	ctx, cancel = context.WithTimeout(context.Background(), shadowStop)
	defer cancel()
	proxy.Close(ctx)
	proxy.WriteSummary()
	proxy.Summary().Table(&visible{out: e.stderr})
	return err
}
