package api

import (
	"context"
	"net/url"
	"reflect"

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

// writes is for an endpoint whose answer is a stream: it says what the stream
// has the form of.
func (e Endpoint) writes(form any) Endpoint {
	e.Out = reflect.TypeOf(form)
	return e
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
