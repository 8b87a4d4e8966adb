package pages

import (
	"net/http"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// forgotName is the page that asks for an address; the others are named by
// the kind of challenge that they use.
const forgotName = "forgot-password"

// forgot asks for an address and says the same whoever has it.
func (p *page) forgot() {
	v := p.view
	v.Title, v.Intro, v.Submit = v.say("page.forgot.title"), v.say("page.forgot.intro"), v.say("page.forgot.submit")
	v.Inputs = []input{emailInput(v, "")}
	if p.o.Account {
		v.After = []link{{v.say("page.login.title"), p.link("login")}}
	}
	if p.r.Method != http.MethodPost {
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	typed := account.TypedInput(form.Get("email"))
	v.Inputs[0].Value = form.Get("email")
	id, err := p.o.Auth.RequestResetCode(p.r.Context(), p.request, auth.ResetRequest{Email: typed, CodeID: p.codeOfBefore(codeCookie)})
	if err != nil {
		p.fail(err)
		return
	}
	p.askedForCode(id)
	v.finish(v.say("page.forgot.done"))
	v.ShopButton = false // the mailbox comes first
	v.Facts, v.Hint = []fact{{v.say("page.forgot.email"), typed.Text}}, v.say("page.forgot.look")
	v.Links = []link{{v.say("page.code.enter"), p.link("code")}, {v.say("page.forgot.other"), v.AgainLink}}
	p.show(http.StatusAccepted)
}

// emailInput asks for an address. It is not of type "email": browsers take some
// addresses for mistakes that we know, and write domains in other letters than
// we do.
func emailInput(v *view, typed string) input {
	return input{Name: "email", Type: "text", Mode: "email", Autocomplete: "email", Label: v.say("page.forgot.email"), Value: typed}
}
