package breach

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // what Have I Been Pwned is asked by
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Options say who is asked. The zero value asks nobody.
type Options struct {
	List    bool          // the list in the program
	URL     string        // of a Have I Been Pwned range API; empty: none
	Timeout time.Duration // of a whole question; 0: a second
	Log     *slog.Logger
}

// Checker knows passwords that have leaked. It is safe for concurrent use; a
// nil one knows none.
type Checker struct {
	o        Options
	client   *http.Client
	failures atomic.Int64
}

const (
	// usualTimeout is short: somebody waits to be registered.
	usualTimeout = time.Second

	// maxAnswer is ten times what a range with padding is, in bytes.
	maxAnswer = 1 << 20

	// prefixSize is how much of the hash is told, in hex digits: about a
	// thousand leaked passwords share it.
	prefixSize = 5
)

// New makes a Checker.
func New(o Options) *Checker {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout == 0 {
		o.Timeout = usualTimeout
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 4
	return &Checker{o: o, client: &http.Client{
		Transport:     transport,
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Listed says whether the list in the program has a password, in any case of
// letters. It takes about a microsecond.
func (c *Checker) Listed(plain string) bool {
	return c != nil && c.o.List && list(passwords).contains(plain)
}

// Leaked asks the server whether a password has leaked. It takes as long as
// [Options.Timeout] at most. A server that does not answer, or not as it
// should, knows nothing: registration must not depend on it.
// [Checker.Failures] counts these.
func (c *Checker) Leaked(ctx context.Context, plain string) bool {
	if c == nil || c.o.URL == "" {
		return false
	}
	leaked, err := c.ask(ctx, plain)
	if err != nil && ctx.Err() == nil { // else it is the client who left
		c.failures.Add(1)
		c.o.Log.DebugContext(ctx, "breach look-up failed", "error", err.Error())
	}
	return leaked
}

// Failures is how many questions were not answered so far.
func (c *Checker) Failures() int {
	if c == nil {
		return 0
	}
	return int(c.failures.Load())
}

// ask tells the server the first digits of the password's SHA-1 and looks for
// the others in the answer. No error that it returns has any of them.
func (c *Checker) ask(ctx context.Context, plain string) (bool, error) {
	sum := sha1.Sum([]byte(norm.NFKC.String(plain))) //nolint:gosec // see the import
	digest := strings.ToUpper(hex.EncodeToString(sum[:]))
	prefix, rest := digest[:prefixSize], digest[prefixSize:]
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(c.o.URL, "/")+"/"+prefix, nil)
	if err != nil {
		return false, errors.New("the URL cannot be used")
	}
	request.Header.Set("Add-Padding", "true") // so that the length of the answer tells nothing
	request.Header.Set("User-Agent", "yoozak-clients")
	answer, err := c.client.Do(request)
	if err != nil {
		return false, withoutURL(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it is only read
	if answer.StatusCode != http.StatusOK {
		return false, fmt.Errorf("status %d", answer.StatusCode)
	}
	return find(answer.Body, rest)
}

// withoutURL takes away what the URL tells of the hash.
func withoutURL(err error) error {
	if e, is := errors.AsType[*url.Error](err); is {
		return e.Err
	}
	return err
}

// find reads lines of the form SUFFIX:COUNT. Those that count nothing are
// padding.
func find(answer io.Reader, rest string) (bool, error) {
	bounded := &io.LimitedReader{R: answer, N: maxAnswer}
	lines := bufio.NewScanner(bounded)
	n := 0
	for ; lines.Scan(); n++ {
		suffix, count, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		times, err := strconv.ParseUint(count, 10, 64)
		if err != nil || len(suffix) != len(rest) {
			return false, errors.New("the answer is not a range of hashes")
		}
		if times > 0 && strings.EqualFold(suffix, rest) {
			return true, nil
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong), bounded.N == 0:
		return false, errors.New("the answer is too long")
	case err != nil:
		return false, withoutURL(err)
	case n == 0:
		return false, errors.New("the answer is empty")
	}
	return false, nil
}
