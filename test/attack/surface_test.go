package attack

import (
	"net/http"
	"strings"

	"github.com/yoozak/clients/internal/api"
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
		e := endpoint{Route: rt}
		for i := range rt.In.NumField() {
			tag := rt.In.Field(i).Tag
			switch {
			case tag.Get("json") != "":
				e.fields = append(e.fields, tag.Get("json"))
			case tag.Get("query") != "":
				e.inQuery = append(e.inQuery, tag.Get("query"))
			default:
				e.inPath = append(e.inPath, tag.Get("path"))
			}
		}
		all = append(all, e)
	}
	return all
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
	case "token":
		return "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	}
	return "Amina"
}

// body is a good body for an endpoint; for a login it is the person's.
func (e endpoint) body(s *server, p person) fields {
	b := fields{}
	for _, name := range e.fields {
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
	case http.MethodPost + resetPath: // which answers the same for every address and name
		return field == "email" || field == "username"
	}
	return false
}
