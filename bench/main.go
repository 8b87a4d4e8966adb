//go:build linux

// Command bench measures the server beside the limits of the machine that it runs on: a bare net/http server
// that answers the same bytes, and bare Argon2id. Only the ratios carry over to another machine.
//
// The server under test (with PostgreSQL, its database too) has one core, this program another. Baseline and
// server are measured in turns, and each ratio is formed within a turn. Whatever is answered with another
// status than the expected one ends the run: there are no rates of refusals.
//
// The table goes to standard output as Markdown, everything to a JSON file, CPU profiles beside it.
// It runs on Linux only: it needs epoll, CPU affinity and /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	ops          []string
	engines      []string
	algorithms   []string
	window       time.Duration // of each measurement of a rate
	paced        time.Duration // of each measurement of a latency
	settle       time.Duration // before a flood or an idle server is measured
	rounds       int
	conns        int
	users        int
	many         int      // of a scale
	staffClients int      // of the staff's questions
	shoppers     int      // clients of a login flood
	env          []string // for every server, besides what a measurement needs
	out          string
	profiles     string
	binary       string
	serverCore   int
	loadCore     int
	tcp          bool
	postgres     []string // settings of PostgreSQL, besides those of initdb
}

var knownOps = []string{"me", "refresh", "login", "flood", "memory", "start", "register", "guess", "limits", "scale", "staff", "self"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var (
		o                             options
		ops, engines, algorithms      string
		seconds, hashSeconds          float64
		bareAddr, bareAnswers, runDir string
		chartFile                     string
	)
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&ops, "ops", "me,refresh,login,flood,memory,start,register", "operations to measure; also guess and limits, which are about limits; scale holds -many users against -users; staff searches among -clients; self holds the bare server against itself")
	flags.StringVar(&engines, "engines", "sqlite,postgres", "databases")
	flags.StringVar(&algorithms, "algorithms", "ES256,HS256", "signing algorithms for me and refresh")
	flags.Float64Var(&seconds, "seconds", 3, "length of each measured window")
	flags.IntVar(&o.rounds, "rounds", 5, "windows of each side, in turns")
	flags.IntVar(&o.conns, "conns", 32, "keep-alive connections for me and refresh")
	flags.IntVar(&o.users, "users", 2000, "users, each with a session and tokens of its own, that requests cycle through")
	flags.IntVar(&o.many, "many", 10_000_000, "users of scale, each with a session: about 1 KB of disk each on SQLite, 1.3 KB on PostgreSQL")
	flags.IntVar(&o.staffClients, "clients", 1_000_000, "clients of staff: about 1.3 KB of disk each on SQLite, 1.5 KB on PostgreSQL")
	flags.Func("env", "a `variable=value` for every server, to learn what a setting costs; may be repeated", func(pair string) error {
		if !strings.HasPrefix(pair, "YOOZAK_") || !strings.Contains(pair, "=") {
			return errors.New("is not YOOZAK_NAME=value")
		}
		o.env = append(o.env, pair)
		return nil
	})
	flags.Func("postgres", "a `name=value` of PostgreSQL's settings, to learn what it gives; may be repeated", func(pair string) error {
		if name, _, found := strings.Cut(pair, "="); !found || name == "" {
			return errors.New("is not name=value")
		}
		o.postgres = append(o.postgres, pair)
		return nil
	})
	flags.StringVar(&o.out, "out", "bench/results.json", "where the figures go")
	flags.StringVar(&o.profiles, "profiles", "bench/profiles", "where CPU profiles go; empty: take none")
	flags.StringVar(&o.binary, "binary", "", "a built yoozak; empty: build ./cmd/yoozak")
	flags.StringVar(&runDir, "dir", "/var/tmp", "where databases are made, on a real disk")
	flags.IntVar(&o.serverCore, "server-core", 0, "core of the server")
	flags.IntVar(&o.loadCore, "load-core", 1, "core of this program")
	flags.BoolVar(&o.tcp, "postgres-tcp", false, "reach PostgreSQL by TCP rather than by its socket")
	flags.StringVar(&bareAddr, "serve-bare", "", "be the bare server at this address (the bench starts itself so)")
	flags.StringVar(&bareAnswers, "answers", "", "with -serve-bare: file with its answers")
	flags.Float64Var(&hashSeconds, "hash-bare", 0, "be the bare hash for so many seconds (the bench starts itself so)")
	flags.StringVar(&chartFile, "chart", "", "measure nothing: draw the figures of -out into this `file`, as SVG")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case chartFile != "":
		return chart(o.out, chartFile)
	case bareAddr != "":
		return serveBare(ctx, bareAddr, bareAnswers)
	case hashSeconds > 0:
		return hashBare(time.Duration(hashSeconds * float64(time.Second)))
	}

	o.ops, o.engines, o.algorithms = strings.Split(ops, ","), strings.Split(engines, ","), strings.Split(algorithms, ",")
	o.window = time.Duration(seconds * float64(time.Second))
	o.shoppers = 64
	// At 100 requests a second a 99th percentile wants some seconds.
	o.paced, o.settle = max(2*o.window, 4*time.Second), 2*time.Second
	if err := o.check(); err != nil {
		return err
	}
	if err := pinSelf(o.loadCore); err != nil {
		return err
	}
	return measure(ctx, o, runDir)
}

func (o options) check() error {
	for _, list := range []struct {
		name         string
		given, known []string
	}{
		{"operation", o.ops, knownOps},
		{"engine", o.engines, []string{sqlite, postgres}},
		{"algorithm", o.algorithms, []string{"ES256", "HS256", "EdDSA", "RS256"}},
	} {
		for _, name := range list.given {
			if !slices.Contains(list.known, name) {
				return fmt.Errorf("%s %q is not one of %s", list.name, name, strings.Join(list.known, ", "))
			}
		}
	}
	if o.window <= 0 || o.rounds < 1 || o.conns < 1 || o.users < 1 || o.many < 1 || o.staffClients < 1 {
		return errors.New("-seconds, -rounds, -conns, -users, -many and -clients must be above zero")
	}
	if cores := allCores(); !slices.Contains(cores, o.serverCore) || !slices.Contains(cores, o.loadCore) || o.serverCore == o.loadCore {
		return fmt.Errorf("server and load need a core each, of %v", cores)
	}
	return nil
}

// measure plays every chosen operation, then writes the table and the file.
func measure(ctx context.Context, o options, runDir string) (err error) {
	b, err := newBench(ctx, o, runDir)
	if err != nil {
		return err
	}
	defer b.close()

	plays := map[string]func() error{
		"me": b.me, "refresh": b.refresh, "login": b.login, "flood": b.flood,
		"memory": b.memory, "start": b.start, "register": b.register, "guess": b.guess, "limits": b.limits,
		"scale": b.scale, "staff": b.staff, "self": b.self,
	}
	for _, op := range o.ops {
		if err := plays[op](); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	report := b.report()
	if err := report.writeJSON(o.out); err != nil {
		return err
	}
	report.writeMarkdown(os.Stdout)
	return nil
}
