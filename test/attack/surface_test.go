package attack

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// endpoint is one line of the table in internal/api/routes.go with the
// fields that it reads. It is taken from the source, so that an endpoint
// that is new is attacked without anybody remembering to.
type endpoint struct {
	method, path string
	needsCaller  bool
	fields       []string // of the body
	inPath       []string
	inQuery      []string
}

// name is short: "POST auth/login".
func (e endpoint) name() string {
	return e.method + " " + strings.Trim(strings.TrimPrefix(strings.TrimPrefix(e.path, "/api/clients/clients"), "/api/clients"), "/")
}

var endpoints = sync.OnceValue(readEndpoints)

func readEndpoints() []endpoint {
	files := token.NewFileSet()
	var (
		inputs  = map[string]string{} // of each handler: the name of its request's type
		structs = map[string]*ast.StructType{}
		table   *ast.FuncDecl
	)
	for _, path := range must(filepath.Glob("../../internal/api/*.go")) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, d := range must(parser.ParseFile(files, path, must(os.ReadFile(path)), 0)).Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "routes" {
					table = d
				}
				params := d.Type.Params.List
				if len(params) == 0 {
					continue
				}
				if p, ok := params[len(params)-1].Type.(*ast.StarExpr); ok {
					if id, ok := p.X.(*ast.Ident); ok {
						inputs[d.Name.Name] = id.Name
					}
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok {
						if st, ok := ts.Type.(*ast.StructType); ok {
							structs[ts.Name.Name] = st
						}
					}
				}
			}
		}
	}
	var all []endpoint
	ast.Inspect(table, func(n ast.Node) bool {
		line, ok := n.(*ast.CompositeLit)
		if !ok || line.Type != nil || len(line.Elts) < 3 {
			return true
		}
		var e endpoint
		ast.Inspect(line, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.SelectorExpr:
				if method, ok := strings.CutPrefix(x.Sel.Name, "Method"); ok && e.method == "" {
					e.method = strings.ToUpper(method)
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(x.Value); err == nil && strings.HasPrefix(text, "/") && e.path == "" {
					e.path = text
				}
			case *ast.CallExpr: // handle(s.login)
				made, ok := x.Fun.(*ast.Ident)
				if !ok || !strings.HasPrefix(made.Name, "handle") {
					return true
				}
				e.needsCaller = made.Name != "handle"
				st := structs[inputs[x.Args[0].(*ast.SelectorExpr).Sel.Name]]
				if st == nil {
					return true
				}
				for _, f := range st.Fields.List {
					tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
					switch {
					case tag.Get("json") != "":
						e.fields = append(e.fields, tag.Get("json"))
					case tag.Get("query") != "":
						e.inQuery = append(e.inQuery, tag.Get("query"))
					default:
						e.inPath = append(e.inPath, tag.Get("path"))
					}
				}
			}
			return true
		})
		all = append(all, e)
		return false
	})
	if len(all) < 20 {
		panic(fmt.Sprintf("only %d endpoints were read from internal/api/routes.go", len(all)))
	}
	return all
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
	if e.path == loginPath {
		b["username"] = p.name
	}
	return b
}

// call makes a request of an endpoint as p, or as nobody where it needs no
// caller. What is in braces in the path becomes id.
func (e endpoint) target(id string) string {
	path := e.path
	for _, name := range e.inPath {
		path = strings.Replace(path, "{"+name+"}", id, 1)
	}
	return path
}

// headers has p's token where the endpoint needs one.
func (e endpoint) headers(p person) []string {
	if e.needsCaller {
		return []string{"Authorization", "Bearer " + p.access}
	}
	return nil
}

// changes reports whether the endpoint takes any text in that field.
func (e endpoint) takesText(field string) bool {
	switch e.method + e.path {
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
