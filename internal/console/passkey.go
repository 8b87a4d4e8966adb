package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/guard"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/web"
)

// A passkey is shown by the script of the customers' pages, from a file of ours:
// no page has a script of its own. Its first request, with the field "begin", is
// answered with what the authenticator is asked; the form then brings the
// answer as any form does. Without the script the form stays hidden, and the
// other ways are there.
const (
	beginField   = "begin"
	withRecovery = "recovery"
)

// passkeyForm is a form that the script fills in.
type passkeyForm struct {
	Bound, Submit, Cancelled, Failed string
	Without                          string // what is there without it, where there is no other form
}

// offerPasskey puts the form into a card, beside the card's own if it has one.
func (p *page) offerPasskey(c *card, bound string) {
	v := p.view
	c.Passkey = &passkeyForm{Bound: bound, Submit: v.Say("page.passkeys.use"), Cancelled: v.Say("page.passkeys.cancelled"), Failed: v.Say("page.passkeys.failed")}
	if c.Form == nil {
		c.Passkey.Without = v.Say("page.passkeys.without_use")
	}
	v.More = v.Root + passkeyJS + "?" + p.c.files[passkeyJS].version
}

// beginPasskey tells the script what to ask of an authenticator, for a login
// that waits.
func (p *page) beginPasskey(challenge string) {
	p.headers()
	if err := p.o.Guard.AllowRequest(p.r.Context(), guard.PasskeyPerNetwork, p.request); err != nil {
		p.refuseScript(err)
		return
	}
	r, err := p.o.Auth.BeginPasskeyLogin(p.r.Context(), account.TextInput(challenge))
	if err != nil {
		p.refuseScript(err)
		return
	}
	p.w.WriteJSON(http.StatusOK, web.PasskeyAnswer{Ceremony: r.Ceremony, Options: r.Options()})
}

// refuseScript says why there is nothing to ask.
func (p *page) refuseScript(err error) {
	v := p.view
	var e *account.Error
	switch {
	case !errors.As(err, &e):
		p.w.WriteJSON(http.StatusInternalServerError, web.PasskeyAnswer{Detail: p.internal(err)})
	case len(e.Fields["challenge"]) > 0, e.Kind == account.Unauthorized: // the login does not wait any more: its page says so
		p.w.WriteJSON(http.StatusOK, web.PasskeyAnswer{Location: p.link(factorPath, "next", p.next())})
	case e.Kind == account.Throttled:
		p.w.Header().Set("Retry-After", strconv.Itoa(e.WaitSeconds()))
		p.w.WriteJSON(http.StatusTooManyRequests, web.PasskeyAnswer{Detail: v.Say("console.wait_until", "time", v.Clock(v.now.Add(e.Wait)))})
	case e.Kind == account.Invalid:
		m := e.Fields[e.Fields.Names()[0]][0]
		p.w.WriteJSON(http.StatusBadRequest, web.PasskeyAnswer{Detail: locale.Text(v.Language, m.Key, m.Args)})
	case account.IsPasskey(err):
		p.w.WriteJSON(http.StatusNotFound, web.PasskeyAnswer{Detail: v.Say(e.Code)})
	default:
		p.w.LogUnavailable(p.r.Context(), err)
		p.w.WriteJSON(http.StatusServiceUnavailable, web.PasskeyAnswer{Detail: v.Say("page.failed")})
	}
}
