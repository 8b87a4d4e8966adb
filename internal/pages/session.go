package pages

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
)

// A person who logs in on a page has an ordinary session; its refresh token
// stands in a cookie and is never exchanged. Lax, because a link in a mail
// must find it; whatever changes something is a POST, which no other site can
// send: see [accountPage]. The challenge of a login that waits, and what was
// typed before it, are for requests from our own pages alone.
const (
	sessionCookie   = "yoozak_account"
	challengeCookie = "yoozak_second"
	noteCookie      = "yoozak_note"
)

const (
	challengeLifetime = 5 * time.Minute // the rules have it, too: after it the challenge is not good
	noteLifetime      = 10 * time.Minute
	maxNote           = 2 << 10 // bytes
)

func (p *page) cookie(name string) string { return p.w.HostCookie(p.r, name) }

// setCookie keeps a value for some time, or until the browser is closed if
// that is zero.
func (p *page) setCookie(name, value string, lifetime time.Duration) {
	mode := http.SameSiteStrictMode
	if name == sessionCookie {
		mode = http.SameSiteLaxMode
	}
	p.w.SetHostCookie(name, value, lifetime, mode)
}

func (p *page) dropCookie(name string) {
	if p.cookie(name) != "" {
		p.setCookie(name, "", -time.Second)
	}
}

// signIn keeps what a login gave, in place of the session before.
func (p *page) signIn(grant auth.LoginResult) {
	if before := p.cookie(sessionCookie); before != "" {
		if err := p.o.Auth.Logout(p.r.Context(), p.request, account.TextInput(before)); err != nil && !unauthorized(err) {
			p.o.Log.WarnContext(p.r.Context(), "the session before a login on a page could not be ended", "request_id", p.w.RequestID, "error", err.Error())
		}
	}
	p.setCookie(sessionCookie, grant.Refresh, 0)
	p.dropCookie(challengeCookie)
	p.remember(grant.Device)
	if grant.Trusted != "" {
		p.w.SetTrustedCookie(grant.Trusted, auth.TrustLifetime)
	}
}

// remember keeps the token by which this browser is known.
func (p *page) remember(device string) {
	if device != "" {
		p.w.SetDeviceCookie(device, guard.DeviceLifetime)
	}
}

// readDevice is what the browser kept of earlier logins.
func (p *page) readDevice() {
	if token := p.w.DeviceCookie(p.r); len(token) <= guard.MaxDeviceToken {
		p.request.DeviceToken = token
	}
	if token := p.w.TrustedCookie(p.r); len(token) <= auth.MaxTrustedToken {
		p.request.TrustedToken = token
	}
}

func unauthorized(err error) bool {
	var e *account.Error
	return errors.As(err, &e) && e.Kind == account.Unauthorized
}

// signedIn fills in the caller, or has them log in first.
func (p *page) signedIn() bool {
	raw := p.cookie(sessionCookie)
	if raw == "" {
		p.loginFirst()
		return false
	}
	caller, err := p.o.Auth.CallerByRefresh(p.r.Context(), p.request, raw)
	switch {
	case unauthorized(err):
		p.dropCookie(sessionCookie)
		p.loginFirst()
		return false
	case err != nil:
		p.fail(err)
		return false
	}
	p.caller = caller
	return true
}

// maybeCaller is who is logged in, if anybody.
func (p *page) maybeCaller() *auth.Caller {
	raw := p.cookie(sessionCookie)
	if raw == "" {
		return nil
	}
	caller, err := p.o.Auth.CallerByRefresh(p.r.Context(), p.request, raw)
	if err != nil {
		return nil
	}
	return caller
}

// loginFirst leads to the login and from there back to this page, with what
// was typed in it that is no secret.
func (p *page) loginFirst() {
	if p.r.Method == http.MethodPost {
		form, ok := p.readForm()
		if !ok {
			return
		}
		p.note(p.path, "", p.typed(form))
	}
	p.goTo("login", p.path)
}

// typed are the fields of a form that come back after a login.
func (p *page) typed(form url.Values) url.Values {
	typed := url.Values{}
	for _, name := range p.kept {
		if text := form.Get(name); text != "" {
			typed.Set(name, text)
		}
	}
	return typed
}

// A note is for the next page of the same browser: what to say there, and
// what was typed before it had to log in.
func (p *page) note(to, done string, typed url.Values) {
	values := url.Values{}
	for name := range typed {
		values.Set("typed-"+name, typed.Get(name))
	}
	if done != "" {
		values.Set("done", done)
	}
	if len(values) == 0 {
		return
	}
	values.Set("to", to)
	if text := values.Encode(); len(text) <= maxNote {
		p.setCookie(noteCookie, text, noteLifetime)
	}
}

// noted is what was typed into a page before its reader had to do something
// else.
func (p *page) noted(to string) url.Values {
	typed := url.Values{}
	values, err := url.ParseQuery(p.cookie(noteCookie))
	if err != nil || values.Get("to") != to {
		return typed
	}
	for name := range values {
		if field, is := strings.CutPrefix(name, "typed-"); is {
			typed.Set(field, strings.ToValidUTF8(values.Get(name), ""))
		}
	}
	return typed
}

// takeNote reads what an earlier page left for this one.
func (p *page) takeNote() {
	if p.r.Method != http.MethodGet {
		return
	}
	values, err := url.ParseQuery(p.cookie(noteCookie))
	if err != nil || values.Get("to") != p.path || len(values) == 0 {
		return
	}
	p.dropCookie(noteCookie)
	p.before = p.noted(p.path)
	if key := values.Get("done"); slices.Contains(doneKeys, key) {
		p.view.Done = p.view.say(key)
	}
}

// doneKeys are what a note may say.
var doneKeys = []string{
	"page.overview.session_ended", "page.overview.verify_sent", "page.password.done", "page.prove.done", "page.factors.removed", "page.factors.removed_mail", "page.factors.renamed",
	"page.trusted.ended", "page.recovery.stopped", "page.register.done", "page.register.done_mail",
}

// link is the way to a page, in the language that was chosen by a link; query
// is name, value pairs.
func (p *page) link(path string, query ...string) string {
	values := url.Values{}
	if lang := p.r.URL.Query().Get("lang"); lang == p.view.Language {
		values.Set("lang", lang)
	}
	for pair := range slices.Chunk(query, 2) {
		if name, value := pair[0], pair[len(pair)-1]; value != "" {
			values.Set(name, value)
		}
	}
	if path == factorPath || values.Get("to") == factorPath {
		if id := p.r.URL.Query().Get("id"); values.Get("id") == "" && isID.MatchString(id) {
			values.Set("id", id)
		}
	}
	address := p.view.Root + path
	if path != "" {
		address += "/"
	}
	if len(values) > 0 {
		address += "?" + values.Encode()
	}
	return address
}

// goTo sends the browser on, with the page that it is to come back to.
func (p *page) goTo(path, to string) {
	p.w.Header().Set("Location", p.link(path, "to", to))
	p.w.Header().Del("Content-Language")
	p.w.WriteHeader(http.StatusSeeOther)
}

// target is the page to go on with after a login or a confirmation: one of
// ours, whatever the address says.
func (p *page) target() string {
	to := p.r.URL.Query().Get("to")
	if slices.Contains(targets, to) {
		return to
	}
	return ""
}

// targets are the pages that others lead back to.
var targets = []string{"", "password", factorPath, "factors/totp", "recovery", "passkeys"}

// factorPath is the page of one factor, which is named behind it.
const factorPath = "factors"

var isID = regexp.MustCompile(`^[0-9a-f]{1,64}$`)

// boundTo is in a form that goes with a challenge: sent with another one, by
// whoever planted it, the form does nothing.
func boundTo(challenge string) string {
	sum := sha256.Sum256([]byte("form of " + challenge))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func isBoundTo(form url.Values, challenge string) bool {
	return subtle.ConstantTimeCompare([]byte(form.Get("bound")), []byte(boundTo(challenge))) == 1
}
