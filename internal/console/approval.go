package console

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
)

// asked is what waits for a second person, or waited.
type asked struct {
	account.Approval
	What, Who, State, Tone string
	Decider                string // who decided; empty: nobody yet
	Own                    bool   // whoever works here asked for it
	Waits                  bool   // for another person
	Usable                 bool   // it may be done now, by who asked
	Names                  []account.User
	More                   int // who are not named
	Follows                []string
	Form                   *form
}

func (p *page) asked(a account.Approval) asked {
	v := p.view
	row := asked{Approval: a, What: v.Say("console.approval." + string(a.Act)), Who: p.memberName(a.AskedBy), Own: a.AskedBy == p.agent.User.ID}
	if a.DecidedBy != 0 {
		row.Decider = p.memberName(a.DecidedBy)
	}
	over := !v.now.Before(a.ExpiresAt)
	row.Usable = row.Own && a.Usable(v.now)
	switch {
	case a.DecidedBy == 0 && over:
		row.State = v.Say("console.approval.over")
	case a.DecidedBy == 0:
		row.State, row.Tone, row.Waits = v.Say("console.approval.waits"), "warn", true
	case a.Approved && over:
		row.State = v.Say("console.approval.over")
	case a.Approved:
		row.State, row.Tone = v.Say("console.approval.approved"), "good"
	default:
		row.State, row.Tone = v.Say("console.approval.refused"), "bad"
	}
	return row
}

// mostNames is how many of those whom something is about are named.
const mostNames = 10

// nameThem fills in whom it is about. Who is erased since is not named. It
// reports whether that could be done.
func (p *page) nameThem(d *asked) bool {
	some := d.Users[:min(len(d.Users), mostNames)]
	users, err := p.staff.Named(p.r.Context(), some)
	if err != nil {
		p.fail(err)
		return false
	}
	for _, id := range some {
		if u, ok := users[id]; ok {
			d.Names = append(d.Names, u)
		}
	}
	d.More = max(d.Count-mostNames, 0)
	return true
}

func (p *page) approvals() {
	all, err := p.staff.Approvals(p.r.Context())
	if err != nil {
		p.fail(err)
		return
	}
	p.title(p.view.Say("console.approvals"))
	rows := make([]asked, 0, len(all))
	for _, a := range all {
		rows = append(rows, p.asked(a))
	}
	p.show(http.StatusOK, "approvals", rows)
}

// approvalsToDecide are warnings about what waits for whoever works here: for
// their answer, or to be done now that another person approved it.
func (p *page) approvalsToDecide() (warnings []warning) {
	v := p.view
	all, err := p.staff.Approvals(p.r.Context())
	if err != nil {
		p.internal(err)
		return nil
	}
	waiting := 0
	for _, a := range all {
		if a.AskedBy != p.agent.User.ID && a.Waits(v.now) {
			waiting++
		}
		if a.AskedBy == p.agent.User.ID && a.Usable(v.now) {
			row := p.asked(a)
			warnings = append(warnings, warning{v.Say("console.warning.approved", "what", row.What, "name", isolated(row.Decider)), v.Say("console.approval.go"), "approvals/" + a.ID})
		}
	}
	if waiting > 0 {
		warnings = append(warnings, warning{v.Say("console.warning.approvals", "n", waiting), v.Say("console.approvals"), "approvals"})
	}
	return warnings
}

// approval says what was asked for, by whom and why, and takes the answer of
// another person.
func (p *page) approval() {
	v := p.view
	a, err := p.staff.Approval(p.r.Context(), p.r.PathValue("id"))
	if err != nil {
		p.fail(err)
		return
	}
	d := p.asked(a)
	p.title(d.What, v.Say("console.approvals"))
	if !p.nameThem(&d) {
		return
	}
	act, erases := string(a.Act), a.Act == account.ApproveErase
	d.Follows = []string{v.Say("console.approval.export.has")}
	if erases {
		d.Follows = p.followsOf("erase")
	}
	d.Follows = append(d.Follows, v.Say("console.approval."+act+".then", "name", isolated(d.Who)))
	reason := v.reasonField(false) // that of who asked stands above it
	reason.Label, reason.Hint = v.Say("console.approval.reason"), ""
	d.Form = &form{
		Fields: []field{reason},
		Submit: v.Say("console.approval." + act + ".approve"), Danger: erases, page: "approval", data: &d,
	}
	p.ask(d.Form)
	form, ok := p.submitted()
	if !ok {
		return
	}
	approve := form.Get("refuse") == ""
	if _, err := p.staff.Decide(p.r.Context(), a.ID, approve, form.Get("reason")); err != nil {
		p.fail(err)
		return
	}
	done := "approved"
	if !approve {
		done = "refused"
	}
	p.done("approvals", done, map[string]string{"what": d.What})
}

// useApproval does what another person approved, once: the one who asked sees
// again whom it is about. What is done is what was written down when it was
// asked for.
func (p *page) useApproval() {
	v := p.view
	a, err := p.staff.Approval(p.r.Context(), p.r.PathValue("id"))
	if err != nil {
		p.fail(err)
		return
	}
	erases := a.Act == account.ApproveErase
	need := account.ExportUsers
	if erases {
		need = account.EraseUsers
	}
	if !p.may(need) {
		return
	}
	d := p.asked(a)
	if !p.acts() && !d.Usable {
		p.goTo("approvals/" + a.ID)
		return
	}
	act := string(a.Act)
	p.title(v.Say("console.approval."+act+".question", "n", a.Count), v.Say("console.approvals"))
	if !p.nameThem(&d) {
		return
	}
	d.Follows = []string{v.Say("console.approval.export.follows")}
	if erases {
		d.Follows = p.followsOf("erase")
	}
	d.Follows = append(d.Follows, v.Say("console.approval.once"))
	d.Form = &form{Submit: v.Say("console.approval." + act + ".do"), Cancel: v.Root + "approvals/" + a.ID, Danger: erases, page: "use", data: &d}
	var numbers []string
	for _, id := range a.Users {
		numbers = append(numbers, strconv.FormatInt(id, 10))
	}
	if erases && len(numbers) == 1 {
		d.Form.Fields = []field{numberField(v, numbers[0])}
	}
	p.ask(d.Form)
	form, ok := p.submitted()
	if !ok {
		return
	}
	if erases && len(numbers) == 1 && form.Get("number") != numbers[0] {
		p.fail(account.FieldError("number", "console.erase.wrong", account.Args{"id": numbers[0]}))
		return
	}
	if erases {
		if err := p.staff.EraseApproved(p.r.Context(), a.ID); err != nil {
			p.fail(err)
			return
		}
		p.done("approvals", "erase", map[string]string{"id": isolated(strings.Join(numbers, ", "))})
		return
	}
	e, err := p.staff.ExportApproved(p.r.Context(), a.ID)
	if err != nil {
		p.fail(err)
		return
	}
	p.sendExport(e)
}

// numberField has the number of a client typed, where what follows cannot be
// undone.
func numberField(v *view, id string) field {
	return field{Name: "number", Type: "text", Mode: "numeric", Dir: "ltr", Autocomplete: "off", Label: v.Say("console.erase.number", "id", id), Required: true}
}
