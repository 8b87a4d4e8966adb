package console

import (
	"errors"
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
	"github.com/yoozak/clients/internal/store"
)

// clientFilter is a list of clients as the address says it: the same words as
// the API's.
type clientFilter struct {
	Search, Ordering, Cursor string

	values  url.Values        // what is meant, without what is off
	wrong   map[string]string // filters whose value says nothing, and why
	unknown []string          // parameters that there are not
}

// filterNames are the parameters, in the order in which they are shown.
var filterNames = []string{"is_active", "verified", "is_staff", "language", "date_joined_after", "date_joined_before", "last_login_after", "last_login_before"}

// readFilter reads the address. What a value means, and whether it means
// anything, says package staff.
func (p *page) readFilter(query url.Values) clientFilter {
	f := clientFilter{values: url.Values{}, wrong: map[string]string{}}
	for name := range query {
		switch value := query.Get(name); {
		case !slices.Contains(filterNames, name) && !slices.Contains([]string{"search", "ordering", "cursor"}, name):
			f.unknown = append(f.unknown, name)
		case strings.TrimSpace(value) != "":
			f.values.Set(name, value)
		}
	}
	slices.Sort(f.unknown)
	f.Search, f.Ordering, f.Cursor = query.Get("search"), f.values.Get("ordering"), f.values.Get("cursor")
	return f
}

// query is the list as package staff takes it.
func (f clientFilter) query() staff.Query {
	in := func(name string) account.Input {
		if value := f.values.Get(name); value != "" {
			return account.TextInput(value)
		}
		return account.Input{}
	}
	return staff.Query{
		Search: in("search"), IsActive: in("is_active"), Verified: in("verified"), IsStaff: in("is_staff"), Language: in("language"),
		JoinedAfter: in("date_joined_after"), JoinedBefore: in("date_joined_before"), LastLoginAfter: in("last_login_after"), LastLoginBefore: in("last_login_before"),
		Ordering: in("ordering"), Cursor: in("cursor"),
	}
}

func kindOf(name string) string {
	if strings.HasPrefix(name, "date_") || strings.HasPrefix(name, "last_") {
		return "day"
	}
	return "choice"
}

// zone is the shop's clock: days in addresses are its days.
func (v *view) zone() *time.Location {
	if v.shop.Zone != nil {
		return v.shop.Zone
	}
	return time.UTC
}

// address is the list with one parameter changed, from its first page; an empty
// value leaves it out.
func (f clientFilter) address(changes ...string) template.URL {
	values := f.meant()
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == "" {
			values.Del(changes[i])
		} else {
			values.Set(changes[i], changes[i+1])
		}
	}
	if len(values) == 0 {
		return "clients"
	}
	return template.URL("clients?" + values.Encode()) //nolint:gosec // encoded
}

// meant is who is in the list, whatever page of it is shown: a copy.
func (f clientFilter) meant() url.Values {
	values := url.Values{}
	for name, value := range f.values {
		if name != "cursor" {
			values[name] = value
		}
	}
	return values
}

// clientList is what the page of all clients shows.
type clientList struct {
	Filter   clientFilter
	Search   string
	Fields   []field
	Open     bool // the filters
	Chips    []chip
	Clear    template.URL
	Columns  []column
	Hidden   []hidden // what a search goes with
	Users    []account.User
	Exact    []account.User
	Next     template.URL
	Previous template.URL

	Count                          string
	Meant                          string // how many an act on all results is for: who is found by number alone is none
	Short, Incomplete, First, None bool
	Shorter                        string // a search that may find more
	ShorterURL                     template.URL
	Problem, Reference             string // why there is no list
	Wrong                          string // of the search
	Invite                         bool
	Roles                          map[int64]account.StaffMember
	Unknown                        string
	Many                           manyActs
}

// IsMember reports whether a user is of the staff.
func (d *clientList) IsMember(id int64) bool {
	_, is := d.Roles[id]
	return is
}

type chip struct {
	Text  string
	URL   template.URL
	Wrong bool
}

type column struct {
	ID         string // of its link, which has the focus again in the page that it leads to
	Text, Sort string // Sort is "ascending", "descending" or empty
	URL        template.URL
	Number     bool
}

// addressHeader has the address of the list that a part shows, for the
// script: htmx, which has a header for it, would keep what was searched in the
// browser's storage.
const addressHeader = "Console-Address"

// clients is the list.
func (p *page) clients() {
	v := p.view
	query := p.r.URL.Query()
	for _, values := range query { // of a form in which not all was filled in
		if slices.Contains(values, "") && p.part() == "" {
			p.goToAddress(v.Root + string(p.readFilter(query).address()))
			return
		}
	}
	f := p.readFilter(query)
	p.title(v.Say("console.clients"))
	v.NoFind = true
	d := &clientList{Filter: f, Search: f.Search, Clear: "clients", Invite: p.agent.Role.May(account.CreateUsers)}
	for name, values := range f.values {
		if name != "search" && name != "cursor" {
			d.Hidden = append(d.Hidden, hidden{name, values[0]})
		}
	}
	slices.SortFunc(d.Hidden, func(a, b hidden) int { return strings.Compare(a.Name, b.Name) })
	if len(f.unknown) > 0 {
		d.Unknown = v.Say("console.filter.unknown", "names", isolated(strings.Join(f.unknown, ", ")))
	}
	status := p.findClients(d)
	d.Fields, d.Open = p.filterFields(f), len(f.wrong) > 0
	d.Chips = p.chipsOf(f)
	p.columnsOf(d)
	d.Many = p.manyActs(d)
	filtered := len(d.Chips) > 0 || strings.TrimSpace(f.Search) != ""
	d.First = !filtered && f.Cursor == "" && (d.None || len(d.Users) == 1 && d.Users[0].ID == p.agent.User.ID)
	if d.First { // who works here is not one of those
		d.Count = ""
	}
	if p.part() != "" {
		p.w.Header().Set(addressHeader, v.Root+string(f.address("cursor", f.Cursor)))
		status = http.StatusOK // it takes the place of a part, and says what is wrong
	}
	p.show(status, "clients", d)
}

func (p *page) findClients(d *clientList) (status int) {
	v, f, ctx := p.view, d.Filter, p.r.Context()
	list, err := p.staff.List(ctx, f.query())
	if err == nil && strings.TrimSpace(f.Search) != "" && f.Cursor == "" {
		d.Exact, err = p.staff.ExactMatches(ctx, f.query())
	}
	var e *account.Error
	switch {
	case err == nil:
	case errors.As(err, &e) && e.Kind == account.Invalid: // the list is never wider than what was asked for
		for _, name := range e.Fields.Names() {
			m := e.Fields[name][0]
			switch name {
			case "search":
				d.Wrong = v.Say("console.clients.search_text")
				if m.Key == "field.max_length" {
					d.Wrong = v.Say("console.clients.search_long")
				}
			case "cursor":
				d.Problem = v.Say("console.clients.cursor")
			default:
				f.wrong[name] = v.Say("console.filter.wrong." + kindOf(name))
			}
		}
		return http.StatusBadRequest
	case errors.As(err, &e) && e.Kind == account.Throttled:
		d.Problem = v.Say("console.wait_until", "time", v.Clock(v.now.Add(e.Wait)))
		return http.StatusTooManyRequests
	case errors.Is(err, account.ErrUnavailable):
		d.Problem, d.Reference = v.Say("console.clients.unavailable"), p.w.RequestID
		return http.StatusServiceUnavailable
	default:
		p.internal(err)
		d.Problem, d.Reference = v.Say("console.clients.failed"), p.w.RequestID
		return http.StatusInternalServerError
	}
	d.Roles = list.Roles
	d.Users, d.Short, d.Incomplete = list.Users, list.Short, list.Incomplete
	if list.Next != "" {
		d.Next = f.address("cursor", list.Next)
	}
	if list.Previous != "" {
		d.Previous = f.address("cursor", list.Previous)
	}
	key, n := "console.clients.count", list.Count
	if list.Estimated {
		key = "console.clients.about"
	}
	// Nobody stands in both lists of a page.
	d.Users = slices.DeleteFunc(d.Users, func(u account.User) bool {
		return slices.ContainsFunc(d.Exact, func(e account.User) bool { return e.ID == u.ID })
	})
	if d.Next == "" && d.Previous == "" && !d.Short {
		n = int64(len(d.Users) + len(d.Exact))
	}
	d.Count, d.Meant = v.Say(key, "n", n), v.Say(key, "n", list.Count)
	d.None = len(d.Users) == 0 && len(d.Exact) == 0 && !d.Short
	if d.None {
		p.proposeShorter(d)
	}
	return http.StatusOK
}

// proposeShorter offers the beginning of a long word: nobody guesses at
// spellings here.
func (p *page) proposeShorter(d *clientList) {
	const beginning = 4
	words := strings.Fields(d.Search)
	for i, word := range words {
		if letters := []rune(word); len(letters) > beginning {
			words[i] = string(letters[:beginning])
			d.Shorter = strings.Join(words, " ")
		}
	}
	if d.Shorter != "" {
		d.ShorterURL = d.Filter.address("search", d.Shorter)
	}
}

func (p *page) filterFields(f clientFilter) []field {
	v := p.view
	anything := option{"", v.Say("console.filter.any")}
	all := option{"", v.Say("console.filter.all")} // of what is feminine in French
	yesNo := []option{anything, {"true", v.Say("console.yes")}, {"false", v.Say("console.no")}}
	states := []option{anything, {"true", v.Say("console.state.active")}, {"false", v.Say("console.state.not_active")}}
	fields := []field{
		{Name: "is_active", Type: "select", Options: states},
		{Name: "verified", Type: "select", Options: append([]option{all}, yesNo[1:]...)},
		{Name: "language", Type: "select", Options: append([]option{all}, languageOptions()...)},
		{Name: "is_staff", Type: "select", Options: yesNo},
		{Name: "date_joined_after", Type: "date"},
		{Name: "date_joined_before", Type: "date"},
		{Name: "last_login_after", Type: "date"},
		{Name: "last_login_before", Type: "date"},
		{Name: "ordering", Type: "select"},
	}
	for _, o := range []store.UserOrdering{store.ByJoined.Down(), store.ByJoined, store.ByLastLogin.Down(), store.ByLastLogin, store.ByUsername, store.ByEmail, store.ByID} {
		value := string(o)
		if o == store.ByJoined.Down() {
			value = ""
		}
		fields[8].Options = append(fields[8].Options, option{value, v.Say("console.ordering." + strings.ReplaceAll(string(o), "-", "down_"))})
	}
	for i := range fields {
		fields[i].Label = v.Say("console.filter." + fields[i].Name)
		fields[i].Value, fields[i].Error = f.values.Get(fields[i].Name), f.wrong[fields[i].Name]
		if fields[i].Type == "date" {
			fields[i].Dir = "ltr"
			if fields[i].Error != "" { // browsers would leave out a day that there is not
				fields[i].Type = "text"
			}
		}
	}
	return fields
}

// chipsOf says in words what a list is narrowed to, each with the way to take it
// away.
func (p *page) chipsOf(f clientFilter) (chips []chip) {
	v := p.view
	for _, name := range filterNames {
		value := f.values.Get(name)
		if value == "" {
			continue
		}
		said := isolated(value)
		switch {
		case f.wrong[name] != "":
		case kindOf(name) == "day":
			t, _ := time.ParseInLocation(time.DateOnly, value, v.zone()) // it was read
			said = v.Day(t)
		case name == "language":
			said = locale.Text(value, "language.name", nil)
		case name == "is_active" && value == "true":
			said = v.Say("console.state.active")
		case name == "is_active":
			said = v.Say("console.state.not_active")
		case value == "true":
			said = v.Say("console.yes")
		default:
			said = v.Say("console.no")
		}
		chips = append(chips, chip{v.Say("console.chip", "name", v.Say("console.filter."+name), "value", said), f.address(name, ""), f.wrong[name] != ""})
	}
	return chips
}

func (p *page) columnsOf(d *clientList) {
	v := p.view
	ordered := store.UserOrdering(d.Filter.Ordering)
	if ordered == "" {
		ordered = store.ByJoined.Down()
	}
	d.Columns = []column{{Text: v.Say("console.name")}}
	for _, o := range []store.UserOrdering{store.ByUsername, store.ByEmail, store.ByJoined, store.ByLastLogin} {
		c := column{ID: "by-" + string(o), Text: v.Say("console.column." + string(o))}
		to := o
		if o == store.ByJoined || o == store.ByLastLogin { // the newest first
			to = o.Down()
		}
		switch ordered {
		case o:
			c.Sort, to = "ascending", o.Down()
		case o.Down():
			c.Sort, to = "descending", o
		}
		c.URL = d.Filter.address("ordering", string(to))
		d.Columns = append(d.Columns, c)
	}
}

// clientURL is a client's page.
func clientURL(id int64) string { return "clients/" + strconv.FormatInt(id, 10) }

// Here is the list itself, again.
func (f clientFilter) Here() template.URL { return f.address("cursor", f.Cursor) }

// IsWrong reports whether a filter says nothing.
func (f clientFilter) IsWrong() bool { return len(f.wrong) > 0 }
