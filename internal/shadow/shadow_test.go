package shadow_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/shadow"
)

// answering is a handler that answers one thing.
func answering(status int, header http.Header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var jsonHeader = http.Header{"Content-Type": {"application/json"}}

// seen is a request as a server got it.
type seen struct {
	Method, URI, Host, Body string
	Length                  int64
	Header                  http.Header
}

// seer is a handler that keeps what it got.
func seer(to *[]seen, mu *sync.Mutex) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		*to = append(*to, seen{r.Method, r.RequestURI, r.Host, string(body), r.ContentLength, r.Header})
		_, _ = io.WriteString(w, `{}`)
	}
}

func TestUpstreamGetsTheRequestAsItIsAndTheCopyTheSame(t *testing.T) {
	t.Parallel()
	const query = "?a=1;b=%zz&c"
	behindProxy := http.Header{
		"Authorization": {"Bearer abc"}, "Content-Type": {"application/json"}, "Accept-Language": {"ar"},
		"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"shop.example"},
	}
	for name, test := range map[string]struct {
		path   string
		body   io.Reader
		header http.Header
		want   seen // and the headers
	}{
		"with its length": {
			loginPath + query, strings.NewReader(`{"username":"amina"}`), behindProxy,
			seen{URI: loginPath + query, Body: `{"username":"amina"}`, Length: 20, Header: behindProxy},
		},
		"chunked": { // Django reads such a body as nothing
			loginPath, io.MultiReader(strings.NewReader(`{"username":`), strings.NewReader(`"b"}`)), behindProxy,
			seen{URI: loginPath, Body: `{"username":"b"}`, Length: -1, Header: behindProxy},
		},
		"no body, no proxy in front": {loginPath, nil, nil, seen{URI: loginPath, Header: http.Header{"X-Forwarded-For": {"127.0.0.1"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var (
				mu               sync.Mutex
				upstream, copied []seen
			)
			s := newShadow(t, listen(t, seer(&upstream, &mu)), listen(t, seer(&copied, &mu)), nil)
			headers := []string{"Cookie", "sessionid=1", "User-Agent", ""}
			for name, values := range test.header {
				headers = append(headers, name, values[0])
			}
			s.call(t, http.MethodPost, test.path, test.body, headers...)
			s.close()
			if len(upstream) != 1 || len(copied) != 1 {
				t.Fatalf("upstream got %d requests, the copy %d; want 1 each", len(upstream), len(copied))
			}
			u, c := upstream[0], copied[0]
			if u.Host != strings.TrimPrefix(s.url, "http://") {
				t.Errorf("upstream got the host %q", u.Host)
			}
			if u.Header.Get("Cookie") == "" || c.Header.Get("Cookie") != "" {
				t.Errorf("cookies: upstream %q, copy %q", u.Header["Cookie"], c.Header["Cookie"])
			}
			test.want.Method = http.MethodPost
			for name, got := range map[string]seen{"upstream": u, "copy": c} {
				got.Host = ""
				for _, of := range []string{"Cookie", "Accept-Encoding", "Content-Length"} { // the test's client adds the last two
					got.Header.Del(of)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// TestStrangersDoNotChooseTheirAddress: a copy that believes us would count
// by whatever they write.
func TestStrangersDoNotChooseTheirAddress(t *testing.T) {
	t.Parallel()
	var (
		mu               sync.Mutex
		upstream, copied []seen
	)
	s := newShadow(t, listen(t, seer(&upstream, &mu)), listen(t, seer(&copied, &mu)), func(o *shadow.Options) {
		o.Trusted = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	s.call(t, http.MethodGet, mePath, nil,
		"X-Forwarded-For", "203.0.113.7", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "Forwarded", "for=203.0.113.7")
	s.close()
	if len(upstream) != 1 || len(copied) != 1 {
		t.Fatalf("upstream got %d requests, the copy %d; want 1 each", len(upstream), len(copied))
	}
	for name, got := range map[string]http.Header{"upstream": upstream[0].Header, "copy": copied[0].Header} {
		if client := got.Get("X-Forwarded-For"); client != "127.0.0.1" {
			t.Errorf("%s: X-Forwarded-For %q, want the caller's address", name, client)
		}
		for _, of := range []string{"X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"} {
			if got[of] != nil {
				t.Errorf("%s: a stranger's %s was passed on: %q", name, of, got[of])
			}
		}
	}
}

func TestCustomerGetsTheUpstreamsAnswer(t *testing.T) {
	t.Parallel()
	header := http.Header{"Content-Type": {"application/json"}, "Set-Cookie": {"a=1", "b=2"}, "X-Token-Refresh-Required": {"true"}}
	s := newShadow(t, listen(t, answering(http.StatusTeapot, header, `{"from":"upstream"}`)), listen(t, answering(200, nil, "copy")), nil)
	for _, path := range []string{mePath, "/elsewhere"} {
		a := s.get(t, path)
		if a.status != http.StatusTeapot || a.body != `{"from":"upstream"}` {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		for name, want := range header {
			if !slices.Equal(a.header[name], want) {
				t.Errorf("%s: %s %q; want %q", path, name, a.header[name], want)
			}
		}
	}
}

// jwt is a token whose header, claims and signature nobody checks.
func jwt(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"HS256"}`)) + "." + encode([]byte(claims)) + ".c2lnbmF0dXJl"
}

func TestReportSaysWhereAnswersDiffer(t *testing.T) {
	t.Parallel()
	bearer := http.Header{"Content-Type": {"application/json"}, "Www-Authenticate": {`Bearer realm="api"`}}
	for name, test := range map[string]struct {
		upstream, replica http.HandlerFunc
		want              []string
	}{
		"same":         {answering(200, jsonHeader, `{"id":1,"x":[1],"n":null}`), answering(200, jsonHeader, `{"n":null,"id":22,"x":[3,4]}`), nil},
		"charset only": {answering(200, jsonHeader, `{}`), answering(200, http.Header{"Content-Type": {"Application/JSON; charset=utf-8"}}, `{}`), nil},
		"empty list":   {answering(200, jsonHeader, `{"x":[]}`), answering(200, jsonHeader, `{"x":["a"]}`), nil},
		"our tokens say more": {
			answering(200, jsonHeader, `{"access":"`+jwt(`{"exp":1,"jti":"a","user_id":1}`)+`"}`),
			answering(200, jsonHeader, `{"access":"`+jwt(`{"exp":2,"jti":"b","user_id":1,"sid":"x","iss":"y","sub":"1"}`)+`"}`), nil,
		},
		"a claim is missing": {
			answering(200, jsonHeader, `{"access":"`+jwt(`{"exp":1,"shop_id":7}`)+`"}`), answering(200, jsonHeader, `{"access":"`+jwt(`{"exp":2}`)+`"}`),
			[]string{"body.access: token with shop_id, copy: without"},
		},
		"no token": {
			answering(200, jsonHeader, `{"access":"`+jwt(`{"exp":1}`)+`"}`), answering(200, jsonHeader, `{"access":"a.b.c"}`),
			[]string{"body.access: token, copy: text"},
		},
		"status": {answering(200, jsonHeader, `{}`), answering(401, jsonHeader, `{}`), []string{"status: 200, copy: 401"}},
		"type": {
			answering(404, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, "<h1>"), answering(404, jsonHeader, `{"detail":"x"}`),
			[]string{"content-type: text/html, copy: application/json", "body: not JSON, copy: object"},
		},
		"no challenge":      {answering(401, bearer, `{}`), answering(401, jsonHeader, `{}`), []string{"www-authenticate: there, copy: missing"}},
		"challenge":         {answering(401, jsonHeader, `{}`), answering(401, bearer, `{}`), []string{"www-authenticate: missing, copy: there"}},
		"another challenge": {answering(401, http.Header{"Content-Type": {"application/json"}, "Www-Authenticate": {"Basic"}}, `{}`), answering(401, bearer, `{}`), []string{"www-authenticate: there, copy: another"}},
		"fields": {
			answering(200, jsonHeader, `{"user":{"id":1,"phone":"0"},"a":1}`), answering(200, jsonHeader, `{"user":{"id":"1"},"b":{}}`),
			[]string{"body.a: number, copy: missing", "body.user.id: number, copy: text", "body.user.phone: text, copy: missing", "body.b: missing, copy: object"},
		},
		"null":            {answering(200, jsonHeader, `{"a":null}`), answering(200, jsonHeader, `{"a":false}`), []string{"body.a: null, copy: boolean"}},
		"list for a text": {answering(400, jsonHeader, `{"username":["a"]}`), answering(400, jsonHeader, `{"username":"a"}`), []string{"body.username: list, copy: text"}},
		"items":           {answering(200, jsonHeader, `[{"a":1}]`), answering(200, jsonHeader, `[{"a":""},{"a":"b"}]`), []string{"body[].a: number, copy: text"}},
		"mixed items":     {answering(200, jsonHeader, `[1,"a"]`), answering(200, jsonHeader, `[1,null]`), []string{"body[]: other kinds of items"}},
		"no body":         {answering(200, jsonHeader, `{}`), answering(200, jsonHeader, ``), []string{"body: object, copy: empty"}},
		"two documents":   {answering(200, jsonHeader, `{}`), answering(200, jsonHeader, `{}{}`), []string{"body: object, copy: not JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShadow(t, listen(t, test.upstream), listen(t, test.replica), nil)
			for range 2 { // the second time it is only counted
				s.get(t, mePath)
			}
			same, different := 2, 0
			if test.want != nil {
				same, different = 0, 2
			}
			if c := s.route(t, "GET "+mePath); c.Same != same || c.Different != different {
				t.Errorf("counts %+v", c)
			}
			s.WriteSummary()
			var found []shadow.Difference
			for _, d := range s.Summary().Differences {
				found = append(found, shadow.Difference{Route: d.Route, Count: d.Count, Differs: d.Differs})
			}
			var want []shadow.Difference
			if test.want != nil {
				want = []shadow.Difference{{Route: "GET " + mePath, Count: 2, Differs: test.want}}
			}
			if diff := cmp.Diff(want, found, cmp.AllowUnexported(shadow.Difference{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if n := len(s.events(t, "difference")); n != len(want) {
				t.Errorf("%d differences in the report, want %d", n, len(want))
			}
			if n := len(s.events(t, "summary")); n != 1 {
				t.Errorf("%d summaries in the report", n)
			}
		})
	}
}

func TestExampleOfADifferenceHasShapes(t *testing.T) {
	t.Parallel()
	s := newShadow(t,
		listen(t, answering(200, jsonHeader, `{"user":{"id":7,"tags":["a","b",1]},"ok":true,"access":"`+jwt(`{"jti":"a","exp":1}`)+`"}`)),
		listen(t, answering(500, jsonHeader, `<html>`)), nil)
	s.get(t, mePath)
	s.close()
	events := s.events(t, "difference")
	want := `{"route":"GET /api/clients/clients/me/","count":1,"differs":["status: 200, copy: 500","body: object, copy: not JSON"],` +
		`"upstream":{"access":"token of exp, jti","ok":"boolean","user":{"id":"number","tags":["text","number"]}},"copy":"not JSON"}`
	if len(events) != 1 || string(events[0]) != want {
		t.Errorf("got  %s\nwant %s", events, want)
	}
}

func TestCompressedAnswersAreCompared(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, `{"a":1}`)
	_ = z.Close()
	header := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
	s := newShadow(t, listen(t, answering(200, header, packed.String())), listen(t, answering(200, jsonHeader, `{"a":2}`)), nil)
	if a := s.call(t, http.MethodGet, mePath, nil, "Accept-Encoding", "gzip"); a.body != packed.String() {
		t.Errorf("the customer got %q", a.body)
	}
	if c := s.route(t, "GET "+mePath); c.Same != 1 {
		t.Errorf("counts %+v", c)
	}
}

func TestOtherPathsAreOnlyPassedOn(t *testing.T) {
	t.Parallel()
	replica := listen(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the copy got %s %s", r.Method, r.URL) })
	s := newShadow(t, listen(t, answering(200, nil, "page")), replica, nil)
	for _, path := range []string{"/", "/admin/login/?next=/", "/api/clients/clients/me/7/", "/api//clients/clients/me/", "/API/clients/clients/me/"} {
		if a := s.get(t, path); a.body != "page" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if c := s.route(t, "other"); c.Count != 5 || c.NotCompared["not of the API"] != 5 {
		t.Errorf("counts %+v", c)
	}
}

func TestPathsWithoutTheirSlashAndMadeUpMethodsAreCompared(t *testing.T) {
	t.Parallel()
	s := newShadow(t, listen(t, answering(301, nil, "")), listen(t, answering(200, nil, "")), nil)
	s.get(t, strings.TrimSuffix(mePath, "/"))
	s.call(t, "SECRET42", mePath, nil)
	if c := s.route(t, "GET "+strings.TrimSuffix(mePath, "/")); c.Different != 1 {
		t.Errorf("counts %+v", c)
	}
	if c := s.route(t, "other "+mePath); c.Different != 1 {
		t.Errorf("counts %+v", c)
	}
}

// TestSlowCopyDelaysNobody: the copy answers nothing until all customers are
// served; what does not fit in the queue is counted.
func TestSlowCopyDelaysNobody(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	replica := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		<-release
		answering(200, jsonHeader, `{}`)(w, nil)
	})
	s := newShadow(t, listen(t, answering(200, jsonHeader, `{}`)), replica, func(o *shadow.Options) { o.Queue = 3 })
	for range 20 {
		if a := s.get(t, mePath); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	close(release)
	// One under way, three that wait; the rest is dropped.
	if c := s.route(t, "GET "+mePath); c.Same < 3 || c.Same > 4 || c.NotCompared["dropped"] != 20-c.Same {
		t.Errorf("counts %+v", c)
	}
}

func TestCopyHasALimitedTime(t *testing.T) {
	t.Parallel()
	replica := listen(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush() // headers in time, the body never
		<-r.Context().Done()
	})
	s := newShadow(t, listen(t, answering(200, jsonHeader, `{}`)), replica, func(o *shadow.Options) { o.Timeout = 50 * time.Millisecond })
	s.get(t, mePath)
	if c := s.route(t, "GET "+mePath); c.NotCompared["copy failed"] != 1 {
		t.Errorf("counts %+v", c)
	}
	if !strings.Contains(s.log.String(), `"server":"copy","failure":"timeout"`) {
		t.Errorf("log: %s", s.log.String())
	}
}

func TestCloseWaitsNoLongerThanItIsTold(t *testing.T) {
	t.Parallel()
	replica := listen(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := newShadow(t, listen(t, answering(200, jsonHeader, `{}`)), replica, nil)
	for range 3 {
		s.get(t, mePath)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Close(ctx) // before the server: requests that come now are dropped
	s.get(t, mePath)
	for _, c := range s.Summary().Routes {
		if c.Count != 4 || c.NotCompared["dropped"] != 4 {
			t.Errorf("counts %+v", c)
		}
	}
}

func TestDeadCopyIsNoticedOnce(t *testing.T) {
	t.Parallel()
	s := newShadow(t, listen(t, answering(200, jsonHeader, `{}`)), dead(t), nil)
	for range 5 {
		if a := s.get(t, mePath); a.status != http.StatusOK || a.body != `{}` {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if c := s.route(t, "GET "+mePath); c.NotCompared["copy failed"] != 5 {
		t.Errorf("counts %+v", c)
	}
	if n := strings.Count(s.log.String(), `"server":"copy","failure":"unreachable"`); n != 1 {
		t.Errorf("logged %d times: %s", n, s.log.String())
	}
}

func TestDeadUpstreamIsA502AndNotPlayed(t *testing.T) {
	t.Parallel()
	replica := listen(t, func(_ http.ResponseWriter, _ *http.Request) { t.Error("the copy was asked") })
	s := newShadow(t, dead(t), replica, nil)
	for _, path := range []string{mePath, "/elsewhere"} {
		a := s.get(t, path)
		var body struct{ Detail string }
		if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != http.StatusBadGateway || body.Detail == "" || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %v", path, a.status, a.body, a.header)
		}
	}
	if c := s.route(t, "GET "+mePath); c.NotCompared["upstream failed"] != 1 {
		t.Errorf("counts %+v", c)
	}
	if n := strings.Count(s.log.String(), `"server":"upstream","failure":"unreachable"`); n != 1 {
		t.Errorf("logged %d times: %s", n, s.log.String())
	}
}

func TestLargeBodiesPassAndAreNotCompared(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "answer" {
			_, _ = io.WriteString(w, strings.Repeat("a", 64<<10+1))
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprintf(w, "%d", n)
	}
	replica := listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "fits" {
			t.Errorf("the copy got %s", r.URL)
		}
		echo(w, r)
	})
	s := newShadow(t, listen(t, echo), replica, nil)
	const fits, tooLong = 64 << 10, 64<<10 + 1
	long := strings.Repeat("x", tooLong)
	for name, test := range map[string]struct {
		query string
		body  io.Reader
		want  int
	}{
		"fits":           {"?fits", strings.NewReader(long[:fits]), fits},
		"fits, chunked":  {"?fits", io.MultiReader(strings.NewReader(long[:fits])), fits},
		"large":          {"", strings.NewReader(long), tooLong},
		"large, chunked": {"", io.MultiReader(strings.NewReader(long)), tooLong},
		"huge, chunked":  {"", io.MultiReader(strings.NewReader(long), strings.NewReader(strings.Repeat("y", 1<<20))), tooLong + 1<<20},
	} {
		if a := s.call(t, http.MethodPost, loginPath+test.query, test.body); a.status != http.StatusOK || a.body != fmt.Sprint(test.want) {
			t.Errorf("%s: %d %s; want %d bytes", name, a.status, a.body, test.want)
		}
	}
	if a := s.call(t, http.MethodPost, loginPath+"?answer", nil); len(a.body) != tooLong {
		t.Errorf("an answer of %d bytes; want %d", len(a.body), tooLong)
	}
	if c := s.route(t, "POST "+loginPath); c.Same != 2 || c.NotCompared["too large"] != 4 {
		t.Errorf("counts %+v", c)
	}
}

func TestLargeAnswerOfTheCopyIsNotCompared(t *testing.T) {
	t.Parallel()
	s := newShadow(t, listen(t, answering(200, jsonHeader, `{}`)), listen(t, answering(200, jsonHeader, strings.Repeat(" ", 64<<10+1))), nil)
	s.get(t, mePath)
	if c := s.route(t, "GET "+mePath); c.NotCompared["too large"] != 1 {
		t.Errorf("counts %+v", c)
	}
}

// TestCustomerWhoLeavesIsNotPlayed: nobody knows what the upstream did.
func TestCustomerWhoLeavesIsNotPlayed(t *testing.T) {
	t.Parallel()
	replica := listen(t, func(_ http.ResponseWriter, _ *http.Request) { t.Error("the copy was asked") })
	got := make(chan struct{})
	upstream := listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "half" {
			_, _ = io.WriteString(w, `{"half`)
			w.(http.Flusher).Flush()
		} else {
			close(got)
		}
		<-r.Context().Done()
	})
	s := newShadow(t, upstream, replica, nil)
	for _, query := range []string{"?half", ""} {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+mePath+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if query == "" {
			go func() {
				<-got
				leave()
			}()
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if (err == nil) != (query == "?half") {
			t.Fatalf("%q: %v", query, err)
		}
		if err == nil {
			_, err = res.Body.Read(make([]byte, 1)) // it has begun
			leave()
			_ = res.Body.Close()
			if err != nil {
				t.Errorf("no beginning: %v", err)
			}
		}
	}
	if c := s.route(t, "GET "+mePath); c.NotCompared["aborted"] != 2 {
		t.Errorf("counts %+v", c)
	}
	if strings.Contains(s.log.String(), "does not answer") {
		t.Errorf("the upstream is blamed: %s", s.log.String())
	}
}

// TestBodyThatIsCutIsNobodysFault: the upstream gets no end of it either.
func TestBodyThatIsCutIsNobodysFault(t *testing.T) {
	t.Parallel()
	replica := listen(t, func(_ http.ResponseWriter, _ *http.Request) { t.Error("the copy was asked") })
	s := newShadow(t, listen(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }), replica, nil)
	for _, start := range []string{
		"POST " + loginPath + " HTTP/1.1\r\nContent-Length: 100\r\n", "POST " + loginPath + " HTTP/1.1\r\nContent-Length: 100000\r\n",
		"POST " + loginPath + " HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", "POST /elsewhere HTTP/1.1\r\nContent-Length: 100\r\n",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, start+"Host: shop.example\r\nConnection: close\r\n\r\n5\r\n{"); err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, c) // until the server has seen it
		_ = c.Close()
	}
	if c := s.route(t, "POST "+loginPath); c.NotCompared["aborted"] != 3 {
		t.Errorf("counts %+v", c)
	}
	if c := s.route(t, "other"); c.NotCompared["aborted"] != 1 {
		t.Errorf("counts %+v", c)
	}
	if strings.Contains(s.log.String(), "does not answer") {
		t.Errorf("the upstream is blamed: %s", s.log.String())
	}
}

// TestRequestsOfOneClientKeepTheirOrder: a login must not overtake the
// registration before it.
func TestRequestsOfOneClientKeepTheirOrder(t *testing.T) {
	t.Parallel()
	var (
		mu  sync.Mutex
		got = map[string][]string{}
	)
	replica := listen(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		client := r.Header.Get("X-Forwarded-For")
		got[client] = append(got[client], r.URL.RawQuery)
	})
	s := newShadow(t, listen(t, answering(200, nil, "")), replica, nil)
	var wg sync.WaitGroup
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
	}
	clients := []string{"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"}
	for _, client := range clients {
		wg.Go(func() {
			for _, n := range want {
				s.call(t, http.MethodGet, mePath+"?"+n, nil, "X-Forwarded-For", client)
			}
		})
	}
	wg.Wait()
	s.close()
	for _, client := range clients {
		if diff := cmp.Diff(want, got[client]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", client, diff)
		}
	}
}

// TestReportAndLogHoldNothingSecret plants a secret wherever a request or an
// answer has room for one.
func TestReportAndLogHoldNothingSecret(t *testing.T) {
	t.Parallel()
	const planted = "hunter2-a8f4c1"
	encoded := base64.RawURLEncoding.EncodeToString([]byte(planted))
	body := func(extra string) string {
		return `{"username":"` + planted + `","` + planted + `":1,"by_mail":{"amina@` + planted + `.example":"a"},"access":"` +
			jwt(`{"jti":"`+planted+`","`+planted+`":1}`) + `","list":["` + planted + `",{"` + planted + `":null}]` + extra + `}`
	}
	header := func(contentType string) http.Header {
		return http.Header{
			"Content-Type": {contentType}, "X-Planted": {planted}, "Set-Cookie": {"s=" + planted},
			"Www-Authenticate": {"Bearer realm=" + planted}, "Location": {"/" + planted},
		}
	}
	// raw answers what is no HTTP; errors that quote it must not be logged.
	raw := func(w http.ResponseWriter) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(connection, planted+" "+planted+"\r\n\r\n")
			_ = connection.Close()
		}
	}
	upstream := listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "raw" {
			raw(w)
			return
		}
		answering(200, header(planted+"/"+planted), body(`,"more":1`))(w, r)
	})
	replica := listen(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.RawQuery, "raw") {
			raw(w)
			return
		}
		h := header("application/json")
		h.Del("Www-Authenticate")
		answering(500, h, body(""))(w, r)
	})
	s := newShadow(t, upstream, replica, nil)
	headers := []string{"Authorization", "Bearer " + planted, "X-Request-Id", planted, "Content-Type", "text/" + planted, "X-Forwarded-For", planted, "X-" + planted, planted}
	for _, path := range []string{loginPath, mePath + "?" + planted, "/" + planted, loginPath + planted + "/", mePath + "?raw", mePath + "?raw2"} {
		for _, method := range []string{http.MethodPost, "HUNTER2-A8F4C1"} {
			s.call(t, method, path, strings.NewReader(body("")), headers...)
		}
	}
	s.close()
	s.WriteSummary()
	var table bytes.Buffer
	s.Summary().Table(&table)
	for name, text := range map[string]string{"report": s.report.String(), "log": s.log.String(), "table": table.String()} {
		for _, secret := range []string{planted, strings.ToUpper(planted), encoded, "hunter"} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s holds %q:\n%s", name, secret, text)
			}
		}
		if !strings.Contains(text, loginPath) && name != "log" {
			t.Errorf("the %s holds nothing: %s", name, text)
		}
	}
	for _, want := range []string{`"server":"upstream"`, `"server":"copy"`} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %s: nothing was tested\n%s", want, s.log.String())
		}
	}
	if !strings.Contains(table.String(), "body.more: number, copy: missing") {
		t.Errorf("table:\n%s", table.String())
	}
}
