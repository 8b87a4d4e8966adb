package console

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/staff"
)

// clientPage is a client: who it is, whether a login is possible, one tab, and
// what can be done.
type clientPage struct {
	User      account.User
	Base      string // clients/4821, behind the root
	Diagnosis *diagnosis
	Tabs      []tab
	Acts      []clientAct
	Others    string // who may do what this agent may not

	Facts    []fact
	Sessions []sessionRow
	Factors  []factorRow
	Events   []eventDay
	Mails    []mailRow
	Notes    []noteRow
	Form     *form
	Empty    string
	Failed   string // why the tab could not be read
	Older    string
	Said     string // of the tab
	IsStaff  bool
	Edit     bool
}

// Hurting are the acts that stand apart.
func (c *clientPage) Hurting() (acts []clientAct) {
	for _, a := range c.Acts {
		if a.Hurts {
			acts = append(acts, a)
		}
	}
	return acts
}

type tab struct {
	Text, Path string
	Count      int
	Current    bool
}

type diagnosis struct {
	Possible bool
	Findings []finding
}

// finding is a line of the diagnosis.
type finding struct {
	Glyph, Tone string
	Text        template.HTML
	URL, Link   string
}

type sessionRow struct {
	account.Session
	Device string
}

type factorRow struct {
	account.Factor
	What string
}

type noteRow struct {
	account.Note
	Author string
}

// clientID is the number in the address, or no client's.
func (p *page) clientID() int64 {
	id, err := strconv.ParseInt(p.r.PathValue("id"), 10, 64)
	if err != nil || strconv.FormatInt(id, 10) != p.r.PathValue("id") {
		return 0
	}
	return id
}

// lookAt is the client of an address, whom the page shows; that is an event.
func (p *page) lookAt() (u account.User, ok bool) {
	id := p.clientID()
	err := p.staff.Look(p.r.Context(), id)
	if err == nil {
		u, err = p.staff.User(p.r.Context(), id)
	}
	if err != nil {
		p.fail(err)
		return u, false
	}
	return u, true
}

// openClient reads what every tab shows, and fills in the tab that is asked.
func (p *page) openClient(path string) *clientPage {
	id := p.clientID()
	seen, err := p.staff.See(p.r.Context(), id) // which is an event
	if err != nil {
		p.fail(err)
		return nil
	}
	v, u := p.view, seen.User
	c := &clientPage{User: u, Base: clientURL(u.ID), IsStaff: seen.Role != nil}
	p.called(Name(u), v.Say("console.clients"))
	if d, err := p.staff.Diagnose(p.r.Context(), id); err != nil {
		c.Failed = p.failTab(err)
	} else {
		c.Diagnosis = p.diagnose(d)
	}
	for _, t := range []struct{ path, key string }{
		{"", "console.tab.profile"}, {"/factors", "console.tab.security"}, {"/sessions", "console.tab.devices"}, {"/events", "console.tab.events"}, {"/mails", "console.tab.mails"}, {"/notes", "console.tab.notes"},
	} {
		c.Tabs = append(c.Tabs, tab{Text: v.Say(t.key), Path: c.Base + t.path, Current: t.path == path})
	}
	p.actsOf(c)
	return c
}

func (p *page) showClient(c *clientPage) { p.show(http.StatusOK, "client", c) }

// diagnose puts into words what is known, what keeps somebody out first.
func (p *page) diagnose(d staff.Diagnosis) *diagnosis {
	v := p.view
	out := &diagnosis{Possible: d.Possible}
	for _, f := range d.Findings {
		glyph, tone := "✓", "good"
		switch f.Kind {
		case staff.FindNoAddress, staff.FindNotVerified, staff.FindNoFactor, staff.FindLastLogin:
			glyph, tone = "–", "none"
		case staff.FindMailFailed, staff.FindSharedAddress, staff.FindInvitationOpen, staff.FindFactorLocked, staff.FindFactorLost, staff.FindAddressWaits, staff.FindMustWait:
			glyph, tone = "!", "warn"
		}
		if f.Blocks {
			glyph, tone = "✕", "bad"
		}
		key, args := "console.diagnosis."+string(f.Kind), []any{"when", v.Ago(f.At), "day", v.Day(f.At), "until", v.Moment(f.Until), "time", v.Clock(f.Until)}
		switch {
		case f.Kind == staff.FindDisabled && f.At.IsZero():
			key += ".unknown"
		case f.Kind == staff.FindDisabled:
			if f.Reason != "" {
				key += ".reason"
			}
			args = append(args, "who", isolated(p.memberName(f.By)), "reason", isolated(v.Say("console.quoted", "text", f.Reason)))
		case f.Kind == staff.FindMailFailed:
			args = append(args, "what", v.Say("console.mail.kind."+string(f.MailKind)), "why", v.mailReason(f.Reason))
		case f.Kind == staff.FindAddressWaits:
			args = append(args, "email", isolated(f.Email))
		case f.Kind == staff.FindSharedAddress:
			for _, other := range f.Others {
				out.Findings = append(out.Findings, finding{
					Glyph: glyph, Tone: tone, URL: clientURL(other.ID), Link: v.Say("console.client.number", "id", strconv.FormatInt(other.ID, 10)),
					Text: text(v.Say(key, "state", v.Say("console.state."+string(other.State())))),
				})
			}
			continue
		}
		out.Findings = append(out.Findings, finding{Glyph: glyph, Tone: tone, Text: text(v.Say(key, args...))})
	}
	return out
}

// memberName is what somebody of the staff is called; zero is a command.
func (p *page) memberName(id int64) string {
	if id == 0 {
		return p.view.Say("console.who.staff")
	}
	if u, err := p.staff.User(p.r.Context(), id); err == nil {
		return Brief(u)
	}
	return p.view.Say("console.who.gone")
}

// profile is the first tab.
func (p *page) profile() {
	c := p.openClient("")
	if c == nil {
		return
	}
	v, u := p.view, c.User
	email := text(v.Say("page.overview.no_email"))
	if u.Email != "" {
		email = Code(u.Email)
		if u.EmailVerifiedAt.IsZero() {
			email += text(" (" + v.Say("console.not_verified") + ")")
		} else {
			email += text(" ") + template.HTML(`<span class="tick"><span aria-hidden="true">✓</span> `) + text(v.Say("console.verified_on", "day", v.Day(u.EmailVerifiedAt))) + template.HTML(`</span>`)
		}
	}
	c.Facts = []fact{
		{v.Say("console.first_name"), v.orDash(u.FirstName)},
		{v.Say("console.last_name"), v.orDash(u.LastName)},
		{v.Say("console.column.email"), email},
		{v.Say("console.column.username"), Code(u.Username)},
		{v.Say("console.filter.language"), text(locale.Text(u.Language, "language.name", nil))},
		{v.Say("console.column.date_joined"), v.At(u.JoinedAt)},
		{v.Say("console.column.last_login"), v.At(u.LastLoginAt)},
		{v.Say("page.overview.password_at"), v.At(u.PasswordAt)},
	}
	events, err := p.staff.FindEvents(p.r.Context(), staff.EventQuery{User: account.TextInput(strconv.FormatInt(u.ID, 10))})
	if err != nil {
		c.Failed = p.failTab(err)
	}
	c.Events = p.days(events[:min(len(events), 5)])
	p.showClient(c)
}

// orDash is what somebody chose, or that it is nothing.
func (v *view) orDash(text string) template.HTML {
	if strings.TrimSpace(text) == "" {
		text = v.Say("console.unknown")
	}
	return Somebody(text)
}

// failTab says that a tab cannot be read: it takes neither the head nor the
// acts with it.
func (p *page) failTab(err error) string {
	p.internal(err)
	return p.view.Say("console.unavailable", "id", p.w.RequestID)
}

func (p *page) clientFactors() {
	c := p.openClient("/factors")
	if c == nil {
		return
	}
	all, left, err := p.staff.Factors(p.r.Context(), c.User.ID)
	if err != nil {
		c.Failed = p.failTab(err)
	}
	for _, f := range all {
		c.Factors = append(c.Factors, factorRow{f, p.view.Say("page.factors." + string(f.Kind))})
	}
	c.Empty = p.view.Say("console.factors.none")
	if len(all) > 0 {
		c.Said = p.view.Say("page.codes.left", "n", left)
	}
	p.showClient(c)
}

func (p *page) clientSessions() {
	c := p.openClient("/sessions")
	if c == nil {
		return
	}
	v := p.view
	if p.acts() {
		form, ok := p.readForm()
		if !ok {
			return
		}
		if err := p.staff.EndSession(p.r.Context(), c.User.ID, form.Get("end"), ""); err != nil {
			p.fail(err)
			return
		}
		p.done(c.Base+"/sessions", "session", nil)
		return
	}
	all, err := p.staff.Sessions(p.r.Context(), c.User.ID)
	if err != nil {
		c.Failed = p.failTab(err)
	}
	for _, s := range all {
		c.Sessions = append(c.Sessions, sessionRow{s, locale.Device(v.Language, s.UserAgent)})
	}
	c.Empty = v.Say("console.sessions.none")
	p.showClient(c)
}

func (p *page) clientEvents() {
	c := p.openClient("/events")
	if c == nil {
		return
	}
	q := staff.EventQuery{User: account.TextInput(strconv.FormatInt(c.User.ID, 10)), Before: p.beforeID()}
	events, err := p.staff.FindEvents(p.r.Context(), q)
	if err != nil {
		c.Failed = p.failTab(err)
	}
	c.Events, c.Empty = p.days(events), p.view.Say("console.events.none")
	if len(events) == staff.EventsPage {
		c.Older = p.link(c.Base+"/events", "before", strconv.FormatInt(events[len(events)-1].ID, 10))
	}
	p.showClient(c)
}

func (p *page) clientMails() {
	c := p.openClient("/mails")
	if c == nil {
		return
	}
	all, err := p.staff.MailsPage(p.r.Context(), c.User.ID, p.beforeID())
	if err != nil {
		c.Failed = p.failTab(err)
	}
	if len(all) == staff.EventsPage {
		c.Older = p.link(c.Base+"/mails", "before", strconv.FormatInt(all[len(all)-1].ID, 10))
	}
	for _, m := range all {
		c.Mails = append(c.Mails, p.mailRow(m))
	}
	c.Empty = p.view.Say("console.mails.none_of")
	p.showClient(c)
}

// mostNoteText is how many characters of notes are on one page.
const mostNoteText = 20_000

// beforeID is the id before which a list goes on; missing: from its beginning.
func (p *page) beforeID() account.Input {
	if before := p.r.URL.Query().Get("before"); before != "" {
		return account.TextInput(before)
	}
	return account.Input{}
}

// clientNotes shows what staff wrote down, and takes a note.
func (p *page) clientNotes() {
	c := p.openClient("/notes")
	if c == nil {
		return
	}
	v := p.view
	c.Form = &form{
		Fields: []field{{Name: "text", Type: "textarea", Label: v.Say("console.note"), Hint: v.Say("console.note.hint"), Required: true, Max: account.NoteMax}},
		Submit: v.Say("console.note.add"), page: "client", data: c,
	}
	p.ask(c.Form)
	notes, more, err := p.staff.NotesPage(p.r.Context(), c.User.ID, p.beforeID(), mostNoteText)
	if err != nil {
		c.Failed = p.failTab(err)
	}
	if more {
		c.Older = p.link(c.Base+"/notes", "before", strconv.FormatInt(notes[len(notes)-1].ID, 10))
	}
	for _, n := range notes {
		author := v.Say("console.who.gone")
		if u, err := p.staff.User(p.r.Context(), n.AuthorID); err == nil {
			author = Brief(u)
		}
		c.Notes = append(c.Notes, noteRow{n, author})
	}
	c.Empty = v.Say("console.notes.none")
	if !p.acts() && (c.User.ID == p.agent.User.ID || c.IsStaff && !p.agent.Role.May(account.ManageStaff)) { // what may not be done is not shown
		c.Form = nil
		p.showClient(c)
		return
	}
	form, ok := p.submitted()
	if !ok {
		return
	}
	if _, err := p.staff.AddNote(p.r.Context(), c.User.ID, account.TypedInput(form.Get("text"))); err != nil {
		p.fail(err)
		return
	}
	p.done(c.Base+"/notes", "note", nil)
}

// eventDay is the events of a day of the shop.
type eventDay struct {
	Heading string
	Events  []eventRow
}

type eventRow struct {
	account.Event
	Glyph, Tone, What, Who, Whom, Device, Reason string
	WhomURL                                      string
	Clock                                        string
}

// days sorts events by days of the shop, as they come.
func (p *page) days(events []account.Event) (days []eventDay) {
	v, names := p.view, p.namesIn(events)
	for _, e := range events {
		row := eventRow{Event: e, What: v.eventText(e), Clock: v.Clock(e.At), Reason: beginning(e.Reason, briefReason), Who: v.Say("console.who." + string(e.Actor))}
		row.Glyph, row.Tone = glyphOf(e.Kind)
		if d := e.ReadDetails(); d.Agent != 0 {
			row.Who = names[d.Agent]
		} else if d.Staff != "" {
			row.Who = d.Staff
		}
		if e.UserAgent != "" && e.Actor != account.ActorStaff {
			row.Device = locale.Device(v.Language, e.UserAgent)
		}
		if e.UserID != 0 {
			row.Whom, row.WhomURL = names[e.UserID], clientURL(e.UserID)
		}
		heading := v.Heading(e.At)
		if len(days) == 0 || days[len(days)-1].Heading != heading {
			days = append(days, eventDay{Heading: heading})
		}
		last := &days[len(days)-1]
		last.Events = append(last.Events, row)
	}
	return days
}

// namesIn is what those are called whom events are about, and who did them. To
// whom more people were named than anybody needs to help, they are numbers.
func (p *page) namesIn(events []account.Event) map[int64]string {
	v, names := p.view, map[int64]string{}
	var whom []int64
	for _, e := range events {
		if _, known := names[e.UserID]; e.UserID != 0 && !known {
			names[e.UserID] = v.Say("console.who.gone")
			whom = append(whom, e.UserID)
		}
	}
	users, err := p.staff.Named(p.r.Context(), whom)
	for _, id := range whom {
		if u, ok := users[id]; ok {
			names[id] = Brief(u)
		} else if err != nil {
			names[id] = v.Say("console.client.number", "id", id)
		}
	}
	for _, e := range events {
		if id := e.ReadDetails().Agent; id != 0 && names[id] == "" {
			names[id] = p.memberName(id)
		}
	}
	return names
}

// eventText is an event in a sentence: as staff are told it, where they are told
// something else than its person, or the person alone.
func (v *view) eventText(e account.Event) string {
	m := e.Message()
	if key := "console.event." + string(e.Kind); v.Say(key) != key {
		return v.Say(key)
	}
	if said := locale.Text(v.Language, m.Key, m.Args); said != m.Key {
		return said
	}
	return v.Say("console.event.other", "kind", isolated(string(e.Kind)))
}

// glyphOf is the sign beside an event; its words say the same.
func glyphOf(kind account.EventKind) (glyph, tone string) {
	bad := []account.EventKind{account.EventLoginFailed, account.EventPasswordRefused, account.EventRefreshReuse, account.EventStaffRefused}
	switch {
	case slices.Contains(bad, kind):
		return "✕", "bad"
	case kind == account.EventUserDisabled, kind == account.EventAccountClosed:
		return "‖", "warn"
	case kind == account.EventUserSeen, kind == account.EventUsersListed:
		return "⌕", "none"
	case kind == account.EventLogin, kind == account.EventUserEnabled, kind == account.EventEmailVerified:
		return "✓", "good"
	}
	return "·", "none"
}

type mailRow struct {
	account.Mail
	What, State, Tone, Why string
	CanRetry               bool
}

// mailStateName names a state in the keys of texts: a mail that stays in a folder
// was written, not sent.
func (p *page) mailStateName(s account.MailState) string {
	if s == account.MailSent && p.o.MailsStay {
		return "written"
	}
	return string(s)
}

func (p *page) mailRow(m account.Mail) mailRow {
	v := p.view
	row := mailRow{Mail: m, What: v.Say("console.mail.kind." + string(m.Kind))}
	row.State = v.Say("console.mail." + p.mailStateName(m.State()))
	switch m.State() {
	case account.MailSent:
		if !p.o.MailsStay { // else nobody got it
			row.Tone = "good"
		}
	case account.MailWaiting:
		row.Tone = "info"
	default:
		row.Tone, row.CanRetry = "bad", m.Failure != account.MailUnwanted
	}
	if m.Failure != "" {
		row.Why = v.mailReason(m.Failure)
	}
	return row
}

// mailReason puts into words why a mail did not go out. What the other server
// said is not shown: it is in the log.
func (v *view) mailReason(failure string) string {
	lower := strings.ToLower(failure)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(lower, w) })
	}
	switch {
	case failure == account.MailUnwanted:
		return v.Say("console.mail.why.unwanted")
	case failure == account.MailRestored:
		return v.Say("console.mail.why.restored")
	case has("answered") && has("at the greeting", "at ehlo", "at auth", "at mail from"): // not the reader's server: it refuses us
		return v.Say("console.mail.why.other")
	case has("full", "quota", "552", "5.2.2", "4.2.2"):
		return v.Say("console.mail.why.full")
	case has("550", "551", "553", "5.1.1", "user unknown", "no such", "does not exist"):
		return v.Say("console.mail.why.nobody")
	case has("timeout", "timed out", "refused", "no route", "dial", "lookup", "connection"):
		return v.Say("console.mail.why.server")
	case has("spam", "blocked", "policy", "554", "5.7."):
		return v.Say("console.mail.why.blocked")
	}
	return v.Say("console.mail.why.other")
}

// sinceToday is midnight of the shop's day.
func (v *view) sinceToday() time.Time {
	t := v.shopTime(v.now)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}
