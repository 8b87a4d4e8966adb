package app

import (
	"log/slog"
	"runtime"
	"runtime/debug"

	"github.com/yoozak/clients/internal/argon2"
	"github.com/yoozak/clients/internal/config"
	"github.com/yoozak/clients/internal/password"
)

// What the process does so that requests are answered while passwords are
// hashed. The figures are those of docs/decisions/0003-passwords.md: GET me at
// 100/s on one core, while 64 clients log in without pause.

// gcPercent lets the heap grow to five times what is in use before it is
// collected: so no collection begins in the middle of a hash, which would take
// the requests' thread. GET me waits 4.3 ms rather than 10.2, with 2 MiB more
// at most (medians of six windows, in turns, on a busy machine).
const gcPercent = 400

// Tune sets the process up for serving. What the operator set in Go's own
// variables stays.
func Tune(getenv func(string) string, c config.Config) (busy func(bool)) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if getenv("GOMAXPROCS") != "" {
		return nil
	}
	return threadsBeside(c.Passwords.Slots)
}

// threadsBeside gives requests a thread beside those that hash: a hash holds
// its thread for as long as it takes. At other times there are as many
// threads as cores: with one more, on one core, GET me loses a tenth.
func threadsBeside(slots int) func(busy bool) {
	usual := runtime.GOMAXPROCS(0) // what a container may use, where it may not use all
	if slots == 0 {
		slots = usual
	}
	return func(busy bool) {
		if busy {
			runtime.GOMAXPROCS(max(usual, slots+1))
		} else {
			runtime.GOMAXPROCS(usual)
		}
	}
}

// NewHasher makes hashes as the settings say, on threads that go last: 8.8 ms
// at the 99th percentile rather than 12.3.
func NewHasher(c config.Config, busy func(bool)) *password.Hasher {
	o := password.Options{
		Params: password.Params{Memory: c.Passwords.Memory, Time: c.Passwords.Time, Threads: c.Passwords.Threads},
		Slots:  c.Passwords.Slots, Wait: c.Passwords.Wait, Busy: busy, Thread: lowerPriority,
		Portable: portableArgon2(c),
	}
	if o.Portable && c.Passwords.Memory >= worthCollecting {
		// A hash of x/crypto's leaves 19 MiB behind. Collected now, the next
		// one gets the same memory, which the processor and the kernel still
		// have at hand: 53 MiB at most rather than 148, and 0.95 of the bare
		// hash rate rather than 0.84.
		o.Hashed = runtime.GC
	}
	return password.NewHasher(o)
}

func portableArgon2(c config.Config) bool {
	return c.Passwords.Argon2 == config.Argon2Portable || !argon2.Available()
}

// logArgon2 says when passwords are not hashed by our own code, and why.
func logArgon2(log *slog.Logger, c config.Config, check error) {
	const slower = "Argon2id is golang.org/x/crypto's: a login takes more than twice the time of a core"
	switch {
	case check != nil:
		log.Error("our own Argon2id does not pass its check on this machine and is not used; please report it", "error", check.Error())
	case c.Passwords.Argon2 == config.Argon2Portable:
		log.Info(slower, "because", "YOOZAK_ARGON2=portable")
	case !argon2.Available():
		log.Info(slower, "because", "our own needs Linux and AVX2")
	}
}

// worthCollecting is the memory of a hash in KiB from which collecting pays.
const worthCollecting = 4096
