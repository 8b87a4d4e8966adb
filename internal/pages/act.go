package pages

import (
	"context"
	"net/http"
	"net/url"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
)

// act is what a page with a token does when its button is pressed.
type act struct {
	title, intro, submit, done string

	do func(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, form url.Values) error
}

var acts = map[account.ChallengeKind]act{
	account.ResetPassword: {
		"page.reset.title", "page.reset.intro", "page.reset.submit", "page.reset.done", nil, // see resetPassword
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
	account.UndoFactor: {
		"page.undo_factor.title", "page.undo_factor.intro", "page.undo_factor.submit", "page.undo_factor.done", nil, // see undoFactor
	},
	account.NotMe: {
		"page.not_me.title", "page.not_me.intro", "page.not_me.submit", "page.not_me.done",
		func(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, _ url.Values) error {
			return a.NotMe(ctx, req, token)
		},
	},
	account.StopRecovery: {
		"page.stop_recovery.title", "page.stop_recovery.intro", "page.stop_recovery.submit", "page.stop_recovery.done",
		func(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, _ url.Values) error {
			return a.StopRecoveryByLink(ctx, req, token)
		},
	},
	account.FinishRecovery: {
		"page.finish_recovery.title", "page.finish_recovery.intro", "page.finish_recovery.submit", "page.finish_recovery.done",
		func(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, _ url.Values) error {
			return a.FinishRecovery(ctx, req, token)
		},
	},
}

// resetPassword chooses the password that was typed twice.
func (p *page) resetPassword(token string, form url.Values) (auth.Reset, error) {
	plain, err := newPassword(form, otherPassword)
	if err != nil {
		return auth.Reset{}, err
	}
	return p.o.Auth.ResetPassword(p.r.Context(), p.request, auth.PasswordReset{Token: account.TextInput(token), New: plain})
}

// wasReset has the browser known from now on, leads to the login, and shows what
// was added to the account lately: a reset leaves it, and it may be a thief's.
func (p *page) wasReset(done auth.Reset) {
	v := p.view
	if p.o.Account { // the page that asks it
		p.remember(done.Device)
		v.Links = []link{{v.say("page.login.title"), p.link("login")}}
	}
	if len(done.RecentFactors) == 0 {
		return
	}
	sec := section{Title: v.say("page.reset.factors"), Text: v.say("page.reset.factors_why") + " " + v.sayWhom("page.reset.factors_late")}
	for _, f := range done.RecentFactors {
		sec.Rows = append(sec.Rows, p.factorRow(f))
	}
	v.Sections = []section{sec}
}

// mailed says at which address a mail with a link to choose a password waits,
// and what to do where none comes.
func (p *page) mailed(email string) {
	v := p.view
	v.ShopButton = false // the mailbox comes first
	v.Facts, v.Hint = []fact{{v.say("page.forgot.email"), email}}, v.say("page.undo.look")
	v.Links = []link{{v.say("mail.forgot"), v.AgainLink}}
}

// undoFactor needs the password that was in force before, or begins a recovery
// that waits. It returns the text that says which.
func (p *page) undoFactor(done, token string, form url.Values) (string, error) {
	undo := auth.FactorUndo{Token: account.TextInput(token)}
	if plain := account.TypedInput(form.Get("password")); plain.Text != "" {
		undo.Password = plain
	}
	waitsUntil, err := p.o.Auth.UndoFactor(p.r.Context(), p.request, undo)
	switch {
	case !waitsUntil.IsZero() && undo.Password.State != account.Missing: // none counts any more
		done = "page.undo_factor.no_password"
	case !waitsUntil.IsZero():
		done = "page.undo_factor.waits"
	}
	return done, err
}

// otherPassword is the field where people choose another password.
const otherPassword = "new_password"

// otherPasswordInputs ask for another password.
func (p *page) otherPasswordInputs() []input {
	return p.newPasswordInputs(otherPassword, "page.reset.password", "page.reset.repeat")
}

// newPasswordInputs ask for a password twice: without a script no page can
// show it. label and repeat are keys of texts.
func (p *page) newPasswordInputs(field, label, repeat string) []input {
	v := p.view
	return []input{
		{
			Name: field, Type: "password", Autocomplete: "new-password", Label: v.say(label),
			Hint: locale.Text(v.Language, "page.reset.hint", locale.Args{"n": p.o.Auth.PasswordMin()}),
		},
		{Name: "repeat", Type: "password", Autocomplete: "new-password", Label: v.say(repeat)},
	}
}

// newPassword is the password that was typed twice.
func newPassword(form url.Values, field string) (account.Input, error) {
	plain := account.TypedInput(form.Get(field))
	if plain.Text == account.TypedInput(form.Get("repeat")).Text {
		return plain, nil
	}
	return plain, account.FieldError(field, "page.reset.mismatch", nil) // both are to be typed again
}

// disown is for somebody whose address another person gave for an account.
func disown(ctx context.Context, a *auth.Service, req account.RequestInfo, token account.Input, _ url.Values) error {
	return a.DisownEmail(ctx, req, token)
}

// finishes is the end of a recovery, or the same in the words of a change of
// address where it is only that: no session ends then, and no mail follows.
func (p *page) finishes(a act, token string) (act, error) {
	address, err := p.o.Auth.OnlyGivesAddress(p.r.Context(), token)
	if address {
		confirm := acts[account.ConfirmEmail]
		a.title, a.intro, a.submit, a.done = confirm.title, confirm.intro, confirm.submit, confirm.done
	}
	return a, err
}

// act shows what a token allows, and does it when the button was pressed.
func (p *page) act(kind account.ChallengeKind, a act, token string) {
	v := p.view
	username, email, err := p.o.Auth.CheckChallenge(p.r.Context(), p.request, kind, token)
	if err == nil && kind == account.FinishRecovery {
		a, err = p.finishes(a, token)
	}
	v.Title, v.Intro, v.Submit = v.say(a.title), v.say(a.intro), v.say(a.submit)
	if err != nil {
		v.Again = kind == account.ResetPassword
		p.failLink(token, err)
		return
	}
	if kind == account.ResetPassword {
		v.Facts = []fact{{v.say("page.account"), username}}
		v.Inputs = append([]input{usernameInput(username)}, p.otherPasswordInputs()...)
	} else {
		v.Facts = []fact{{v.say("page.account"), username}, {v.say("page.forgot.email"), email}}
	}
	if kind == account.UndoFactor {
		v.Inputs = []input{
			usernameInput(username),
			{Name: "password", Type: "password", Autocomplete: "current-password", Label: v.say("page.undo_factor.password"), Optional: true},
		}
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
	title := a.title
	if v.Other != nil && form.Has(v.Other.Name) {
		a.done, a.do = "page.verify.disowned", disown
		title = "page.verify.disown" // it was not verified
	}
	var reset auth.Reset
	switch kind {
	case account.ResetPassword:
		reset, err = p.resetPassword(token, form)
	case account.UndoFactor:
		a.done, err = p.undoFactor(a.done, token, form)
	default:
		err = a.do(p.r.Context(), p.o.Auth, p.request, account.TextInput(token), form)
	}
	if err != nil {
		v.Again = kind == account.ResetPassword
		p.failLink(token, err)
		return
	}
	v.finish(v.say(a.done))
	v.Title = v.say(title)
	switch a.done {
	case "page.reset.done":
		p.wasReset(reset)
	case "page.verify.done", "page.confirm.done": // after the others a mail comes, or it is somebody else's account
		v.Links = p.accountLink()
		if a.done == "page.confirm.done" {
			v.Facts = []fact{{v.say("page.forgot.email"), email}}
		}
	case "page.undo.done", "page.undo_factor.done", "page.not_me.done", "page.finish_recovery.done":
		p.mailed(email)
	}
	v.Languages = nil // they would lead back to a link that was used
	p.show(http.StatusOK)
}
