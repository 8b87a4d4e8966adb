package attack

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var slow = group{
	title: "Slow and many connections",
	about: "On a server whose requests have four seconds to arrive (fifteen by default). While the connections are open the normal user logs in and reads the profile again and again; then the server must have closed them all.",
	on:    []string{"ES256"},
	rows:  slowRows,
}

func TestSlowAndManyConnections(t *testing.T) {
	t.Parallel()
	allowFiles(t, 5000)
	slow.play(t, start(t, "ES256", "", "YOOZAK_REQUEST_TIMEOUT=4s"), "ES256")
}

// allowFiles raises how many connections this process may have.
func allowFiles(t *testing.T, n uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur >= n {
		return
	}
	limit.Cur, limit.Max = n, max(n, limit.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatalf("2,000 connections need more open files than this process may have: %v", err)
	}
}

// drip opens n connections, says the first part on each, then one letter of
// the rest every half second, while the normal user works; then it waits
// until the server has closed them. It returns the first lines of the
// answers.
func (s *server) drip(t *testing.T, n int, first, rest string) map[string]int {
	t.Helper()
	var (
		all    sync.WaitGroup
		opened sync.WaitGroup
		mu     sync.Mutex
		heard  = map[string]int{}
	)
	gate := make(chan struct{}, 100) // so many connect at a time: the queue of the kernel is not what is tried
	opened.Add(n)
	for range n {
		all.Go(func() {
			gate <- struct{}{}
			c, err := net.Dial("tcp", s.address)
			<-gate
			opened.Done()
			if err != nil {
				t.Errorf("a connection is refused: %v", err)
				return
			}
			defer c.Close() //nolint:errcheck // the server did
			_ = c.SetDeadline(time.Now().Add(patience))
			_, _ = io.WriteString(c, first)
			stop := make(chan struct{})
			go func() {
				for i := range len(rest) {
					select {
					case <-stop:
						return
					case <-time.After(500 * time.Millisecond):
						_, _ = io.WriteString(c, rest[i:i+1])
					}
				}
			}()
			answer, err := io.ReadAll(c)
			close(stop)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("a connection is still open")
				return
			}
			line, _, _ := strings.Cut(string(answer), "\r\n")
			mu.Lock()
			defer mu.Unlock()
			heard[line]++
		})
	}
	opened.Wait()
	for range 10 {
		s.normal(t)
		wants(t, s.login(t, s.user.name, s.user.password), http.StatusOK)
	}
	all.Wait()
	return heard
}

func slowRows() []row {
	begin := "POST " + loginPath + " HTTP/1.1\r\nHost: accounts.shop.example\r\nContent-Type: application/json\r\n"
	const much = "X-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	rows := []row{}
	for _, d := range []struct {
		name, tries string
		n           int
		first, rest string
		answers     []string
	}{
		{"slowloris", "2,000 connections whose headers come letter by letter", 2000, begin, much, []string{"", "HTTP/1.1 408 Request Timeout", "HTTP/1.1 400 Bad Request"}},
		{"slow request line", "500 connections whose first line comes letter by letter", 500, "P", "OST " + loginPath + " HTTP/1.1", []string{"", "HTTP/1.1 408 Request Timeout", "HTTP/1.1 400 Bad Request"}},
		{"silence", "2,000 connections on which nothing is said", 2000, "", "", []string{"", "HTTP/1.1 408 Request Timeout", "HTTP/1.1 400 Bad Request"}},
		{"slow body", "1,000 connections whose body comes letter by letter", 1000, begin + "Content-Length: 1000\r\n\r\n{", strings.Repeat(" ", 60), []string{"HTTP/1.1 408 Request Timeout"}},
		{"slow chunks", "500 connections whose body comes in chunks of one byte", 500, begin + "Transfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\n \r\n", 12), []string{"HTTP/1.1 408 Request Timeout"}},
		{"no body", "500 connections that promise 60 KiB and send nothing", 500, begin + "Content-Length: 60000\r\n\r\n", "", []string{"HTTP/1.1 408 Request Timeout"}},
		{"slow form of a page", "200 connections whose form comes letter by letter", 200, "POST " + forgotPage + " HTTP/1.1\r\nHost: a\r\nContent-Type: " + formType + "\r\nContent-Length: 1000\r\n\r\n", strings.Repeat("a", 60), []string{"HTTP/1.1 400 Bad Request", "HTTP/1.1 408 Request Timeout"}},
		{"slow body behind a refusal", "200 connections whose body, of a request without a token, comes letter by letter", 200, "POST " + changePath + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", strings.Repeat("a", 60), []string{"HTTP/1.1 401 Unauthorized"}},
	} {
		rows = append(rows, did(d.name, d.tries, "the normal user is served meanwhile, and the server closes all of them in time", func(t *testing.T, s *server) {
			heard := s.drip(t, d.n, d.first, d.rest)
			for line, n := range heard {
				known := false
				for _, a := range d.answers {
					known = known || a == line
				}
				if !known {
					t.Errorf("%d connections heard %.60q", n, line)
				}
			}
		}))
	}
	return append(rows,
		did("connections cut", "2,000 connections that are reset in the middle of a request", "the normal user is served", func(t *testing.T, s *server) {
			var all sync.WaitGroup
			gate := make(chan struct{}, 100)
			for i := range 2000 {
				all.Go(func() {
					gate <- struct{}{}
					defer func() { <-gate }()
					c, err := net.Dial("tcp", s.address)
					if err != nil {
						t.Errorf("a connection is refused: %v", err)
						return
					}
					_, _ = io.WriteString(c, begin+"Content-Length: 51\r\n\r\n{"[:i%20+1])
					_ = c.(*net.TCPConn).SetLinger(0)
					_ = c.Close()
				})
			}
			s.normal(t)
			all.Wait()
		}),
		did("answers that nobody reads", "50 connections that ask for the key set 20,000 times and read nothing", "the server gives them up, and the normal user is served", func(t *testing.T, s *server) {
			var all sync.WaitGroup
			flood := strings.Repeat("GET /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\n\r\n", 100)
			for range 50 {
				all.Go(func() {
					c, err := net.Dial("tcp", s.address)
					if err != nil {
						t.Errorf("a connection is refused: %v", err)
						return
					}
					defer c.Close() //nolint:errcheck // the server did
					_ = c.SetDeadline(time.Now().Add(patience))
					for range 200 {
						if _, err = io.WriteString(c, flood); err != nil {
							break
						}
					}
					var timeout net.Error
					if errors.As(err, &timeout) && timeout.Timeout() {
						t.Error("the server waits for ever")
					}
				})
			}
			s.normal(t)
			wants(t, s.login(t, s.user.name, s.user.password), http.StatusOK)
			all.Wait()
		}),
		did("logins all at once", "300 wrong logins at once, a hash each", "401, or 503 with Retry-After where too many wait; the normal user is served meanwhile", func(t *testing.T, _ *server) {
			s := start(t, "ES256", "") // this process has 300 requests to write: four seconds may be too few
			var all sync.WaitGroup
			// The server closes an address's idle connections beyond some hundred,
			// perhaps at the moment in which a client uses one again.
			once := &http.Client{Timeout: s.client.Timeout, Transport: &http.Transport{DisableKeepAlives: true}}
			body := `{"username":"` + s.user.name + `","password":"wrong-password-1"}`
			for range 300 {
				all.Go(func() {
					res, err := once.Post(s.url+loginPath, jsonType, strings.NewReader(body)) //nolint:noctx // has a time-out
					if err != nil {
						t.Errorf("no answer: %v", err)
						return
					}
					_ = res.Body.Close()
					busy := res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != ""
					if res.StatusCode != http.StatusUnauthorized && !busy {
						t.Errorf("the answer is %d", res.StatusCode)
					}
				})
			}
			for range 10 {
				s.normal(t)
			}
			all.Wait()
		}),
	)
}
