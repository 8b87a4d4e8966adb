//go:build !linux

package store

// DiskSpace is known on Linux only.
func DiskSpace(string) (free, all int64, known bool) { return 0, 0, false }
