package web

import (
	"io"
	"net/http"
)

// maxDrained bounds, in bytes, what is read of a body that was refused for
// its length.
const maxDrained = 4 << 20

// Drain reads on, up to 4 MiB, when a body is longer than what is taken, so
// that the answer arrives: whoever still sends when the connection closes
// gets a reset in its place (RFC 9112, section 9.6). A sender that waits for
// "100 Continue" has sent nothing yet. The server's timeout bounds how long
// it takes.
func Drain(r *http.Request) {
	if r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, maxDrained) // whatever ends it, the answer is the same
	}
}
