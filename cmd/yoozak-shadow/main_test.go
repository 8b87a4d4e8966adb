package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

func TestServerLetsGoOfWhoSendsNothing(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	server := newServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		ended <- err
	}), 50*time.Millisecond, slog.New(slog.DiscardHandler))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)   //nolint:errcheck // it is closed below
	defer server.Close() //nolint:errcheck // the test is over
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.Copy(io.Discard, c); err != nil { // to its end
		t.Errorf("the connection is still open: %v", err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the whole body was read")
		}
	default: // the headers came too late
	}
}
