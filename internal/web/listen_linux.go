package web

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// takeNoMore has the kernel overlook whoever begins to connect. They try again
// within a second, and are refused if the listener is closed by then, so that
// a proxy goes to another server. Who had an answer to their beginning can
// finish it.
func takeNoMore(l net.Listener) error {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return errors.ErrUnsupported
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	const flags, syn = 13, 0x02 // in the header of a segment (RFC 9293, section 3.1)
	program := [...]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: syn, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0}, // overlooked
		{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
	}
	controlled := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	})
	return errors.Join(controlled, err)
}
