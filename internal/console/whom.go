package console

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/staff"
)

// whom is whom something is about that is done to many: those who were ticked,
// or all whom a search means, and never both. What an address says that is not
// understood means nobody, never more people.
type whom struct {
	ids    []string
	filter clientFilter
	all    bool // everybody, said in so many words

	text string // as forms carry it, and addresses behind the question mark
}

// everybody is the parameter that means all clients: no filter at all is nobody,
// so that one that was lost on the way hits nobody.
const everybody = "all"

// readWhom reads who is meant. ok is false where that is nobody, or not clear.
func (p *page) readWhom(query url.Values) (w whom, ok bool) {
	rest := url.Values{}
	for name, values := range query {
		switch name {
		case "ids":
			for _, value := range values {
				if strings.TrimSpace(value) != "" {
					w.ids = append(w.ids, value)
				}
			}
		case everybody:
			w.all = values[0] == "1"
		case "cursor", "ordering": // who is meant does not hang on them
		default:
			rest[name] = values
		}
	}
	w.filter = p.readFilter(rest)
	filtered := len(w.filter.values) > 0
	values := w.filter.meant()
	if len(w.ids) > 0 {
		values.Set("ids", strings.Join(w.ids, ","))
	}
	if w.all {
		values.Set(everybody, "1")
	}
	w.text = values.Encode()
	said := 0
	for _, is := range []bool{len(w.ids) > 0, filtered, w.all} {
		if is {
			said++
		}
	}
	return w, said == 1 && len(w.filter.unknown) == 0
}

// whom is who is meant by the address or, of a form that was sent or typed
// before a login, by it.
func (p *page) whom(form url.Values) (w whom, ok bool) {
	query := p.r.URL.Query()
	text := p.before.Get("whom")
	if form != nil {
		text = form.Get("whom")
	}
	if form != nil || text != "" {
		var err error
		if query, err = url.ParseQuery(text); err != nil {
			return whom{}, false
		}
	}
	return p.readWhom(query)
}

// bulk is who is meant as package staff takes it.
func (w whom) bulk() staff.Bulk {
	if len(w.ids) > 0 {
		return staff.Bulk{IDs: account.TextInput(strings.Join(w.ids, ",")), Named: mostNames}
	}
	b := staff.Bulk{Query: w.filter.query(), Named: mostNames}
	if w.all {
		b.Query.Search = account.TextInput("")
	}
	return b
}

// list is the address of the list that they are in.
func (w whom) list() string { return string(w.filter.address()) }

// said is who is meant, in words.
func (p *page) said(w whom) (words []string) {
	v := p.view
	switch {
	case w.all:
		return []string{v.Say("console.many.everybody")}
	case len(w.ids) > 0:
		return []string{v.Say("console.many.ticked")}
	}
	if w.filter.Search != "" {
		words = append(words, v.Say("console.chip", "name", v.Say("console.searched"), "value", isolated(w.filter.Search)))
	}
	for _, c := range p.chipsOf(w.filter) {
		words = append(words, c.Text)
	}
	return words
}

// nobody says that nothing was done, because it is not clear to whom.
func (p *page) nobody(w whom, key string) {
	v := p.view
	v.Problem = v.Say("console.problem")
	p.title(v.Say(key), v.Say("console.clients"))
	p.show(http.StatusBadRequest, "message", message{Text: v.Say(key + ".why"), Link: v.Root + w.list(), Back: v.Say("console.clients.back")})
}

// manyActs are what can be done to those who are ticked in a list, or to all
// whom it means.
type manyActs struct {
	Hidden []hidden // the filter
	All    string   // what is said of all
	Acts   []manyAct
}

type manyAct struct {
	Name, Text string
	Hurts      bool
}

func (p *page) manyActs(d *clientList) (m manyActs) {
	v := p.view
	if d.Filter.IsWrong() || d.Meant == "" {
		return m
	}
	for name, values := range d.Filter.meant() {
		if name != "ordering" {
			m.Hidden = append(m.Hidden, hidden{name, values[0]})
		}
	}
	slices.SortFunc(m.Hidden, func(a, b hidden) int { return strings.Compare(a.Name, b.Name) })
	m.All = v.Say("console.many.results", "clients", d.Meant)
	if len(m.Hidden) == 0 {
		m.Hidden, m.All = []hidden{{everybody, "1"}}, v.Say("console.many.all", "clients", d.Meant)
	}
	if p.agent.Role.May(account.ExportUsers) {
		m.Acts = append(m.Acts, manyAct{Name: "export", Text: v.Say("console.export")})
	}
	for _, a := range bulkActs {
		if p.agent.Role.May(a.need) {
			m.Acts = append(m.Acts, manyAct{Name: string(a.act), Text: v.Say("console.bulk." + string(a.act)), Hurts: a.hurts})
		}
	}
	return m
}

// many leads from what was ticked and pressed in a list to the page that asks:
// of those who are ticked the filter is left out, and of all whom the list means
// the ticks are.
func (p *page) many() {
	query := p.r.URL.Query()
	act, which := query.Get("act"), query.Get("whom")
	filter := url.Values{}
	for name, values := range query {
		if !slices.Contains([]string{"act", "whom", "ids"}, name) {
			filter[name] = values
		}
	}
	w, ok := p.readWhom(filter)
	path := "clients/bulk/" + act
	if act == "export" {
		path = "clients/export"
	}
	if !p.c.has(path) || act == "" {
		p.gone("console.not_found.why")
		return
	}
	if which != "all" {
		if w, _ = p.readWhom(url.Values{"ids": query["ids"]}); len(w.ids) == 0 {
			w.filter = p.readFilter(filter)
			p.nobody(w, "console.many.nobody")
			return
		}
		ok = true
	}
	if !ok {
		p.nobody(w, "console.many.unclear")
		return
	}
	p.goToAddress(p.view.Root + path + "?" + w.text)
}

// personLine is somebody in a list of a few.
func personLine(v *view, u account.User) template.HTML {
	return template.HTML(`<div class="parts"><span><span><a href="`+template.HTMLEscapeString(v.Root+clientURL(u.ID))+`">`) + Somebody(Brief(u)) + template.HTML(`</a></span> <span>`) + //nolint:gosec // escaped
		text(v.Say("console.client.number", "id", strconv.FormatInt(u.ID, 10))) + template.HTML(`</span></span></div>`)
}
