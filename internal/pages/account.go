package pages

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/yoozak/clients/internal/account"
)

// accountPage is a page that knows people by a cookie. What it changes it
// changes by POST alone, and only for a form of our own: browsers say where a
// request comes from (Sec-Fetch-Site, Origin), and one from elsewhere is
// refused before anything is looked at ([http.CrossOriginProtection]).
type accountPage struct {
	open bool // for people who have not logged in
	stay bool // also where the others are left out
	kept []string
	show func(p *page)
}

// has reports whether people get this page of an account here.
func (s *Pages) has(path string, a accountPage) bool {
	return (s.o.Account || a.stay) && (path != registerPath || s.o.Register)
}

// accountPages are those that the setting YOOZAK_ACCOUNT_PAGES turns off, by
// what stands behind [Path].
var accountPages = map[string]accountPage{
	"":         {show: (*page).overview},
	"login":    {open: true, kept: []string{"username"}, show: (*page).login},
	"register": {open: true, show: (*page).register},
	"second":   {open: true, show: (*page).second},
	"code":     {open: true, stay: true, show: (*page).code},
	"confirm":  {show: (*page).confirm},
	"password": {show: (*page).password},

	"factors":      {kept: []string{"name"}, show: (*page).factor},
	"factors/totp": {kept: []string{"name"}, show: (*page).totp},
	"recovery":     {show: (*page).recovery},
	"passkeys":     {kept: []string{"name"}, show: (*page).passkeys},
}

func (p *page) account(path string, a accountPage) {
	p.path, p.kept, p.before = path, a.kept, url.Values{}
	p.readDevice()
	// Browsers that do not know Sec-Fetch-Site name the origin, which they
	// would not if no page were to know where it was called from. No address
	// of these has a secret in it.
	p.referrer = "same-origin"
	p.view.Account = true
	if !p.allows(http.MethodGet, http.MethodHead, http.MethodPost) {
		return
	}
	if err := p.crossOrigin.Check(p.r); err != nil {
		p.refuse(http.StatusForbidden, "page.cross_origin", nil)
		return
	}
	if !a.open && !p.signedIn() {
		return
	}
	p.takeNote()
	a.show(p)
}

// failAct is fail for what somebody does who is logged in: they may have to
// log in, or to show that it is them, and come back to this page.
func (p *page) failAct(err error, form url.Values) {
	switch {
	case account.IsPasskey(err):
		p.failPasskey(err)
	case unauthorized(err):
		p.dropCookie(sessionCookie)
		p.note(p.path, "", p.typed(form))
		p.goTo("login", p.path)
	case errors.Is(err, account.ErrConfirmRequired):
		p.note(p.path, "", p.typed(form))
		p.goTo("confirm", p.path)
	default:
		p.fail(err)
	}
}

// accountLink leads on from a page of a link, where the account has pages.
func (p *page) accountLink() []link {
	if !p.o.Account {
		return nil
	}
	return []link{{p.view.say("page.overview.title"), p.link("")}}
}

// toAccount is the way back to the overview.
func (p *page) toAccount() { p.view.Back = &link{p.view.say("page.overview.back"), p.link("")} }
