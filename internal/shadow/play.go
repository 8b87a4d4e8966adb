package shadow

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
)

// work plays the requests of one lane, one after the other.
func (s *Shadow) work(lane <-chan *exchange) {
	for {
		select {
		case x := <-lane:
			s.play(x)
			continue
		default:
		}
		select {
		case x := <-lane:
			s.play(x)
		case <-s.stopping:
			if len(lane) == 0 {
				return
			}
		}
	}
}

// play asks the copy what the upstream has answered, and compares.
func (s *Shadow) play(x *exchange) {
	if s.playing.Err() != nil {
		s.report.skip(x.route, dropped)
		return
	}
	got, err := s.ask(x)
	var notCompared *skipped
	switch {
	case errors.As(err, &notCompared):
		s.report.skip(x.route, notCompared.why)
		return
	case err != nil && s.playing.Err() != nil:
		s.report.skip(x.route, dropped)
		return
	case err != nil:
		s.copied.failed(err)
		s.report.skip(x.route, copyFailed)
		return
	}
	s.copied.answered()
	want, err := decoded(x.want)
	if err == nil {
		got, err = decoded(got)
	}
	if err != nil {
		s.report.skip(x.route, encoded)
		return
	}
	s.report.compare(x.route, want, got)
}

// ask sends the copy the request as the upstream got it, without cookies:
// the API has none, and Django's are nobody else's.
func (s *Shadow) ask(x *exchange) (answer, error) {
	ctx, cancel := context.WithTimeout(s.playing, s.o.Timeout)
	defer cancel()
	u := *s.o.Copy
	u.Path, u.RawQuery = x.path, x.query
	req, err := http.NewRequestWithContext(ctx, x.method, u.String(), nil)
	if err != nil {
		return answer{}, err
	}
	if x.body != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(x.body)), int64(len(x.body))
		if x.chunked {
			req.ContentLength = -1
		}
	}
	req.Header = x.header
	for _, name := range []string{"Cookie", "Accept-Encoding", "Expect", "Connection", "Upgrade", "Te"} {
		req.Header.Del(name)
	}
	if req.Header["User-Agent"] == nil {
		req.Header.Set("User-Agent", "") // or Go would send its own
	}
	res, err := s.copy.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	got := newAnswer(res)
	got.body, err = readBody(res.Body)
	return got, err
}

// skipped is an answer that cannot be compared.
type skipped struct{ why string }

func (e *skipped) Error() string { return e.why }

func readBody(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = &skipped{large}
	}
	return body, err
}

// decoded undoes the compression that a client asked for.
func decoded(a answer) (answer, error) {
	if a.encoding == "" || len(a.body) == 0 {
		return a, nil
	}
	if a.encoding != "gzip" {
		return a, errors.New("unknown encoding")
	}
	z, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		return a, err
	}
	a.body, err = readBody(z)
	return a, err
}
