// Package porttest keeps ports of 127.0.0.1 for servers that tests start as
// processes of their own, or stop and start again. A port that was only free
// a moment ago may be somebody else's when the server listens.
package porttest

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
)

// Port is kept for its holder: the kernel gives it to nobody who asks for
// any port, neither to listen nor to call from. Whoever names it can listen
// on it, if they set SO_REUSEADDR, as Go, PostgreSQL and Python's
// servers do. As long as nobody does, connections are refused.
type Port struct {
	socket int // bound, never listening
	number int
}

// Keep keeps a port until [Port.Release], or until this process ends.
func Keep() (*Port, error) {
	syscall.ForkLock.RLock() // no program that is started now inherits the socket
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(socket)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	p := &Port{socket: socket}
	if err := p.bind(); err != nil {
		p.Release()
		return nil, err
	}
	return p, nil
}

func (p *Port) bind() error {
	if err := syscall.SetsockoptInt(p.socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(p.socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	bound, err := syscall.Getsockname(p.socket)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	address, ok := bound.(*syscall.SockaddrInet4)
	if !ok {
		return fmt.Errorf("bound to %T", bound)
	}
	p.number = address.Port
	return nil
}

// Number is that of the port.
func (p *Port) Number() int { return p.number }

// Address is the port on 127.0.0.1, as net.Dial takes it.
func (p *Port) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

// Release gives the port up.
func (p *Port) Release() { _ = syscall.Close(p.socket) }

// Address keeps a port until the test ends and returns where it is.
func Address(tb testing.TB) string {
	tb.Helper()
	p, err := Keep()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Release)
	return p.Address()
}
