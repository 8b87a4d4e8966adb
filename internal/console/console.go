// Package console is where the staff work: they find a customer, see why this
// person cannot log in, do one thing about it, and say what was done. Every
// page works without JavaScript; with it, htmx saves reloading. The session is
// an ordinary one that was opened with a second factor; its token is in a
// cookie that goes to no other site. Who may do what, and every act, is package
// staff's: the console asks, and shows the answer.
package console

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/staff"
	"github.com/yoozak/clients/internal/web"
)

// Path is where the console is.
const Path = "/console/"

// Options are what a [Console] is made of.
type Options struct {
	Auth      *auth.Service
	Staff     *staff.Service
	Guard     *guard.Guard
	Log       *slog.Logger
	Brand     string
	Shop      shop.Shop
	PublicURL string // where people reach the server; empty: where they say

	System System
	Setup  *Setup // makes the first owner; nil: closed

	Stopping func() bool // nil: never; a server that stops ends what would go on

	MailsStay bool // they are written to a folder

	// Forgot is the path, on this server, of the page for who has forgotten the
	// password; nil: there is none.
	Forgot func(language string) string

	Queue func() int       // logins that wait for their turn here; nil: not measured
	Now   func() time.Time // nil: time.Now
}

// Console answers the requests below [Path].
type Console struct {
	o           Options
	files       map[string]file
	routes      []Route
	mux         *http.ServeMux
	crossOrigin *http.CrossOriginProtection
	streams     streams
	days        pastDays
	looked      looked
}

// New makes the console.
func New(o Options) *Console {
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Console{o: o, files: filesOf(o), routes: Routes(), mux: http.NewServeMux(), crossOrigin: http.NewCrossOriginProtection()}
	if u, err := url.Parse(o.PublicURL); err == nil && u.Host != "" {
		// A proxy in front may give the host another name.
		if err := c.crossOrigin.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			panic("console: " + err.Error()) // the settings were looked at
		}
	}
	for _, r := range c.routes {
		c.mux.HandleFunc(Path+r.Path+end(r.Path), func(w http.ResponseWriter, req *http.Request) { c.page(w, req).serve(r) })
	}
	c.mux.HandleFunc(Path, func(w http.ResponseWriter, req *http.Request) { c.page(w, req).serve(nowhere) })
	return c
}

// end keeps the overview's pattern from matching all that is below it.
func end(path string) string {
	if path == "" {
		return "{$}"
	}
	return ""
}

// Route is a page of the console, or an act, by what stands behind [Path].
type Route struct {
	Path string
	See  account.Permission // that looking at it needs; empty: see Open and Any
	Do   account.Permission // that its POST needs; empty: what See says
	Open bool               // for everybody, also who is not logged in
	Any  bool               // for all of the staff, whatever their role
	Acts bool               // it takes a POST

	keep []string // fields of its form that come back after a login in between
	name string   // for logs and metrics; empty: of the path
	show func(p *page)
}

// nowhere is every address that there is not. Who is not logged in does not
// learn which those are.
var nowhere = Route{Any: true, name: "Console nowhere", show: func(p *page) { p.gone("console.not_found.why") }}

// ServeHTTP answers a request behind [web.New].
func (c *Console) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := web.Writer(rw)
	if f, is := c.files[strings.TrimPrefix(r.URL.Path, Path)]; is {
		w.Route = "Console file"
		f.send(w, r)
		return
	}
	c.mux.ServeHTTP(w, r)
}

// page is one request and what will answer it.
type page struct {
	c       *Console
	o       Options
	w       *web.ResponseWriter
	r       *http.Request
	request account.RequestInfo
	route   Route
	view    *view
	form    *form // in which mistakes are marked; nil: there is none
	before  url.Values
	sent    url.Values // the form, when it was read

	caller *auth.Caller
	agent  *staff.Agent
	staff  *staff.Service // whose acts are the agent's
}

func (c *Console) page(rw http.ResponseWriter, r *http.Request) *page {
	w := web.Writer(rw)
	p := &page{c: c, o: c.o, w: w, r: r, request: w.RequestInfo(r), before: url.Values{}}
	if lang := p.cookie(languageCookie); slices.Contains(locale.Languages(), lang) {
		p.request.Language = lang
	}
	if token := w.HostCookie(r, deviceCookie); len(token) <= guard.MaxDeviceToken {
		p.request.DeviceToken = token
	}
	// The token of a trusted device is left where it is: the staff show their
	// factor at each login.
	p.view = c.newView(p)
	return p
}

// serve lets those through who may, and refuses everybody else before anything
// is looked at.
func (p *page) serve(route Route) {
	p.route = route
	p.w.Route = route.name
	if route.name == "" {
		p.w.Route = strings.TrimSpace("Console " + route.Path)
	}
	if !p.allows(route) {
		return
	}
	if err := p.c.crossOrigin.Check(p.r); err != nil || loadedElsewhere(p.r) {
		p.refuse(http.StatusForbidden, "console.cross_origin")
		return
	}
	if !route.Open && !p.signedIn() {
		return
	}
	need := route.See
	if p.acts() && route.Do != "" {
		need = route.Do
	}
	if need != "" && !p.may(need) {
		return
	}
	p.takeNote()
	route.show(p)
}

// loadedElsewhere reports whether a page of another host wants a page of the
// console in its background (a picture, a frame, fetch, a prefetch): looking at a
// person is an event in the agent's name, and a host beside this one is the same
// site to SameSite cookies. Following a link to the console is what people do.
// Browsers that do not say where a request comes from are let through
// (https://www.w3.org/TR/fetch-metadata/).
func loadedElsewhere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	h := r.Header
	return h.Get("Sec-Fetch-Mode") != "navigate" || h.Get("Sec-Fetch-Dest") != "document" || h.Get("Sec-Purpose") != ""
}

// acts reports whether the request wants something changed.
func (p *page) acts() bool { return p.r.Method == http.MethodPost }

func (p *page) allows(route Route) bool {
	methods := []string{http.MethodGet, http.MethodHead}
	if route.Acts {
		methods = append(methods, http.MethodPost)
	}
	if slices.Contains(methods, p.r.Method) {
		return true
	}
	p.w.Header().Set("Allow", strings.Join(methods, ", "))
	p.refuse(http.StatusMethodNotAllowed, "console.not_that_way")
	return false
}

// may asks for a permission, and says who has it where the agent does not.
func (p *page) may(need account.Permission) bool {
	err := p.o.Staff.May(p.r.Context(), p.agent, need)
	if err == nil {
		return true
	}
	p.forbidden(need, err)
	return false
}
