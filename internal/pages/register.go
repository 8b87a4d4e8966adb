package pages

import (
	"errors"
	"maps"
	"net/http"
	"net/url"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/guard"
)

// registerPath is the page where people make an account, which a setting may
// leave out alone.
const registerPath = "register"

// register makes an account by the rules and the quotas of the API, and logs
// its owner in here. Customers are not asked for a username: it is their
// address, unless that cannot be one. Who is in already has nothing to do here;
// a button that was pressed twice neither.
func (p *page) register() {
	if p.maybeCaller() != nil {
		p.goTo(p.target(), "")
		return
	}
	v := p.view
	v.Title, v.Submit = v.say("page.register.title"), v.say("page.register.submit")
	v.Inputs = p.registerInputs(nil, false)
	v.After = []link{{v.say("page.register.login"), p.link("login", "to", p.target())}, {v.say("page.login.forgot"), v.AgainLink}}
	if p.r.Method != http.MethodPost {
		p.show(http.StatusOK)
		return
	}
	form, ok := p.readForm()
	if !ok {
		return
	}
	grant, asksUsername, err := p.tryRegister(form)
	if err != nil {
		v.Inputs = p.registerInputs(form, form.Has("username") || asksUsername)
		p.fail(err)
		return
	}
	p.signIn(grant)
	done := "page.register.done"
	if grant.CodeID != "" { // a mail is on its way
		done = "page.register.done_mail"
		p.askedForCode(grant.CodeID)
	}
	p.note(p.target(), done, p.noted(p.target()))
	p.goTo(p.target(), "")
}

// registerInputs have what was typed, but for passwords.
func (p *page) registerInputs(form url.Values, asksUsername bool) []input {
	v := p.view
	inputs := []input{
		{Name: "first_name", Type: "text", Autocomplete: "given-name", Label: v.say("page.register.first_name"), Value: form.Get("first_name"), Optional: true, Words: true},
		{Name: "last_name", Type: "text", Autocomplete: "family-name", Label: v.say("page.register.last_name"), Value: form.Get("last_name"), Optional: true, Words: true},
		emailInput(v, form.Get("email")),
	}
	if asksUsername {
		inputs = append(inputs, input{
			Name: "username", Type: "text", Autocomplete: "username", Label: v.say("page.overview.username"), Hint: v.say("page.register.for_login"),
			Value: form.Get("username"), Optional: true,
		})
	} else {
		inputs[2].Hint = v.say("page.register.for_login")
	}
	return append(inputs, p.newPasswordInputs("password", "page.login.password", "page.register.repeat")...)
}

// tryRegister registers who filled in the form. With an error it says whether a
// username is to be asked for, because the address cannot be it.
func (p *page) tryRegister(form url.Values) (grant auth.LoginResult, asksUsername bool, err error) {
	if err := p.o.Guard.AllowRequest(p.r.Context(), guard.RegisterPerNetwork, p.request); err != nil {
		return auth.LoginResult{}, false, err
	}
	plain, mismatch := newPassword(form, "password")
	if mismatch != nil { // the rules tell what else to mend, and make no account without a password
		plain = account.Input{}
	}
	r := auth.Registration{
		Username: account.TypedInput(form.Get("username")), Password: plain, Email: account.TypedInput(form.Get("email")),
		FirstName: account.TypedInput(form.Get("first_name")), LastName: account.TypedInput(form.Get("last_name")),
	}
	// Without an address nobody could ask for another password: then the name is
	// blank, too, and that is said of the address.
	byAddress := r.Username.Text == "" || r.Email.Text == ""
	if byAddress {
		r.Username = account.TextInput(usernameOf(r.Email.Text))
	}
	grant, err = p.o.Auth.Register(p.r.Context(), p.request, r)
	var e *account.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return grant, false, err
	}
	errs := maps.Clone(e.Fields)
	if mismatch != nil {
		delete(errs, "password")
		errs.Add("password", "page.reset.mismatch", nil)
	}
	if byAddress {
		asksUsername = saysOfAddress(errs)
	}
	if m := errs["email"]; len(m) > 0 && m[0].Key == "email.taken" {
		delete(errs, "email")
		errs.Add("email", "page.register.known", nil)
	}
	return auth.LoginResult{}, asksUsername, errs.Err()
}

// usernameOf is the name of who is not asked for one: their address in the form in
// which addresses are compared, because names differ by case, which people do not
// mean. An address that would be another one as a name ("ſ" is stored as "s") can
// be none, or strangers would be called by addresses that hear nothing of it.
func usernameOf(email string) string {
	key := account.EmailKey(email)
	if account.NormalizeUsername(key) != key {
		return " " // which no username may be
	}
	return key
}

// saysOfAddress says of the address, which was typed, what is wrong with the
// username that was made of it. It reports whether another name would do.
func saysOfAddress(errs account.Fields) bool {
	for i, m := range errs["password"] {
		if m.Args["attribute"] == account.Term("attribute.username") {
			args := maps.Clone(m.Args)
			args["attribute"] = account.Term("attribute.email")
			errs["password"][i].Args = args
		}
	}
	name := errs["username"]
	delete(errs, "username")
	switch {
	case len(name) == 0 || len(errs["email"]) > 0:
		return false
	case name[0].Key == "field.blank":
		errs.Add("email", "field.blank", nil)
		return false
	case name[0].Key == "username.taken":
		errs.Add("email", "page.register.taken", nil)
	default: // an address may have letters that no name has, and be longer
		errs.Add("username", "page.register.needs_username", nil)
	}
	return true
}
