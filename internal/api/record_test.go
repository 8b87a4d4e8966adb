package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// exchange is a request of a test and its answer.
type exchange struct {
	Method      string      `json:"method"`
	Path        string      `json:"path"` // with the query
	Request     http.Header `json:"request"`
	RequestBody []byte      `json:"request_body"`
	Status      int         `json:"status"`
	Header      http.Header `json:"header"`
	Body        []byte      `json:"body"`
}

// recorder writes the exchanges of every server in the tests into the folder
// that YOOZAK_TEST_EXCHANGES names: test/openapi compares them with the
// document, by a library that the product is not to depend on. Of those that
// are alike it writes one.
var recorder = sync.OnceValue(func() *exchanges {
	folder := os.Getenv("YOOZAK_TEST_EXCHANGES")
	if folder == "" {
		return nil
	}
	file, err := os.Create(filepath.Join(folder, "exchanges.json"))
	if err != nil {
		panic(err)
	}
	return &exchanges{to: json.NewEncoder(file), seen: map[[32]byte]bool{}}
})

type exchanges struct {
	mu   sync.Mutex
	to   *json.Encoder
	seen map[[32]byte]bool
}

// around is a handler whose exchanges are written.
func (e *exchanges) around(h http.Handler) http.Handler {
	if e == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent bytes.Buffer
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &sent), r.Body}
		x := exchange{Method: r.Method, Path: r.URL.RequestURI(), Request: r.Header.Clone()}
		answered := &recordedAnswer{ResponseWriter: w}
		h.ServeHTTP(answered, r)
		x.RequestBody, x.Status, x.Header, x.Body = sent.Bytes(), answered.status, w.Header().Clone(), answered.body.Bytes()
		e.write(x)
	})
}

func (e *exchanges) write(x exchange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	alike := sha256.Sum256(append([]byte(x.Method+" "+x.Path+" "+x.Header.Get("X-Error-Code")+" "), append(x.RequestBody, x.Body...)...))
	if e.seen[alike] {
		return
	}
	e.seen[alike] = true
	if err := e.to.Encode(x); err != nil {
		panic(err)
	}
}

type recordedAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (a *recordedAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *recordedAnswer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.body.Write(p)
	return a.ResponseWriter.Write(p)
}

func (a *recordedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
