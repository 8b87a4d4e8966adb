//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// result is one line of the table.
type result struct {
	Operation string   `json:"operation"`
	Engine    string   `json:"engine"`
	Algorithm string   `json:"algorithm,omitempty"`
	Mark      mark     `json:"mark,omitzero"`
	Unit      string   `json:"unit"` // ratio, ms or MiB
	Figure    spread   `json:"figure"`
	PerCPU    *spread  `json:"ratio_per_cpu_second,omitempty"`
	Absolute  string   `json:"absolute"`
	Verdict   string   `json:"verdict"`
	Baseline  []sample `json:"baseline,omitempty"`
	Measured  []sample `json:"measured,omitempty"`
}

// ratioResult also relates the two by what each made of a second of processor time, which hardly moves when
// something else on the machine takes a part of the core.
func ratioResult(op, engine, algorithm string, baseline, measured []sample) result {
	rate := func(s sample) float64 { return s.Rate }
	perCPU := func(s sample) float64 { return s.Rate / s.CPU.Server }
	r := result{
		Operation: op, Engine: engine, Algorithm: algorithm, Unit: "ratio", Mark: markOf(op, engine, algorithm),
		Figure:   spreadOf(ratios(perRound(measured, rate), perRound(baseline, rate))),
		Baseline: baseline, Measured: measured,
	}
	if cpu := spreadOf(ratios(perRound(measured, perCPU), perRound(baseline, perCPU))); !math.IsNaN(cpu.Median) && !math.IsInf(cpu.Max, 0) {
		r.PerCPU = &cpu
	}
	r.Absolute = fmt.Sprintf("%.0f/s of %.0f/s; p99 %s", medianOf(measured, rate), medianOf(baseline, rate),
		milliseconds(medianOf(measured, func(s sample) float64 { return float64(s.P99) })))
	return r
}

func (b *bench) add(r result) {
	r.Verdict = r.Mark.verdict(r.Figure.Median)
	b.results = append(b.results, r)
	b.log.Info("result", "operation", r.Operation, "engine", r.Engine, "algorithm", r.Algorithm,
		"median", fmt.Sprintf("%.3g", r.Figure.Median), "mark", r.Mark.String(), "verdict", r.Verdict)
}

// report is what the file holds.
type report struct {
	Machine machine  `json:"machine"`
	Setup   []string `json:"setup"`
	Results []result `json:"results"`
}

type machine struct {
	Date       string `json:"date"`
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	PostgreSQL string `json:"postgresql"`
	Disk       string `json:"disk"`
	Commit     string `json:"commit,omitempty"`
}

func (b *bench) report() report {
	connection := "its socket"
	if b.options.tcp {
		connection = "TCP"
	}
	setup := []string{
		fmt.Sprintf("server, and PostgreSQL with it, on core %d; load on core %d", b.options.serverCore, b.options.loadCore),
		"PostgreSQL as initdb sets it up, fsync on, reached by " + connection,
		fmt.Sprintf("%d rounds of %s, baseline and server in turns; ratios within a turn, median (lowest–highest)", b.options.rounds, b.options.window),
		fmt.Sprintf("GET me and refresh: %d connections, cycling through %d users with a session each", b.options.conns, b.options.users),
		"login: 8 clients, Argon2id m=19456 KiB, t=2, p=1, against the same hash in a loop on the same core",
		fmt.Sprintf("login flood: %d clients without pause; GET me at %d/s, timed from when each was due", b.options.shoppers, pacedRate),
		"register: 64 clients, SQLite, hashing at its minimum, HS256, server on any core, against YOOZAK_SQLITE_BATCH=1",
	}
	if slices.Contains(b.options.ops, "scale") {
		setup = append(setup, fmt.Sprintf("scale: %d users with a session each against %d, HS256, %d tokens of sessions at random; a sweep of %d sessions", b.options.many, b.options.users, scaleSample, sweepDue))
	}
	if slices.Contains(b.options.ops, "staff") {
		setup = append(setup, fmt.Sprintf("staff: %d clients, %d questions of each kind a round, pages of 50, asked on the server's core one after the other", b.options.staffClients, staffQueries))
	}
	if len(b.options.postgres) > 0 {
		setup = append(setup, "with PostgreSQL's "+strings.Join(b.options.postgres, ", "))
	}
	if len(b.options.env) > 0 {
		setup = append(setup, "every server with "+strings.Join(b.options.env, " "))
	}
	return report{
		Machine: b.describeMachine(),
		Setup:   setup,
		Results: b.results,
	}
}

func (r report) writeJSON(file string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(content, '\n'), 0o644)
}

func (r report) writeMarkdown(w io.Writer) {
	fmt.Fprintf(w, "%s, %d cores, Linux %s, %s, %s, %s; %s", r.Machine.CPU, r.Machine.Cores, r.Machine.Kernel,
		r.Machine.Go, r.Machine.PostgreSQL, r.Machine.Disk, r.Machine.Date)
	if r.Machine.Commit != "" {
		fmt.Fprintf(w, ", commit %s", r.Machine.Commit)
	}
	fmt.Fprint(w, ".\n\n")
	for _, line := range r.Setup {
		fmt.Fprintf(w, "- %s\n", line)
	}
	fmt.Fprint(w, "\n| operation | mark | measured: median (lowest–highest) | per CPU second | absolute | verdict |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, line := range r.Results {
		perCPU := "–"
		if line.PerCPU != nil {
			perCPU = fmt.Sprintf("%.3f", line.PerCPU.Median)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", line.title(), line.Mark, line.figure(), perCPU, line.Absolute, line.Verdict)
	}
	if others := r.disturbance(); others > 0.05 {
		fmt.Fprintf(w, "\nSomething else took up to %.0f%% of the server's core in a window: ratios per CPU second are the ones to trust.\n", 100*others)
	}
}

func (r result) title() string {
	var parts []string
	for _, part := range []string{r.Operation, r.Algorithm, r.Engine} {
		if part != "" && part != "none" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

func (r result) figure() string {
	unit, digits := "", 3
	if r.Unit != "ratio" {
		unit, digits = " "+r.Unit, 1
	}
	if r.Figure.Min == r.Figure.Max {
		return fmt.Sprintf("%.*f%s", digits, r.Figure.Median, unit)
	}
	return fmt.Sprintf("%.*f%s (%.*f–%.*f)", digits, r.Figure.Median, unit, digits, r.Figure.Min, digits, r.Figure.Max)
}

// disturbance is the largest share of the server's core that went to neither server nor kernel's idle loop.
func (r report) disturbance() float64 {
	var most float64
	for _, line := range r.Results {
		if line.Operation == "register" {
			continue // its server runs on any core
		}
		for _, s := range append(append([]sample{}, line.Baseline...), line.Measured...) {
			most = max(most, s.CPU.Core-s.CPU.Server)
		}
	}
	return most
}

func (b *bench) describeMachine() machine {
	m := machine{
		Date:  time.Now().UTC().Format(time.DateOnly),
		Cores: len(allCores()),
		Go:    runtime.Version(),
		Disk:  filesystemOf(b.dir),
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	m.PostgreSQL = "no PostgreSQL"
	if b.postgres != nil {
		version, _ := exec.Command(filepath.Join(b.postgres.bin, "postgres"), "--version").Output()
		m.PostgreSQL = strings.TrimSpace(strings.Replace(string(version), "postgres (PostgreSQL)", "PostgreSQL", 1))
	}
	commit, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err == nil {
		m.Commit = string(bytes.TrimSpace(commit))
	}
	return m
}

// filesystemOf names what the databases are on: on a tmpfs a commit costs nothing, and figures for writes mean nothing.
func filesystemOf(dir string) string {
	var stat unix.Statfs_t
	if unix.Statfs(dir, &stat) != nil {
		return "unknown disk"
	}
	switch stat.Type {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs: NOT A DISK"
	}
	return fmt.Sprintf("file system %#x", stat.Type)
}
