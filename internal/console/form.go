package console

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/web"
)

// form is what a page asks for.
type form struct {
	Fields []field
	Boxes  boxes
	Hidden []hidden
	Submit string
	Danger bool
	Cancel string // where "cancel" leads; empty: nowhere

	page string // the template that shows it, and what else that has
	data any
}

// boxes are ticked in any number, below a legend.
type boxes struct {
	Legend, Hint string
	All          []box
}

type box struct {
	Name, Label string
	Checked     bool
}

type hidden struct{ Name, Value string }

// field is one thing to fill in.
type field struct {
	Name, Label, Hint, Value       string
	Type                           string // of an input; textarea and select are kinds of their own
	Autocomplete, Mode, Class, Dir string
	Options                        []option
	Error                          string
	Focus, Required, Quiet         bool
	Max                            int
	Unseen                         bool // it is for the browser alone
}

// agentField is in each form, and says to whom it was shown.
const agentField = "agent"

type option struct{ Value, Text string }

// reasonField asks why something is done.
func (v *view) reasonField(required bool) field {
	f := field{Name: "reason", Type: "textarea", Label: v.Say("console.reason"), Hint: v.Say("console.reason.optional"), Required: required, Max: account.ReasonMax}
	if required {
		f.Hint = v.Say("console.reason.hint", "min", account.ReasonMin)
	}
	return f
}

// languageOptions are the languages in which people are written to, each by its
// own name.
func languageOptions() (options []option) {
	for _, code := range locale.Languages() {
		options = append(options, option{code, locale.Text(code, "language.name", nil)})
	}
	return options
}

// maxForm bounds a form's body in bytes.
const maxForm = 64 << 10

// readForm returns what was filled in, or answers what cannot be read. The
// query is not part of it.
func (p *page) readForm() (form url.Values, ok bool) {
	if p.sent != nil {
		return p.sent, true
	}
	media, _, _ := mime.ParseMediaType(p.r.Header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" {
		p.refuse(http.StatusUnsupportedMediaType, "console.no_form")
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(p.w, p.r.Body, maxForm))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		web.Drain(p.r)
		p.w.Header().Set("Connection", "close") // there may be more
		p.refuse(http.StatusRequestEntityTooLarge, "console.form_large")
		return nil, false
	case err != nil:
		p.w.Header().Set("Connection", "close")
		p.refuse(http.StatusRequestTimeout, "console.form_slow")
		return nil, false
	}
	if form, err = url.ParseQuery(string(body)); err != nil {
		p.refuse(http.StatusBadRequest, "console.no_form")
		return nil, false
	}
	for _, values := range form {
		for i := range values {
			values[i] = strings.ReplaceAll(strings.ToValidUTF8(values[i], "\ufffd"), "\r\n", "\n")
		}
	}
	if by := form.Get(agentField); p.agent != nil && by != "" && by != p.view.AgentID { // or it would be done in this one's name
		p.refuse(http.StatusConflict, "console.form_of_another")
		return nil, false
	}
	p.sent = form
	return form, true
}

// submitted returns what was filled in of the page's form, whose fields it
// fills with it. When nothing was sent yet it shows the form.
func (p *page) submitted() (form url.Values, ok bool) {
	if !p.acts() {
		p.showForm(http.StatusOK)
		return nil, false
	}
	form, ok = p.readForm()
	if ok {
		p.form.fill(form)
	}
	return form, ok
}

// ask shows a form, with what was typed before something else had to be done.
func (p *page) ask(f *form) {
	p.form = f
	for i := range f.Fields {
		if name := f.Fields[i].Name; p.before.Has(name) {
			f.Fields[i].Value = p.before.Get(name)
		}
	}
	if len(p.before) > 0 { // else nothing was typed, and what is ticked first stays
		f.Boxes.tick(p.before)
	}
}

// fill puts what was sent back into the form's fields, but for passwords and
// codes.
func (f *form) fill(sent url.Values) {
	for i := range f.Fields {
		in := &f.Fields[i]
		switch in.Type {
		case "password":
		default:
			if in.Class != "code" {
				in.Value = sent.Get(in.Name)
			}
		}
	}
	f.Boxes.tick(sent)
}

// tick ticks what was ticked, and nothing else.
func (b *boxes) tick(sent url.Values) {
	for i := range b.All {
		in := &b.All[i]
		in.Checked = sent.Get(in.Name) != ""
	}
}

// showForm shows the page with the form.
func (p *page) showForm(status int) { p.show(status, p.form.page, p.form.data) }

// mark puts a message beside each field that has one, and the cursor into the
// first. What belongs to no field stands above the form.
func (p *page) mark(errs account.Fields) {
	p.view.Problem, p.view.Done = p.view.Say("console.problem"), ""
	focused := false
	for i := range p.form.Fields {
		in := &p.form.Fields[i]
		in.Error = ""
		if messages := errs[in.Name]; len(messages) > 0 {
			in.Error = locale.Text(p.view.Language, messages[0].Key, messages[0].Args)
		}
		in.Focus = in.Error != "" && !focused
		focused = focused || in.Focus
	}
	if focused {
		return
	}
	for _, name := range errs.Names() {
		p.view.Alert = locale.Text(p.view.Language, errs[name][0].Key, errs[name][0].Args)
		return
	}
}
