package pages

import (
	"context"
	"net/http"
	"net/url"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// act is what a page with a token does when its button is pressed.
type act struct {
	title, intro, submit, done string
	do                         func(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, form url.Values) error
}

var acts = map[account.ChallengeKind]act{
	account.ResetPassword: {
		"page.reset.title", "page.reset.intro", "page.reset.submit", "page.reset.done",
		func(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, form url.Values) error {
			plain := account.TypedInput(form.Get("new_password"))
			if plain != account.TypedInput(form.Get("repeat")) {
				errs := account.Fields{}
				errs.Add("new_password", "page.reset.mismatch", nil) // both are to be typed again
				return errs.Err()
			}
			_, err := a.ResetPassword(ctx, req, auth.PasswordReset{Token: token, New: plain})
			return err
		},
	},
	account.VerifyEmail: {
		"page.verify.title", "page.verify.intro", "page.verify.submit", "page.verify.done",
		func(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, _ url.Values) error {
			return a.VerifyEmail(ctx, req, token)
		},
	},
	account.ConfirmEmail: {
		"page.confirm.title", "page.confirm.intro", "page.confirm.submit", "page.confirm.done",
		func(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, _ url.Values) error {
			return a.ConfirmEmail(ctx, req, token)
		},
	},
	account.UndoEmail: {
		"page.undo.title", "page.undo.intro", "page.undo.submit", "page.undo.done",
		func(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, _ url.Values) error {
			return a.UndoEmail(ctx, req, token)
		},
	},
}

// disown is for somebody whose address another person gave for an account.
func disown(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, _ url.Values) error {
	return a.DisownEmail(ctx, req, token)
}

// act shows what a token allows, and does it when the button was pressed.
func (p *page) act(kind account.ChallengeKind, a act, token string) {
	v := p.view
	v.Title, v.Intro, v.Submit = v.say(a.title), v.say(a.intro), v.say(a.submit)
	username, email, err := p.o.Auth.CheckChallenge(p.r.Context(), p.request, kind, token)
	if err != nil {
		v.Again = kind == account.ResetPassword
		p.failLink(token, err)
		return
	}
	if kind == account.ResetPassword {
		v.Facts = []fact{{v.say("page.account"), username}}
		v.Inputs = []input{
			// Not seen: password managers save the new password under it.
			{Name: "username", Type: "text", Autocomplete: "username", Value: username, Hidden: true},
			{Name: "new_password", Type: "password", Autocomplete: "new-password", Label: v.say("page.reset.password"), Hint: v.say("page.reset.hint")},
			{Name: "repeat", Type: "password", Autocomplete: "new-password", Label: v.say("page.reset.repeat")},
		}
	} else {
		v.Facts = []fact{{v.say("page.account"), username}, {v.say("page.forgot.email"), email}}
	}
	if kind == account.VerifyEmail {
		v.Other = &other{"disown", v.say("page.verify.disown")}
	}
	if p.r.Method != http.MethodPost {
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	if v.Other != nil && form.Has(v.Other.Name) {
		a.done, a.do = "page.verify.disowned", disown
	}
	if err := a.do(p.r.Context(), p.o.Auth, p.request, account.TextInput(token), form); err != nil {
		v.Again = kind == account.ResetPassword
		p.failLink(token, err)
		return
	}
	v.finish(v.say(a.done))
	v.Languages = nil // they would lead back to a link that was used
	p.show(http.StatusOK)
}
