// Command yoozak-shadow stands before another server for a while, plays its
// requests to a yoozak with a copy of the data, and reports where the answers
// differ. See docs/django.md. It is a program of its own because no server
// needs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/yoozak/clients/internal/api"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/job"
	"github.com/yoozak/clients/internal/shadow"
	"github.com/yoozak/clients/internal/telemetry"
)

// version is set by the Makefile.
var version = "(unknown)"

const description = `Stand before another server, play its requests to a yoozak, and report where the answers differ.

Every flag is also a variable (in brackets).`

// cli is the command line.
type cli struct {
	config.Shadow
	Version kong.VersionFlag `help:"Print the version."`
}

func main() {
	config.CleanEnvironment()
	var settings cli
	source := config.NewSource(os.Getenv)
	command := kong.Parse(&settings, source, kong.Name("yoozak-shadow"), kong.Description(description), kong.Vars{"version": "yoozak-shadow " + version})
	for _, name := range config.Unknown(command.Model.Node, "YOOZAK_SHADOW_") {
		fmt.Fprintf(os.Stderr, "yoozak-shadow: the variable %s is no setting of this program: it changes nothing\n", name)
	}
	c, err := config.Load(source, settings.Shadow)
	if err != nil {
		fmt.Fprintf(os.Stderr, "yoozak-shadow: the settings cannot be used:\n  %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
		os.Exit(2)
	}
	if err := run(c.Shadow); err != nil {
		fmt.Fprintf(os.Stderr, "yoozak-shadow: %v\n", err)
		os.Exit(1)
	}
}

// stopTime is how long the requests under way may take when the program is
// told to stop, and then those that wait for the copy.
const stopTime = 20 * time.Second

// readTime is how long a request may take to arrive: long enough for an
// upload, and not for ever. Its answer takes as long as the upstream lets it.
const readTime = 5 * time.Minute

func newServer(handler http.Handler, read time.Duration, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: min(read, 10*time.Second),
		ReadTimeout:       read,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// signals ends the context when the process is told to stop. A reader of its
// output that goes away does not end it, and neither does the terminal of
// nohup.
func signals() (context.Context, context.CancelFunc) {
	signal.Ignore(syscall.SIGPIPE)
	stop := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		stop = append(stop, syscall.SIGHUP)
	}
	return signal.NotifyContext(context.Background(), stop...)
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

// run is the proxy until a signal comes; then the last summary goes to the
// report, and as a table to standard error.
func run(c config.Shadow) error {
	signalled, done := signals()
	defer done()
	context.AfterFunc(signalled, done) // a second one ends the process at once
	log := telemetry.NewLog("info", "auto")
	var report io.Writer = os.Stdout
	if c.Report != "" {
		file, err := os.OpenFile(c.Report, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // the path is the operator's
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // each line was written at once
		report = file
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("YOOZAK_SHADOW_LISTEN: %w", err)
	}
	proxy := shadow.New(shadow.Options{Upstream: c.Upstream, Copy: c.Copy, Paths: sharedPaths(), Trusted: c.TrustedProxies, Report: report, Log: log})
	server := newServer(proxy, readTime, log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Fprintf(os.Stderr, "yoozak-shadow %s\n  Listens:  http://%s\n  Answers:  %s\n  Compares: %s\n", version, listener.Addr(), c.Upstream, c.Copy)
	stopJobs := job.Start(log, nil, []job.Job{{Name: "summary", Every: c.Every, Later: true, Run: func(context.Context) error {
		proxy.WriteSummary()
		return nil
	}}})

	select {
	case <-signalled.Done():
	case err = <-failed:
		err = fmt.Errorf("serve shadow: %w", err)
	}
	stopJobs()
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if late := server.Shutdown(ctx); late != nil {
		err = errors.Join(err, fmt.Errorf("stop shadow: %w", late))
		_ = server.Close()
	}
	ctx, cancel = context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	proxy.Close(ctx)
	proxy.WriteSummary()
	proxy.Summary().Table(os.Stderr)
	return err
}
