package browser

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/docs"
	"github.com/yoozak/clients/internal/store/storetest"
	"github.com/yoozak/clients/internal/yoozaktest"
)

// picture keeps a picture of the page for who asks for it, go test -artifacts.
func (b *tab) picture(name string) {
	b.t.Helper()
	if flag.Lookup("test.artifacts").Value.String() != "true" {
		return
	}
	data, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), data, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// accessible fails when axe-core finds something in the page.
func (b *tab) accessible() {
	b.t.Helper()
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		b.t.Fatalf("%v: run scripts/install-test-deps.sh", err)
	}
	found := b.run(string(axe) + `
		const { violations } = await axe.run(document, { resultTypes: ['violations'] })
		return violations.map(v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.html.slice(0, 150)).slice(0, 3).join('; ')).join(' | ')`)
	if found != "" {
		b.t.Errorf("axe finds %s", found)
	}
}

// screens are what the manual is read on.
var screens = []tabOptions{
	{language: "fr", width: 360, height: 740, scripts: true},
	{language: "en", width: 1280, height: 860, scripts: true, dark: true},
	{language: "fr", width: 1280, height: 860, scripts: true, rare: true},
	{language: "en", width: 360, height: 740, scripts: true, dark: true, rare: true},
}

func (o tabOptions) name() string {
	scheme := "light"
	if o.dark {
		scheme = "dark"
	}
	return fmt.Sprintf("%s-%d-%s", o.language, o.width, scheme)
}

// sample are pages that have all that pages are made of: axe-core, which takes
// most of the time, looks at the others in make test-long.
var sample = []string{"", "start", "api", "errors", "webhooks", "search?q=token"}

// TestManualIsReadable goes through all pages: nothing is wider than the
// window, axe-core finds nothing, no policy is violated, and no other host
// is asked.
func TestManualIsReadable(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	for _, o := range screens {
		names := manualPages(t, o.language)
		if o.rare {
			names = []string{"", "start", "errors", "search?q=token"}
		}
		for _, name := range names {
			t.Run(o.name()+"-"+name, func(t *testing.T) {
				b := openTab(t, o)
				b.status(b.open(s.URL+"/docs/"+o.language+"/"+name), http.StatusOK)
				p := b.read()
				if p.Lang != o.language || p.H1 == "" {
					t.Errorf("language %q, heading %q", p.Lang, p.H1)
				}
				if p.Scroll > p.Width {
					t.Errorf("it is %d pixels wide in a window of %d", p.Scroll, p.Width)
				}
				// On a telephone a row of a table is a block, with the names of its columns;
				// on a large screen one of five columns may be moved aside.
				if wide := b.run(`return [...document.querySelectorAll('.table')].filter(t => t.scrollWidth > t.clientWidth && (innerWidth < 640 || t.querySelector('tr').cells.length < 5)).map(t => t.scrollWidth + ': ' + t.innerText.slice(0, 60)).join('; ')`); wide != "" {
					t.Errorf("tables are wider than their place: %s", wide)
				}
				if unnamed := b.run(`return [...document.querySelectorAll('td:first-child[data-label]')].filter(t => innerWidth < 640 && getComputedStyle(t, '::before').display !== 'block').map(t => t.innerText.slice(0, 60)).join('; ')`); unnamed != "" {
					t.Errorf("cells do not say what they are: %s", unnamed)
				}
				// What is in a box goes on in the next line only if it is longer than one.
				if cut := b.run(`return [...document.querySelectorAll('.long')].filter(e => e.offsetHeight > 1.8 * parseFloat(getComputedStyle(e).lineHeight) && e.offsetWidth < e.parentElement.closest('p, li, td, h2, h3').clientWidth - 30).map(e => e.innerText).join('; ')`); cut != "" {
					t.Errorf("names are cut that have room on a line: %s", cut)
				}
				if slices.Contains(sample, name) || yoozaktest.Long(0, 1) == 1 {
					b.accessible()
				}
				b.picture("page")
			})
		}
	}
}

// manualPages are the pages of a language.
func manualPages(t *testing.T, lang string) []string {
	t.Helper()
	entries, err := docs.Pages.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"search?q=token"}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".md")
		short, isFrench := strings.CutSuffix(name, ".fr")
		if isFrench == (lang == "fr") {
			names = append(names, strings.TrimPrefix(short, "README"))
		}
	}
	return names
}

// TestManualNeedsNoScript: reading, going on and searching work without.
func TestManualNeedsNoScript(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	b := openTab(t, tabOptions{language: "fr", width: 360, height: 740})
	b.status(b.open(s.URL+"/docs/"), http.StatusOK)
	b.status(b.load(chromedp.SendKeys(chromedp.CSS("input"), "jeton\r")), http.StatusOK)
	b.status(b.load(chromedp.Click(chromedp.CSS(".hit a"))), http.StatusOK)
	if p := b.read(); p.Lang != "fr" {
		t.Errorf("the first hit is in %s", p.Lang)
	}
}

// TestManualCopiesCode by the button that its script adds, with which no text moves.
func TestManualCopiesCode(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	b := openTab(t, tabOptions{language: "en", width: 1280, height: 860, scripts: true})
	b.status(b.open(s.URL+"/docs/en/api"), http.StatusOK)
	got := b.run(`
		let text = ''
		navigator.clipboard.writeText = async given => { text = given }
		const button = document.querySelector('.code button')
		button.click()
		await new Promise(r => setTimeout(r))
		const box = document.querySelector('.code'), code = box.querySelector('pre'), height = box.offsetHeight
		const copied = [button.textContent, text === code.textContent, text.length > 20]
		box.replaceWith(code)
		return [...copied, code.offsetHeight - height]`)
	if got != "Copied,true,true,0" {
		t.Errorf("%s", got)
	}
	// By HTTP there is no clipboard but the old one.
	got = b.run(`
		let text = ''
		Object.defineProperty(navigator, 'clipboard', { value: undefined })
		document.execCommand = what => { text = what + getSelection() }
		const button = document.querySelector('.code button')
		button.click()
		await new Promise(r => setTimeout(r))
		return [button.textContent, text.trim() === 'copy' + button.parentElement.querySelector('pre').textContent.trim()]`)
	if got != "Copied,true" {
		t.Errorf("by HTTP: %s", got)
	}
}

// TestReferenceRegistersSomebody tries calls out in the reference, in French
// and English, on a telephone and a large screen: an account is registered
// with what the document gives as an example, and no policy is violated, no
// other host asked, and nothing that was answered is kept in the browser. The
// page is a large program: each screen takes it many seconds, so those that
// are rare wait for make test-long.
func TestReferenceRegistersSomebody(t *testing.T) {
	t.Parallel()
	for _, o := range screens {
		if o.rare && yoozaktest.Long(0, 1) == 0 {
			continue
		}
		t.Run(o.name(), func(t *testing.T) {
			s := start(t, storetest.SQLite(t))
			o.patient = true
			b := openTab(t, o)
			b.status(b.open(s.URL+"/docs/"+o.language+"/reference"), http.StatusOK)
			b.until(`document.querySelector('#reference h1')`)
			if p := b.read(); p.Scroll > p.Width || p.Lang != o.language {
				t.Errorf("it is %d pixels wide in a window of %d, and in %s", p.Scroll, p.Width, p.Lang)
			}
			b.picture("reference")
			call := map[string]string{"fr": "Inscription Client", "en": "Register"}[o.language]
			b.run(`location.hash = [...document.querySelectorAll('#reference a')].find(a => a.textContent.trim().startsWith('` + call + `'))?.hash ?? 'no link'`)
			b.until(`button(/^(Tester la requête|Test Request)/)`)
			b.picture("call")
			b.run(button + `button(/^(Tester la requête|Test Request)/).click()`)
			b.until(`button(/^(Envoyer|Send)/)`)
			b.until(`document.querySelector('[role=dialog] .cm-content, .scalar-client .cm-content')`)
			b.run(`
				const body = [...document.querySelectorAll('.cm-content')].find(e => e.textContent.includes('username') && e.checkVisibility())
				body.focus()
				document.execCommand('selectAll')
				document.execCommand('insertText', false, '{"username": "amina", "password": "` + firstPassword + `", "email": "` + firstAddress + `"}')`)
			b.picture("try")
			b.run(button + `button(/^(Envoyer|Send)/).click()`)
			// An answer of more than a second is shown in seconds.
			b.until(`says('[role=dialog]', /201\s*Created/) && /\d\s?m?s\b/.test(document.querySelector('[role=dialog]').innerText)`)
			b.picture("answer")
			if !s.opens(t, "amina", firstPassword) {
				t.Error("nobody was registered")
			}
			if kept := b.run(`return JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), await cookieStore.getAll()])`); strings.Contains(kept, "eyJ") || strings.Contains(kept, firstPassword) {
				t.Errorf("the browser keeps %s", kept)
			}
		})
	}
}

// TestManualCanBeTurnedOff: then none of its pages and files is there, and
// the server's own page leads elsewhere.
func TestManualCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	on, off := start(t, storetest.SQLite(t)), start(t, storetest.SQLite(t), "YOOZAK_DOCS=off")
	paths := []string{"/docs", "/docs/", "/docs/fr/", "/docs/en/search?q=token"}
	for _, lang := range []string{"fr", "en"} {
		for _, name := range append(manualPages(t, lang), "reference") {
			paths = append(paths, "/docs/"+lang+"/"+name)
		}
	}
	for _, m := range regexp.MustCompile(`"\.\./(files/[^"]+)"`).FindAllStringSubmatch(on.page(t, "/docs/fr/reference", http.StatusOK), -1) {
		paths = append(paths, "/docs/"+m[1])
	}
	if len(paths) < 50 {
		t.Errorf("only %d addresses", len(paths))
	}
	for _, path := range paths {
		on.page(t, path, http.StatusOK)
		if body := off.page(t, path, http.StatusNotFound); !strings.HasPrefix(body, "{") {
			t.Errorf("%s: %.100s", path, body)
		}
	}
	if body := on.page(t, "/", http.StatusOK); !strings.Contains(body, `href="docs/fr/"`) {
		t.Errorf("/ does not lead there:\n%s", body)
	}
	if body := off.page(t, "/", http.StatusOK); strings.Contains(body, `href="docs/`) || !strings.Contains(body, "docs/README.fr.md") {
		t.Errorf("/ leads to what is not there:\n%s", body)
	}
}

// TestManualCountsWhatItMakesForOne: one network cannot have searches made
// without end, and reads on meanwhile.
func TestManualCountsWhatItMakesForOne(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	for i := 0; ; i++ {
		res, err := http.Get(s.URL + map[bool]string{true: "/docs/en/search?q=token", false: "/docs/en/nothing"}[i%2 == 0]) //nolint:noctx // a server of ours
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode == http.StatusTooManyRequests {
			if i < 300 || res.Header.Get("Retry-After") == "" {
				t.Errorf("after %d requests: %v", i, res.Header)
			}
			break
		}
		if i > 20_000 {
			t.Fatal("nothing is counted")
		}
	}
	s.page(t, "/docs/en/start", http.StatusOK)
}

// page asks as a browser does.
func (s *server) page(t *testing.T, path string, status int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/json,*/*")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Errorf("%s: %d, want %d (%v)", path, res.StatusCode, status, err)
	}
	return string(body)
}

// button finds a button that can be seen by what it says.
//
// It is asked over and over, and innerText lays out the page each time, which
// takes long of a page as large as the reference: so textContent comes first.
const button = `
	const button = what => [...document.querySelectorAll('button')].find(b => what.test(b.textContent.trim()) && b.checkVisibility());
	const says = (where, what) => what.test(document.querySelector(where)?.textContent ?? '');`

// until waits for a condition to hold, which may ask for a button.
func (b *tab) until(condition string) {
	b.t.Helper()
	got := b.run(button + `
		for (let tries = 0; !(` + condition + `); tries++) {
			if (tries > 1200) return [...document.querySelectorAll('button')].map(b => b.innerText).join('; ').slice(0, 2000) + document.body.innerText.slice(0, 1500)
			await new Promise(r => setTimeout(r, 100))
		}
		return true`)
	if got != "true" {
		b.picture("missing")
		b.t.Fatalf("it never came: %s\n%s", condition, got)
	}
}
