package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/staff"
)

// eventGroups are what the log can be narrowed to: what people ask for, each
// some kinds.
var eventGroups = []struct {
	name  string
	kinds []account.EventKind
}{
	{"logins", []account.EventKind{account.EventLogin, account.EventRegistered, account.EventLogout, account.EventLogoutAll, account.EventSessionEnded, account.EventSessionsEndedByStaff}},
	{"refusals", []account.EventKind{account.EventLoginFailed, account.EventPasswordRefused, account.EventFactorRefused, account.EventFactorLocked, account.EventRefreshReuse, account.EventStaffRefused}},
	{"passwords", []account.EventKind{account.EventPasswordChanged, account.EventPasswordResetRequested, account.EventPasswordReset, account.EventPasswordSet}},
	{"addresses", []account.EventKind{account.EventEmailVerified, account.EventEmailChangeRequested, account.EventEmailChanged, account.EventEmailChangeUndone, account.EventEmailSet}},
	{"accounts", []account.EventKind{account.EventAccountClosed, account.EventAccountRestored, account.EventUserCreated, account.EventUserDisabled, account.EventUserEnabled, account.EventUserEdited, account.EventUserInvited, account.EventAccountErased}},
	{"looks", []account.EventKind{account.EventUserSeen, account.EventUsersListed}},
}

// journal is the log.
type journal struct {
	Fields  []field
	Wrong   bool
	On      bool // something is narrowed
	Days    []eventDay
	Older   template.URL
	Stream  template.URL // live; empty: this is no page of the newest
	New     string       // what says how many are new
	Problem string
}

// eventQuery is what the address asks for, as package staff takes it, and the
// form that says it.
func (p *page) eventQuery(query url.Values) (q staff.EventQuery, fields []field) {
	v := p.view
	groups := []option{{"", v.Say("console.filter.any")}}
	for _, g := range eventGroups {
		groups = append(groups, option{g.name, v.Say("console.events.group." + g.name)})
	}
	actors := []option{{"", v.Say("console.filter.any")}, {strconv.FormatInt(p.agent.User.ID, 10), Brief(p.agent.User)}}
	if p.agent.Role.May(account.ManageStaff) {
		members, err := p.staff.Members(p.r.Context())
		if err != nil {
			p.internal(err)
		}
		for _, m := range members {
			if m.UserID != p.agent.User.ID {
				actors = append(actors, option{strconv.FormatInt(m.UserID, 10), Brief(m.User)})
			}
		}
	}
	fields = []field{
		{Name: "client", Type: "text", Mode: "numeric", Dir: "ltr", Label: v.Say("console.events.client")},
		{Name: "what", Type: "select", Label: v.Say("console.events.what"), Options: groups},
		{Name: "by", Type: "select", Label: v.Say("console.events.by"), Options: actors},
		{Name: "from", Type: "date", Dir: "ltr", Label: v.Say("console.events.from")},
		{Name: "to", Type: "date", Dir: "ltr", Label: v.Say("console.events.to")},
	}
	into := map[string]*account.Input{"client": &q.User, "what": &q.Kind, "by": &q.Agent, "from": &q.From, "to": &q.To}
	for i := range fields {
		in := &fields[i]
		if in.Value = query.Get(in.Name); in.Value == "" {
			continue
		}
		value := strings.TrimPrefix(in.Value, "#")
		for _, g := range eventGroups {
			if in.Name == "what" && g.name == value {
				value = strings.Join(kindNames(g.kinds), ",")
			}
		}
		*into[in.Name] = account.TextInput(value)
	}
	for name, in := range map[string]*account.Input{"before": &q.Before, "after": &q.After} {
		if value := query.Get(name); value != "" {
			*in = account.TextInput(value)
		}
	}
	return q, fields
}

func kindNames(kinds []account.EventKind) (names []string) {
	for _, kind := range kinds {
		names = append(names, string(kind))
	}
	return names
}

// fieldOfEvents is what a field of an [staff.EventQuery] is called here.
var fieldOfEvents = map[string]string{"user": "client", "kind": "what", "agent": "by"}

func (p *page) events() {
	v := p.view
	query := p.r.URL.Query()
	q, fields := p.eventQuery(query)
	p.title(v.Say("console.events"))
	d := &journal{Fields: fields, New: v.newTexts()}
	values := url.Values{}
	for _, in := range fields {
		if in.Value != "" {
			values.Set(in.Name, in.Value)
			d.On = true
		}
	}
	var events []account.Event
	newest, err := p.staff.Newest(p.r.Context()) // before the list is read: what comes meanwhile comes twice rather than never
	if err == nil {
		events, err = p.staff.FindEvents(p.r.Context(), q)
	}
	var e *account.Error
	switch {
	case err == nil:
	case errors.As(err, &e) && e.Kind == account.Invalid:
		d.Wrong = true
		for name := range e.Fields {
			if other := fieldOfEvents[name]; other != "" {
				name = other
			}
			for i := range fields {
				if fields[i].Name == name {
					fields[i].Error = v.Say("console.filter.wrong." + map[bool]string{true: "day", false: "choice"}[fields[i].Type == "date"])
					if fields[i].Type == "date" { // browsers would leave out a day that there is not
						fields[i].Type = "text"
					}
				}
			}
		}
		p.show(http.StatusBadRequest, "events", d)
		return
	case errors.As(err, &e) && e.Kind == account.NotFound:
		d.On = true
	case errors.As(err, &e) && e.Kind == account.Throttled:
		p.fail(err)
		return
	default:
		p.internal(err)
		d.Problem = v.Say("console.unavailable", "id", p.w.RequestID)
		p.show(http.StatusServiceUnavailable, "events", d)
		return
	}
	d.Days = p.days(events)
	if query.Get("before") == "" {
		live := url.Values{"place": {strconv.FormatInt(newest, 10)}}
		for name, value := range values {
			live[name] = value
		}
		d.Stream = template.URL("events/stream?" + live.Encode()) //nolint:gosec // encoded
	}
	if len(events) == staff.EventsPage {
		values.Set("before", strconv.FormatInt(events[len(events)-1].ID, 10))
		d.Older = template.URL("events?" + values.Encode()) //nolint:gosec // encoded
	}
	p.show(http.StatusOK, "events", d)
}

// How long one answer of the stream lasts, less than a request may take: the
// browser asks again by itself, and says from where. So a proxy in between, or a
// server that stops, loses nothing.
const (
	streamTime  = 20 * time.Second
	streamPause = time.Second
)

// stream sends new events as they get their places in the chain (server-sent
// events), from a place on.
func (p *page) stream() {
	q, _ := p.eventQuery(p.r.URL.Query())
	from := p.r.URL.Query().Get("place")
	if last := p.r.Header.Get("Last-Event-ID"); last != "" {
		from = last
	}
	place, err := strconv.ParseInt(from, 10, 64)
	if err != nil || place < 0 {
		p.refuse(http.StatusBadRequest, "console.no_form")
		return
	}
	events, next, err := p.staff.Follow(p.r.Context(), q, place)
	if err != nil {
		p.fail(err)
		return
	}
	if !p.c.streams.enter(p.agent.User.ID) {
		p.w.Header().Set("Retry-After", "30")
		p.refuse(http.StatusTooManyRequests, "console.streams")
		return
	}
	defer p.c.streams.leave(p.agent.User.ID)
	p.headers()
	h := p.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")
	p.w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(p.w)
	_, _ = fmt.Fprint(p.w, "retry: 1000\n\n")
	_ = out.Flush()
	for end := time.Now().Add(streamTime); ; {
		if len(events) > 0 {
			if _, err := fmt.Fprintf(p.w, "id: %d\ndata: %s\n\n", next, p.live(events)); err != nil { //nolint:gosec // the template escapes
				return
			}
			_ = out.Flush()
		}
		if p.o.Stopping != nil && p.o.Stopping() || time.Now().After(end) {
			return
		}
		if len(events) < staff.EventsPage { // there are no more yet
			select {
			case <-p.r.Context().Done():
				return
			case <-time.After(streamPause):
			}
		}
		if err := p.staff.AtWork(p.r.Context()); err != nil {
			return
		}
		if events, next, err = p.staff.Follow(p.r.Context(), q, next); err != nil {
			return // the browser comes again, from where it was
		}
	}
}

// live is a list of events, the newest first, in one line.
func (p *page) live(events []account.Event) string {
	slices.Reverse(events)
	var b bytes.Buffer
	if err := layouts["events"].ExecuteTemplate(&b, "live", map[string]any{"View": p.view, "Days": p.days(events)}); err != nil {
		panic("console: " + err.Error()) // the template is ours
	}
	return strings.ReplaceAll(b.String(), "\n", " ")
}

// newTexts are what says how many new events there are: a text for each plural
// form, in the order of pluralSamples.
func (v *view) newTexts() string {
	texts := make([]string, 0, len(pluralSamples))
	for _, n := range pluralSamples {
		texts = append(texts, locale.Text(v.Language, "console.live.new", locale.Args{"n": n, "count": "{count}"}))
	}
	data, err := json.Marshal(texts)
	if err != nil {
		panic("console: " + err.Error()) // texts
	}
	return string(data)
}

// pluralSamples have every plural form of each language; the script has them,
// too.
var pluralSamples = []int{0, 1, 2, 3, 11, 100}

// event is one, with all that is known of it.
func (p *page) event() {
	id := p.clientID()
	if id == 0 {
		p.gone("console.not_found.gone")
		return
	}
	q := staff.EventQuery{Before: account.TextInput(strconv.FormatInt(id+1, 10))}
	if id > 1 {
		q.After = account.TextInput(strconv.FormatInt(id-1, 10))
	}
	events, err := p.staff.FindEvents(p.r.Context(), q)
	if err != nil {
		p.fail(err)
		return
	}
	if len(events) == 0 {
		p.gone("console.not_found.gone")
		return
	}
	v, e := p.view, events[0]
	row := p.days(events)[0].Events[0]
	p.title(row.What, v.Say("console.events"))
	facts := []fact{{v.Say("console.events.at"), v.At(e.At)}, {v.Say("console.events.by"), Somebody(row.Who)}}
	add := func(name string, value template.HTML) { facts = append(facts, fact{v.Say(name), value}) }
	if row.WhomURL != "" {
		add("console.events.whom", template.HTML(`<a href="`+template.HTMLEscapeString(v.Root+row.WhomURL)+`">`)+Somebody(row.Whom)+template.HTML(`</a>`)) //nolint:gosec // escaped
	}
	if e.Reason != "" {
		add("console.reason", Somebody(e.Reason))
	}
	if e.UserAgent != "" {
		add("console.events.device", text(locale.Device(v.Language, e.UserAgent)))
	}
	if e.IP != "" {
		add("console.events.ip", IP(e.IP))
	}
	d := e.ReadDetails()
	if d.Second != 0 {
		add("console.events.second", Somebody(p.memberName(d.Second)))
	}
	if len(d.Fields) > 0 {
		key, names := fieldsKey(e.Kind), d.Fields
		if key == "console.approval.export" { // the format, and what became of it
			slices.Reverse(names)
		}
		add(key, v.fieldWords(names))
	}
	if e.Kind == account.EventUsersExported {
		add("console.clients", text(v.Number(d.Count)))
	}
	if d.Service != "" {
		add("console.events.service", Somebody(d.Service))
	}
	if e.RequestID != "" {
		add("console.events.request", Code(e.RequestID))
	}
	add("console.events.kind", Code(string(e.Kind)))
	if e.Seq != 0 {
		add("console.events.chain", Code(strconv.FormatInt(e.Seq, 10)))
	}
	p.show(http.StatusOK, "facts", factsPage{facts, "events", v.Say("console.events")})
}

// fieldsKey is what the words are called that an event has of what it did.
func fieldsKey(kind account.EventKind) string {
	switch kind {
	case account.EventStaffRefused:
		return "console.events.tried"
	case account.EventUsersExported, account.EventUserExported:
		return "console.approval.export"
	}
	return "console.events.fields"
}

// fieldWords are the words that an event has of what it did, in the page's
// language; one that there is none for is as it is.
func (v *view) fieldWords(names []string) template.HTML {
	words := make([]template.HTML, 0, len(names))
	for _, name := range names {
		key := "console.field." + strings.ReplaceAll(name, ":", "_")
		switch name {
		case "first_name", "last_name":
			key = "console." + name
		case "username", "email":
			key = "console.column." + name
		case "language":
			key = "console.filter.language"
		case "csv", "ndjson":
			key = "console.export.format." + name
		}
		word := Code(name)
		if said := v.Say(key); said != key {
			word = text(said)
		}
		words = append(words, word)
	}
	return joined(words, text(v.Say("console.comma")))
}

func joined(words []template.HTML, between template.HTML) (all template.HTML) {
	for i, word := range words {
		if i > 0 {
			all += between
		}
		all += word
	}
	return all
}
