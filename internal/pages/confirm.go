package pages

import (
	"errors"
	"net/http"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// confirm asks somebody who is logged in to show again that it is them, and
// leads back to the page that needs it.
func (p *page) confirm() {
	v := p.view
	v.Title = v.say("page.prove.title")
	p.toAccount()
	methods, err := p.o.Auth.ConfirmMethods(p.r.Context(), p.caller)
	if err != nil {
		p.failAct(err, nil)
		return
	}
	way := p.askFor(methods, "page.prove.submit")
	if way == "" {
		v.close(v.say("page.prove.title"), v.say("page.prove.none"))
		v.ShowAgain, v.AgainText = true, v.say("mail.forgot")
		p.show(http.StatusConflict)
		return
	}
	v.Facts = []fact{{v.say("page.account"), p.caller.User.Username}}
	if way == withPassword {
		// Not seen: password managers look for the account's name.
		v.Inputs = append([]input{usernameInput(p.caller.User.Username)}, v.Inputs...)
		v.After = append(v.After, p.forgotten()...)
	}
	if p.r.Method != http.MethodPost {
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	if form.Has(beginField) {
		p.begin(func() (auth.PasskeyRequest, error) { return p.o.Auth.BeginPasskeyConfirm(p.r.Context(), p.caller) })
		return
	}
	if way == withEmail && form.Has(sendField) {
		p.sendCode()
		return
	}
	pair, err := p.o.Auth.Confirm(p.r.Context(), p.caller, p.proofOf(way, form))
	var e *account.Error
	if way == withEmail && errors.As(err, &e) && len(e.Fields["code_id"]) > 0 { // it is over: another has to be mailed
		p.dropCookie(confirmCookie)
	}
	if err != nil {
		p.failAct(err, nil)
		return
	}
	p.dropCookie(confirmCookie)
	if pair.Refresh != "" {
		p.setCookie(sessionCookie, pair.Refresh, 0)
	}
	p.note(p.target(), "page.prove.done", p.noted(p.target()))
	p.goTo(p.target(), "")
}

// forgotten leads who is asked for a password to another, where there is an
// address to mail a link to.
func (p *page) forgotten() []link {
	if p.caller.User.Email == "" {
		return nil
	}
	return []link{{p.view.say("page.login.forgot"), p.view.AgainLink}}
}

// sendField asks for a code by mail.
const sendField = "send"

// sendCode has a code mailed by which the caller confirms that it is them, and
// comes back to where it is typed in.
func (p *page) sendCode() {
	id, err := p.o.Auth.RequestCode(p.r.Context(), p.request, p.caller, auth.CodeRequest{
		Purpose: account.TextInput(string(account.CodeConfirm)), CodeID: p.codeOfBefore(confirmCookie),
	})
	if err != nil {
		p.failAct(err, nil)
		return
	}
	p.setCookie(confirmCookie, id, codeLifetime)
	p.w.Header().Set("Location", p.link(p.path, "to", p.target(), "with", withEmail))
	p.w.WriteHeader(http.StatusSeeOther)
}

// usernameInput is not seen; password managers keep a password with it.
func usernameInput(username string) input {
	return input{Name: "username", Type: "text", Autocomplete: "username", Value: username, Hidden: true}
}
