// Package browser goes through the pages of the built binary with Chromium,
// as people do who follow the links in their mails, and takes the pictures
// of docs/pages.md.
package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/yoozak/clients/internal/locale"
)

// chromium is the one browser of this test process; each tab has a profile
// of its own in it.
var chromium struct {
	once sync.Once
	ctx  context.Context
	stop []context.CancelFunc
	err  error

	mu   sync.Mutex
	idle []window
}

// window is a tab as Chromium has it, with a profile of its own. To open one
// takes Chromium longer than most pages do: it draws a toolbar and all. So the
// next test has it when one is done with it, with nothing that is from before.
type window struct {
	ctx   context.Context // lives as long as the tab
	leave context.CancelFunc
}

func takeWindow(t *testing.T) window {
	t.Helper()
	chromium.mu.Lock()
	defer chromium.mu.Unlock()
	if last := len(chromium.idle) - 1; last >= 0 {
		w := chromium.idle[last]
		chromium.idle = chromium.idle[:last]
		return w
	}
	var w window
	w.ctx, w.leave = chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	if err := chromedp.Do(w.ctx); err != nil {
		w.leave()
		t.Fatal(err)
	}
	return w
}

// giveBack empties a window for another test.
func (w window) giveBack(t *testing.T, origins map[string]bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	errs := []error{
		chromedp.Do(ctx, chromedp.Navigate("about:blank")),
		set(ctx, page.ResetNavigationHistory, cdp.Empty{}),
		set(ctx, network.ClearBrowserCookies, cdp.Empty{}),
		set(ctx, network.ClearBrowserCache, cdp.Empty{}),
		set(ctx, audits.Disable, cdp.Empty{}),
	}
	for origin := range origins {
		errs = append(errs, set(ctx, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: origin, StorageTypes: "all"}))
	}
	if err := errors.Join(errs...); err != nil {
		t.Errorf("empty a tab: %v", err)
		w.leave()
		return
	}
	chromium.mu.Lock()
	defer chromium.mu.Unlock()
	chromium.idle = append(chromium.idle, w)
}

func startChromium() {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		chromium.err = fmt.Errorf("chromium is missing: run scripts/install-test-deps.sh")
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WSURLReadTimeout(time.Minute),
		// What the address bar drops down is a page of its own, drawn for each window.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")) // nothing here needs another host
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // its sandbox refuses root
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, leave := chromedp.NewContext(allocator)
	chromium.ctx, chromium.stop = ctx, []context.CancelFunc{leave, stop}
	if err := chromedp.Do(ctx); err != nil {
		chromium.err = fmt.Errorf("start %s: %w", path, err)
	}
}

func stopChromium() {
	for _, stop := range chromium.stop {
		stop()
	}
}

// tab is one person's browser.
type tab struct {
	t     *testing.T
	ctx   context.Context
	width int64

	spent   bool // its window is not for another test
	scripts bool // the pages' run

	mu       sync.Mutex
	answered int             // the status of the last page that came
	problems []string        // what the console would show in red
	origins  map[string]bool // where it was
}

// patience is how long a tab may be used on a busy machine.
const patience = 3 * time.Minute

type tabOptions struct {
	language string // that the browser asks for
	width    int64
	height   int64
	scale    float64
	dark     bool
	forced   bool // colours of the system in place of ours
	scripts  bool // the pages need none
	rare     bool // some pages will do
	patient  bool // it stays open for much longer
}

// open starts a tab. When the test ends, nothing may have been amiss in it:
// no violation of the policy, no error in the console.
func openTab(t *testing.T, o tabOptions) *tab {
	t.Helper()
	chromium.once.Do(startChromium)
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	w := takeWindow(t)
	wait := patience
	if o.patient {
		wait *= 10
	}
	ctx, cancel := context.WithTimeout(w.ctx, wait)
	b := &tab{t: t, ctx: ctx, width: max(o.width, 320), origins: map[string]bool{}, scripts: o.scripts}
	t.Cleanup(func() {
		cancel()
		if b.spent || t.Failed() {
			w.leave()
			return
		}
		w.giveBack(t, b.origins)
	})
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	scheme, forced := "light", "none"
	if o.dark {
		scheme = "dark"
	}
	if o.forced {
		forced = "active"
	}
	for _, err := range []error{
		set(ctx, audits.Enable, cdp.Empty{}),
		set(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}), // many tabs, one window
		set(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": o.language}}),
		set(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !o.scripts}),
		set(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: max(o.width, 320), Height: max(o.height, 640), DeviceScaleFactor: max(o.scale, 1), Mobile: true,
		}),
		set(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "forced-colors", Value: forced}},
		}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, problem := range b.seen() {
			t.Errorf("the browser complained: %s", problem)
		}
	})
	return b
}

func set[P, R any](ctx context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	return err
}

func (b *tab) listen(event any) {
	problem := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		// It notes each 4xx, and that a link into a page, whose end has the focus,
		// wins over the field that a page has for it.
		if e.Entry.Source != log.EntrySourceNetwork && !strings.HasPrefix(e.Entry.Text, "Autofocus processing was blocked") {
			problem = string(e.Entry.Source) + ": " + e.Entry.Text
		}
	case *audits.EventIssueAdded:
		details, _ := json.Marshal(e.Issue.Details)
		// A page that goes on by itself, as after a passkey that nobody had to pick.
		if !strings.Contains(string(details), "NavigationEntryMarkedSkippable") {
			problem = string(e.Issue.Code) + " " + string(details)
		}
	case *runtime.EventExceptionThrown:
		problem = e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		said := ""
		for _, arg := range e.Args {
			said += string(arg.Value) + arg.Description
		}
		switch {
		case strings.HasPrefix(said, `"@scalar/api-reference@`): // its version, of the page that it draws
		case strings.HasPrefix(said, `"htmx:afterRequest,`), strings.HasPrefix(said, `"htmx:sendAbort,`): // a request that was taken back for another word
		default:
			problem = "a script wrote to the console: " + said
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.mu.Lock()
			b.answered = int(e.Response.Status)
			b.mu.Unlock()
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.DocumentURL); err == nil && u.Host != "" {
			b.mu.Lock()
			b.origins[u.Scheme+"://"+u.Host] = true
			b.mu.Unlock()
		}
		// Chromium draws the sign of a field for dates from a data: URL of its own.
		if !strings.HasPrefix(e.DocumentURL, "http://127.0.0.1:") || strings.HasPrefix(e.Request.URL, "data:image/svg+xml") || strings.HasPrefix(strings.TrimPrefix(e.Request.URL, "blob:"), "http://127.0.0.1:") {
			return
		}
		problem = "it asked another site: " + e.Request.URL
	}
	if problem != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, problem)
	}
}

func (b *tab) seen() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.problems
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// open follows a link and returns the status of the page.
func (b *tab) open(url string) int {
	b.t.Helper()
	return b.load(chromedp.Navigate(url))
}

// load does what loads another page.
func (b *tab) load(actions ...chromedp.Action[chromedp.Void]) int {
	b.t.Helper()
	b.mu.Lock()
	b.answered = 0
	b.mu.Unlock()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`globalThis.left = true`)); err != nil {
		b.t.Fatal(err)
	}
	res, err := chromedp.RunResponse(b.ctx, actions...)
	if err != nil {
		b.t.Fatal(err)
	}
	if res != nil {
		return int(res.Status)
	}
	// A script noted something in the history on the way, as the console's does
	// where a link has the focus again after "back": the page is still to come.
	for range 1200 {
		whole, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!globalThis.left && document.readyState === 'complete'`))
		b.mu.Lock()
		status := b.answered
		b.mu.Unlock()
		if err == nil && whole && status != 0 {
			return status
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0
}

// fill types into a field, in place of what is there.
func (b *tab) fill(id, text string) {
	b.t.Helper()
	field := chromedp.CSS("#" + id)
	b.do(chromedp.Clear(field), chromedp.SendKeys(field, text))
}

// press presses the page's button.
func (b *tab) press() int {
	b.t.Helper()
	return b.load(chromedp.Click(chromedp.CSS("button")))
}

// enter sends the form from the keyboard.
func (b *tab) enter(id string) int {
	b.t.Helper()
	return b.load(chromedp.SendKeys(chromedp.CSS("#"+id), kb.Enter))
}

// shown is what a person is shown.
type shown struct {
	Lang, Dir, Direction string // the last is that of the letters as they are set
	Title, H1, Text      string
	Focus                string
	Fields               []string
	Username             string // that a password manager will save under
	Label, About         string // of the field in focus, as a screen reader says them
	Width, Scroll        int
}

const readPage = `(() => {
	const focus = document.activeElement, about = focus.getAttribute('aria-describedby');
	return {
		Lang: document.documentElement.lang, Dir: document.documentElement.dir, Direction: getComputedStyle(document.querySelector('h1')).direction,
		Title: document.title, H1: document.querySelector('h1').textContent, Text: document.body.innerText,
		Focus: focus.id, Label: focus.labels && focus.labels.length ? focus.labels[0].textContent : '',
		About: about ? document.getElementById(about).innerText : '',
		Username: document.querySelector('input[autocomplete=username]')?.value ?? '',
		Fields: [...document.querySelectorAll('input')].map(i => i.id),
		Width: document.documentElement.clientWidth, Scroll: document.documentElement.scrollWidth,
	};
})()`

func (b *tab) read() shown {
	b.t.Helper()
	p, err := chromedp.Run(b.ctx, chromedp.Evaluate[shown](readPage))
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// shows fails unless the page is the one with this title, in this language
// from the right side, fits into the window and says these texts.
func (b *tab) shows(lang, title string, keys ...string) shown {
	b.t.Helper()
	p := b.read()
	say := func(key string) string { return locale.Text(lang, key, locale.Args{"n": 8}) } // the least length of a password
	if want := say(title); p.H1 != want {
		b.t.Errorf("heading %q, want %q", p.H1, want)
	}
	if want := locale.Direction(lang); p.Lang != lang || p.Dir != want || p.Direction != want {
		b.t.Errorf("lang %s, dir %s, set %s; want %s, %s", p.Lang, p.Dir, p.Direction, lang, want)
	}
	if p.Scroll > p.Width {
		b.t.Errorf("%q is %d pixels wide in a window of %d", p.H1, p.Scroll, p.Width)
	}
	for _, key := range keys {
		if !strings.Contains(p.Text, say(key)) {
			b.t.Errorf("the page does not say %q:\n%s", say(key), p.Text)
		}
	}
	return p
}

// inField waits until the cursor is in a field, which browsers see to when
// they draw the page, some time after it is there.
func (b *tab) inField(id string) shown {
	b.t.Helper()
	for range 200 {
		if p := b.read(); p.Focus == id {
			return p
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("the cursor is in %q, not in %q", b.read().Focus, id)
	return shown{}
}

// status fails unless a page came with it.
func (b *tab) status(got, want int) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("status %d %s, want %d:\n%s", got, http.StatusText(got), want, b.read().Text)
	}
}
