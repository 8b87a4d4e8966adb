package faults

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/porttest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// TestReaderOfTheLogThatStallsHoldsUpNobody: 2,000 requests are answered
// though nobody reads the log, whose pipe takes 64 KiB. Then it is read, and
// says what it lacks.
func TestReaderOfTheLogThatStallsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	log, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // it was read
	metrics := porttest.Address(t)
	s := &server{yoozaktest.LaunchInto(t, output, "YOOZAK_METRICS_LISTEN="+metrics), &http.Client{Timeout: 30 * time.Second}}
	if err := output.Close(); err != nil {
		t.Fatal(err)
	}
	s.Ready(t)
	ask := func(n int) {
		for range n {
			if a, err := s.call(http.MethodGet, "/healthz", ""); err != nil || a.status != http.StatusOK {
				t.Fatalf("with a log that nobody reads: %d %v", a.status, err)
			}
		}
	}
	ask(2000)
	if n := metric(t, metrics, "yoozak_log_lines_dropped_total"); n != 0 {
		t.Errorf("%v lines were dropped: the buffer has room for 2,000", n)
	}
	for metric(t, metrics, "yoozak_log_lines_dropped_total") == 0 {
		ask(1000)
	}
	dropped := metric(t, metrics, "yoozak_log_lines_dropped_total")

	lines := make(chan string, 100_000)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(log); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	requests, told := 0, ""
	for line := range lines {
		if strings.Contains(line, `"msg":"request"`) {
			requests++
		}
		if strings.Contains(line, "log lines were dropped here") {
			told = line
			break
		}
	}
	if want := fmt.Sprintf(`"lines":%d`, int(dropped)); !strings.Contains(told, want) {
		t.Errorf("the log says %q, want %s in it", told, want)
	}
	if requests < 2000 {
		t.Errorf("%d requests are in the log before the gap", requests)
	}
	ask(1)
	s.Signal(t, syscall.SIGTERM)
	s.WaitStopped(t)
	rest := ""
	for line := range lines {
		rest += line + "\n"
	}
	if strings.Count(rest, `"msg":"request"`) < 1 || !strings.Contains(rest, `"msg":"stopped"`) {
		t.Errorf("after the gap the log has:\n%s", rest)
	}
}

// TestServerStopsThoughNobodyReadsItsLog, within seconds.
func TestServerStopsThoughNobodyReadsItsLog(t *testing.T) {
	t.Parallel()
	log, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // nobody reads it
	s := &server{yoozaktest.LaunchInto(t, output), &http.Client{Timeout: 30 * time.Second}}
	if err := output.Close(); err != nil {
		t.Fatal(err)
	}
	s.Ready(t)
	for range 1000 {
		if a, err := s.call(http.MethodGet, "/healthz", ""); err != nil || a.status != http.StatusOK {
			t.Fatalf("%d %v", a.status, err)
		}
	}
	s.Stop(t)
}

// metric is a number that the server shows to Prometheus.
func metric(t *testing.T, address, name string) float64 {
	t.Helper()
	res, err := http.Get("http://" + address + "/metrics") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("there is no %s", name)
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
