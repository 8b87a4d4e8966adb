package faults

import (
	"io"
	"net"
	"testing"
	"time"
)

// untilClosed sends part of a request and says how long the server waits for
// the rest.
func untilClosed(t *testing.T, s *server, request string) time.Duration {
	t.Helper()
	conn, err := net.Dial("tcp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the server closes it
	began := time.Now()
	if err := conn.SetDeadline(began.Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn)
	return time.Since(began)
}
