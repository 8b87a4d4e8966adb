package console

import (
	"slices"
	"strconv"

	"github.com/yoozak/clients/internal/account"
)

// clientActKind is something that can be done to a client. One that hurts has
// a page that asks why; the others are done at once, and said in a line.
type clientActKind struct {
	name   string
	need   account.Permission
	hurts  bool
	number bool // the client's number is typed, too: it cannot be undone
	fits   func(u account.User) bool
	do     func(p *page, id int64, reason string) (args map[string]string, err error)
}

// danger reports whether it takes something from the client: it stands apart.
func (a clientActKind) danger() bool {
	return slices.Contains([]string{"disable", "close", "erase"}, a.name)
}

func isActive(u account.User) bool   { return u.State() == account.UserActive }
func isDisabled(u account.User) bool { return u.State() == account.UserDisabled }
func isClosed(u account.User) bool   { return u.State() == account.UserClosed }
func isAny(account.User) bool        { return true }

// clientActs are in the order in which they are offered.
func clientActs() []clientActKind {
	return []clientActKind{
		{name: "reset", need: account.StartResets, fits: func(u account.User) bool { return isActive(u) && u.Email != "" }, do: (*page).sendReset},
		{name: "verify", need: account.ResendMails, fits: func(u account.User) bool { return isActive(u) && u.Email != "" && u.EmailVerifiedAt.IsZero() }, do: (*page).sendVerification},
		{name: "signout", need: account.EndSessions, fits: isActive, do: func(p *page, id int64, reason string) (map[string]string, error) {
			n, err := p.staff.EndSessions(p.r.Context(), id, reason)
			return map[string]string{"sessions": p.view.Say("console.sessions.count", "n", n)}, err
		}},
		{name: "unlock", need: account.UnlockLogins, fits: isActive, do: func(p *page, id int64, reason string) (map[string]string, error) {
			return nil, p.staff.Unlock(p.r.Context(), id, reason)
		}},
		{name: "enable", need: account.DisableUsers, hurts: true, fits: isDisabled, do: func(p *page, id int64, reason string) (map[string]string, error) {
			return nil, p.staff.Enable(p.r.Context(), id, reason)
		}},
		{name: "restore", need: account.CloseUsers, hurts: true, fits: isClosed, do: func(p *page, id int64, reason string) (map[string]string, error) {
			return nil, p.staff.Restore(p.r.Context(), id, reason)
		}},
		{name: "disable", need: account.DisableUsers, hurts: true, fits: isActive, do: func(p *page, id int64, reason string) (map[string]string, error) {
			return nil, p.staff.Disable(p.r.Context(), id, reason)
		}},
		{name: "close", need: account.CloseUsers, hurts: true, fits: func(u account.User) bool { return !isClosed(u) }, do: func(p *page, id int64, reason string) (map[string]string, error) {
			return nil, p.staff.Close(p.r.Context(), id, reason)
		}},
		{name: "erase", need: account.EraseUsers, hurts: true, number: true, fits: isAny, do: func(p *page, id int64, reason string) (map[string]string, error) {
			waits, err := p.staff.Erase(p.r.Context(), id, reason)
			if waits != nil {
				return map[string]string{"waits": waits.ID}, err
			}
			return nil, err
		}},
	}
}

func (p *page) sendReset(id int64, reason string) (map[string]string, error) {
	due, err := p.staff.StartReset(p.r.Context(), id, reason)
	return map[string]string{"time": p.view.Clock(due)}, err
}

func (p *page) sendVerification(id int64, reason string) (map[string]string, error) {
	due, err := p.staff.ResendVerification(p.r.Context(), id, reason)
	return map[string]string{"time": p.view.Clock(due)}, err
}

// clientAct is an act as a client's page offers it.
type clientAct struct {
	Path, Text, Label string
	Hurts, AtOnce     bool
}

// actsOf are those that fit the account and this agent.
func (p *page) actsOf(c *clientPage) {
	v := p.view
	isStaff := c.IsStaff
	own := c.User.ID == p.agent.User.ID
	c.Edit = !own && p.agent.Role.May(account.EditUsers) && (!isStaff || p.agent.Role.May(account.ManageStaff))
	for _, a := range clientActs() {
		switch {
		case !a.fits(c.User):
		case own, isStaff && !p.agent.Role.May(account.ManageStaff):
			c.Others = v.Say("console.client.of_staff")
			if own {
				c.Others = v.Say("console.client.own")
			}
		case !p.agent.Role.May(a.need):
			c.Others = v.Say("console.client.others")
		default:
			c.Acts = append(c.Acts, clientAct{
				Path: c.Base + "/" + a.name, Text: v.Say("console.act." + a.name), AtOnce: !a.hurts, Hurts: a.danger(),
			})
		}
	}
}

// confirmation is the page that asks before an act.
type confirmation struct {
	User    account.User
	Base    string
	Follows []string
	Form    *form
}

// followsOf says what an act does.
func (p *page) followsOf(act string) (follows []string) {
	days := p.restorable()
	for _, n := range []string{"1", "2", "3"} {
		key := "console.act." + act + ".follows." + n
		if said := p.view.Say(key, "days", days); said != key {
			follows = append(follows, said)
		}
	}
	return p.unlessMailsStay(act, follows)
}

// unlessMailsStay adds to what an act does that nobody is told of it, where mails
// reach nobody.
func (p *page) unlessMailsStay(act string, follows []string) []string {
	if p.o.MailsStay && slices.Contains([]string{"reset", "verify", "resend", "disable", "close", "edit"}, act) {
		return append(follows, p.view.Say("console.mails.folder"))
	}
	return follows
}

// restorable is for how long a closed account can be restored, in words.
func (p *page) restorable() string {
	if days := int(p.staff.RestorableFor().Hours() / 24); days > 0 {
		return p.view.Say("console.days", "n", days)
	}
	return p.view.Say("console.days.few")
}

// clientAct asks, and acts.
func (p *page) clientAct(a clientActKind) {
	u, ok := p.lookAt()
	if !ok {
		return
	}
	if !p.acts() && !a.fits(u) { // what the page asks was done, or makes no sense: the client's page has the state
		p.goTo(clientURL(u.ID))
		return
	}
	v := p.view
	id := strconv.FormatInt(u.ID, 10)
	p.title(v.Say("console.act."+a.name+".question", "name", named(Name(u)), "id", id), v.Say("console.clients"))
	c := &confirmation{User: u, Base: clientURL(u.ID), Follows: p.followsOf(a.name)}
	c.Form = &form{Submit: v.Say("console.act." + a.name), Cancel: v.Root + c.Base, Danger: a.danger(), page: "confirm", data: c}
	if a.number && p.staff.NeedsSecond() {
		c.Follows = append([]string{v.Say("console.act.erase.second")}, c.Follows...)
		c.Form.Submit = v.Say("console.act.erase.ask")
	}
	reason := v.reasonField(a.hurts)
	reason.Focus = a.hurts
	c.Form.Fields = []field{reason}
	if a.number {
		c.Form.Fields = append(c.Form.Fields, numberField(v, id))
	}
	p.ask(c.Form)
	form, ok := p.submitted()
	if !ok {
		return
	}
	if a.number && form.Get("number") != id {
		p.fail(account.FieldError("number", "console.erase.wrong", account.Args{"id": id}))
		return
	}
	if a.hurts && form.Get("reason") == "" {
		p.fail(account.FieldError("reason", "field.blank", nil))
		return
	}
	args, err := a.do(p, u.ID, form.Get("reason"))
	if err != nil {
		p.fail(err)
		return
	}
	if args == nil {
		args = map[string]string{}
	}
	args["name"], args["email"], args["id"] = isolated(Name(u)), isolated(account.MaskEmail(u.Email)), id
	switch {
	case args["waits"] != "":
		p.done("approvals/"+args["waits"], "asked", nil)
		return
	case a.number:
		p.done("clients", a.name, args)
		return
	}
	p.done(c.Base, a.name, args)
}
