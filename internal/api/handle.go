package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/payload"
)

// endpoint is a typed function without its types.
type endpoint struct {
	needsCaller  bool
	needsService bool
	readsBody    bool
	readsQuery   bool
	call         func(ctx context.Context, who principal, in requestInput) (any, error)
}

// principal is who calls an endpoint. The caller and the service are there where
// the endpoint needs one.
type principal struct {
	peer    account.RequestInfo
	caller  *auth.Caller
	service *account.OAuthClient
}

// requestInput is where the fields of a request come from.
type requestInput struct {
	body  payload.Object
	path  func(name string) string
	query url.Values
}

// handle makes an endpoint that anybody may call. In is a struct of
// [account.Input] fields with json names, with path names for what a route
// has in braces, or with query names; struct{} is nothing.
func handle[In, Out any](fn func(ctx context.Context, req account.RequestInfo, in *In) (Out, error)) endpoint {
	fields, body, query := fieldsOf(reflect.TypeFor[In]())
	return endpoint{
		readsBody:  body,
		readsQuery: query,
		call: func(ctx context.Context, who principal, from requestInput) (any, error) {
			in := new(In)
			bind(fields, reflect.ValueOf(in).Elem(), from)
			return fn(ctx, who.peer, in)
		},
	}
}

// handleAs makes an endpoint that needs a good access token; a function that
// takes a caller cannot be registered without the check.
func handleAs[In, Out any](fn func(ctx context.Context, caller *auth.Caller, in *In) (Out, error)) endpoint {
	fields, body, query := fieldsOf(reflect.TypeFor[In]())
	return endpoint{
		needsCaller: true,
		readsBody:   body,
		readsQuery:  query,
		call: func(ctx context.Context, who principal, from requestInput) (any, error) {
			in := new(In)
			bind(fields, reflect.ValueOf(in).Elem(), from)
			who.caller.Request = who.peer
			return fn(ctx, who.caller, in)
		},
	}
}

// handleService makes an endpoint for another program of the house, which
// shows its client_id and client_secret; its errors are OAuth's.
func handleService[In, Out any](fn func(ctx context.Context, req account.RequestInfo, by *account.OAuthClient, in *In) (Out, error)) endpoint {
	fields, _, _ := fieldsOf(reflect.TypeFor[In]())
	return endpoint{
		needsService: true,
		readsBody:    true, // the credentials may be there
		call: func(ctx context.Context, who principal, from requestInput) (any, error) {
			in := new(In)
			bind(fields, reflect.ValueOf(in).Elem(), from)
			return fn(ctx, who.peer, who.service, in)
		},
	}
}

// resource is one path and what may be done there.
type resource struct {
	routes []route // in the order in which Allow names their methods
	allow  []string
}

// resources groups the routes by path.
func resources(routes []route) map[string]resource {
	all := map[string]resource{}
	for _, rt := range routes {
		r := all[rt.path]
		r.routes = append(r.routes, rt)
		all[rt.path] = r
	}
	for path, r := range all {
		var methods []string
		for _, rt := range r.routes {
			methods = append(methods, rt.method)
		}
		if slices.Contains(methods, http.MethodGet) {
			methods = append(methods, http.MethodHead)
		}
		r.allow = []string{strings.Join(append(methods, http.MethodOptions), ", ")}
		all[path] = r
	}
	return all
}

// route is the one for a method; for another method it is the first, and
// found is false.
func (r resource) route(method string) (rt route, found bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, rt := range r.routes {
		if rt.method == method {
			return rt, true
		}
	}
	return r.routes[0], false
}

// serve is the walk of one request, in Django REST Framework's order.
func (s *Server) serve(res resource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(w)
		rt, found := res.route(r.Method)
		x.route, x.oauth = rt.name, rt.endpoint.needsService
		w.Header()["Allow"] = res.allow
		if s.cors.preflight(w, r, res.allow[0], s.o.Log) {
			return
		}
		ctx := r.Context()
		out, status, err := s.answer(ctx, x, r, rt, found)
		if err != nil {
			s.writeError(ctx, x, err)
			return
		}
		s.setDeviceToken(x, out)
		if status == http.StatusNoContent {
			x.WriteHeader(status)
			return
		}
		if write, ok := out.(stream); ok {
			s.send(ctx, x, r, status, write)
			return
		}
		writeJSON(x, status, out)
	})
}

func (s *Server) answer(ctx context.Context, x *exchange, r *http.Request, rt route, found bool) (any, int, error) {
	if err := negotiate(r); err != nil {
		return nil, 0, err
	}
	who := principal{peer: s.peer(x, r)}
	if rt.endpoint.needsCaller || rt.optionalAuth {
		var err error
		if who.caller, err = s.authenticate(ctx, x, r); err != nil {
			return nil, 0, err
		}
		if who.caller == nil && rt.endpoint.needsCaller {
			return nil, 0, errNotAuthenticated
		}
	}
	switch {
	case r.Method == http.MethodOptions:
		return describe(rt), http.StatusOK, nil
	case !found:
		return nil, 0, methodNotAllowed(r.Method)
	}
	if err := s.rateLimit(r, rt, who.peer); err != nil {
		return nil, 0, err
	}
	from := requestInput{path: r.PathValue}
	if r.URL.RawQuery != "" && rt.endpoint.readsQuery {
		from.query = r.URL.Query()
	}
	if rt.endpoint.readsBody {
		var err error
		if from.body, err = readBody(x, r); err != nil {
			return nil, 0, err
		}
	}
	if rt.endpoint.needsService {
		var err error
		if who.service, err = s.service(ctx, who.peer, r, from.body); err != nil {
			return nil, 0, err
		}
	}
	out, err := rt.endpoint.call(ctx, who, from)
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
	encodeJSON(b, body)
	x.Header()["Content-Type"] = jsonType
	x.WriteHeader(status)
	if _, err := x.Write(b.Bytes()); err != nil {
		x.failed = err // the client is gone: there is nobody to tell
	}
}

func encodeJSON(b *bytes.Buffer, body any) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false) // as Django REST Framework writes it
	if err := e.Encode(body); err != nil {
		panic("api: " + err.Error()) // the bodies are structs of texts
	}
	b.Truncate(b.Len() - 1) // the line break
}

// stream is the answer of an endpoint that writes its JSON piece by piece.
type stream func(w io.Writer) error

// send writes a stream. What fails after the beginning cannot be told any
// more: then the connection is cut, so that nobody takes half for the whole.
func (s *Server) send(ctx context.Context, x *exchange, r *http.Request, status int, write stream) {
	x.Header()["Content-Type"] = jsonType
	x.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if err := write(x); err != nil {
		if ctx.Err() == nil {
			s.o.Log.ErrorContext(ctx, "an answer was cut off", "request_id", x.id, "route", x.route, "error", err.Error())
		}
		panic(http.ErrAbortHandler)
	}
}
