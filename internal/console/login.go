package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"slices"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
)

// The pages of who is not logged in yet.
const (
	loginPath  = "login"
	factorPath = "login/factor"
	enrolPath  = "enrol"
)

// card is a page of one form, before anybody is logged in.
type card struct {
	Intro string
	Form  *form
	Links []pageLink
	Lost  string   // what to do without what is asked for
	Again pageLink // in place of a form

	Passkey *passkeyForm // beside the form, or in place of it; nil: there is none
}

type pageLink struct{ Text, URL string }

// login asks for username and password, by the rules and the quotas of the
// API. Who is not of the staff is told so only when everything was right.
func (p *page) login() {
	v := p.view
	if !p.acts() && p.cookie(sessionCookie) != "" {
		if caller, err := p.o.Auth.CallerByRefresh(p.r.Context(), p.request, p.cookie(sessionCookie)); err == nil {
			if _, err := p.o.Staff.Agent(p.r.Context(), caller); err == nil {
				p.goToAddress(v.Root + p.next())
				return
			}
		}
	}
	v.Narrow = true
	p.title(v.Say("console.login"))
	switch why := p.r.URL.Query().Get("why"); why {
	case "out":
		v.Done = v.Say("console.login.after.out")
	case "idle", "ended":
		v.Warning = v.Say("console.login.after." + why)
	}
	c := &card{Form: &form{
		Fields: []field{
			{Name: "username", Type: "text", Autocomplete: "username", Label: v.Say("page.login.username"), Dir: "ltr", Required: true, Focus: true},
			{Name: "password", Type: "password", Autocomplete: "current-password", Label: v.Say("page.login.password"), Dir: "ltr", Required: true},
		},
		Submit: v.Say("page.login.submit"), page: "card",
	}}
	if p.o.Forgot != nil {
		c.Links = []pageLink{{v.Say("page.login.forgot"), v.Root + ".." + p.o.Forgot(v.Language)}} // a proxy may put a path before both
	}
	c.Form.data = c
	p.ask(c.Form)
	form, ok := p.submitted()
	if !ok {
		return
	}
	v.Done = ""
	if err := p.o.Guard.AllowRequest(p.r.Context(), guard.LoginPerNetwork, p.request); err != nil {
		p.fail(err)
		return
	}
	grant, err := p.o.Auth.Login(p.r.Context(), p.request, auth.Credentials{
		Username: account.TypedInput(form.Get("username")), Password: account.TypedInput(form.Get("password")),
	})
	var e *account.Error
	switch {
	case err == nil:
		p.enter(grant)
	case errors.Is(err, account.ErrSecondFactor) && errors.As(err, &e):
		p.setCookie(factorCookie, e.Challenge, challengeLifetime)
		p.goTo(factorPath, "next", p.next())
	case errors.Is(err, account.ErrInvalidCredentials):
		p.fail(account.FieldError("password", "page.login.refused", nil))
	default:
		p.fail(err)
	}
}

// enter is a login that is complete: for the staff.
func (p *page) enter(grant auth.LoginResult) {
	p.signIn(grant)
	caller, err := p.o.Auth.CallerByRefresh(p.r.Context(), p.request, grant.Refresh)
	if err == nil {
		_, err = p.o.Staff.Agent(p.r.Context(), caller)
	}
	switch {
	case err == nil:
		p.goToAddress(p.view.Root + p.next())
	case errors.Is(err, account.ErrStaffLogin):
		p.goTo(enrolPath, "next", p.next())
	case errors.Is(err, account.ErrPermissionDenied) && p.acceptOffer(caller, grant.Refresh):
	case errors.Is(err, account.ErrPermissionDenied):
		p.end(grant.Refresh)
		p.refuse(http.StatusForbidden, "console.no_access")
	default:
		p.fail(err)
	}
}

// factor asks for the second factor of a login that waits. The form goes with
// this challenge and no other.
func (p *page) factor() {
	v := p.view
	v.Narrow = true
	p.title(v.Say("page.second.title"))
	challenge := p.cookie(factorCookie)
	if challenge == "" {
		p.startAgain()
		return
	}
	methods, err := p.o.Auth.SecondMethods(p.r.Context(), p.request, challenge)
	if err != nil {
		p.failFactor(err)
		return
	}
	recovery := slices.Contains(methods, account.MethodRecovery)
	byApp := slices.Contains(methods, string(account.TOTP))
	byPasskey := slices.Contains(methods, string(account.Passkey))
	useRecovery := recovery && (!byApp && !byPasskey || p.r.URL.Query().Get("with") == withRecovery)
	c := &card{Form: &form{Submit: v.Say("page.second.submit"), Hidden: []hidden{{"bound", boundTo(challenge)}}, page: "card"}}
	c.Form.data = c
	switch {
	case useRecovery:
		c.Intro = v.Say("page.factor.recovery_intro")
		c.Form.Fields = []field{{Name: "recovery_code", Type: "text", Autocomplete: "off", Class: "code", Label: v.Say("page.factor.recovery"), Dir: "ltr", Focus: true, Required: true}}
		if byApp || byPasskey {
			text := "page.factor.use_code"
			if !byApp {
				text = "page.passkeys.use"
			}
			c.Links = []pageLink{{v.Say(text), p.link(factorPath, "next", p.next())}}
		}
	case byApp:
		c.Intro = v.Say("page.factor.code_intro")
		c.Form.Fields = []field{codeField(v)}
	case byPasskey:
		c.Intro = v.Say("page.passkeys.use_intro")
		c.Form = nil
	default:
		p.refuse(http.StatusConflict, "console.no_way")
		return
	}
	if recovery && !useRecovery {
		c.Links = []pageLink{{v.Say("page.factor.use_recovery"), p.link(factorPath, "next", p.next(), "with", withRecovery)}}
	}
	c.Links = append(c.Links, pageLink{v.Say("console.factor.back"), p.link(loginPath, "next", p.next())})
	switch {
	case useRecovery:
		c.Lost = v.Say("console.factor.lost_all")
	case recovery:
		c.Lost = v.Say("console.factor.lost_codes")
	default:
		c.Lost = v.Say("console.factor.lost")
	}
	if byPasskey && !useRecovery {
		p.offerPasskey(c, boundTo(challenge))
	}
	p.form = &form{page: "card", data: c}
	if c.Form != nil {
		p.form = c.Form
	}
	form, ok := p.submitted()
	if !ok {
		return
	}
	if subtle.ConstantTimeCompare([]byte(form.Get("bound")), []byte(boundTo(challenge))) != 1 {
		p.startAgain()
		return
	}
	if form.Has(beginField) {
		p.beginPasskey(challenge)
		return
	}
	if err := p.o.Guard.AllowRequest(p.r.Context(), guard.LoginPerNetwork, p.request); err != nil {
		p.fail(err)
		return
	}
	proof := auth.Proof{Code: account.TypedInput(form.Get("code"))}
	if useRecovery {
		proof = auth.Proof{RecoveryCode: account.TypedInput(form.Get("recovery_code"))}
	}
	if answer := form.Get("credential"); answer != "" {
		proof = auth.Proof{Ceremony: account.TypedInput(form.Get("ceremony")), Assertion: account.TextInput(answer)}
	}
	grant, err := p.o.Auth.LoginSecond(p.r.Context(), p.request, auth.SecondStep{Challenge: account.TextInput(challenge), Proof: proof})
	if err != nil {
		p.failFactor(err)
		return
	}
	p.enter(grant)
}

func codeField(v *view) field {
	return field{
		Name: "code", Type: "text", Mode: "numeric", Autocomplete: "one-time-code", Class: "code", Dir: "ltr", Focus: true, Required: true,
		Label: v.Say("page.factor.code"), Hint: v.Say("page.factor.code_hint"),
	}
}

// boundTo is in a form that goes with a challenge: sent with another one, by
// whoever planted it, the form does nothing.
func boundTo(challenge string) string {
	sum := sha256.Sum256([]byte("console form of " + challenge))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// failFactor begins anew where the challenge is what is wrong.
func (p *page) failFactor(err error) {
	var e *account.Error
	if account.IsPasskey(err) {
		errors.As(err, &e)
		p.view.Problem, p.view.Alert = p.view.Say("console.problem"), p.view.Say(e.Code)
		p.showForm(http.StatusBadRequest)
		return
	}
	if errors.As(err, &e) && (len(e.Fields["challenge"]) > 0 || e.Kind == account.Unauthorized) {
		p.dropCookie(factorCookie)
		p.startAgain()
		return
	}
	p.fail(err)
}

// startAgain says that there is no login here that waits.
func (p *page) startAgain() {
	v := p.view
	v.Narrow = true
	p.title(v.Say("page.second.gone"))
	p.show(http.StatusGone, "card", &card{Intro: v.Say("page.second.gone_why"), Again: pageLink{v.Say("page.login.title"), p.link(loginPath, "next", p.next())}})
}

// enrolled is what is shown once.
type enrolled struct {
	Intro, Secret string
	QR            template.HTML
	Form          *form
	Codes         []string
	Next          string
}

func (*enrolled) secret() {}

// enrol has staff set up the factor without which nothing else here answers.
// The answer to the first form shows the secret, once; the second takes a code
// of it and shows the recovery codes, once.
func (p *page) enrol() {
	v := p.view
	v.Narrow = true
	if p.agent != nil { // there is one
		p.goToAddress(v.Root + p.next())
		return
	}
	p.title(v.Say("console.enrol"))
	data := &enrolled{Intro: v.Say("console.enrol.intro")}
	if p.cookie(offerCookie) == "" { // whose role was accepted, with a factor that nobody is asked for any more
		data.Intro = v.Say("console.enrol.suspends")
	}
	p.form = &form{Submit: v.Say("page.totp.show"), page: "enrol", data: data}
	data.Form = p.form
	if !p.acts() {
		if err := p.o.Auth.Proved(p.r.Context(), p.caller); err != nil { // the login was too long ago
			p.endSession()
			p.goTo(loginPath, "next", p.next())
			return
		}
		p.showForm(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	if !form.Has("id") {
		secret, err := p.o.Auth.EnrolTOTP(p.r.Context(), p.caller, auth.TOTPEnrolment{Name: account.TextInput(p.o.Brand)})
		if err != nil {
			p.failEnrol(err)
			return
		}
		data.Intro = v.Say("page.totp.scan")
		data.QR, data.Secret = template.HTML(secret.QR), secret.Grouped() //nolint:gosec // drawn by package totp
		p.askCode(secret.ID)
		p.showForm(http.StatusOK)
		return
	}
	data.Intro = v.Say("page.factor.code_intro")
	p.askCode(form.Get("id"))
	added, err := p.o.Auth.ConfirmTOTP(p.r.Context(), p.caller, auth.TOTPConfirmation{ID: account.TypedInput(form.Get("id")), Code: account.TypedInput(form.Get("code"))})
	if err != nil {
		p.failEnrol(err)
		return
	}
	p.remember(added.Device)
	data.Intro, data.Form, data.Codes, data.Next = v.Say("page.codes.keep"), nil, added.RecoveryCodes, p.link(loginPath, "next", p.next())
	// The token of a session that had no factor is not the one to go on with.
	p.endSession()
	p.title(v.Say("console.enrol.done"))
	p.show(http.StatusOK, "enrol", data)
}

func (p *page) askCode(id string) {
	p.form.Submit, p.form.Hidden = p.view.Say("page.totp.submit"), []hidden{{"id", id}}
	in := codeField(p.view)
	in.Focus = false // the picture comes first
	p.form.Fields = []field{in}
}

func (p *page) failEnrol(err error) {
	if errors.Is(err, account.ErrConfirmRequired) || unauthorized(err) {
		p.endSession()
		p.goTo(loginPath, "next", p.next())
		return
	}
	p.fail(err)
}

// logout ends the session, and has the browser forget what it saw.
func (p *page) logout() {
	if !p.acts() { // nobody is logged out by a link
		p.goTo("")
		return
	}
	p.endSession()
	p.dropCookie(noteCookie)
	// Not "cookies": those of the shop's customers pages are on this host, too.
	p.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	p.goTo(loginPath, "why", "out")
}

// setLanguage keeps the language in which this browser shows the console.
func (p *page) setLanguage() {
	if !p.acts() {
		p.goTo("")
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	p.setCookie(languageCookie, form.Get("language"), languageLifetime) // another than ours is as none
	p.goToAddress(p.view.Root + localPath(form.Get("to")))
}
