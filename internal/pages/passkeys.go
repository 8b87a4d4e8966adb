package pages

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/web"
)

// The pages with a passkey's form load one script, which fills the form in:
// browsers have no other way to an authenticator. Its first request, with the
// field "begin", is answered with what the authenticator is asked; the form
// then brings the answer as any form does. Without the script the form stays
// hidden, and the other ways are there.
const scriptName = "passkey.js"

// passkeyForm is a form that a script fills in.
type passkeyForm struct {
	Kind                     string // what the script has the browser do
	Submit                   string
	Cancelled, There, Failed string // what the script says
	Without                  string // what is there without it
	Quiet                    bool   // another form comes first
	Inputs                   []input
}

// What a passkey's form is for.
const (
	loginKind   = "login" // also offered among the names that the browser fills in
	showKind    = "show"
	createKind  = "create"
	beginField  = "begin"
	answerField = "credential"
)

// offerPasskey puts the form into the page.
func (p *page) offerPasskey(kind, submit string) *passkeyForm {
	v := p.view
	v.Passkey = &passkeyForm{
		Kind: kind, Submit: v.say(submit), Cancelled: v.say("page.passkeys.cancelled"), There: v.say("page.passkeys.there"), Failed: v.say("page.passkeys.failed"),
	}
	v.Script = v.Root + scriptName + "?" + p.script
	return v.Passkey
}

// signal is what the script tells the browser of passkeys (Web Authentication
// Level 3, section 5.1.10): with an id that it is gone, else which ones there are.
type signal struct {
	RPID       string   `json:"rpId"`
	Credential string   `json:"credentialId,omitempty"`
	User       string   `json:"userId,omitempty"`
	Accepted   []string `json:"allAcceptedCredentialIds,omitzero"`
}

func (p *page) putSignal(s signal) error {
	text, err := json.Marshal(s)
	p.view.Signal, p.view.Script = string(text), p.view.Root+scriptName+"?"+p.script
	return err
}

// signalKnown has the browser forget what was removed. Who never had a passkey
// gets no script for it.
func (p *page) signalKnown() error {
	known, err := p.o.Auth.KnownPasskeys(p.r.Context(), p.caller)
	if err != nil || known == nil {
		return err
	}
	s := signal{RPID: known.RPID, User: base64URL(known.UserHandle), Accepted: []string{}}
	for _, c := range known.Credentials {
		s.Accepted = append(s.Accepted, base64URL(c.ID))
	}
	return p.putSignal(s)
}

// signalUnknown has the browser offer a passkey no more that was answered with
// and is not there.
func (p *page) signalUnknown(answer string) error {
	var shown struct {
		ID string `json:"id"`
	}
	if json.Unmarshal([]byte(answer), &shown) != nil || shown.ID == "" {
		return nil
	}
	return p.putSignal(signal{RPID: p.o.Auth.PasskeyRPID(), Credential: shown.ID})
}

// answerScript answers the script; err is why there is nothing to ask.
func (p *page) answerScript(b web.PasskeyAnswer, err error) {
	if p.caller != nil {
		err = p.o.Auth.Erased(p.r.Context(), p.caller, err)
	}
	var e *account.Error
	status := http.StatusOK
	switch {
	case err == nil:
	case !errors.As(err, &e):
		status, b.Detail = http.StatusInternalServerError, p.internal(err)
	case errors.Is(err, account.ErrConfirmRequired):
		b.Location = p.link("confirm", "to", p.path)
	case e.Kind == account.Unauthorized:
		b.Location = p.link("login", "to", p.path)
	case e.Kind == account.Throttled:
		status, b.Detail = http.StatusTooManyRequests, locale.Text(p.view.Language, e.Code, locale.Args{"n": p.retryAfter(e)})
	case len(e.Fields["challenge"]) > 0: // the login does not wait any more: its page says so
		b.Location = p.link(p.path, "to", p.target())
	case e.Kind == account.Invalid:
		m := e.Fields[e.Fields.Names()[0]][0]
		status, b.Detail = http.StatusBadRequest, locale.Text(p.view.Language, m.Key, m.Args)
	case account.IsPasskey(err):
		status, b.Detail = http.StatusNotFound, p.view.say(e.Code)
	default:
		p.w.LogUnavailable(p.r.Context(), err)
		p.w.Header().Set("Retry-After", "2")
		status, b.Detail = http.StatusServiceUnavailable, p.view.say("page.failed")
	}
	p.w.WriteJSON(status, b)
}

// begin tells the script what to ask of an authenticator.
func (p *page) begin(ask func() (auth.PasskeyRequest, error)) {
	r, err := ask()
	if err != nil {
		p.answerScript(web.PasskeyAnswer{}, err)
		return
	}
	p.answerScript(web.PasskeyAnswer{Ceremony: r.Ceremony, Options: r.Options()}, nil)
}

func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// failPasskey says it above the form, where the other ways are.
func (p *page) failPasskey(err error) {
	var e *account.Error
	errors.As(err, &e)
	v := p.view
	v.Problem, v.Alert = v.say("page.problem"), v.say(e.Code)
	p.show(http.StatusBadRequest)
}

// passkeys adds one.
func (p *page) passkeys() {
	v := p.view
	p.toAccount()
	v.Title, v.Intro = v.say("page.passkeys.title"), v.say("page.passkeys.intro")
	if p.r.Method != http.MethodPost {
		if err := p.o.Auth.Proved(p.r.Context(), p.caller); err != nil {
			p.failAct(err, p.before)
			return
		}
	}
	if err := p.signalKnown(); err != nil {
		p.fail(err)
		return
	}
	f := p.offerPasskey(createKind, "page.passkeys.submit")
	f.Without = v.say("page.passkeys.without")
	f.Inputs = []input{nameInput(v, p.before.Get("name"))}
	if p.r.Method != http.MethodPost {
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	f.Inputs[0].Value = form.Get("name")
	if form.Has(beginField) {
		p.beginNewPasskey(form)
		return
	}
	added, err := p.o.Auth.AddPasskey(p.r.Context(), p.caller, auth.NewPasskey{
		Ceremony: account.TypedInput(form.Get("ceremony")), Credential: account.TextInput(form.Get(answerField)), Name: account.TypedInput(form.Get("name")),
	})
	if err != nil {
		p.failAct(err, form)
		return
	}
	p.factorAdded(added.RecoveryCodes, added.OtherSessions)
}

func (p *page) beginNewPasskey(form url.Values) {
	c, err := p.o.Auth.BeginPasskey(p.r.Context(), p.caller, account.Input{})
	if err != nil {
		p.note(p.path, "", p.typed(form))
		p.answerScript(web.PasskeyAnswer{}, err)
		return
	}
	p.answerScript(web.PasskeyAnswer{Ceremony: c.Ceremony, Options: c.Options()}, nil)
}
