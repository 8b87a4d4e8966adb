package console

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/staff"
)

// bulkKind is an act on many clients. One that hurts asks why, and has the
// number of them typed.
type bulkKind struct {
	act   staff.BulkAct
	need  account.Permission
	hurts bool
}

// bulkActs are in the order in which they are offered.
var bulkActs = []bulkKind{
	{act: staff.BulkSignOut, need: account.EndSessions},
	{act: staff.BulkResend, need: account.ResendMails},
	{act: staff.BulkEnable, need: account.DisableUsers},
	{act: staff.BulkDisable, need: account.DisableUsers, hurts: true},
	{act: staff.BulkClose, need: account.CloseUsers, hurts: true},
}

// bulkTime is how long one answer works through a list, less than an answer may
// take. Who is left then is asked about again.
const bulkTime = 8 * time.Second

// manyAsked is the page that asks before an act on many.
type manyAsked struct {
	Said    []string // who is meant
	Count   string
	Names   []template.HTML
	More    int
	Left    []leftOut
	Follows []string
	List    string
	Form    *form // nil: there is nobody to do it to
}

// leftOut are those to whom it is not done, for one reason.
type leftOut struct {
	Why   string
	Count int
	Names []template.HTML
	More  int

	key string // of Why
}

// tell fills in what a dry run says.
func (p *page) tell(a bulkKind, d *manyAsked, r staff.Report) {
	v := p.view
	d.Count = v.Say("console.clients.count", "n", len(r.Done))
	d.Names, d.Left = nil, nil
	for _, u := range r.Done[:min(len(r.Done), mostNames)] {
		d.Names = append(d.Names, personLine(v, u))
	}
	d.More = max(len(r.Done)-mostNames, 0)
	var reasons []staff.LeftWhy
	for _, l := range r.Left {
		i := slices.Index(reasons, l.Why)
		if i < 0 {
			i = len(reasons)
			key := "console.left." + string(l.Why)
			if l.Why == staff.LeftAlready {
				key += "." + string(a.act)
			}
			reasons, d.Left = append(reasons, l.Why), append(d.Left, leftOut{key: key})
		}
		out := &d.Left[i]
		if out.Count++; out.Count <= mostNames {
			out.Names = append(out.Names, personLine(v, l.User))
		}
		out.More, out.Why = max(out.Count-mostNames, 0), v.Say(out.key, "n", out.Count)
	}
}

// bulk says to whom something would be done, and does it to them once that is
// confirmed. Where others are meant by then, it says so and does nothing.
func (p *page) bulk(a bulkKind) {
	v := p.view
	var sent url.Values
	if p.acts() {
		var ok bool
		if sent, ok = p.readForm(); !ok {
			return
		}
	}
	w, ok := p.whom(sent)
	p.title(v.Say("console.bulk."+string(a.act)), v.Say("console.clients"))
	if !ok {
		p.nobody(w, "console.many.unclear")
		return
	}
	dry := w.bulk()
	dry.DryRun = true
	plan, err := p.staff.Do(p.r.Context(), a.act, dry)
	if err != nil {
		p.failWhom(w, err)
		return
	}
	d := &manyAsked{Said: p.said(w), List: v.Root + w.list()}
	p.askMany(a, d, w, plan)
	if !p.acts() {
		p.showForm(http.StatusOK)
		return
	}
	p.form.fill(sent)
	switch {
	case sent.Get("expected") != plan.Digest():
		v.Problem, v.Alert = v.Say("console.problem"), v.Say("console.bulk.changed")
		p.showForm(http.StatusConflict)
		return
	case a.hurts && sent.Get("reason") == "":
		p.fail(account.FieldError("reason", "field.blank", nil))
		return
	case a.hurts && sent.Get("count") != strconv.Itoa(len(plan.Done)):
		p.fail(account.FieldError("count", "console.bulk.wrong", account.Args{"n": len(plan.Done)}))
		return
	}
	b := w.bulk()
	b.Reason, b.Expected = sent.Get("reason"), sent.Get("expected")
	ctx, cancel := context.WithTimeout(p.r.Context(), bulkTime)
	defer cancel()
	r, err := p.staff.Do(ctx, a.act, b)
	switch {
	case errors.Is(err, staff.ErrBulkChanged):
		p.askMany(a, d, w, r)
		p.form.fill(sent)
		v.Problem, v.Alert = v.Say("console.problem"), v.Say("console.bulk.changed")
		p.showForm(http.StatusConflict)
	case err != nil && len(r.Done) > 0 && p.r.Context().Err() == nil && !errors.Is(err, account.ErrStaffLogin):
		p.bulkBroke(a, d, w, r, err, ctx.Err() != nil)
	case err != nil:
		p.fail(err)
	default:
		p.done(w.list(), "bulk."+string(a.act), map[string]string{"n": strconv.Itoa(len(r.Done)), "left": v.leftText(len(r.Left))})
	}
}

// leftText says how many were left out; nothing where nobody was.
func (v *view) leftText(n int) string {
	if n == 0 {
		return ""
	}
	return v.Say("console.bulk.left", "n", n)
}

// bulkBroke says how many were done before time was up, or something broke, and
// asks about the others.
func (p *page) bulkBroke(a bulkKind, d *manyAsked, w whom, r staff.Report, err error, late bool) {
	v := p.view
	done := v.Say("console.done.bulk."+string(a.act), "n", len(r.Done), "left", "")
	dry := w.bulk()
	dry.DryRun = true
	plan, again := p.staff.Do(p.r.Context(), a.act, dry)
	if again != nil {
		p.fail(again)
		return
	}
	p.askMany(a, d, w, plan)
	if late {
		v.Done = v.Say("console.bulk.go_on", "done", done)
		p.showForm(http.StatusOK)
		return
	}
	v.Problem, v.Alert = v.Say("console.problem"), v.Say("console.bulk.broke", "done", done, "why", p.internal(err))
	p.showForm(http.StatusInternalServerError)
}

// askMany makes the form of what a dry run says. What was typed stays.
func (p *page) askMany(a bulkKind, d *manyAsked, w whom, plan staff.Report) {
	v, act := p.view, string(a.act)
	reason := v.reasonField(a.hurts)
	if p.form != nil {
		reason.Value = p.form.Fields[0].Value
	}
	p.tell(a, d, plan)
	n := len(plan.Done)
	d.Follows = p.unlessMailsStay(act, []string{v.Say("console.bulk."+act+".follows", "n", n, "days", p.restorable())})
	d.Form = &form{
		Fields: []field{reason}, Hidden: []hidden{{"whom", w.text}, {"expected", plan.Digest()}},
		Submit: v.Say("console.bulk."+act+".do", "n", n), Cancel: d.List, Danger: a.hurts, page: "bulk", data: d,
	}
	d.Form.Fields[0].Focus = a.hurts
	if a.hurts {
		d.Form.Fields = append(d.Form.Fields, field{Name: "count", Type: "text", Mode: "numeric", Dir: "ltr", Autocomplete: "off", Label: v.Say("console.bulk.number", "n", n), Required: true})
	}
	p.ask(d.Form)
	if n == 0 {
		d.Form = nil
	}
}

// failWhom says what of a filter is not understood, or that it means too many.
func (p *page) failWhom(w whom, err error) {
	var e *account.Error
	if errors.As(err, &e) && e.Kind == account.Invalid {
		for _, name := range e.Fields.Names() {
			if m := e.Fields[name][0]; m.Key == "list.too_many" {
				p.nobody(w, "console.many.too_many")
				return
			}
		}
		p.nobody(w, "console.many.unclear")
		return
	}
	p.fail(err)
}
