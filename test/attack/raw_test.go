package attack

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// conn is a connection on which anything can be said.
type conn struct {
	*net.TCPConn
	r *bufio.Reader
}

func (s *server) dial(t *testing.T) *conn {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &conn{c.(*net.TCPConn), bufio.NewReader(c)}
}

// say sends text; the server may have hung up already.
func (c *conn) say(text string) { _, _ = io.WriteString(c, text) }

// hear reads one answer.
func (c *conn) hear(t *testing.T, method string) (answer, error) {
	t.Helper()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(res.Body)
	a := answer{res.StatusCode, res.Header, string(body)}
	if a.status != http.StatusNotImplemented && a.status != http.StatusHTTPVersionNotSupported { // net/http's own, and right
		checkAnswer(t, a)
	}
	return a, err
}

// raw sends bytes and reads the answers. There must be as many as expected,
// then nothing: what an attacker put behind a request must not be
// taken for another.
func (s *server) raw(t *testing.T, request string, statuses ...int) {
	t.Helper()
	c := s.dial(t)
	c.say(request)
	method, _, _ := strings.Cut(request, " ")
	var got []int
	for range statuses {
		a, err := c.hear(t, method)
		if err != nil {
			t.Errorf("answer %d does not come: %v", len(got)+1, err)
			break
		}
		got = append(got, a.status)
		method = http.MethodGet
	}
	_ = c.CloseWrite()
	rest, err := io.ReadAll(c.r)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the server does not hang up")
	}
	if fmt.Sprint(got) != fmt.Sprint(statuses) {
		t.Errorf("the answers are %v, want %v", got, statuses)
	}
	if len(rest) > 0 {
		line, _, _ := strings.Cut(string(rest), "\r\n")
		t.Errorf("one answer too many: %.60q", line)
	}
}

// head makes a request without a body.
func head(method, target string, lines ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: accounts.shop.example\r\n" + strings.Join(append(lines, "", ""), "\r\n")
}
