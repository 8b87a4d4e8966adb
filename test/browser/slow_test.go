package browser

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/yoozak/clients/internal/store/storetest"
)

// inTwoParts is a server before s whose pages come as over a slow network:
// what stands before the marker, and the rest when the browser has had time
// to draw the first part. Browsers on busy machines do the same to a page
// that comes at once: they draw between two steps of reading it.
func inTwoParts(t *testing.T, s *server, marker string) (address string) {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1 // each part at once
	proxy.ModifyResponse = func(res *http.Response) error {
		page, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		res.Header.Set("Content-Length", strconv.Itoa(len(page)))
		res.Body = io.NopCloser(bytes.NewReader(page))
		if at := bytes.Index(page, []byte(marker)); at >= 0 {
			first, rest := bytes.NewReader(page[:at]), bytes.NewReader(page[at:])
			res.Body = io.NopCloser(io.MultiReader(first, pause(halfPage), rest))
		}
		return nil
	}
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	return srv.URL
}

// halfPage is how long the browser has half of a page. No test fails because
// it is too short.
const halfPage = time.Second

// pause is an empty reader that takes its time to say so.
type pause time.Duration

func (p pause) Read([]byte) (int, error) {
	time.Sleep(time.Duration(p))
	return 0, io.EOF
}

// TestFormIsWholeBeforeTheCursorIsInIt is about password managers: Chromium's
// looks at a form when the cursor comes into its password, and later at what
// is new. If the second password came later, it saw one without a username.
func TestFormIsWholeBeforeTheCursorIsInIt(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	s.register(t, "fr", "amina")
	b := openTab(t, tabOptions{language: "fr"})
	if status, answer := s.call(t, http.MethodPost, "auth/password/reset/", "fr", "", "email", firstAddress); status != http.StatusAccepted {
		t.Fatalf("reset: %d %v", status, answer)
	}
	address := inTwoParts(t, s, `<label for="repeat"`) + s.received(t, "reset_password", firstAddress).Path
	b.status(b.open(address), http.StatusOK)
	b.fill("new_password", "amina")
	b.fill("repeat", "amina")
	b.status(b.press(), http.StatusBadRequest)
	b.inField("new_password")
	b.shows("fr", "page.reset.title")
}
