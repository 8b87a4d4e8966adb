package attack

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/yoozak/clients/internal/api"
)

// The paths of calls that take texts.
const (
	codePath         = "/api/clients/auth/code/"
	resendPath       = "/api/clients/auth/email/verify/resend/"
	confirmPath      = "/api/clients/auth/confirm/"
	appPath          = "/api/clients/auth/factors/totp/"
	passkeyLoginPath = "/api/clients/auth/login/passkey/options/"
)

// endpoint is a route of the API with the fields that it reads, so that an
// endpoint that is new is attacked without anybody remembering to.
type endpoint struct {
	api.Route
	fields  []string // of the body
	inPath  []string
	inQuery []string
}

func endpoints() []endpoint {
	var all []endpoint
	for _, rt := range api.Routes() {
		if !rt.OfStaff() { // those are attacked by one of the staff
			all = append(all, newEndpoint(rt))
		}
	}
	return all
}

func newEndpoint(rt api.Route) endpoint {
	e := endpoint{Route: rt}
	for _, f := range reflect.VisibleFields(rt.In) {
		switch tag := f.Tag; {
		case tag.Get("json") != "":
			e.fields = append(e.fields, tag.Get("json"))
		case tag.Get("query") != "":
			e.inQuery = append(e.inQuery, tag.Get("query"))
		case tag.Get("path") != "":
			e.inPath = append(e.inPath, tag.Get("path"))
		}
	}
	return e
}

// name is short: "POST auth/login".
func (e endpoint) name() string {
	return e.Method + " " + strings.Trim(strings.TrimPrefix(strings.TrimPrefix(e.Path, "/api/clients/clients"), "/api/clients"), "/")
}

// good is a value for a field that lets a request come as far as it can.
func (s *server) good(p person, field string) any {
	switch field {
	case "username":
		return s.newName()
	case "password", "current_password":
		return p.password
	case "new_password":
		return p.password + "-other"
	case "email":
		return s.newName() + "@customers.example"
	case "refresh":
		return p.refresh
	case "token", "challenge", "ceremony", "code_id":
		return "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	case "code":
		return "123456"
	case "purpose":
		return "reset"
	case "to":
		return s.newName() + "@customers.example"
	}
	return "Amina"
}

// alternatives are the fields of an endpoint of which one is shown, and which
// a good body has.
var alternatives = map[string][]string{
	"/api/clients/auth/login/second/":           {"challenge", "code"},
	confirmPath:                                 {"password"},
	"/api/clients/auth/password/reset/confirm/": {"token", "new_password"},
}

// body is a good body for an endpoint; for a login it is the person's.
func (e endpoint) body(s *server, p person) fields {
	b := fields{}
	names := e.fields
	if some := alternatives[e.Path]; some != nil {
		names = some
	}
	for _, name := range names {
		b[name] = s.good(p, name)
	}
	if e.Path == loginPath {
		b["username"] = p.name
	}
	return b
}

// call makes a request of an endpoint as p, or as nobody where it needs no
// caller. What is in braces in the path becomes id.
func (e endpoint) target(id string) string {
	path := e.Path
	for _, name := range e.inPath {
		path = strings.Replace(path, "{"+name+"}", id, 1)
	}
	return path
}

// headers has p's token where the endpoint needs one.
func (e endpoint) headers(p person) []string {
	if e.Requires != api.Anyone {
		return []string{"Authorization", "Bearer " + p.access}
	}
	return nil
}

// changes reports whether the endpoint takes any text in that field.
func (e endpoint) takesText(field string) bool {
	switch e.Method + e.Path {
	case http.MethodPost + registerPath, http.MethodPatch + mePath:
		return true
	case http.MethodPost + changePath:
		return field == "new_password"
	case http.MethodPost + emailChange:
		return field == "email"
	case http.MethodPost + resetPath: // which answers the same for every address, name and code
		return field == "email" || field == "username" || field == "code_id"
	case http.MethodPost + codePath:
		return field == "to" || field == "username" || field == "code_id"
	case http.MethodPost + resendPath: // another code is mailed then
		return field == "code_id"
	case http.MethodPost + confirmPath: // of who has no factor the others are not looked at
		return field != "password"
	case http.MethodPost + appPath: // a name
		return field == "name"
	case http.MethodPost + passkeyLoginPath: // blank is as if it were missing
		return field == "challenge"
	}
	return false
}
