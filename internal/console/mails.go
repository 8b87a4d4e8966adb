package console

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/staff"
)

// mailStates are what the queue can be narrowed to.
var mailStates = []account.MailState{account.MailWaiting, account.MailFailed, account.MailSent}

type mailQueue struct {
	Tabs   []tab
	Mails  []mailRow
	Failed int // that can be tried again, whatever is shown
	Older  template.URL
	Stay   bool // nobody gets them
	Wrong  bool // the address says nothing: the list is empty, never wider
}

// mails is the queue, the newest first; its act tries all again that failed.
func (p *page) mails() {
	v := p.view
	if p.acts() {
		n, err := p.staff.RetryMails(p.r.Context())
		if err != nil {
			p.fail(err)
			return
		}
		p.done("mails", "retried", map[string]string{"count": v.Say("console.mails.count", "n", n)})
		return
	}
	p.title(v.Say("console.mails"))
	query := p.r.URL.Query()
	state, d := account.MailState(query.Get("state")), &mailQueue{Stay: p.o.MailsStay}
	d.Tabs = []tab{{Text: v.Say("console.filter.any"), Path: "mails", Current: state == ""}}
	for _, s := range mailStates {
		d.Tabs = append(d.Tabs, tab{Text: v.Say("console.mails." + p.mailStateName(s)), Path: "mails?state=" + string(s), Current: s == state})
	}
	in := func(name string) account.Input {
		if value := query.Get(name); value != "" {
			return account.TextInput(value)
		}
		return account.Input{}
	}
	found, err := p.staff.Queue(p.r.Context(), in("state"), in("before"))
	var e *account.Error
	if errors.As(err, &e) && e.Kind == account.Invalid {
		d.Wrong = true
		p.show(http.StatusBadRequest, "mails", d)
		return
	}
	if err == nil {
		d.Failed, err = p.staff.FailedMails(p.r.Context())
	}
	if err != nil {
		p.fail(err)
		return
	}
	for _, m := range found {
		d.Mails = append(d.Mails, p.mailRow(m))
	}
	if len(found) == staff.EventsPage {
		older := url.Values{"before": {strconv.FormatInt(found[len(found)-1].ID, 10)}}
		if slices.Contains(mailStates, state) {
			older.Set("state", string(state))
		}
		d.Older = template.URL("mails?" + older.Encode()) //nolint:gosec // encoded
	}
	p.show(http.StatusOK, "mails", d)
}

// mail is one, without what is in it; its act tries it again.
func (p *page) mail() {
	v, id := p.view, p.clientID()
	if p.acts() {
		if err := p.staff.RetryMail(p.r.Context(), id); err != nil {
			p.fail(err)
			return
		}
		p.done("mails/"+strconv.FormatInt(id, 10), "retried", map[string]string{"count": v.Say("console.mails.count", "n", 1)})
		return
	}
	found, err := p.staff.Mail(p.r.Context(), id)
	if err != nil {
		p.fail(err)
		return
	}
	m := p.mailRow(found)
	p.title(m.What, v.Say("console.mails"))
	facts := []fact{
		{v.Say("console.mail.to"), Code(m.Email)},
		{v.Say("console.filter.state"), text(strings.TrimSpace(m.State + " " + m.Why))},
		{v.Say("console.mail.attempts"), text(v.Number(m.Attempts))},
		{v.Say("console.mail.when"), v.At(m.CreatedAt)},
		{v.Say("console.mail." + p.mailStateName(account.MailSent) + "_at"), v.At(m.SentAt)},
	}
	if m.UserID != 0 {
		facts = append(facts, fact{v.Say("console.events.whom"), template.HTML(`<a href="` + template.HTMLEscapeString(v.Root+clientURL(m.UserID)) + `">` + template.HTMLEscapeString(v.Say("console.client.number", "id", m.UserID)) + `</a>`)}) //nolint:gosec // escaped
	}
	p.show(http.StatusOK, "facts", factsPage{facts, "mails", v.Say("console.mails")})
}
