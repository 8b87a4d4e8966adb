package porttest_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/yoozak/clients/internal/porttest"
)

// TestKeptPortIsNobodyElses asks for more ports than are needed to be given
// a free one again: the kernel tries them from a random one on.
func TestKeptPortIsNobodyElses(t *testing.T) {
	t.Parallel()
	kept := map[string]bool{}
	for range 300 {
		kept[porttest.Address(t)] = true
	}
	if len(kept) != 300 {
		t.Fatalf("%d ports of 300 are different", len(kept))
	}
	callee, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer callee.Close() //nolint:errcheck // the test's end
	for range 300 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() //nolint:errcheck // the test's end
		c, err := net.Dial("tcp", callee.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // the test's end
		if kept[l.Addr().String()] || kept[c.LocalAddr().String()] {
			t.Errorf("a kept port was given away: %s, %s", l.Addr(), c.LocalAddr())
		}
	}
}

// TestKeptPortIsItsHolders again and again; in between nobody answers there.
func TestKeptPortIsItsHolders(t *testing.T) {
	t.Parallel()
	address := porttest.Address(t)
	for range 3 {
		if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("got %v, want the connection refused", err)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.Close(), l.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
