package api

import (
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/yoozak/clients/internal/web"
)

// resource is one path and what may be done there.
type resource struct {
	routes []Route // in the order in which Allow names their methods
	allow  []string
	staff  bool // some of it is the staff's
}

// resources groups the routes by path.
func resources(routes []Route) map[string]resource {
	all := map[string]resource{}
	for _, rt := range routes {
		r := all[rt.Path]
		r.routes = append(r.routes, rt)
		r.staff = r.staff || rt.OfStaff()
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
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := web.Writer(rw)
		rt, found := res.route(r.Method)
		w.Route = rt.Name
		w.Header()["Allow"] = res.allow
		if res.staff {
			w.StaffCORS(r)
		}
		if w.Preflight(r, res.allow[0]) {
			return
		}
		out, status, err := s.answer(w, r, rt, found)
		if err != nil {
			s.writeError(r.Context(), w, rt.Requires, err)
			return
		}
		s.setDeviceToken(w, out)
		s.setTrustedToken(w, out)
		setCodeID(w.Header(), out)
		setIdentity(w.Header(), out)
		if status == http.StatusNoContent {
			w.WriteHeader(status)
			return
		}
		if write, ok := out.(stream); ok {
			s.send(w, r, status, write)
			return
		}
		if f, ok := out.(file); ok {
			w.Header().Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
			s.sendAs(w, r, status, f.contentType, f.write)
			return
		}
		if rt.Waits != nil && rt.Waits == reflect.TypeOf(out) {
			status = http.StatusAccepted
		}
		w.WriteJSON(status, out)
	})
}

// answer returns what the endpoint says and the status, or why it was not
// even asked.
func (s *Server) answer(w *web.ResponseWriter, r *http.Request, rt Route, found bool) (any, int, error) {
	if err := negotiate(r); err != nil {
		return nil, 0, err
	}
	ctx := r.Context()
	who := principal{request: w.RequestInfo(r)}
	who.request.DeviceToken, who.request.TrustedToken = deviceToken(w, r), trustedToken(w, r)
	if rt.Requires == Caller || rt.Requires == Staff || rt.OptionalAuth {
		var err error
		if who.caller, err = s.authenticate(ctx, w, r); err != nil {
			return nil, 0, err
		}
		switch {
		case who.caller != nil:
			who.caller.Request = who.request
		case rt.Requires != Anyone:
			return nil, 0, errNotAuthenticated
		}
	}
	if rt.Requires == Staff {
		var err error
		if who.agent, err = s.agent(ctx, who.caller, rt.Needs); err != nil {
			return nil, 0, err
		}
	}
	switch {
	case r.Method == http.MethodOptions:
		return describe(rt), http.StatusOK, nil
	case !found:
		return nil, 0, methodNotAllowed(r.Method)
	}
	if rt.Limit.Name != "" {
		if err := s.o.Guard.AllowRequest(ctx, rt.Limit, who.request); err != nil {
			return nil, 0, err
		}
	}
	from := requestInput{path: r.PathValue}
	if r.URL.RawQuery != "" && rt.readsQuery {
		from.query = r.URL.Query()
	}
	if rt.readsBody {
		var err error
		if from.body, err = readBody(w, r); err != nil {
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
	if err != nil && who.caller != nil {
		err = s.auth.Erased(ctx, who.caller, err)
	}
	return out, rt.Status, err
}

// negotiate refuses a client that does not take JSON. Any media range that
// covers application/json will do, whatever its quality.
func negotiate(r *http.Request) error {
	if r.URL.RawQuery != "" {
		if formats := r.URL.Query()["format"]; len(formats) > 0 {
			if last := formats[len(formats)-1]; last != "" && last != "json" {
				return errNotFound
			}
		}
	}
	values, there := r.Header["Accept"]
	if !there {
		return nil
	}
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		mediaRange, _, _ := strings.Cut(part, ";")
		mainType, subType, _ := strings.Cut(strings.ToLower(strings.TrimSpace(mediaRange)), "/")
		if (mainType == "*" || mainType == "application") && (subType == "*" || subType == "json") {
			return nil
		}
	}
	return errNotAcceptable
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

// stream is the answer of an endpoint that writes its JSON piece by piece.
type stream func(w io.Writer) error

// send writes a stream. What fails after the beginning cannot be told any
// more: then the connection is cut, so that nobody takes half for the whole.
func (s *Server) send(w *web.ResponseWriter, r *http.Request, status int, write stream) {
	s.sendAs(w, r, status, web.JSONType[0], write)
}

// file is the answer of an endpoint that writes a file.
type file struct {
	name, contentType string
	write             stream
}

func (s *Server) sendAs(w *web.ResponseWriter, r *http.Request, status int, contentType string, write stream) {
	w.Header()["Content-Type"] = []string{contentType}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if err := write(w); err != nil {
		if r.Context().Err() == nil {
			s.o.Log.ErrorContext(r.Context(), "an answer was cut off", "request_id", w.RequestID, "route", w.Route, "error", err.Error())
		}
		panic(http.ErrAbortHandler)
	}
}
