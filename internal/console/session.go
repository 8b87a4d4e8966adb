package console

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/locale"
)

// The cookies. All go to this host alone and with requests of our own pages
// alone: a link from elsewhere finds nobody logged in (docs/decisions/0037-console.md).
const (
	sessionCookie  = "yoozak_console"
	factorCookie   = "yoozak_console_factor" // the challenge of a login that waits
	offerCookie    = "yoozak_console_offer"  // the token of a role that was offered
	noteCookie     = "yoozak_console_note"
	deviceCookie   = "yoozak_console_device" // by which the browser is known
	languageCookie = "yoozak_console_language"
)

const (
	challengeLifetime = 5 * time.Minute // the rules have it, too: after it the challenge is not good
	noteLifetime      = 10 * time.Minute
	maxNote           = 3800 // bytes, of the 4096 that browsers keep with the name
	languageLifetime  = 365 * 24 * time.Hour
)

func (p *page) cookie(name string) string { return p.w.HostCookie(p.r, name) }

// setCookie keeps a value for some time, or until the browser is closed if
// that is zero.
func (p *page) setCookie(name, value string, lifetime time.Duration) {
	p.w.SetHostCookie(name, value, lifetime, http.SameSiteStrictMode)
}

func (p *page) dropCookie(name string) {
	if p.cookie(name) != "" {
		p.setCookie(name, "", -time.Second)
	}
}

// signIn keeps what a login gave, in place of the session before. What somebody
// else has typed is not for whoever logs in here after them.
func (p *page) signIn(grant auth.LoginResult) {
	p.endSession()
	if by := p.kept().By; by != "" && by != strconv.FormatInt(grant.User.ID, 10) {
		p.dropCookie(noteCookie)
	}
	p.setCookie(sessionCookie, grant.Refresh, 0)
	p.dropCookie(factorCookie)
	p.remember(grant.Device)
}

// remember keeps the token by which this browser is known here. The one by
// which it is known to the shop's pages may be another person's.
func (p *page) remember(device string) {
	if device != "" {
		p.w.SetHostCookie(deviceCookie, device, guard.DeviceLifetime, http.SameSiteStrictMode)
	}
}

// endSession ends the session of the cookie, if there is one.
func (p *page) endSession() {
	if raw := p.cookie(sessionCookie); raw != "" {
		p.end(raw)
	}
}

// end ends the session of a refresh token, which the browser keeps or was about
// to keep.
func (p *page) end(refresh string) {
	if err := p.o.Auth.Logout(p.r.Context(), p.request, account.TextInput(refresh)); err != nil && !unauthorized(err) {
		p.o.Log.WarnContext(p.r.Context(), "a session of the console could not be ended", "request_id", p.w.RequestID, "error", err.Error())
	}
	p.setCookie(sessionCookie, "", -time.Second)
}

func unauthorized(err error) bool {
	var e *account.Error
	return errors.As(err, &e) && e.Kind == account.Unauthorized
}

// signedIn fills in the agent, or answers what has to be done first.
func (p *page) signedIn() bool {
	raw := p.cookie(sessionCookie)
	if raw == "" {
		p.loginFirst("")
		return false
	}
	caller, err := p.o.Auth.CallerByRefresh(p.r.Context(), p.request, raw)
	switch {
	case unauthorized(err):
		p.dropCookie(sessionCookie)
		p.loginFirst("ended")
		return false
	case err != nil:
		p.fail(err)
		return false
	}
	p.caller = caller
	agent, err := p.o.Staff.Agent(p.r.Context(), caller)
	switch {
	case err == nil:
		p.agent, p.staff = agent, p.o.Staff.As(agent)
		p.view.setAgent(p)
		return true
	case errors.Is(err, account.ErrStaffLogin) && !account.HasAMR(caller.AMR, account.AMRMultiple):
		if p.route.Path == enrolPath {
			return true
		}
		p.goTo(enrolPath, "next", p.here())
	case errors.Is(err, account.ErrStaffLogin): // too long ago
		p.endSession()
		p.loginFirst("idle")
	case errors.Is(err, account.ErrPermissionDenied) && p.cookie(offerCookie) != "":
		if p.route.Path == enrolPath {
			return true
		}
		p.acceptOffer(caller, raw)
	case errors.Is(err, account.ErrPermissionDenied):
		p.endSession()
		p.refuse(http.StatusForbidden, "console.no_access")
	default:
		p.fail(err)
	}
	return false
}

// loginFirst leads to the login and from there back to this page, with what
// was typed in it that is no secret.
func (p *page) loginFirst(why string) {
	if p.acts() {
		form, ok := p.readForm()
		if !ok {
			return
		}
		p.keep(p.typed(form))
	}
	p.goTo(loginPath, "next", p.here(), "why", why)
}

// typed has the fields of a form that come back after a login, to whom it was
// shown: another may have logged in here since.
func (p *page) typed(form url.Values) note {
	n := note{To: p.r.URL.Path, By: form.Get(agentField), Typed: map[string]string{}}
	for _, name := range p.route.keep {
		if form.Has(name) { // also what was emptied
			n.Typed[name] = form.Get(name)
		}
	}
	return n
}

// note is for the next page of the same browser: what to say there, and what
// was typed before something else had to be done.
type note struct {
	To    string            `json:"t"`
	By    string            `json:"b,omitempty"` // the number of whose it is; empty: nobody was logged in
	Done  string            `json:"d,omitempty"` // the key of a text
	Args  map[string]string `json:"a,omitempty"`
	Typed map[string]string `json:"f,omitempty"`
}

// keep lets the browser keep a note, in a cookie that only it and we see. One
// that is too long for a cookie is not kept.
func (p *page) keep(n note) {
	if n.Done == "" && len(n.Typed) == 0 {
		return
	}
	text, err := json.Marshal(n)
	if err != nil {
		panic("console: " + err.Error()) // texts
	}
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic("console: " + err.Error()) // the level is there
	}
	_, _ = z.Write(text) // a buffer takes everything
	_ = z.Close()
	if value := base64.RawURLEncoding.EncodeToString(b.Bytes()); len(value) <= maxNote {
		p.setCookie(noteCookie, value, noteLifetime)
	}
}

// kept is the note that the browser has.
func (p *page) kept() (n note) {
	raw, err := base64.RawURLEncoding.DecodeString(p.cookie(noteCookie))
	if err != nil || len(raw) == 0 {
		return note{}
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), 64<<10))
	if err != nil || json.Unmarshal(text, &n) != nil {
		return note{}
	}
	return n
}

// takeNote reads what an earlier page left for this one.
func (p *page) takeNote() {
	if p.r.Method != http.MethodGet || p.part() != "" {
		return
	}
	n := p.kept()
	if n.To != p.r.URL.Path || len(n.Typed) > 0 && p.r.URL.RawQuery != "" { // a form's address has none: see here
		return
	}
	if n.By != p.view.AgentID && (n.By != "" || len(n.Typed) > 0) { // what was done before a login is for who logs in
		return
	}
	p.dropCookie(noteCookie)
	for name, text := range n.Typed {
		p.before.Set(name, strings.ToValidUTF8(text, ""))
	}
	if strings.HasPrefix(n.Done, "console.done.") {
		args := locale.Args{}
		for name, text := range n.Args {
			args[name] = strings.ToValidUTF8(text, "")
			if number, err := strconv.Atoi(text); err == nil && name == "n" {
				args["n"], args["count"] = number, p.view.Number(number)
			}
		}
		p.view.Done = locale.Text(p.view.Language, n.Done, args)
	}
}

// link is the way from this page to another, query name, value pairs.
func (p *page) link(path string, query ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			values.Set(query[i], query[i+1])
		}
	}
	address := p.view.Root + path
	if len(values) > 0 {
		address += "?" + values.Encode()
	}
	return address
}

// goTo sends the browser on. htmx would follow a redirect unseen and put
// another page where a part belongs, so that it is told apart.
func (p *page) goTo(path string, query ...string) { p.goToAddress(p.link(path, query...)) }

func (p *page) goToAddress(address string) {
	h := p.w.Header()
	p.headers()
	h.Del("Content-Language")
	if p.isHTMX() {
		h.Set("HX-Redirect", address)
		p.w.WriteHeader(http.StatusOK)
		return
	}
	h.Set("Location", address)
	p.w.WriteHeader(http.StatusSeeOther)
}

// done leads on after an act, to a page that says what was done.
func (p *page) done(path, key string, args map[string]string) {
	to, _, _ := strings.Cut(path, "?")
	p.keep(note{To: Path + to, By: p.view.AgentID, Done: "console.done." + key, Args: args})
	p.goToAddress(p.view.Root + path)
}

// here is this page as [page.next] takes it: the address of an act is that of
// the page that asks for it.
func (p *page) here() string {
	here := strings.TrimPrefix(p.r.URL.EscapedPath(), Path)
	if p.r.URL.RawQuery != "" && !p.acts() {
		here += "?" + p.r.URL.RawQuery
	}
	if localPath(here) == "" {
		return ""
	}
	return here
}

// next is the page to go on with after a login: one of the console, whatever
// the address says.
func (p *page) next() string { return localPath(p.r.URL.Query().Get("next")) }

// localPath returns an address that stays below [Path] when it is put behind
// the way there, or else the overview's.
func localPath(to string) string {
	if len(to) > 2<<10 || strings.ContainsAny(to, "\\\t\r\n") || !utf8.ValidString(to) {
		return ""
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Opaque != "" || u.Host != "" || u.User != nil || u.Fragment != "" ||
		strings.HasPrefix(u.Path, "/") || strings.Contains(u.Path, "//") || strings.ContainsAny(u.Path, "\\:") {
		return ""
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return ""
		}
	}
	return u.String()
}
