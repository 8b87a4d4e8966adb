package store

import "syscall"

// DiskSpace is how many bytes are free on the disk of a folder, and how many
// there are.
func DiskSpace(folder string) (free, all int64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, 0, false
	}
	return int64(fs.Bavail) * fs.Bsize, int64(fs.Blocks) * fs.Bsize, true //nolint:gosec // no disk is that large
}
