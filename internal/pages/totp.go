package pages

import (
	"html/template"
	"net/http"
	"net/url"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/locale"
)

// totp sets up an authenticator app in two steps: the answer to the first
// shows the secret, once, and the second takes a code of it. Neither is in an
// address; who reloads the answer sends the first form again, and gets another
// secret.
func (p *page) totp() {
	v := p.view
	p.toAccount()
	v.Title = v.say("page.totp.title")
	if p.r.Method != http.MethodPost {
		if err := p.o.Auth.Proved(p.r.Context(), p.caller); err != nil { // before something is typed
			p.failAct(err, p.before)
			return
		}
		v.Intro, v.Submit = v.say("page.totp.intro"), v.say("page.totp.show")
		v.Inputs = []input{nameInput(v, p.before.Get("name"))}
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	if form.Has("id") {
		p.confirmTOTP(form)
		return
	}
	v.Intro, v.Submit = v.say("page.totp.intro"), v.say("page.totp.show")
	v.Inputs = []input{nameInput(v, form.Get("name"))}
	secret, err := p.o.Auth.EnrolTOTP(p.r.Context(), p.caller, auth.TOTPEnrolment{Name: account.TypedInput(form.Get("name"))})
	if err != nil {
		p.failAct(err, form)
		return
	}
	p.askTOTP(secret.ID)
	v.Intro = v.say("page.totp.scan")
	v.QR = template.HTML(secret.QR) //nolint:gosec // drawn by package totp
	v.QRText, v.SecretText, v.Secret = v.say("page.totp.picture"), v.say("page.totp.secret"), secret.Grouped()
	v.Languages = nil // they would lead to another secret
	p.show(http.StatusOK)
}

// askTOTP asks for a code of the app that is set up.
func (p *page) askTOTP(id string) {
	v := p.view
	v.Submit, v.Hiddens = v.say("page.totp.submit"), []hidden{{"id", id}}
	in := codeInput(v)
	in.Focus = false // the picture comes first
	v.Inputs = []input{in}
}

func (p *page) confirmTOTP(form url.Values) {
	v := p.view
	p.askTOTP(form.Get("id"))
	v.Intro = v.say("page.totp.gone")
	v.After = []link{{v.say("page.totp.again"), p.link(p.path)}}
	added, err := p.o.Auth.ConfirmTOTP(p.r.Context(), p.caller, auth.TOTPConfirmation{ID: account.TypedInput(form.Get("id")), Code: account.TypedInput(form.Get("code"))})
	if err != nil {
		p.failAct(err, nil)
		return
	}
	p.remember(added.Device)
	p.factorAdded(added.RecoveryCodes, added.OtherSessions)
}

// factorAdded shows the recovery codes that come with a first factor, and says
// that other sessions are open (ASVS 7.4.3).
func (p *page) factorAdded(codes []string, others int) {
	v := p.view
	v.finish(v.say("page.factors.added"))
	v.ShopButton = false
	if others > 0 {
		v.Hint = locale.Text(v.Language, "page.factors.others", locale.Args{"n": others})
	}
	if codes == nil {
		v.Next = &link{v.say("page.overview.title"), p.link("")}
		p.show(http.StatusOK)
		return
	}
	p.showCodes(codes)
}
