package console

import (
	"errors"
	"net/http"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// acceptPath is where the link leads that offers a role.
const acceptPath = "accept/{token}"

// AcceptLink is the address at which a role is accepted.
func AcceptLink(public, token, language string) string {
	return public + Path + "accept/" + token + "?lang=" + language
}

// offerLifetime is how long a browser keeps an offer between the link and the
// end of the login that accepts it: a password may be chosen and a factor set
// up meanwhile.
const offerLifetime = time.Hour

// maxOffer bounds what is read of a link: a token of ours is shorter.
const maxOffer = 128

// accept shows what role a link offers, and has its reader choose a first
// password where they have none. Looking changes nothing, because programs
// follow the links of mails; the button lets the browser keep the offer, and
// the login that follows accepts it: see [page.acceptOffer].
func (p *page) accept() {
	v := p.view
	v.Narrow = true
	token := p.r.PathValue("token")
	if len(token) > maxOffer {
		token = ""
	}
	offer, err := p.o.Auth.RoleOffer(p.r.Context(), p.request, token)
	if err != nil {
		p.failOffer(err)
		return
	}
	p.title(v.Say("console.accept"))
	c := &card{
		Intro: v.Say("console.accept.intro", "role", v.Say("console.role."+string(offer.Role)), "username", offer.Username),
		Form:  &form{Submit: v.Say("console.accept.submit"), page: "card"},
	}
	c.Form.data = c
	if offer.NeedsPassword {
		c.Form.Fields = []field{{Name: "username", Autocomplete: "username", Value: offer.Username, Unseen: true}, { // for what keeps passwords
			Name: "new_password", Type: "password", Autocomplete: "new-password", Label: v.Say("page.reset.password"), Hint: v.Say("page.reset.hint", "n", p.o.Auth.PasswordMin()), Dir: "ltr", Focus: true, Required: true,
		}}
	}
	p.ask(c.Form)
	form, ok := p.submitted()
	if !ok {
		return
	}
	if offer.NeedsPassword {
		err := p.o.Auth.ChoosePasswordOfRole(p.r.Context(), p.request, account.TextInput(token), account.TypedInput(form.Get("new_password")))
		if err != nil {
			p.failOffer(err)
			return
		}
	}
	p.endSession() // the role is accepted in a session that begins now
	p.setCookie(offerCookie, token, offerLifetime)
	p.goTo(loginPath)
}

// failOffer says that a link is not good, or what is wrong with the form.
func (p *page) failOffer(err error) {
	var e *account.Error
	if errors.As(err, &e) && len(e.Fields["token"]) > 0 {
		p.dropCookie(offerCookie)
		p.refuse(http.StatusGone, "console.accept.gone")
		return
	}
	p.fail(err)
}

// acceptOffer accepts the role that this browser keeps the offer of, for a
// caller who is not of the staff yet, in the session of a refresh token. It
// reports false when there is none.
func (p *page) acceptOffer(caller *auth.Caller, refresh string) bool {
	token := p.cookie(offerCookie)
	if token == "" {
		return false
	}
	err := p.o.Auth.AcceptRole(p.r.Context(), caller, account.TextInput(token))
	var e *account.Error
	switch {
	case err == nil:
		p.dropCookie(offerCookie)
		p.goTo("")
	case errors.As(err, &e) && len(e.Fields["non_field_errors"]) > 0: // no factor yet
		p.goTo(enrolPath)
	case errors.As(err, &e) && len(e.Fields["token"]) > 0:
		p.end(refresh)
		p.failOffer(err)
	case errors.Is(err, account.ErrStaffLogin), errors.Is(err, account.ErrConfirmRequired):
		p.end(refresh)
		p.loginFirst("")
	default:
		p.fail(err)
	}
	return true
}
