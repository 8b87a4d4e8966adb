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
)

// Options are what [Pages] are made of.
type Options struct {
	Auth  *auth.Service
	Log   *slog.Logger
	Brand string
	Shop  shop.Shop
}

// Pages answers the requests below /account/, and "/".
type Pages struct {
	o     Options
	files map[string]file
}

// New makes the pages.
func New(o Options) *Pages { return &Pages{o: o, files: filesOf(o)} }

// base is where the pages are.
const base = "/account/"

// Link is where the token of a mail leads.
func Link(publicURL string, kind account.ChallengeKind, token, language string) string {
	return publicURL + base + string(kind) + "/" + url.PathEscape(token) + "?lang=" + language
}

// ForgotLink is the page that asks for an address to mail a link to.
func ForgotLink(publicURL, language string) string {
	return publicURL + base + forgotName + "/?lang=" + language
}

// Serve answers one request and returns the page's name, for logs: never
// what the client made up.
func (p *Pages) Serve(w http.ResponseWriter, r *http.Request, req account.RequestInfo) string {
	if lang := r.URL.Query().Get("lang"); slices.Contains(locale.Languages(), lang) {
		req.Language = lang
	}
	name, token, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, base), "/"), "/")
	x := &exchange{w: w, r: r, o: p.o, peer: req, view: p.newView(r, req.Language)}
	f, isFile := p.files[name]
	a, hasToken := acts[account.ChallengeKind(name)]
	switch {
	case r.URL.Path == "/":
		x.route = "Home"
		x.home()
	case isFile && token == "":
		x.route = f.route
		if x.allows(http.MethodGet, http.MethodHead) {
			x.send(f)
		}
	case name == forgotName && token == "":
		x.route = "Page " + name
		if x.allows(http.MethodGet, http.MethodHead, http.MethodPost) {
			x.forgot()
		}
	case hasToken && token != "":
		x.route, x.kind = "Page "+name, account.ChallengeKind(name)
		if x.allows(http.MethodGet, http.MethodHead, http.MethodPost) {
			x.act(x.kind, a, token)
		}
	default:
		x.route = "unknown"
		x.view.close(x.view.say("page.not_found"), x.view.say("page.not_found.why"))
		x.show(http.StatusNotFound)
	}
	return x.route
}

// exchange is one request and the page that will answer it.
type exchange struct {
	w     http.ResponseWriter
	r     *http.Request
	o     Options
	peer  account.RequestInfo
	route string
	kind  account.ChallengeKind // of the page's link; empty: it has none
	view  *view
}

// allows answers a request with another method.
func (x *exchange) allows(methods ...string) bool {
	if slices.Contains(methods, x.r.Method) {
		return true
	}
	x.w.Header().Set("Allow", strings.Join(methods, ", "))
	x.refuse(http.StatusMethodNotAllowed, "method_not_allowed", locale.Args{"method": x.r.Method})
	return false
}
