// Package pages shows people the few pages that the links in mails lead to:
// choose another password, verify an address, confirm or undo a change of
// address; those of their own account, where they make one, log in and see how safe it
// is; and, at "/", that there is a server. They need no JavaScript, speak the
// languages of package locale, and do nothing before a
// button is pressed, because mail programs look at links by themselves. What
// a token stands for is decided by package auth. That of a link is in the path,
// which nothing here logs, and no page tells another site where it was; that of
// a session is in a cookie and nowhere else.
package pages

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/web"
)

// Options are what [Pages] are made of.
type Options struct {
	Auth      *auth.Service
	Guard     *guard.Guard
	Log       *slog.Logger
	Brand     string
	Shop      shop.Shop
	PublicURL string // where people reach the pages; empty: where they say
	Docs      bool   // the documents are at docs/, below "/"
	Account   bool   // people may log in here and see to their account
	Register  bool   // and, if so, make one
}

// Pages answers the requests below [Path], and those of browsers for "/".
type Pages struct {
	o           Options
	files       map[string]file
	crossOrigin *http.CrossOriginProtection
}

// New makes the pages.
func New(o Options) *Pages {
	s := &Pages{o: o, files: filesOf(o), crossOrigin: http.NewCrossOriginProtection()}
	if u, err := url.Parse(o.PublicURL); err == nil && u.Host != "" {
		// A proxy in front may give the host another name.
		if err := s.crossOrigin.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			panic("pages: " + err.Error()) // the settings were looked at
		}
	}
	return s
}

// Path is where the pages are, besides "/".
const Path = "/account/"

// Link is where the token of a mail leads.
func Link(publicURL string, kind account.ChallengeKind, token, language string) string {
	return publicURL + Path + string(kind) + "/" + url.PathEscape(token) + "?lang=" + language
}

// ForgotLink is the page that asks for an address to mail a link to.
func ForgotLink(publicURL, language string) string {
	return publicURL + Path + forgotName + "/?lang=" + language
}

// ServeHTTP answers a request behind [web.New]. The name of the page, for
// logs, is never what the client made up.
func (s *Pages) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := web.Writer(rw)
	req := w.RequestInfo(r)
	if lang := r.URL.Query().Get("lang"); slices.Contains(locale.Languages(), lang) {
		req.Language = lang
	}
	name, token, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, Path), "/"), "/")
	p := &page{w: w, r: r, o: s.o, request: req, view: s.newView(r, req.Language), crossOrigin: s.crossOrigin, script: s.files[scriptName].version, referrer: "no-referrer"}
	path := strings.Trim(name+"/"+token, "/")
	own, isOwn := accountPages[path]
	f, isFile := s.files[name]
	a, hasToken := acts[account.ChallengeKind(name)]
	switch {
	case r.URL.Path == "/":
		w.Route = "Home"
		p.home()
	case isOwn && s.has(path, own) && strings.HasPrefix(r.URL.Path, Path):
		w.Route = "Page account"
		if path != "" {
			w.Route = "Page " + path
		}
		p.account(path, own)
	case isFile && token == "":
		w.Route = f.route
		if p.allows(http.MethodGet, http.MethodHead) {
			p.send(f)
		}
	case name == forgotName && token == "":
		w.Route = "Page " + name
		if p.allows(http.MethodGet, http.MethodHead, http.MethodPost) {
			p.forgot()
		}
	case hasToken && token != "":
		w.Route, p.kind = "Page "+name, account.ChallengeKind(name)
		if p.allows(http.MethodGet, http.MethodHead, http.MethodPost) {
			p.act(p.kind, a, token)
		}
	default:
		p.view.close(p.view.say("page.not_found"), p.view.say("page.not_found.why"))
		p.show(http.StatusNotFound)
	}
}

// page is one request and the page that will answer it.
type page struct {
	w       *web.ResponseWriter
	r       *http.Request
	o       Options
	request account.RequestInfo
	kind    account.ChallengeKind // of the page's link; empty: it has none
	view    *view

	referrer    string // how much of this page's address others are told
	crossOrigin *http.CrossOriginProtection
	script      string // version of the script of passkeys

	// Of a page of an account: what stands behind Path, the fields that come
	// back after a login, what they were, and whose it is.
	path   string
	kept   []string
	before url.Values
	caller *auth.Caller
}

// allows answers a request with another method.
func (p *page) allows(methods ...string) bool {
	if slices.Contains(methods, p.r.Method) {
		return true
	}
	p.w.Header().Set("Allow", strings.Join(methods, ", "))
	p.refuse(http.StatusMethodNotAllowed, "method_not_allowed", locale.Args{"method": p.r.Method})
	return false
}
