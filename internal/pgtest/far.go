package pgtest

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// Far returns the URL that leads where the given one leads, over a line on
// which everything takes so long each way. How much is on its way at once is
// not limited, as on a real line. It ends with the test.
func (c *Cluster) Far(tb testing.TB, url string, delay time.Duration) string {
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
			go carry(far, near, delay)
			go carry(near, far, delay)
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
