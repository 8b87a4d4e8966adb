package main

import (
	"runtime"
	"runtime/debug"

	"github.com/yoozak/clients/internal/app"
	"github.com/yoozak/clients/internal/config"
)

// gcPercent lets the heap grow to five times what is in use before it is
// collected: that is a few megabytes here, and requests leave little behind.
const gcPercent = 400

// tune sets the process up for serving. What the operator set in Go's own
// variables stays.
func tune(getenv func(string) string, c config.Config) app.Hashing {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if getenv("GOMAXPROCS") != "" {
		return app.Hashing{}
	}
	return app.Hashing{Busy: threadsBeside(c.Passwords.Slots)}
}

// threadsBeside lets requests run on threads of their own while passwords
// are hashed: a hash holds its thread for as long as it takes. At other
// times there are as many threads as cores, because more of them only take
// turns.
func threadsBeside(slots int) func(busy bool) {
	usual := runtime.GOMAXPROCS(0) // what a container may use, where it may not use all
	if slots == 0 {
		slots = usual
	}
	return func(busy bool) {
		if busy {
			runtime.GOMAXPROCS(max(usual, slots+1))
		} else {
			runtime.GOMAXPROCS(usual)
		}
	}
}
