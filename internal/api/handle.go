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

// Endpoint is a typed function without its types: who may call it, what it
// reads, what it answers.
type Endpoint struct {
	Requires Requirement
	In       reflect.Type // a struct of [account.Input] fields, named by json, path or query
	Out      reflect.Type // struct{} is an answer without a body

	readsBody  bool
	readsQuery bool
	call       func(ctx context.Context, who principal, in requestInput) (any, error)
}

// Requirement is what a request has to show before its fields are looked at.
type Requirement string

// The requirements there are.
const (
	Anyone      Requirement = "anyone"
	Caller      Requirement = "caller"       // a good access token
	OAuthClient Requirement = "oauth_client" // client_id and client_secret of another program of the house
)

// principal is who calls an endpoint. The caller and the client are there
// where the endpoint requires one.
type principal struct {
	request account.RequestInfo
	caller  *auth.Caller
	client  *account.OAuthClient
}

// requestInput is where the fields of a request come from.
type requestInput struct {
	body  payload.Object
	path  func(name string) string
	query url.Values
}

// newEndpoint keeps the types for [Routes]. In is a struct of
// [account.Input] fields with json names, with path names for what a route
// has in braces, or with query names; struct{} is nothing.
func newEndpoint[In, Out any](requires Requirement, fn func(ctx context.Context, who principal, in *In) (Out, error)) Endpoint {
	fields, body, query := fieldsOf(reflect.TypeFor[In]())
	return Endpoint{
		Requires: requires, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](),
		readsBody:  body || requires == OAuthClient, // whose credentials may be there
		readsQuery: query,
		call: func(ctx context.Context, who principal, from requestInput) (any, error) {
			in := new(In)
			bind(fields, reflect.ValueOf(in).Elem(), from)
			return fn(ctx, who, in)
		},
	}
}

// anyone makes an endpoint that cannot know of a caller.
func anyone[In, Out any](fn func(ctx context.Context, req account.RequestInfo, in *In) (Out, error)) Endpoint {
	return newEndpoint(Anyone, func(ctx context.Context, who principal, in *In) (Out, error) {
		return fn(ctx, who.request, in)
	})
}

// caller makes an endpoint that needs a good access token; a function that
// takes a caller cannot be registered without the check.
func caller[In, Out any](fn func(ctx context.Context, caller *auth.Caller, in *In) (Out, error)) Endpoint {
	return newEndpoint(Caller, func(ctx context.Context, who principal, in *In) (Out, error) {
		return fn(ctx, who.caller, in)
	})
}

// service makes an endpoint for another program of the house; its errors are
// OAuth's.
func service[In, Out any](fn func(ctx context.Context, req account.RequestInfo, client *account.OAuthClient, in *In) (Out, error)) Endpoint {
	return newEndpoint(OAuthClient, func(ctx context.Context, who principal, in *In) (Out, error) {
		return fn(ctx, who.request, who.client, in)
	})
}

// resource is one path and what may be done there.
type resource struct {
	routes []Route // in the order in which Allow names their methods
	allow  []string
}

// resources groups the routes by path.
func resources(routes []Route) map[string]resource {
	all := map[string]resource{}
	for _, rt := range routes {
		r := all[rt.Path]
		r.routes = append(r.routes, rt)
		all[rt.Path] = r
	}
	for path, r := range all {
		var methods []string
		for _, rt := range r.routes {
			methods = append(methods, rt.Method)
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
func (r resource) route(method string) (rt Route, found bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, rt := range r.routes {
		if rt.Method == method {
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
		x.route, x.oauth = rt.Name, rt.Requires == OAuthClient
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

func (s *Server) answer(ctx context.Context, x *exchange, r *http.Request, rt Route, found bool) (any, int, error) {
	if err := negotiate(r); err != nil {
		return nil, 0, err
	}
	who := principal{request: s.peer(x, r)}
	if rt.Requires == Caller || rt.OptionalAuth {
		var err error
		if who.caller, err = s.authenticate(ctx, x, r); err != nil {
			return nil, 0, err
		}
		switch {
		case who.caller != nil:
			who.caller.Request = who.request
		case rt.Requires == Caller:
			return nil, 0, errNotAuthenticated
		}
	}
	switch {
	case r.Method == http.MethodOptions:
		return describe(rt), http.StatusOK, nil
	case !found:
		return nil, 0, methodNotAllowed(r.Method)
	}
	if err := s.rateLimit(ctx, rt, who.request); err != nil {
		return nil, 0, err
	}
	from := requestInput{path: r.PathValue}
	if r.URL.RawQuery != "" && rt.readsQuery {
		from.query = r.URL.Query()
	}
	if rt.readsBody {
		var err error
		if from.body, err = readBody(x, r); err != nil {
			return nil, 0, err
		}
	}
	if rt.Requires == OAuthClient {
		var err error
		if who.client, err = s.oauthClient(ctx, who.request, r, from.body); err != nil {
			return nil, 0, err
		}
	}
	out, err := rt.call(ctx, who, from)
	return out, rt.Status, err
}

// description is what the reference says to OPTIONS.
type description struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Renders     []string `json:"renders"`
	Parses      []string `json:"parses"`
}

func describe(rt Route) description {
	return description{
		Name:    rt.Name,
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
