package browser

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/yoozak/clients/internal/locale"
)

// As Chromium counts them.
const (
	ctrl  = 2
	shift = 8
)

// key presses a key as a layout has it: what it means, and its place.
func (b *tab) key(key, code string, modifiers int64) {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		err := set(b.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: key, Code: code, Modifiers: modifiers})
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

// heard is what a screen reader has of the page: a line for each thing, with
// its role and its name.
func (b *tab) heard() string {
	b.t.Helper()
	res, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	value := func(v *accessibility.Value) (text string) {
		if v != nil {
			_ = json.Unmarshal(v.Value, &text) // a number has no text
		}
		return text
	}
	var lines []string
	for _, n := range res.Nodes {
		if !n.Ignored {
			lines = append(lines, value(n.Role)+": "+value(n.Name))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// hears fails unless a screen reader has all this.
func (b *tab) hears(lines ...string) {
	b.t.Helper()
	all := b.heard()
	for _, line := range lines {
		if !strings.Contains(all, line) {
			b.t.Errorf("a screen reader does not have %q in:\n%s", line, all)
		}
	}
}

// comes waits for a condition to hold, also in a page that is still to come.
func (b *tab) comes(condition string) {
	b.t.Helper()
	for range 1200 {
		// A page that goes away takes the question with it.
		if is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!!(`+condition+`)`)); err == nil && is {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatalf("it never came: %s\n%s", condition, b.run(`return location + ' ' + document.activeElement.outerHTML.slice(0, 300) + document.body.innerText.slice(0, 1500)`))
}

// goesTo waits until another page is there, whole.
func (b *tab) goesTo(path string) {
	b.t.Helper()
	b.comes(`location.pathname + location.search === ` + quoted(path) + ` && document.readyState === 'complete'`)
}

// atLink waits until the link that leads somewhere has the focus.
func (b *tab) atLink(ending string) {
	b.t.Helper()
	b.comes(`document.activeElement.getAttribute('href')?.endsWith(` + quoted(ending) + `)`)
}

// TestConsoleIsHeard: what the list says is read out as it changes, in a place
// that stays; rows, sorting, ticks, charts and tabs have names.
func TestConsoleIsHeard(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	b := openTab(t, tabOptions{language: "fr", width: 1280, height: 860, scripts: true, patient: true})
	b.open(d.URL + "/console/login")
	b.has(d, d.session(t, "karim"))
	b.open(d.URL + "/console/clients")
	b.inField("search")
	b.run(`window.region = document.querySelector('main [role=status]')`)
	b.do(chromedp.SendKeys(chromedp.CSS("#search"), "alaou")) // nobody as a whole
	b.until(`region.textContent === '1 client'`)              // of the search, not of the list of all
	b.hears("status: ", "rowheader: Amina Alaoui", "columnheader: Adresse e-mail", "checkbox: Cocher Amina Alaoui", "checkbox: "+locale.Text("fr", "console.many.tick_all", nil), "navigation: Pages\n", "searchbox: "+locale.Text("fr", "console.find", nil))
	if got := b.run(`return region.isConnected`); got != "true" {
		t.Error("what is read out is put in place of what was there, which screen readers do not notice")
	}
	b.write("search", "zzzz")
	b.until(`region.textContent === '0 client'`)
	b.hears("heading: " + locale.Text("fr", "console.nothing_found", nil))
	b.write("search", "alaoui")
	b.until(`region.textContent === '1 client' && document.querySelector('#results tbody')`)
	b.do(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent("x"))
	b.until(`region.textContent === ` + quoted(locale.Text("fr", "console.many.ticked", nil)+" (1)"))

	// Sorting: the column that sorts says so, and has the focus again.
	b.open(d.URL + "/console/clients")
	b.run(`document.getElementById('by-email').focus()`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.comes(`location.search === '?ordering=email' && document.activeElement.id === 'by-email'`)
	if got := b.run(`return [...document.querySelectorAll('[aria-sort]')].map(th => th.innerText + ' ' + th.ariaSort).join()`); got != "Adresse e-mail ↑ ascending" {
		t.Errorf("sorted by %q", got)
	}

	b.open(d.URL + "/console/")
	b.hears("image: "+locale.Text("fr", "console.chart.registered", nil)+". 8 aujourd’hui.", "DisclosureTriangle: "+locale.Text("fr", "console.chart.table", nil), "navigation: Pages\n")
	b.run(`document.querySelector('.charts details').open = true`)
	b.hears("table: \n", "columnheader: "+locale.Text("fr", "console.chart.day", nil))
	b.open(d.client("tazi"))
	b.hears("navigation: "+locale.Text("fr", "console.tabs", nil), "link: "+locale.Text("fr", "console.tab.devices", nil), "heading: "+locale.Text("fr", "console.diagnosis", nil)+" Oui")
}

// TestConsoleFocusReturns: to the row, to the act that was not done, to the menu
// that was closed.
func TestConsoleFocusReturns(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	b := openTab(t, consoleWidths[0])
	b.open(d.URL + "/console/login")
	b.has(d, d.session(t, "karim"))
	b.open(d.URL + "/console/clients?search=tazi")
	b.inField("search")
	b.do(chromedp.KeyEvent(kb.ArrowDown))
	client := strings.TrimPrefix(d.client("tazi"), d.URL)
	b.atLink(strings.TrimPrefix(client, "/console/"))
	b.do(chromedp.KeyEvent(kb.Enter))
	b.goesTo(client)
	b.run(`document.querySelector('.more-acts summary').focus()`)
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab))
	b.atLink("/disable")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.goesTo(client + "/disable")
	b.inField("reason")
	b.do(chromedp.KeyEvent("x"), chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.Escape)) // out of the field, then of the page
	b.goesTo(client)
	b.atLink("/disable")
	b.run(`history.back()`)
	b.goesTo("/console/clients?search=tazi")
	b.atLink(strings.TrimPrefix(client, "/console/"))

	b.run(`document.querySelector('.me summary').focus()`)
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab))
	b.atLink("me")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until(`document.activeElement.matches('.me summary') && !document.querySelector('.me').open`)
}

// TestConsoleKeys: the same keys on each layout, by what they mean or by their
// place; and none where somebody turned them off.
func TestConsoleKeys(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	b := openTab(t, consoleWidths[0])
	b.open(d.URL + "/console/login")
	b.has(d, d.session(t, "salma"))
	client := strings.TrimPrefix(d.client("tazi"), d.URL)
	type press struct {
		key, code string
		modifiers int64
	}
	for name, layout := range map[string]struct{ find, help, g, m, third press }{
		"qwerty": {press{"/", "Slash", 0}, press{"?", "Slash", shift}, press{"g", "KeyG", 0}, press{"m", "KeyM", 0}, press{"3", "Digit3", 0}},
		"azerty": {press{"/", "Period", shift}, press{"?", "KeyM", shift}, press{"g", "KeyG", 0}, press{"m", "Semicolon", 0}, press{`"`, "Digit3", 0}},
		"arabic": {press{"ظ", "Slash", 0}, press{"؟", "Slash", shift}, press{"ل", "KeyG", 0}, press{"ة", "KeyM", 0}, press{"٣", "Digit3", 0}},
	} {
		t.Run(name, func(t *testing.T) {
			push := func(p press) { b.key(p.key, p.code, p.modifiers) }
			b.t = t
			b.open(d.URL + client)
			push(layout.find)
			b.inField("find")
			push(layout.third) // while one types it is a digit
			b.inField("find")
			b.do(chromedp.KeyEvent(kb.Escape))
			push(layout.third)
			b.goesTo(client + "/sessions")
			push(layout.g)
			push(layout.m)
			b.goesTo("/console/mails")
			push(layout.help)
			b.goesTo("/console/help")
		})
	}
	b.t = t
	b.key("ن", "KeyK", ctrl)
	b.inField("find")

	b.open(d.URL + "/console/me")
	b.status(b.pressIn("button[name=keys]"), http.StatusOK)
	b.open(d.URL + client)
	for _, p := range []press{{"/", "Slash", 0}, {"3", "Digit3", 0}, {"g", "KeyG", 0}, {"m", "KeyM", 0}, {"?", "Slash", shift}, {"k", "KeyK", ctrl}} {
		b.key(p.key, p.code, p.modifiers)
	}
	if got := b.run(`return document.activeElement.tagName + location.pathname`); got != "BODY"+client {
		t.Errorf("keys that are turned off lead to %s", got)
	}
	b.open(d.URL + "/console/me")
	b.status(b.pressIn("button[name=keys]"), http.StatusOK)
	b.key("?", "Slash", shift)
	b.goesTo("/console/help")
}

// TestConsoleFitsWhenItIsLarge: 320 pixels, twice as large, letters twice as
// large: nothing is beside the window, but tables in their own frame.
func TestConsoleFitsWhenItIsLarge(t *testing.T) {
	t.Parallel()
	d := startDesk(t)
	session := d.session(t, "nadia")
	for _, o := range []tabOptions{
		{language: "fr", width: 320, height: 640}, {language: "ar", width: 320, height: 640}, {language: "fr", width: 640, height: 430, scale: 2}, {language: "fr", width: 1280, height: 860},
	} {
		o.scripts, o.patient = true, true
		t.Run(o.name(), func(t *testing.T) {
			b := openTab(t, o)
			b.open(d.URL + "/console/login")
			b.says()
			b.has(d, session)
			for _, path := range []string{"", "clients", "clients/bulk/disable?all=1", "clients/export?all=1", "clients/new", "events", "mails", "staff", "keys", "services", "webhooks", "system", "me", "help"} {
				b.fits(d.URL+"/console/"+path, o)
			}
			for _, page := range []string{"", "/sessions", "/events", "/mails", "/notes", "/edit", "/disable", "/erase"} {
				b.fits(d.client("long")+page, o)
			}
		})
	}
}

func (b *tab) fits(address string, o tabOptions) {
	b.t.Helper()
	b.status(b.open(address), http.StatusOK)
	if o.width == 1280 {
		b.run(`document.documentElement.style.fontSize = '200%'`)
	}
	if p := b.read(); p.Scroll > p.Width {
		b.t.Errorf("%s is %d pixels wide in a window of %d", address, p.Scroll, p.Width)
	}
}
