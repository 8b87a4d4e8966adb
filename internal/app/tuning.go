package app

import (
	"time"

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
// collected, which saves collections. While our own Argon2id hashes it is Go's
// default, because the memory of hashes is needed then: 57 to 60 MiB in the
// flood rather than 70 to 75, and GET me waits no longer. Where x/crypto
// hashes, a smaller heap would be collected in the middle of a hash, which
// takes the requests' thread: GET me would wait 10.2 ms rather than 4.3.
const (
	gcPercent     = 400
	gcPercentBusy = 100
)

// afterStart is when what the start used and nobody uses any more, a few MiB of
// parsed templates and the like, is given back to the system: a server with
// nothing to do collects nothing for two minutes.
const afterStart = 2 * time.Second

// Tune sets the process up for serving, and returns what is to be told when
// hashing begins and ends. What the operator set in Go's own variables stays.
func Tune(getenv func(string) string, c config.Config) (busy func(bool)) {
	time.AfterFunc(afterStart, debug.FreeOSMemory)
	heap, threads := func(bool) {}, func(bool) {}
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
		if !portableArgon2(c) {
			heap = smallerHeap
		}
	}
	if getenv("GOMAXPROCS") == "" {
		threads = threadsBeside(c.Passwords.Slots)
	}
	return func(busy bool) {
		heap(busy)
		threads(busy)
	}
}

func smallerHeap(busy bool) {
	if busy {
		debug.SetGCPercent(gcPercentBusy)
	} else {
		debug.SetGCPercent(gcPercent)
	}
}

// threadsBeside gives requests two threads beside those that hash: a hash
// holds its thread for as long as it takes, and SQLite's writer holds one while
// the disk syncs, until Go's monitor sees it, which may be asleep for 10 ms.
// With one, GET me waits 3.7 to 6.3 ms at the median rather than 1.2 to 3.3,
// and 16 to 67 ms at the 99th percentile rather than 5 to 10 (windows in
// turns on a busy machine). At other times there are as many threads as
// cores: with one more, on one core, GET me loses a tenth.
func threadsBeside(slots int) func(busy bool) {
	usual := runtime.GOMAXPROCS(0) // what a container may use, where it may not use all
	if slots == 0 {
		slots = usual
	}
	return func(busy bool) {
		if busy {
			runtime.GOMAXPROCS(max(usual, slots+2))
		} else {
			runtime.GOMAXPROCS(usual)
		}
	}
}

// NewHasher makes hashes as the settings say, on threads that go last: 8.8 ms
// at the 99th percentile rather than 12.3.
func NewHasher(c config.Config, busy func(bool), waited func(time.Duration)) *password.Hasher {
	o := password.Options{
		Params: password.Params{Memory: c.Passwords.Memory, Time: c.Passwords.Time, Threads: c.Passwords.Threads},
		Slots:  c.Passwords.Slots, Wait: c.Passwords.Wait, Busy: busy, Thread: lowerPriority, Waited: waited,
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
