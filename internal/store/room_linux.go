package store

import "syscall"

// freeSpace is what a file in the folder may grow by.
func freeSpace(folder string) (int64, bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, false
	}
	return int64(fs.Bavail) * fs.Bsize, true //nolint:gosec // no disk is that large
}
