package faults

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestServerOutlivesTheSignalsOfItsSurroundings: logrotate's SIGHUP, and a
// reader of the log that goes away.
func TestServerOutlivesTheSignalsOfItsSurroundings(t *testing.T) {
	t.Parallel()
	log, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{yoozaktest.LaunchInto(t, output), http.DefaultClient}
	if err := output.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(log).ReadString('\n'); err != nil { // as head -1 does
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the server answers", func() bool {
		a, err := s.call(http.MethodGet, "/readyz", "")
		return err == nil && a.status == http.StatusOK
	})
	s.Signal(t, syscall.SIGHUP)
	// Each is a line for a log that nobody reads, written within a moment.
	for deadline := time.Now().Add(500 * time.Millisecond); time.Now().Before(deadline); {
		if a, err := s.call(http.MethodGet, "/healthz", ""); err != nil || a.status != http.StatusOK {
			t.Fatalf("after SIGHUP, without a reader of its log: %d %v", a.status, err)
		}
	}
	s.Stop(t)
}

// TestSecondInterruptEndsAtOnce: the first waits for requests under way.
func TestSecondInterruptEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t), "YOOZAK_SHUTDOWN_TIMEOUT=5m", "YOOZAK_REQUEST_TIMEOUT=5m")
	slow, err := net.Dial("tcp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close() //nolint:errcheck // the server goes first
	fmt.Fprintf(slow, "POST /api/clients/auth/login/ HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n", s.Address)
	if line, err := bufio.NewReader(slow).ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" { // said when the body is about to be read
		t.Fatalf("%q %v", line, err)
	}
	s.Signal(t, os.Interrupt)
	waitFor(t, "it takes no more connections", s.refuses)
	select {
	case <-s.Ended():
		t.Fatalf("the first interrupt did not wait for the request under way: %v", s.Err())
	case <-time.After(200 * time.Millisecond):
	}
	s.Signal(t, os.Interrupt)
	select {
	case <-s.Ended():
		if s.Err() == nil {
			t.Error("it ended as if it had finished")
		}
	case <-time.After(20 * time.Second):
		t.Error("the second interrupt did not end it")
	}
}

// refuses reports whether nobody can connect.
func (s *server) refuses() bool {
	c, err := net.Dial("tcp", s.Address)
	if err == nil {
		_ = c.Close()
	}
	return err != nil
}
