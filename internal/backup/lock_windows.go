package backup

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// errLocked says that another process has the lock of a file.
var errLocked = errors.New("is locked")

// lockedByte is behind the end of every file: what is locked here nobody can
// read or write.
const lockedByte = 1 << 30

// lock locks an open file until it is closed, and does not wait for others.
func lock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: lockedByte})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}

// syncFolder has nothing to do: Windows keeps names by itself.
func syncFolder(string) error { return nil }
