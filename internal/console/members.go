package console

import (
	"strconv"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/auth"
	"github.com/yoozak/clients/internal/staff"
)

// team is everybody who has a role, and how somebody gets one.
type team struct {
	Members []memberRow
	Form    *form
}

type memberRow struct {
	staff.Member
	RoleName, State, Tone string
}

func (p *page) memberRow(m staff.Member) memberRow {
	v := p.view
	row := memberRow{Member: m, RoleName: v.Say("console.role." + string(m.Role)), State: v.Say("console.state.active"), Tone: "good"}
	switch m.State() {
	case account.RoleSuspended:
		row.State, row.Tone = v.Say("console.member.suspended"), "bad"
	case account.RoleOffered:
		row.State, row.Tone = v.Say("console.member.offered"), "info"
	}
	return row
}

func (p *page) roleField() field {
	f := field{Name: "role", Type: "select", Label: p.view.Say("console.role")}
	for _, r := range account.Roles() {
		f.Options = append(f.Options, option{string(r), p.view.Say("console.role." + string(r))})
	}
	return f
}

// members lists the staff, and offers a role to whoever reads an address.
func (p *page) members() {
	v := p.view
	p.title(v.Say("console.staff"))
	members, err := p.staff.Members(p.r.Context())
	if err != nil {
		p.fail(err)
		return
	}
	d := &team{}
	for _, m := range members {
		d.Members = append(d.Members, p.memberRow(m))
	}
	d.Form = &form{
		Fields: []field{{Name: "email", Type: "email", Dir: "ltr", Label: v.Say("console.column.email"), Hint: v.Say("console.member.invite_hint"), Required: true}, p.roleField()},
		Submit: v.Say("console.member.invite"), page: "members", data: d,
	}
	p.ask(d.Form)
	form, ok := p.submitted()
	if !ok {
		return
	}
	role, err := staff.CheckRole(form.Get("role"))
	if err == nil {
		_, err = p.staff.InviteMember(p.r.Context(), auth.Invited{Email: account.TypedInput(form.Get("email"))}, role, v.Language)
	}
	if err != nil {
		p.fail(err)
		return
	}
	p.done("staff", "offered", map[string]string{"email": isolated(form.Get("email"))})
}

// teammate is one of the staff, whose role is changed or taken.
type teammate struct {
	Member memberRow
	Form   *form
	Why    string // there is no form
}

func (p *page) member() {
	v := p.view
	m, err := p.staff.Member(p.r.Context(), p.clientID())
	if err != nil {
		p.fail(err)
		return
	}
	p.called(Name(m.User), v.Say("console.staff"))
	d := &teammate{Member: p.memberRow(m)}
	d.Form = &form{
		Fields: []field{p.roleField(), v.reasonField(true)},
		Submit: v.Say("console.save"), Cancel: v.Root + "staff", page: "member", data: d,
	}
	d.Form.Fields[0].Value = string(m.Role)
	d.Form.Fields[0].Options = append(d.Form.Fields[0].Options, option{"none", v.Say("console.member.none")})
	p.ask(d.Form)
	if m.UserID == p.agent.User.ID {
		d.Why = v.Say("console.member.own")
	}
	form, ok := p.submitted()
	if !ok {
		return
	}
	if form.Get("reason") == "" {
		p.fail(account.FieldError("reason", "field.blank", nil))
		return
	}
	done := "role"
	if form.Get("role") == "none" {
		done = "role_taken"
		err = p.staff.Take(p.r.Context(), m.UserID, form.Get("reason"))
	} else {
		var role account.Role
		if role, err = staff.CheckRole(form.Get("role")); err == nil {
			err = p.staff.Change(p.r.Context(), m.UserID, role, form.Get("reason"))
		}
	}
	if err != nil {
		p.fail(err)
		return
	}
	p.done("staff", done, map[string]string{"name": isolated(Name(m.User))})
}

// invite makes an account for somebody, who chooses the password.
func (p *page) invite() {
	v := p.view
	p.title(v.Say("console.invite"), v.Say("console.clients"))
	f := &form{
		Fields: []field{
			{Name: "email", Type: "email", Dir: "ltr", Label: v.Say("console.column.email"), Required: true, Focus: true, Max: 254},
			{Name: "first_name", Type: "text", Label: v.Say("console.first_name"), Max: 150},
			{Name: "last_name", Type: "text", Label: v.Say("console.last_name"), Max: 150},
			{Name: "language", Type: "select", Label: v.Say("console.filter.language"), Value: v.Language, Options: languageOptions()},
		},
		Submit: v.Say("console.invite"), Cancel: v.Root + "clients", page: "card",
	}
	f.data = &card{Intro: v.Say("console.invite.intro"), Form: f}
	p.ask(f)
	form, ok := p.submitted()
	if !ok {
		return
	}
	u, err := p.staff.Invite(p.r.Context(), auth.Invited{
		Email: account.TypedInput(form.Get("email")), FirstName: account.TextInput(form.Get("first_name")), LastName: account.TextInput(form.Get("last_name")), Language: account.TextInput(form.Get("language")),
	}, v.Language)
	if err != nil {
		p.fail(err)
		return
	}
	p.done("clients/"+strconv.FormatInt(u.ID, 10), "invited", map[string]string{"email": isolated(account.MaskEmail(u.Email))})
}
