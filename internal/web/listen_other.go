//go:build !linux

package web

import (
	"errors"
	"net"
)

// takeNoMore needs Linux: elsewhere a connection that is made while the
// listener closes may be reset.
func takeNoMore(net.Listener) error { return errors.ErrUnsupported }
