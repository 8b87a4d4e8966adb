package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Error is an answer that is no success. It holds nothing that was sent.
type Error struct {
	Status     int
	Code       string        // stable: program by it. The header X-Error-Code, or else what the body says; may be empty
	Fields     []FieldError  // of a 400, in the order of the request's
	Detail     string        // for a person, in Options.Language
	RequestID  string        // X-Request-Id: give it to the support
	RetryAfter time.Duration // of a 429 or 503, however long; 0: the server does not say
	Method     string
	Path       string

	bodyCode string // in simplejwt's words
}

// FieldError is what is wrong with a field.
type FieldError struct {
	Name     string
	Codes    []string // stable; empty where the server does not send X-Error-Code
	Messages []string // for a person
}

// Error names the status, the code and the fields.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %d", e.Method, e.Path, e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	for i, f := range e.Fields {
		b.WriteString(map[bool]string{true: ": ", false: ", "}[i == 0] + f.Name)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// Field is what is wrong with a field, or nil.
func (e *Error) Field(name string) *FieldError {
	for i := range e.Fields {
		if e.Fields[i].Name == name {
			return &e.Fields[i]
		}
	}
	return nil
}

// NetworkError says that no answer came, or none that can be understood.
// Nobody is logged out by it. errors.Is tells context.DeadlineExceeded and
// context.Canceled.
type NetworkError struct {
	Method  string
	Path    string
	Unknown bool // the request may have been carried out: ask before you repeat it
	Err     error
}

func (e *NetworkError) Error() string { return fmt.Sprintf("%s %s: %v", e.Method, e.Path, e.Err) }

// Unwrap is for package errors.
func (e *NetworkError) Unwrap() error { return e.Err }

// newNetworkError keeps the reason without the URL, whose query may hold
// anything.
func newNetworkError(req *http.Request, err error) *NetworkError {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var dial *net.OpError
	sent := !errors.As(err, &dial) || dial.Op != "dial"
	changes := req.Method != http.MethodGet && req.Method != http.MethodHead
	return &NetworkError{Method: req.Method, Path: req.URL.Path, Unknown: sent && changes, Err: err}
}

func newError(req *http.Request, res *http.Response, body []byte) *Error {
	e := &Error{
		Status: res.StatusCode, RequestID: res.Header.Get("X-Request-Id"), RetryAfter: retryAfter(res.Header),
		Method: req.Method, Path: req.URL.Path,
	}
	e.readBody(body)
	e.Code = e.bodyCode
	for part := range strings.SplitSeq(res.Header.Get("X-Error-Code"), ",") {
		part = strings.TrimSpace(part)
		if field, code, isField := strings.Cut(part, "="); isField {
			if f := e.field(field); len(f.Codes) < maxFields {
				f.Codes = append(f.Codes, code)
			}
		} else if part != "" {
			e.Code = part
		}
	}
	return e
}

// maxFields is more than any form has, and more codes than any field. Whatever
// answers in the server's place must not have a client look through millions.
const maxFields = 100

// field is the one of a name, made if need be; one too many is kept nowhere.
func (e *Error) field(name string) *FieldError {
	if f := e.Field(name); f != nil {
		return f
	}
	if len(e.Fields) >= maxFields {
		return &FieldError{Name: name}
	}
	e.Fields = append(e.Fields, FieldError{Name: name})
	return &e.Fields[len(e.Fields)-1]
}

// readBody takes what it understands: {"detail", "code"}, OAuth's {"error",
// "detail"}, or a list of texts for each field, whose order it keeps. A body
// of somebody else's, such as a proxy's HTML, says nothing.
func (e *Error) readBody(body []byte) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil && !errors.Is(err, io.EOF) {
			return
		}
		var text string
		var texts []string
		key, _ := name.(string)
		switch {
		case json.Unmarshal(value, &text) == nil:
			switch key {
			case "detail":
				e.Detail = text
			case "code", "error":
				e.bodyCode = text
			}
		case e.Status == http.StatusBadRequest && json.Unmarshal(value, &texts) == nil:
			e.field(key).Messages = texts
		}
	}
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): digits, or a date,
// which is measured by the server's clock. Anything else is as good as none.
func retryAfter(h http.Header) time.Duration {
	const most = 1 << 30 * time.Second // 34 years
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value != "" && strings.Trim(value, "0123456789") == "" {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n > int64(most/time.Second) {
			return most
		}
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(0, at.Sub(now)), most)
}
