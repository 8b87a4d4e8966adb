package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"sync"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/payload"
)

// endpoint is a typed function without its types.
type endpoint struct {
	needsCaller bool
	fields      []field // of the body; nil: the body is not read
	call        func(ctx context.Context, peer account.Peer, caller *auth.Caller, body payload.Object) (any, error)
}

// handle makes an endpoint that anybody may call. In is a struct of
// [account.Input] fields with json names, or struct{} for no body.
func handle[In, Out any](fn func(ctx context.Context, peer account.Peer, in *In) (Out, error)) endpoint {
	fields := fieldsOf(reflect.TypeFor[In]())
	return endpoint{
		fields: fields,
		call: func(ctx context.Context, peer account.Peer, _ *auth.Caller, body payload.Object) (any, error) {
			in := new(In)
			bind(fields, reflect.ValueOf(in).Elem(), body)
			return fn(ctx, peer, in)
		},
	}
}

// handleAs makes an endpoint that needs a good access token; a function that
// takes a caller cannot be registered without the check.
func handleAs[In, Out any](fn func(ctx context.Context, caller *auth.Caller, in *In) (Out, error)) endpoint {
	fields := fieldsOf(reflect.TypeFor[In]())
	return endpoint{
		needsCaller: true,
		fields:      fields,
		call: func(ctx context.Context, _ account.Peer, caller *auth.Caller, body payload.Object) (any, error) {
			in := new(In)
			bind(fields, reflect.ValueOf(in).Elem(), body)
			return fn(ctx, caller, in)
		},
	}
}

// serve is the walk of one request, in Django REST Framework's order.
func (s *Server) serve(rt route) http.Handler {
	allow := []string{rt.method + ", OPTIONS"}
	if rt.method == http.MethodGet {
		allow = []string{"GET, HEAD, OPTIONS"}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(w)
		x.route = rt.name
		w.Header()["Allow"] = allow
		if s.cors.preflight(w, r, allow[0]) {
			return
		}
		ctx := r.Context()
		out, status, err := s.answer(ctx, x, r, rt)
		if err != nil {
			s.writeError(ctx, x, err)
			return
		}
		writeJSON(x, status, out)
	})
}

func (s *Server) answer(ctx context.Context, x *exchange, r *http.Request, rt route) (any, int, error) {
	if err := negotiate(r); err != nil {
		return nil, 0, err
	}
	var caller *auth.Caller
	if rt.endpoint.needsCaller || rt.looksAtToken {
		var err error
		if caller, err = s.authenticate(ctx, x, r); err != nil {
			return nil, 0, err
		}
		if caller == nil && rt.endpoint.needsCaller {
			return nil, 0, errNotAuthenticated
		}
	}
	switch {
	case r.Method == http.MethodOptions:
		return describe(rt), http.StatusOK, nil
	case r.Method != rt.method && (r.Method != http.MethodHead || rt.method != http.MethodGet):
		return nil, 0, methodNotAllowed(r.Method)
	}
	var body payload.Object
	if rt.endpoint.fields != nil {
		var err error
		if body, err = readBody(x, r); err != nil {
			return nil, 0, err
		}
	}
	var peer account.Peer
	if !rt.endpoint.needsCaller {
		peer = s.peer(x, r)
	}
	out, err := rt.endpoint.call(ctx, peer, caller, body)
	return out, rt.status, err
}

// description is what the reference says to OPTIONS.
type description struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Renders     []string `json:"renders"`
	Parses      []string `json:"parses"`
}

func describe(rt route) description {
	return description{
		Name:    rt.name,
		Renders: []string{"application/json"},
		Parses:  []string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data"},
	}
}

var jsonType = []string{"application/json"}

// buffers are those of answers, about half a kilobyte each.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func writeJSON(x *exchange, status int, body any) {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false) // as Django REST Framework writes it
	if err := e.Encode(body); err != nil {
		panic("api: " + err.Error()) // the bodies are structs of texts
	}
	x.Header()["Content-Type"] = jsonType
	x.WriteHeader(status)
	if _, err := x.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n"))); err != nil {
		x.failed = err // the client is gone: there is nobody to tell
	}
}
