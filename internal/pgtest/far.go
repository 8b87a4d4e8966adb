package pgtest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Far returns the URL that leads where the given one leads, over a line on
// which everything takes so long each way. How much is on its way at once is
// not limited, as on a real line. It ends with the test.
func (c *Cluster) Far(tb testing.TB, url string, delay time.Duration) string {
	tb.Helper()
	return c.between(tb, url, func(near, far net.Conn) {
		go carry(far, near, delay)
		go carry(near, far, delay)
	})
}

// Counted returns the URL that leads where the given one leads, and how many
// times the server has answered there since: the round trips. It ends with the
// test.
func (c *Cluster) Counted(tb testing.TB, url string) (counted string, roundTrips func() int64) {
	tb.Helper()
	var count atomic.Int64
	counted = c.between(tb, url, func(near, far net.Conn) {
		go carry(far, near, 0)
		go carry(near, &answers{ReadCloser: far, count: &count}, 0)
	})
	return counted, count.Load
}

// answers is what a server says, with its answers counted: each ends with
// ReadyForQuery (PostgreSQL's manual, "Message Formats"). Without encryption
// all that it says is messages: a letter, the length of the rest in four
// bytes, the rest.
type answers struct {
	io.ReadCloser
	count *atomic.Int64
	head  []byte // of the message, as far as it was read
	rest  int    // of it that is to come
}

// Read is io.Reader's.
func (a *answers) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	for data := p[:n]; len(data) > 0; {
		if a.rest > 0 {
			skip := min(a.rest, len(data))
			a.rest, data = a.rest-skip, data[skip:]
			continue
		}
		a.head, data = append(a.head, data[0]), data[1:]
		if len(a.head) == 5 {
			if a.head[0] == 'Z' {
				a.count.Add(1)
			}
			a.rest, a.head = int(binary.BigEndian.Uint32(a.head[1:]))-4, a.head[:0]
		}
	}
	return n, err
}

// between returns the URL that leads where the given one leads by a listener
// whose connections are joined with those to the server.
func (c *Cluster) between(tb testing.TB, url string, join func(near, far net.Conn)) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the test
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = listener.Close() })
	server := fmt.Sprintf("127.0.0.1:%d", c.number)
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return // closed
			}
			far, err := net.Dial("tcp", server) //nolint:noctx // ends with the connection
			if err != nil {
				_ = near.Close()
				continue
			}
			join(near, far)
		}
	}()
	return strings.Replace(url, server+"/", listener.Addr().String()+"/", 1)
}

// parcel is what was read at once, and when it arrives.
type parcel struct {
	data []byte
	at   time.Time
}

// carry brings everything from one end to the other, so much later, also that
// one end was closed.
func carry(to io.WriteCloser, from io.Reader, delay time.Duration) {
	line := make(chan parcel, 4096)
	go func() {
		defer close(line)
		for {
			data := make([]byte, 64<<10)
			n, err := from.Read(data)
			if n > 0 {
				line <- parcel{data[:n], time.Now().Add(delay)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range line {
		time.Sleep(time.Until(p.at))
		if _, err := to.Write(p.data); err != nil {
			break
		}
	}
	_ = to.Close()
	for range line { // nobody takes what comes now
	}
}
