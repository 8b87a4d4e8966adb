//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// pinnedVariable tells the program, started again by pinSelf, that it is pinned already.
const pinnedVariable = "YOOZAK_BENCH_PINNED"

// pinSelf puts this process on one core. It starts the program again rather than moving the
// threads that exist: the runtime then sizes itself to the core, and no thread is missed.
func pinSelf(core int) error {
	if os.Getenv(pinnedVariable) != "" {
		return nil
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := setAffinity(core); err != nil {
		return err
	}
	return syscall.Exec(executable, os.Args, append(os.Environ(), pinnedVariable+"=1"))
}

// onCore calls start with the calling thread on the given core; a process that start creates
// stays there. A negative core means all of allCores.
func onCore(core int, start func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var own unix.CPUSet
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		return fmt.Errorf("read affinity: %w", err)
	}
	cores := []int{core}
	if core < 0 {
		cores = allCores()
	}
	if err := setAffinity(cores...); err != nil {
		return err
	}
	return errors.Join(start(), unix.SchedSetaffinity(0, &own))
}

func setAffinity(cores ...int) error {
	var set unix.CPUSet
	for _, core := range cores {
		set.Set(core)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin to core %v: %w", cores, err)
	}
	return nil
}

// allCores reads the machine's cores from the kernel, as this process sees only its own.
func allCores() []int {
	var cores []int
	stat, _ := os.ReadFile("/proc/stat")
	for line := range strings.Lines(string(stat)) {
		name, _, _ := strings.Cut(line, " ")
		number, isCore := strings.CutPrefix(name, "cpu")
		if core, err := strconv.Atoi(number); isCore && err == nil {
			cores = append(cores, core)
		}
	}
	return cores
}

// cpuUse says who used the server's core in a window, as shares of one core. It is how a reader sees
// that the server was the bottleneck, and whether something else on the machine disturbed it.
type cpuUse struct {
	Server float64 `json:"server"`      // the server and, with PostgreSQL, its database
	Core   float64 `json:"server_core"` // all that ran on the server's core
	Load   float64 `json:"load"`        // this program
}

// cpuMeter watches one core and the processes that are measured.
type cpuMeter struct {
	core int
	pids []int // with their children
}

// cpuReading holds ticks since boot, or since the start of a process.
type cpuReading struct {
	server, busy, all float64
	load              float64 // seconds
}

func (m cpuMeter) read() cpuReading {
	var r cpuReading
	r.busy, r.all = coreTicks(m.core)
	r.server = processTicks(m.pids)
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		r.load = float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
	}
	return r
}

func (m cpuMeter) since(before cpuReading) cpuUse {
	now := m.read()
	ticks := now.all - before.all
	if ticks == 0 {
		return cpuUse{}
	}
	return cpuUse{
		Server: (now.server - before.server) / ticks,
		Core:   (now.busy - before.busy) / ticks,
		Load:   (now.load - before.load) / (ticks / clockTicks),
	}
}

// clockTicks is USER_HZ, which is 100 on every Linux that Go supports.
const clockTicks = 100

func coreTicks(core int) (busy, all float64) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	name := "cpu" + strconv.Itoa(core)
	for line := range strings.Lines(string(stat)) {
		fields := strings.Fields(line)
		if fields[0] != name {
			continue
		}
		// user nice system idle iowait irq softirq steal; guest time is part of user.
		for i, field := range fields[1:min(len(fields), 9)] {
			ticks, _ := strconv.ParseFloat(field, 64)
			all += ticks
			if i != 3 && i != 4 {
				busy += ticks
			}
		}
	}
	return busy, all
}

// processTicks adds up the processes and their children (PostgreSQL serves each connection from one).
func processTicks(pids []int) float64 {
	if len(pids) == 0 {
		return 0
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	var ticks float64
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		parent, used := processStat(pid)
		for _, measured := range pids {
			if pid == measured || parent == measured {
				ticks += used
			}
		}
	}
	return ticks
}

func processStat(pid int) (parent int, ticks float64) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	// The name, in brackets, may hold spaces.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(fields[1])
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return parent, user + system
}

// memoryOf returns the resident memory of a process now and at its highest, in MiB.
func memoryOf(pid int) (now, highest float64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			now = kib / 1024
		case "VmHWM:":
			highest = kib / 1024
		}
	}
	if now == 0 {
		return 0, 0, fmt.Errorf("process %d has no memory figures", pid)
	}
	return now, highest, nil
}
