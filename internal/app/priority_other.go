//go:build !linux

package app

// lowerPriority needs Linux, where each thread has a priority of its own.
func lowerPriority() {}
