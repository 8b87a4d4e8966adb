package app

import (
	"bytes"
	"errors"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/yoozak/clients/internal/argon2"
	"github.com/yoozak/clients/internal/config"
)

// TestTuning is not in parallel: it is about the whole process.
func TestTuning(t *testing.T) {
	threads, percent := runtime.GOMAXPROCS(0), debug.SetGCPercent(100)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(threads)
		debug.SetGCPercent(percent)
	})
	gc := func() int {
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
	}
	busyGC := gcPercentBusy
	if !argon2.Available() {
		busyGC = gcPercent
	}
	for name, test := range map[string]struct {
		env                    map[string]string
		argon2                 string
		gc, busyGC, moreThread int
	}{
		"as it comes":           {nil, "auto", gcPercent, busyGC, 2},
		"portable":              {nil, config.Argon2Portable, gcPercent, gcPercent, 2},
		"the operator's heap":   {map[string]string{"GOGC": "50"}, "auto", 100, 100, 2},
		"the operator's thread": {map[string]string{"GOMAXPROCS": "1"}, "auto", gcPercent, busyGC, 0},
	} {
		debug.SetGCPercent(100)
		c := config.Config{Passwords: config.Passwords{Argon2: test.argon2, Slots: threads}}
		busy := Tune(func(name string) string { return test.env[name] }, c)
		for _, now := range []bool{false, true, false} {
			busy(now)
			wantGC, wantThreads := test.gc, threads
			if now {
				wantGC, wantThreads = test.busyGC, threads+test.moreThread
			}
			if gc() != wantGC || runtime.GOMAXPROCS(0) != wantThreads {
				t.Errorf("%s, busy %t: GOGC %d and %d threads, want %d and %d", name, now, gc(), runtime.GOMAXPROCS(0), wantGC, wantThreads)
			}
		}
	}
}

func TestLogSaysWhoseArgon2ItIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		setting string
		check   error
		want    string
	}{
		{"auto", errors.New("a key came out wrong"), "level=ERROR"},
		{config.Argon2Portable, nil, "YOOZAK_ARGON2=portable"},
	} {
		var out bytes.Buffer
		logArgon2(slog.New(slog.NewTextHandler(&out, nil)), config.Config{Passwords: config.Passwords{Argon2: test.setting}}, test.check)
		if !strings.Contains(out.String(), test.want) {
			t.Errorf("%s, %v: %q does not say %q", test.setting, test.check, out.String(), test.want)
		}
	}
}
