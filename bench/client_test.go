//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

func TestParseResponseAtEveryCut(t *testing.T) {
	t.Parallel()
	whole := "HTTP/1.1 201 Created\r\nX-Content-Length: 99\r\ncontent-LENGTH:  5 \r\nVary: Origin\r\n\r\nhello"
	for cut := range len(whole) {
		if _, err := parseResponse([]byte(whole[:cut])); !errors.Is(err, errIncomplete) {
			t.Fatalf("parseResponse(%q) = %v, want errIncomplete", whole[:cut], err)
		}
	}
	got, err := parseResponse([]byte(whole + "HTTP/1.1 200 OK"))
	if err != nil || got.status != 201 || string(got.body) != "hello" || got.size != len(whole) {
		t.Errorf("parseResponse = %d %q, %d bytes, %v; want 201, hello, %d bytes", got.status, got.body, got.size, err, len(whole))
	}
}

func TestParseResponseRefusesWhatItCannotDelimit(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
		"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"\r\n\r\n",
	} {
		if got, err := parseResponse([]byte(answer)); err == nil || errors.Is(err, errIncomplete) {
			t.Errorf("parseResponse(%q) = %d, %v; want a refusal", answer, got.status, err)
		}
	}
	if got, err := parseResponse([]byte("HTTP/1.1 204 No Content\r\n\r\n")); err != nil || got.status != 204 {
		t.Errorf("204 without a body: %d, %v", got.status, err)
	}
}

func FuzzParseResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200\r\r\ncontent-length:1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := parseResponse(content)
		if err == nil && (got.size > len(content) || len(got.header)+len(got.body) != got.size) {
			t.Errorf("parseResponse(%q) = %d bytes of %d", content, got.size, len(content))
		}
	})
}

// script is a server that answers /NNN with the status NNN and a body of many reads.
func script(t *testing.T) (addr string, served *atomic.Int64) {
	t.Helper()
	served = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		var status, size int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d/%d", &status, &size)
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.WriteHeader(status)
		_, _ = w.Write(bytes.Repeat([]byte("x"), size))
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), served
}

func TestConnReadsAnswersInTurn(t *testing.T) {
	t.Parallel()
	addr, _ := script(t)
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for i, status := range []int{200, 404, 503, 201} {
		size := i * 30_000
		got, err := c.do(getRequest(fmt.Sprintf("/%d/%d", status, size), "token"), time.Minute)
		if err != nil || got.status != status || len(got.body) != size {
			t.Fatalf("answer %d: status %d, %d bytes, %v; want %d, %d bytes", i, got.status, len(got.body), err, status, size)
		}
	}
}
