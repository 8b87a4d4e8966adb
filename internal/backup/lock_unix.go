//go:build unix

package backup

import (
	"errors"
	"os"
	"syscall"
)

// errLocked says that another process has the lock of a file.
var errLocked = errors.New("is locked")

// lock locks an open file until it is closed, and does not wait for others.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

// syncFolder makes the names of a folder durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder) //nolint:gosec // the path is the operator's
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
