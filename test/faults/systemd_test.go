package faults

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestServiceManagerIsTold when the server is ready, that it lives, and when
// it is about to stop.
func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close() //nolint:errcheck // the test is over
	s := yoozaktest.Launch(t, append(slices.Clone(yoozaktest.CheapHashes), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=400000")...)
	next := func() string {
		t.Helper()
		buffer := make([]byte, 256)
		if err := socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := socket.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
	var told []string
	for len(told) < 4 {
		told = append(told, next())
	}
	if ready := slices.Index(told, "READY=1"); ready < 0 || strings.Count(strings.Join(told, " "), "WATCHDOG=1") < 3 {
		t.Errorf("the server says %q", told)
	}
	s.Ready(t) // it said so only once it was
	s.Signal(t, syscall.SIGTERM)
	for next() != "STOPPING=1" {
	}
	s.WaitStopped(t)
}
