package pages

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
)

// login asks for username and password and opens a session, by the rules and
// the quotas of the API.
func (p *page) login() {
	v := p.view
	if p.r.Method != http.MethodPost && p.maybeCaller() != nil {
		p.goTo(p.target(), "")
		return
	}
	v.Title, v.Submit = v.say("page.login.title"), v.say("page.login.submit")
	if p.target() != "" {
		v.Intro = v.say("page.login.again")
	}
	v.Inputs = []input{
		{Name: "username", Type: "text", Autocomplete: "username", Label: v.say("page.login.username"), Value: p.before.Get("username")},
		{Name: "password", Type: "password", Autocomplete: "current-password", Label: v.say("page.login.password")},
	}
	v.After = []link{{v.say("page.login.forgot"), v.AgainLink}}
	if p.o.Register {
		v.After = append(v.After, link{v.say("page.register.title"), p.link(registerPath, "to", p.target())})
	}
	if p.o.Auth.OffersPasskeys() {
		v.Inputs[0].Autocomplete = "username webauthn"
		p.offerPasskey(loginKind, "page.passkeys.login").Quiet = true
	}
	if p.r.Method != http.MethodPost {
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	v.Inputs[0].Value = form.Get("username")
	if form.Has(beginField) {
		p.begin(func() (auth.PasskeyRequest, error) {
			if err := p.o.Guard.AllowRequest(p.r.Context(), guard.PasskeyPerNetwork, p.request); err != nil {
				return auth.PasskeyRequest{}, err
			}
			return p.o.Auth.BeginPasskeyLogin(p.r.Context(), account.Input{})
		})
		return
	}
	grant, err := p.tryLogin(form)
	var e *account.Error
	switch {
	case err == nil:
		p.signIn(grant)
		p.goTo(p.target(), "")
	case errors.Is(err, account.ErrSecondFactor) && errors.As(err, &e):
		p.setCookie(challengeCookie, e.Challenge, challengeLifetime)
		p.goTo("second", p.target())
	case account.IsPasskey(err):
		if errors.Is(err, auth.ErrPasskeyUnknown) {
			if err := p.signalUnknown(form.Get(answerField)); err != nil {
				p.fail(err)
				return
			}
		}
		p.failPasskey(err)
	case errors.Is(err, account.ErrInvalidCredentials):
		errs := account.Fields{}
		errs.Add("password", "page.login.refused", nil)
		p.fail(errs.Err())
	default:
		p.fail(err)
	}
}

func (p *page) tryLogin(form url.Values) (auth.LoginResult, error) {
	if err := p.o.Guard.AllowRequest(p.r.Context(), guard.LoginPerNetwork, p.request); err != nil {
		return auth.LoginResult{}, err
	}
	if form.Get(answerField) != "" {
		return p.o.Auth.LoginPasskey(p.r.Context(), p.request, auth.PasskeyLogin{
			Ceremony: account.TypedInput(form.Get("ceremony")), Credential: account.TextInput(form.Get(answerField)),
		})
	}
	return p.o.Auth.Login(p.r.Context(), p.request, auth.Credentials{
		Username: account.TypedInput(form.Get("username")), Password: account.TypedInput(form.Get("password")),
	})
}
