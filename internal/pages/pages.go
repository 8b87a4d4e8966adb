// Package pages shows people the few pages that the links in mails lead to:
// choose another password, verify an address, confirm or undo a change of
// address; and, at "/", that there is a server. They need no JavaScript and
// no cookie, speak the languages of package locale, and do nothing before a
// button is pressed, because mail programs look at links by themselves. What
// a token stands for is decided by package auth; the token is in the path,
// which nothing here logs, and no page tells another site where it was.
package pages

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/web"
)

// Options are what [Pages] are made of.
type Options struct {
	Auth  *auth.Service
	Log   *slog.Logger
	Brand string
	Shop  shop.Shop
	Docs  bool // the documents are at docs/, below "/"
}

// Pages answers the requests below [Path], and those of browsers for "/".
type Pages struct {
	o     Options
	files map[string]file
}

// New makes the pages.
func New(o Options) *Pages { return &Pages{o: o, files: filesOf(o)} }

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
	p := &page{w: w, r: r, o: s.o, request: req, view: s.newView(r, req.Language)}
	f, isFile := s.files[name]
	a, hasToken := acts[account.ChallengeKind(name)]
	switch {
	case r.URL.Path == "/":
		w.Route = "Home"
		p.home()
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
