package breach

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yoozak/clients/internal/porttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The SHA-1 of "password", in the two parts.
const (
	leaked = "password"
	prefix = "5BAA6"
	rest   = "1E4C9B93F3F0682250B6CF8331B7EE68FD8"
)

const other = "0018A45C4D1DEF81644B54AB7F969B88D65"

// serve answers every question in one way. It stops with the test.
func serve(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

// patient is a Checker that gives a busy machine more than a second, where
// the second is not what the test is about.
func patient(o Options) *Checker {
	o.Timeout = time.Minute
	return New(o)
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func TestServerIsAskedByFiveDigits(t *testing.T) {
	t.Parallel()
	asked := make(chan *http.Request, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		fmt.Fprintf(w, "%s:3\r\n%s:9659365\r\n", other, rest)
	})
	c := patient(Options{URL: url + "/range/"})
	if !c.Leaked(t.Context(), leaked) || c.Failures() != 0 {
		t.Errorf("%q has not leaked; %d failures", leaked, c.Failures())
	}
	r := <-asked
	if r.Method != http.MethodGet || r.RequestURI != "/range/"+prefix || r.Header.Get("Add-Padding") != "true" || r.ContentLength > 0 {
		t.Errorf("asked %s %s, headers %v", r.Method, r.RequestURI, r.Header)
	}
}

func TestAnswersOfTheServer(t *testing.T) {
	t.Parallel()
	padding := strings.Repeat(other+":0\r\n", 900)
	slow := make(chan struct{})
	t.Cleanup(func() { close(slow) }) // before the server's, which waits for its handlers
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		leaked bool
		fails  bool
	}{
		"others only":       {text(other + ":3\r\n"), false, false},
		"no end of line":    {text(other + ":3\n" + rest + ":1"), true, false},
		"lower case":        {text(strings.ToLower(rest) + ":1\r\n"), true, false},
		"after padding":     {text(padding + rest + ":1\r\n"), true, false},
		"is padding":        {text(padding + rest + ":0\r\n"), false, false},
		"500":               {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, rest+":1", http.StatusInternalServerError) }, false, true},
		"429":               {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, false, true},
		"redirect":          {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) }, false, true},
		"garbage":           {text("<html>welcome to our hotel's network</html>"), false, true},
		"garbage of a kind": {text("x:1\r\n" + rest + ":1\r\n"), false, true},
		"no count":          {text(rest + "\r\n"), false, true},
		"negative":          {text(rest + ":-1\r\n"), false, true},
		"empty":             {text(""), false, true},
		"one huge line":     {text(strings.Repeat("A", 4<<20)), false, true},
		"huge":              {text(strings.Repeat(other+":1\r\n", 4<<20/40) + rest + ":1\r\n"), false, true},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			fmt.Fprintf(w, "%s:1\r\n", other)
		}, false, true},
		"slow": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-slow:
			case <-r.Context().Done():
			}
		}, false, true},
		"slow in the middle": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s:1\r\n", other)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, false, true},
		"hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			o := Options{URL: serve(t, test.answer), Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
			c := patient(o)
			if strings.HasPrefix(name, "slow") { // its answers never end: that this does is the test
				c = New(o)
			}
			if got := c.Leaked(t.Context(), leaked); got != test.leaked {
				t.Errorf("leaked: %t", got)
			}
			failures := 0
			if test.fails {
				failures = 1
			}
			if c.Failures() != failures || strings.Contains(log.String(), "breach look-up failed") != test.fails {
				t.Errorf("%d failures; log: %s", c.Failures(), &log)
			}
			keepsSecret(t, log.String())
		})
	}
}

func keepsSecret(t *testing.T, log string) {
	t.Helper()
	for _, secret := range []string{leaked, prefix, rest} {
		if strings.Contains(strings.ToLower(log), strings.ToLower(secret)) {
			t.Errorf("the log has %s: %s", secret, log)
		}
	}
}

func TestNoServerIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://" + porttest.Address(t), "http://%zz/" + leaked} {
		var log bytes.Buffer
		c := New(Options{URL: url, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		if c.Leaked(t.Context(), leaked) || c.Failures() != 1 {
			t.Errorf("%s: %d failures", url, c.Failures())
		}
		keepsSecret(t, log.String())
	}
	if off := New(Options{List: true}); off.Leaked(t.Context(), leaked) || off.Failures() != 0 {
		t.Error("a server is asked though none is set")
	}
	if none := (*Checker)(nil); none.Leaked(t.Context(), leaked) || none.Failures() != 0 {
		t.Error("a nil Checker knows a password")
	}
}

// TestClientWhoLeavesIsNoFailure of the server's.
func TestClientWhoLeavesIsNoFailure(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	c := patient(Options{URL: serve(t, func(_ http.ResponseWriter, r *http.Request) {
		leave()
		<-r.Context().Done()
	})})
	if c.Leaked(ctx, leaked) || c.Failures() != 0 {
		t.Errorf("%d failures", c.Failures())
	}
}

// TestServerIsAskedInNFKC because that is what is hashed.
func TestServerIsAskedInNFKC(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	c := patient(Options{URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.Path)
		fmt.Fprintf(w, "%s:1", rest)
	})})
	if !c.Leaked(t.Context(), "ｐａｓｓｗｏｒｄ") || asked.Load() != "/"+prefix {
		t.Errorf("asked %v", asked.Load())
	}
}
