package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
)

// editing is the page that changes a client's names, address and language.
type editing struct {
	User     account.User
	Base     string
	Form     *form
	Conflict []difference // what somebody else changed meanwhile
	Clash    bool         // nothing was saved
}

type difference struct{ Name, Yours, Theirs string }

func (p *page) edit() {
	u, ok := p.lookAt()
	if !ok {
		return
	}
	v := p.view
	p.title(v.Say("console.edit.title", "name", named(Name(u)), "id", u.ID), v.Say("console.clients"))
	d := &editing{User: u, Base: clientURL(u.ID)}
	r, err := p.staff.Correction(p.r.Context(), u.ID)
	if err != nil {
		p.fail(err)
		return
	}
	d.Form = &form{
		Fields: []field{
			{Name: "first_name", Type: "text", Label: v.Say("console.first_name"), Value: u.FirstName, Max: 150, Focus: true},
			{Name: "last_name", Type: "text", Label: v.Say("console.last_name"), Value: u.LastName, Max: 150},
			{Name: "email", Type: "email", Dir: "ltr", Label: v.Say("console.column.email"), Value: u.Email, Hint: strings.Join(p.unlessMailsStay("edit", []string{v.Say("console.edit.email")}), " "), Max: 254},
			{Name: "language", Type: "select", Label: v.Say("console.filter.language"), Value: u.Language, Options: languageOptions()},
		},
		Hidden: []hidden{{"version", auth.Version(u, r)}, {"waits", r.Email}}, Submit: v.Say("console.save"), Cancel: v.Root + d.Base, page: "edit", data: d,
	}
	if p.before.Get("version") != "" { // typed before a login: of what was seen then
		d.saw(p.before)
	}
	if r.ID != "" {
		d.Form.Fields[2].Hint = v.Say("console.diagnosis.address_waits", "email", isolated(r.Email), "until", v.Moment(r.ReadyAt))
	}
	p.ask(d.Form)
	form, ok := p.submitted()
	if !ok {
		return
	}
	d.saw(form)
	email := account.TextInput(form.Get("email"))
	typed := strings.TrimSpace(email.Text)
	// Whoever has none may stay without; and one that stays is no edit, unless it
	// stops another: the version says which.
	if typed == u.Email && (typed == "" || r.ID == "") {
		email = account.Input{}
	}
	edited, err := p.staff.Edit(p.r.Context(), u.ID, auth.UserEdit{
		Version: account.TextInput(form.Get("version")), FirstName: account.TextInput(form.Get("first_name")), LastName: account.TextInput(form.Get("last_name")),
		Email: email, Language: account.TextInput(form.Get("language")),
	})
	switch {
	case err == nil:
		done := "edit"
		if email.State == account.Given { // whoever has a factor can stop it first
			r, err := p.staff.Correction(p.r.Context(), u.ID)
			if err != nil {
				p.fail(err)
				return
			}
			if r.ID != "" {
				done = "edit.waits"
			}
		}
		p.done(d.Base, done, map[string]string{"name": isolated(Name(edited))})
	case errors.Is(err, account.ErrEditConflict):
		p.showConflict(d, u, r)
	case errors.Is(err, account.ErrRecoveryRefused):
		p.fail(account.FieldError("email", "console.edit.refused", nil))
	default:
		p.fail(err)
	}
}

// saw puts into the form of what it was made, as it was sent.
func (d *editing) saw(sent url.Values) {
	for i := range d.Form.Hidden {
		d.Form.Hidden[i].Value = sent.Get(d.Form.Hidden[i].Name)
	}
}

// showConflict shows both: nothing was saved, and nothing is lost. Whoever
// sends the form again has seen what the other did.
func (p *page) showConflict(d *editing, u account.User, r account.Recovery) {
	theirs := map[string]string{"first_name": u.FirstName, "last_name": u.LastName, "email": u.Email, "language": u.Language}
	for _, f := range d.Form.Fields {
		if f.Value != theirs[f.Name] {
			d.Conflict = append(d.Conflict, difference{f.Label, f.Value, theirs[f.Name]})
		}
	}
	if saw := d.Form.Hidden[1].Value; saw != r.Email {
		d.Conflict = append(d.Conflict, difference{p.view.Say("console.edit.waits"), saw, r.Email})
	}
	d.Clash, d.Form.Hidden[0].Value, d.Form.Hidden[1].Value = true, auth.Version(u, r), r.Email
	p.view.Problem = p.view.Say("console.problem")
	p.showForm(http.StatusConflict)
}
