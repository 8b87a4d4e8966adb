package app

import "golang.org/x/sys/unix"

// lowerPriority makes the calling thread the last that the kernel chooses.
// Every process may lower its own priority; if it fails, hashes are only
// less polite.
func lowerPriority() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 19) }
