package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/yoozak/clients/internal/account"
)

// ResponseWriter is what handlers behind [New] write to, with what is known
// of the request.
type ResponseWriter struct {
	http.ResponseWriter
	Client    Client
	RequestID string
	Language  string
	Route     string // for logs and metrics, set by whoever answers; "" is an unknown path

	status  int
	handler *handler
}

// Writer is the ResponseWriter that a handler behind [New] was given.
func Writer(w http.ResponseWriter) *ResponseWriter { return w.(*ResponseWriter) }

// WriteHeader is [http.ResponseWriter]'s. When the server is about to stop,
// which it may not have been when the request came, the client is told to use
// another connection: net/http also makes a GOAWAY of it, for HTTP/2.
func (w *ResponseWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		if w.handler.stopping() {
			w.Header()["Connection"] = closing
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write is [http.ResponseWriter]'s.
func (w *ResponseWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// LogUnavailable notes why the request cannot be answered now: for the log, and
// for whoever counts.
func (w *ResponseWriter) LogUnavailable(ctx context.Context, err error) {
	if w.handler.o.Unavailable != nil {
		w.handler.o.Unavailable(err)
	}
	w.handler.o.Log.WarnContext(ctx, "unavailable", "request_id", w.RequestID, "route", w.Route, "error", err.Error())
}

// Unwrap is for [http.ResponseController].
func (w *ResponseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// RequestInfo is what the rules know of a request.
func (w *ResponseWriter) RequestInfo(r *http.Request) account.RequestInfo {
	agent := r.UserAgent()
	if len(agent) > account.MaxUserAgent {
		agent = agent[:account.MaxUserAgent]
	}
	agent = strings.ReplaceAll(strings.ToValidUTF8(agent, "\uFFFD"), "\x00", "")
	return account.RequestInfo{IP: w.Client.IP, UserAgent: agent, Language: w.Language, RequestID: w.RequestID}
}

// JSONType is a Content-Type, as a shared header value.
var JSONType = []string{"application/json"}

// buffers are those of answers, about half a kilobyte each.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// WriteJSON answers with a body that [EncodeJSON] takes.
func (w *ResponseWriter) WriteJSON(status int, body any) {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	EncodeJSON(b, body)
	w.Header()["Content-Type"] = JSONType
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may be gone: there is nobody to tell
}

// EncodeJSON appends a body as Django REST Framework writes it. One that
// cannot be JSON is a mistake in the program.
func EncodeJSON(b *bytes.Buffer, body any) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		panic("web: " + err.Error())
	}
	b.Truncate(b.Len() - 1) // the line break
}
