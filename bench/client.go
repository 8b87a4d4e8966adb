//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// response is one HTTP answer inside a buffer, not copied.
type response struct {
	status int
	header []byte // status line and fields, up to and with the blank line
	body   []byte
	size   int // bytes of the whole answer
}

var (
	errIncomplete = errors.New("answer is not complete yet")
	headerEnd     = []byte("\r\n\r\n")
	contentLength = []byte("\r\ncontent-length:")
)

// parseResponse reads just enough of an HTTP/1.1 answer to know its status and where it ends, so that
// the load program costs less than any server. An answer without Content-Length is refused (204 and 304
// apart): guessing its end would make the next answer on the connection look wrong.
// It returns errIncomplete while bytes are missing.
func parseResponse(buf []byte) (response, error) {
	end := bytes.Index(buf, headerEnd)
	if end < 0 {
		return response{}, errIncomplete
	}
	header := buf[:end+len(headerEnd)]
	if len(header) < len("HTTP/1.1 200") || !bytes.HasPrefix(header, []byte("HTTP/1.")) || header[8] != ' ' {
		return response{}, fmt.Errorf("not an HTTP/1 answer: %.40q", header)
	}
	status := 0
	for _, digit := range header[9:12] {
		if digit < '0' || digit > '9' {
			return response{}, fmt.Errorf("not an HTTP/1 status line: %.40q", header)
		}
		status = status*10 + int(digit-'0')
	}
	length, found, err := contentLengthOf(header)
	if err != nil {
		return response{}, err
	}
	if !found && status != 204 && status != 304 {
		return response{}, fmt.Errorf("answer %d without Content-Length", status)
	}
	if len(buf)-len(header) < length {
		return response{}, errIncomplete
	}
	size := len(header) + length
	return response{status: status, header: header, body: buf[len(header):size], size: size}, nil
}

func contentLengthOf(header []byte) (length int, found bool, err error) {
	for from := 0; from+len(contentLength) <= len(header); {
		lineEnd := bytes.IndexByte(header[from:], '\r')
		if lineEnd < 0 || from+lineEnd+len(contentLength) > len(header) {
			return 0, false, nil
		}
		from += lineEnd
		if bytes.EqualFold(header[from:from+len(contentLength)], contentLength) {
			value := header[from+len(contentLength):]
			value = bytes.TrimSpace(value[:bytes.IndexByte(value, '\r')])
			length, err := strconv.ParseUint(string(value), 10, 31)
			if err != nil {
				return 0, false, fmt.Errorf("bad Content-Length %.40q", value)
			}
			return int(length), true, nil
		}
		from++
	}
	return 0, false, nil
}

// conn is a keep-alive connection for one request at a time.
type conn struct {
	net net.Conn
	buf []byte
}

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &conn{net: c, buf: make([]byte, 0, 16<<10)}, nil
}

func (c *conn) close() { _ = c.net.Close() }

// do sends a request and waits for its answer, which is valid until the next call.
func (c *conn) do(request []byte, timeout time.Duration) (response, error) {
	if err := c.net.SetDeadline(time.Now().Add(timeout)); err != nil {
		return response{}, err
	}
	if _, err := c.net.Write(request); err != nil {
		return response{}, err
	}
	c.buf = c.buf[:0]
	for {
		if len(c.buf) == cap(c.buf) {
			c.buf = append(c.buf, 0)[:len(c.buf)]
		}
		n, err := c.net.Read(c.buf[len(c.buf):cap(c.buf)])
		c.buf = c.buf[:len(c.buf)+n]
		if n > 0 {
			answer, parseErr := parseResponse(c.buf)
			if parseErr == nil {
				return answer, nil
			}
			if !errors.Is(parseErr, errIncomplete) {
				return response{}, parseErr
			}
		}
		if err != nil {
			return response{}, err
		}
	}
}

// getRequest and postRequest build the bytes of a request once, so that sending it costs one write.
func getRequest(path, bearer string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: bench.local\r\nAuthorization: Bearer %s\r\n\r\n", path, bearer)
}

func postRequest(path string, body []byte) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: bench.local\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, len(body), body)
}
