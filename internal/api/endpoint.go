package api

import (
	"context"
	"net/url"
	"reflect"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/payload"
	"github.com/yoozak/clients/internal/staff"
)

// Endpoint is a typed function without its types: who may call it, what it
// reads, what it answers.
type Endpoint struct {
	Requires Requirement
	Needs    account.Permission // of Staff
	In       reflect.Type       // a struct of [account.Input] fields, named by json, path or query
	Out      reflect.Type       // struct{} is an answer without a body

	File  bool         // it may answer a file, of one of [FileTypes], instead of Out, if that is anything
	Waits reflect.Type // what it answers, with 202, where a second person has to approve first; nil: it never does

	readsBody  bool
	readsQuery bool
	optional   bool // a good access token is looked at, and none is needed
	call       func(ctx context.Context, who principal, in requestInput) (any, error)
}

// Requirement is what a request has to show before its fields are looked at.
type Requirement string

// The requirements there are.
const (
	Anyone      Requirement = "anyone"
	Caller      Requirement = "caller"       // a good access token
	Staff       Requirement = "staff"        // a good access token of somebody whose role has the permission
	OAuthClient Requirement = "oauth_client" // client_id and client_secret of another program of the house
)

// principal is who calls an endpoint. The caller, the agent and the client are
// there where the endpoint requires one.
type principal struct {
	request account.RequestInfo
	caller  *auth.Caller
	agent   *staff.Agent
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

// asFile is for an endpoint that may answer a file.
func (e Endpoint) asFile() Endpoint {
	e.File = true
	return e
}

// waits is for an endpoint that answers an approval where there have to be two
// persons.
func (e Endpoint) waits() Endpoint {
	e.Waits = reflect.TypeFor[approvalBody]()
	return e
}

// anyone makes an endpoint that cannot know of a caller.
func anyone[In, Out any](fn func(ctx context.Context, req account.RequestInfo, in *In) (Out, error)) Endpoint {
	return newEndpoint(Anyone, func(ctx context.Context, who principal, in *In) (Out, error) {
		return fn(ctx, who.request, in)
	})
}

// visitor makes an endpoint for anyone; the caller is nil without an access
// token.
func visitor[In, Out any](fn func(ctx context.Context, req account.RequestInfo, caller *auth.Caller, in *In) (Out, error)) Endpoint {
	e := newEndpoint(Anyone, func(ctx context.Context, who principal, in *In) (Out, error) {
		return fn(ctx, who.request, who.caller, in)
	})
	e.optional = true
	return e
}

// caller makes an endpoint that needs a good access token; a function that
// takes a caller cannot be registered without the check.
func caller[In, Out any](fn func(ctx context.Context, caller *auth.Caller, in *In) (Out, error)) Endpoint {
	return newEndpoint(Caller, func(ctx context.Context, who principal, in *In) (Out, error) {
		return fn(ctx, who.caller, in)
	})
}

// agent makes an endpoint for staff whose role has a permission; a function
// that takes an agent cannot be registered without the check.
func agent[In, Out any](needs account.Permission, fn func(ctx context.Context, agent *staff.Agent, in *In) (Out, error)) Endpoint {
	e := newEndpoint(Staff, func(ctx context.Context, who principal, in *In) (Out, error) {
		return fn(ctx, who.agent, in)
	})
	e.Needs = needs
	return e
}

// service makes an endpoint for another program of the house; its errors are
// OAuth's.
func service[In, Out any](fn func(ctx context.Context, req account.RequestInfo, client *account.OAuthClient, in *In) (Out, error)) Endpoint {
	return newEndpoint(OAuthClient, func(ctx context.Context, who principal, in *In) (Out, error) {
		return fn(ctx, who.request, who.client, in)
	})
}
