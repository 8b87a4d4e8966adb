package console

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/shop"
)

//go:embed html
var templates embed.FS

// layouts are the frame around each page, by the page's name.
var layouts = func() map[string]*template.Template {
	funcs := template.FuncMap{"name": Name, "brief": Brief, "somebody": Somebody, "letters": letters, "quote": quote, "heading": heading, "code": Code, "ip": IP, "plain": plain, "dict": dict}
	entries, err := templates.ReadDir("html")
	if err != nil {
		panic("console: " + err.Error())
	}
	all := map[string]*template.Template{}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		all[name] = template.Must(template.New("layout.html").Funcs(funcs).ParseFS(templates, "html/layout.html", "html/parts.html", path.Join("html", e.Name())))
	}
	return all
}()

// dict hands several values to a part of a page.
func dict(pairs ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i].(string)] = pairs[i+1]
	}
	return all
}

// view is what a page shows.
type view struct {
	Language, Direction, Brand string
	Root                       string // relative, from this page to [Path]: a proxy may put a path before it
	Style, Script, HTMX, Icon  string
	More                       string // a script of this page alone; empty: none
	Problem                    string // said first in the window's title, where screen readers begin
	Titles                     []string
	Called                     bool // the first of them is a name that somebody chose
	Done, Warning, Alert       string
	Narrow                     bool // a card: login, enrolment
	Languages                  []language
	Here                       string // for the choice of the language
	Zone                       string
	ZoneName                   string // for scripts

	Agent   string // empty: nobody is logged in
	AgentID string
	Role    account.Role
	Nav     []navItem
	Search  string
	NoFind  bool // the page has a search of its own
	Keys    bool // shortcuts

	Page any // what the page's own part shows

	shop shop.Shop
	now  time.Time
}

type language struct {
	Code, Name, Direction string
	Current               bool
}

type navItem struct {
	Path, Text string
	Count      int
	Current    bool
	Main       bool // also at the foot of a telephone
}

func (c *Console) newView(p *page) *view {
	lang := p.request.Language
	v := &view{Language: lang, Direction: locale.Direction(lang), Brand: c.o.Brand, Root: rootOf(p.r), shop: c.o.Shop, now: c.o.Now(), Keys: p.cookie(keysCookie) == ""}
	asset := func(name string) string { return v.Root + name + "?" + c.files[name].version }
	v.Style, v.Script, v.HTMX, v.Icon = asset(styleName), asset(scriptName), asset(htmxName), asset(iconName)
	for _, code := range locale.Languages() {
		v.Languages = append(v.Languages, language{code, locale.Text(code, "language.name", nil), locale.Direction(code), code == lang})
	}
	v.Here = p.here()
	v.Zone, v.ZoneName = v.Say("console.zone.utc"), "UTC"
	if zone := c.o.Shop.Zone; zone != nil && strings.Contains(zone.String(), "/") {
		name := zone.String()
		v.ZoneName = name
		city := strings.ReplaceAll(name[strings.LastIndexByte(name, '/')+1:], "_", " ")
		if city == "Casablanca" {
			city = v.Say("console.zone.casablanca")
		}
		v.Zone = v.Say("console.zone.of", "city", city)
	}
	return v
}

// setAgent fills in who works here and where they may go.
func (v *view) setAgent(p *page) {
	v.Agent, v.AgentID, v.Role = Name(p.agent.User), strconv.FormatInt(p.agent.User.ID, 10), p.agent.Role
	here := strings.TrimPrefix(p.r.URL.Path, Path)
	for _, item := range []struct {
		path, key string
		need      account.Permission
	}{
		{"", "console.overview", account.SeeUsers},
		{"clients", "console.clients", account.SeeUsers},
		{"events", "console.events", account.SeeEvents},
		{"mails", "console.mails", account.SeeMails},
		{"approvals", "console.approvals", account.DecideApprovals},
		{"staff", "console.staff", account.ManageStaff},
		{"keys", "console.keys", account.ManageKeys},
		{"services", "console.services", account.ManageServices},
		{"webhooks", "console.webhooks", account.ManageWebhooks},
		{"system", "console.system", account.SeeSystem},
	} {
		if !p.agent.Role.May(item.need) || !p.c.has(item.path) {
			continue
		}
		current := here == item.path || item.path != "" && strings.HasPrefix(here, item.path+"/")
		v.Nav = append(v.Nav, navItem{Path: item.path, Text: v.Say(item.key), Current: current, Main: len(v.Nav) < 3})
	}
}

func (c *Console) has(path string) bool {
	return slices.ContainsFunc(c.routes, func(r Route) bool { return r.Path == path })
}

// Title is the heading, the last part of the window's title first.
func (v *view) Title() string { return v.Titles[0] }

// WindowTitles are the titles for the window, where there is no markup: a name in
// one of ours stays between its marks, and nobody else's marks stay.
func (v *view) WindowTitles() (titles []string) {
	for i, title := range v.Titles {
		before, name, after, found := cutName(title)
		if found && (i > 0 || !v.Called) {
			titles = append(titles, plain(before)+isolated(name)+plain(after))
		} else {
			titles = append(titles, plain(title))
		}
	}
	return titles
}

// title sets the heading, and the pages above it for the window's title.
func (p *page) title(titles ...string) { p.view.Titles, p.view.Called = titles, false }

// called is title where the heading is what somebody is called: marks in it are
// theirs.
func (p *page) called(titles ...string) { p.view.Titles, p.view.Called = titles, true }

// RoleName is the role in the page's language.
func (v *view) RoleName() string { return v.Say("console.role." + string(v.Role)) }

// rootOf is the way from a page to [Path], by the path as the browser sees
// it: %2F is no slash there.
func rootOf(r *http.Request) string {
	below, _ := strings.CutPrefix(r.URL.EscapedPath(), Path)
	if depth := strings.Count(below, "/"); depth > 0 {
		return strings.Repeat("../", depth)
	}
	return "./"
}

// isHTMX reports whether a part of a page is to come in place of another; a
// page that htmx brings back from the browser's history is a whole one.
func (p *page) isHTMX() bool {
	return p.r.Header.Get("HX-Request") == "true" && p.r.Header.Get("HX-History-Restore-Request") != "true"
}

// part is the id of the part of the page that is wanted; empty: all of it.
func (p *page) part() string {
	if !p.isHTMX() {
		return ""
	}
	return p.r.Header.Get("HX-Target")
}

// policy lets a page have its own scripts, style and pictures, ask this server
// and send its forms to it, nothing else. No script or style is in a page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers are those of every answer that may have somebody's data.
func (p *page) headers() {
	h := p.w.Header()
	h.Set("Content-Security-Policy", policy)
	// Browsers that do not know Sec-Fetch-Site name the origin, which they would
	// not if no page were to know where it was called from.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language, Cookie, HX-Request, HX-Target, HX-History-Restore-Request")
}

// show answers with a page, or with the part of it that htmx asked for.
func (p *page) show(status int, name string, data any) {
	p.view.Page = data
	template := "layout.html"
	if part := p.part(); part != "" && layouts[name].Lookup("part-"+part) != nil {
		template = "part-" + part
	}
	p.headers()
	h := p.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.view.Language)
	var b bytes.Buffer
	if err := layouts[name].ExecuteTemplate(&b, template, p.view); err != nil {
		panic("console: " + err.Error()) // the templates are ours
	}
	// What others wrote stands in pages beside what the staff search, but the
	// cookie comes with no other site's requests, so that nobody can measure the
	// two together; pages with secrets are not compressed.
	var zipped []byte
	if _, secret := data.(secretPage); !secret {
		zipped = zip(b.Bytes())
	}
	write(p.w, p.r, status, b.Bytes(), zipped)
}

// secretPage is what shows something that opens an account.
type secretPage interface{ secret() }

// message is a page that says one thing.
type message struct {
	Text       string
	Link, Back string
	Search     bool
}

// say shows a page that says one thing, and the way on.
func (p *page) say(status int, title, text string) {
	p.title(title)
	m := message{Text: text}
	if p.agent != nil {
		m.Link, m.Back = p.view.Root, p.view.Say("console.overview.back")
	} else {
		p.view.Narrow = true
		m.Link, m.Back = p.link(loginPath), p.view.Say("page.login.title")
	}
	p.show(status, "message", m)
}
