//go:build !linux

package password

// lowerPriority needs Linux, where each thread has a priority of its own.
func lowerPriority() {}
