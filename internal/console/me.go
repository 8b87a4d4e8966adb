package console

import (
	"html/template"
	"net/http"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

// keysCookie is there while this browser has no shortcuts (WCAG 2.1.4).
const keysCookie = "yoozak_console_keys"

// fact is a name and a value that is markup already.
type fact struct {
	Name  string
	Value template.HTML
}

// factsPage is a page of them, below a list.
type factsPage struct {
	Facts          []fact
	Back, BackText string
}

func text(s string) template.HTML { return template.HTML(template.HTMLEscapeString(s)) } //nolint:gosec // escaped

type ownSession struct {
	account.Session
	Device  string
	Current bool
}

// me is what whoever works here sees of themselves.
func (p *page) me() {
	v := p.view
	if p.acts() {
		p.changeMe()
		return
	}
	p.title(v.Say("console.me"))
	data := struct {
		Facts    []fact
		Sessions []ownSession
	}{Facts: []fact{
		{v.Say("console.name"), Somebody(Name(p.agent.User))},
		{v.Say("page.overview.username"), Code(p.agent.User.Username)},
		{v.Say("console.role"), text(v.RoleName())},
	}}
	sessions, err := p.o.Auth.Sessions(p.r.Context(), p.caller)
	if err != nil {
		p.fail(err)
		return
	}
	for _, s := range sessions {
		data.Sessions = append(data.Sessions, ownSession{s, locale.Device(v.Language, s.UserAgent), s.ID == p.caller.SessionID})
	}
	p.show(http.StatusOK, "me", data)
}

func (p *page) changeMe() {
	form, ok := p.readForm()
	if !ok {
		return
	}
	switch {
	case form.Get("keys") == "off":
		p.setCookie(keysCookie, "off", languageLifetime)
		p.done("me", "keys_off", nil)
	case form.Get("keys") == "on":
		p.dropCookie(keysCookie)
		p.done("me", "keys_on", nil)
	case form.Get("end") != "":
		if err := p.o.Auth.EndSession(p.r.Context(), p.caller, form.Get("end")); err != nil {
			p.fail(err)
			return
		}
		p.done("me", "own_session", nil)
	default:
		p.refuse(http.StatusBadRequest, "console.no_form")
	}
}

type shortcut struct {
	Keys []string
	Text string
}

// help says which keys there are, and how to begin.
func (p *page) help() {
	v := p.view
	p.title(v.Say("console.help"))
	p.show(http.StatusOK, "help", struct {
		Keys  []shortcut
		Steps []string
	}{
		Keys: []shortcut{
			{[]string{"/", "Ctrl K"}, v.Say("console.find")},
			{[]string{"?"}, v.Say("console.help")},
			{[]string{"g o"}, v.Say("console.overview")},
			{[]string{"g c"}, v.Say("console.clients")},
			{[]string{"g j"}, v.Say("console.events")},
			{[]string{"g m"}, v.Say("console.mails")},
			{[]string{"↓", "↑"}, v.Say("console.help.rows")},
			{[]string{v.Say("console.help.enter")}, v.Say("console.help.open")},
			{[]string{"x"}, v.Say("console.help.tick")},
			{[]string{"n", "p"}, v.Say("console.help.pages")},
			{[]string{"1", "2", "3", "4", "5", "6"}, v.Say("console.help.tabs")},
			{[]string{v.Say("console.help.space")}, v.Say("console.help.pause")},
			{[]string{v.Say("console.help.escape")}, v.Say("console.help.leave")},
		},
		Steps: []string{v.Say("console.help.step_find"), v.Say("console.help.step_read"), v.Say("console.help.step_do"), v.Say("console.help.step_say")},
	})
}
