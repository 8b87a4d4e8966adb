package faults

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/binarytest"
	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/store/storetest"
)

// TestServerOutlivesTheSignalsOfItsSurroundings: logrotate's SIGHUP, and a
// reader of the log that goes away.
func TestServerOutlivesTheSignalsOfItsSurroundings(t *testing.T) {
	address := porttest.Address(t)
	log, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binarytest.Path(t), "serve")
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"YOOZAK_LISTEN=" + address, "YOOZAK_DATABASE_URL=" + storetest.SQLite(t)}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() //nolint:errcheck // it has ended, when all is well
	if err := output.Close(); err != nil {
		t.Fatal(err)
	}
	s := &server{url: "http://" + address, cmd: cmd, client: http.DefaultClient}
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
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	// Each is a line for a log that nobody reads, written within a moment.
	for deadline := time.Now().Add(500 * time.Millisecond); time.Now().Before(deadline); {
		if a, err := s.call(http.MethodGet, "/healthz", ""); err != nil || a.status != http.StatusOK {
			t.Fatalf("after SIGHUP, without a reader of its log: %d %v", a.status, err)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

// TestSecondInterruptEndsAtOnce: the first waits for requests under way.
func TestSecondInterruptEndsAtOnce(t *testing.T) {
	s := start(t, storetest.SQLite(t), "YOOZAK_SHUTDOWN_TIMEOUT=5m", "YOOZAK_REQUEST_TIMEOUT=5m")
	address := strings.TrimPrefix(s.url, "http://")
	slow, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close() //nolint:errcheck // the server goes first
	fmt.Fprintf(slow, "POST /api/clients/auth/login/ HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\n{", address)
	if a, err := s.call(http.MethodGet, "/healthz", ""); err != nil || a.status != http.StatusOK { // the other is read by then, or soon
		t.Fatal(a, err)
	}
	s.ended = true
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "it takes no more connections", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	select {
	case err := <-ended:
		t.Fatalf("the first interrupt did not wait for the request under way: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it ended as if it had finished")
		}
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		t.Error("the second interrupt did not end it")
	}
}
