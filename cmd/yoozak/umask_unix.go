//go:build unix

package main

import "syscall"

// ownFiles keeps everybody else from the files that this process makes.
func ownFiles() { syscall.Umask(0o077) }
