package pages

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// codeCookie names the code of a mail that this browser asked for: whoever
// types it here and asked elsewhere does nothing, and no address has it.
const (
	codeCookie    = "yoozak_code"
	confirmCookie = "yoozak_confirm" // of a code by which somebody confirms that it is them
	codeLifetime  = 15 * time.Minute // the rules have it, too: a code lives for ten from its mail on
)

// code takes the code that a mail has beside its link: for another password,
// which it then asks for, or to verify an address.
func (p *page) code() {
	v := p.view
	v.Title = v.say("page.code.title")
	id := p.cookie(codeCookie)
	if id == "" {
		p.noCode()
		return
	}
	v.Intro, v.Submit = v.say("page.code.intro"), v.say("page.second.submit")
	v.Inputs = []input{mailedCodeInput(v)}
	v.After = []link{{v.say("page.code.again"), p.anotherCode()}}
	if p.r.Method != http.MethodPost {
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	if form.Get("token") != "" {
		p.passwordByCode(form)
		return
	}
	got, err := p.o.Auth.UseCode(p.r.Context(), p.request, p.maybeCaller(), account.TextInput(id), account.TypedInput(form.Get("code")))
	if err != nil {
		p.failCode(err)
		return
	}
	if got.Token == "" {
		p.dropCookie(codeCookie)
		v.finish(v.say("page.verify.done"))
		v.Links = p.accountLink()
		p.show(http.StatusOK)
		return
	}
	if p.askNewPassword(got.Token) {
		p.show(http.StatusOK)
	}
}

// anotherCode is where a code is asked for: by who is logged in, to verify the
// address, in the overview.
func (p *page) anotherCode() string {
	if p.maybeCaller() != nil {
		return p.link("")
	}
	return p.view.AgainLink
}

func mailedCodeInput(v *view) input {
	in := codeInput(v)
	in.Hint = v.say("page.code.hint")
	return in
}

// askedForCode keeps what names the code of a mail that is on its way.
func (p *page) askedForCode(id string) {
	if id != "" {
		p.setCookie(codeCookie, id, codeLifetime)
	}
}

// codeOfBefore has the same code mailed again, if this browser asked for one.
func (p *page) codeOfBefore(cookie string) account.Input {
	if id := p.cookie(cookie); id != "" {
		return account.TextInput(id)
	}
	return account.Input{}
}

// askNewPassword goes on with the token that the code gave, which is in the
// form and in no address. It reports whether the token is good.
func (p *page) askNewPassword(token string) bool {
	v := p.view
	v.Title, v.Intro, v.Submit = v.say("page.reset.title"), v.say("page.reset.intro"), v.say("page.reset.submit")
	v.After, v.Languages = nil, nil
	username, _, err := p.o.Auth.CheckChallenge(p.r.Context(), p.request, account.ResetPassword, token)
	if err != nil {
		v.Again = true
		p.fail(err)
		return false
	}
	v.Hiddens = []hidden{{"token", token}}
	v.Facts = []fact{{v.say("page.account"), username}}
	v.Inputs = append([]input{usernameInput(username)}, p.otherPasswordInputs()...)
	return true
}

func (p *page) passwordByCode(form url.Values) {
	if !p.askNewPassword(form.Get("token")) {
		return
	}
	reset, err := p.resetPassword(form.Get("token"), form)
	if err != nil {
		p.view.Again = true
		p.fail(err)
		return
	}
	p.dropCookie(codeCookie)
	v := p.view
	v.finish(v.say("page.reset.done"))
	p.wasReset(reset)
	p.show(http.StatusOK)
}

// failCode begins anew where the request is what is wrong, and not the code.
func (p *page) failCode(err error) {
	var e *account.Error
	if errors.As(err, &e) && len(e.Fields["code_id"]) > 0 {
		p.dropCookie(codeCookie)
		p.noCode()
		return
	}
	p.fail(err)
}

func (p *page) noCode() {
	v := p.view
	v.close(v.say("page.code.gone"), v.say("page.code.gone_why"))
	v.ShowAgain = true
	p.show(http.StatusGone)
}
