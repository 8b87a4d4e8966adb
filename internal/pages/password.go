package pages

import (
	"net/http"
	"slices"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// password changes the password of somebody who is logged in. The present one
// is asked for in the form, unless a factor has to be shown instead, which a
// page before this one asks for.
func (p *page) password() {
	v := p.view
	v.Title, v.Intro, v.Submit = v.say("page.password.title"), v.say("page.password.intro"), v.say("page.reset.submit")
	p.toAccount()
	methods, err := p.o.Auth.ConfirmMethods(p.r.Context(), p.caller)
	if err != nil {
		p.failAct(err, nil)
		return
	}
	asksCurrent := slices.Contains(methods, account.MethodPassword)
	if asksCurrent {
		v.Inputs = append(v.Inputs, input{Name: "current_password", Type: "password", Autocomplete: "current-password", Label: v.say("page.password.current")})
		v.After = p.forgotten()
	} else if err := p.o.Auth.Proved(p.r.Context(), p.caller); err != nil {
		p.failAct(err, nil)
		return
	}
	v.Inputs = append([]input{usernameInput(p.caller.User.Username)}, append(v.Inputs, p.otherPasswordInputs()...)...)
	if p.r.Method != http.MethodPost {
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	plain, err := newPassword(form, otherPassword)
	if err != nil {
		p.fail(err)
		return
	}
	change := auth.PasswordChange{New: plain}
	if asksCurrent {
		change.Current = account.TypedInput(form.Get("current_password"))
	}
	device, err := p.o.Auth.ChangePassword(p.r.Context(), p.caller, change)
	if err != nil {
		p.failAct(err, nil)
		return
	}
	p.remember(device)
	p.note("", "page.password.done", nil)
	p.goTo("", "")
}
