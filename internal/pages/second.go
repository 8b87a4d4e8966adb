package pages

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
)

// A page that asks for a factor shows one way to type something in, with the
// passkey beside it if there is one, and links to the others.
const (
	withPasskey  = "passkey"
	withCode     = "code"
	withPassword = "password"
	withEmail    = "email"
	withRecovery = "recovery"
)

var wayOf = map[string]string{
	string(account.Passkey): withPasskey, string(account.TOTP): withCode, account.MethodPassword: withPassword,
	account.MethodEmail: withEmail, account.MethodRecovery: withRecovery,
}

// askFor puts the way that was chosen into the page, and links to the others.
// It returns no way if there is none.
func (p *page) askFor(methods []string, submit string) (way string) {
	v := p.view
	var all []string
	for _, m := range methods {
		if w := wayOf[m]; w != "" {
			all = append(all, w)
		}
	}
	if len(all) == 0 {
		return ""
	}
	way = p.r.URL.Query().Get("with")
	if !slices.Contains(all, way) {
		way = all[0]
		if way == withPasskey && len(all) > 1 && all[1] != withRecovery { // which goes beside it, and needs no script
			way = all[1]
		}
		if way == withEmail && slices.Contains(all, withPassword) { // for which no mail has to come
			way = withPassword
		}
	}
	v.Submit = v.say(submit)
	switch way {
	case withPasskey:
		v.Submit = ""
	case withCode:
		v.Intro = v.say("page.factor.code_intro")
		v.Inputs = append(v.Inputs, codeInput(v))
	case withEmail:
		if p.cookie(confirmCookie) == "" {
			v.Intro, v.Submit, v.Hiddens = v.say("page.code.send_intro"), v.say("page.code.send"), []hidden{{sendField, "1"}}
			break
		}
		v.Intro, v.Inputs = v.say("page.code.intro"), append(v.Inputs, mailedCodeInput(v))
		v.Other = &other{sendField, v.say("page.code.again")}
	case withRecovery:
		v.Intro = v.say("page.factor.recovery_intro")
		v.Inputs = append(v.Inputs, input{Name: "recovery_code", Type: "text", Autocomplete: "off", Label: v.say("page.factor.recovery"), Focus: true})
	case withPassword:
		v.Intro = v.say("page.factor.password_intro")
		v.Inputs = append(v.Inputs, input{Name: "password", Type: "password", Autocomplete: "current-password", Label: v.say("page.login.password"), Focus: true})
	}
	texts := map[string]string{withCode: "page.factor.use_code", withRecovery: "page.factor.use_recovery", withPassword: "page.factor.use_password", withEmail: "page.factor.use_email"}
	for _, other := range all {
		if other != way && other != withPasskey {
			v.After = append(v.After, link{v.say(texts[other]), p.link(p.path, "to", p.target(), "with", other)})
		}
	}
	if slices.Contains(all, withPasskey) {
		f := p.offerPasskey(showKind, "page.passkeys.use")
		f.Quiet = way != withPasskey
		if way == withPasskey {
			v.Intro, f.Without = v.say("page.passkeys.use_intro"), v.say("page.passkeys.without_use")
		}
	}
	return way
}

// codeInput is one field for all six digits: phones fill it in, people paste.
func codeInput(v *view) input {
	return input{
		Name: "code", Type: "text", Mode: "numeric", Autocomplete: "one-time-code", Label: v.say("page.factor.code"), Hint: v.say("page.factor.code_hint"),
		Class: "code", Focus: true,
	}
}

// proofOf is what the passkey answered, or what was typed into the field that
// was shown; the rules see no other.
func (p *page) proofOf(way string, form url.Values) auth.Proof {
	switch {
	case form.Get(answerField) != "":
		return auth.Proof{Ceremony: account.TypedInput(form.Get("ceremony")), Assertion: account.TextInput(form.Get(answerField))}
	case way == withCode:
		return auth.Proof{Code: account.TypedInput(form.Get("code"))}
	case way == withEmail:
		return auth.Proof{CodeID: account.TextInput(p.cookie(confirmCookie)), Code: account.TypedInput(form.Get("code"))}
	case way == withRecovery:
		return auth.Proof{RecoveryCode: account.TypedInput(form.Get("recovery_code"))}
	}
	return auth.Proof{Password: account.TypedInput(form.Get("password"))}
}

// second asks for the second factor of a login that waits. The challenge is
// in a cookie and never in an address; the form goes with this challenge and
// no other. Nothing of the account is shown before the factor is.
func (p *page) second() {
	v := p.view
	v.Title = v.say("page.second.title")
	challenge := p.cookie(challengeCookie)
	if challenge == "" {
		p.startAgain()
		return
	}
	methods, err := p.o.Auth.SecondMethods(p.r.Context(), p.request, challenge)
	if err != nil {
		p.failSecond(err)
		return
	}
	way := p.askFor(methods, "page.second.submit")
	if way == "" {
		v.close(v.say("page.second.title"), v.sayWhom("page.factor.none"))
		p.show(http.StatusConflict)
		return
	}
	if way == withCode { // not by a recovery code: whoever has only these has lost a device
		v.Inputs = append(v.Inputs, input{Name: "trust", Label: v.say("page.trusted.trust"), Check: true})
	}
	v.After = append(v.After, link{v.say("page.second.other"), p.link("login", "to", p.target())})
	v.Hiddens = []hidden{{"bound", boundTo(challenge)}}
	if p.r.Method != http.MethodPost {
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	if !isBoundTo(form, challenge) {
		p.startAgain()
		return
	}
	if form.Has(beginField) {
		p.begin(func() (auth.PasskeyRequest, error) {
			return p.o.Auth.BeginPasskeyLogin(p.r.Context(), account.TextInput(challenge))
		})
		return
	}
	if err := p.o.Guard.AllowRequest(p.r.Context(), guard.LoginPerNetwork, p.request); err != nil {
		p.fail(err)
		return
	}
	step := auth.SecondStep{Challenge: account.TextInput(challenge), Proof: p.proofOf(way, form)}
	if form.Get("trust") != "" {
		step.Trust = account.TextInput("true")
	}
	grant, err := p.o.Auth.LoginSecond(p.r.Context(), p.request, step)
	if err != nil {
		p.failSecond(err)
		return
	}
	p.signIn(grant)
	p.goTo(p.target(), "")
}

// failSecond begins anew where the challenge is what is wrong.
func (p *page) failSecond(err error) {
	var e *account.Error
	if account.IsPasskey(err) {
		p.failPasskey(err)
		return
	}
	if errors.As(err, &e) && (len(e.Fields["challenge"]) > 0 || e.Kind == account.Unauthorized) {
		p.dropCookie(challengeCookie)
		p.startAgain()
		return
	}
	p.fail(err)
}

// startAgain says that there is no login here that waits.
func (p *page) startAgain() {
	v := p.view
	v.close(v.say("page.second.gone"), v.say("page.second.gone_why"))
	v.Languages = nil
	v.ShowAgain, v.AgainLink, v.AgainText = true, p.link("login", "to", p.target()), v.say("page.login.title")
	p.show(http.StatusGone)
}
