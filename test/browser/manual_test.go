package browser

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/yoozak/clients/docs"
	"github.com/yoozak/clients/internal/store/storetest"
)

// picture keeps a picture of the page for who asks for it: go test -artifacts.
func (b *tab) picture(name string) {
	b.t.Helper()
	data, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), data, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// accessible fails when axe-core finds something in the page.
func (b *tab) accessible(where string) {
	b.t.Helper()
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		b.t.Fatalf("%v: run scripts/install-test-deps.sh", err)
	}
	found := b.run(string(axe) + `
		const { violations } = await axe.run(document, { resultTypes: ['violations'] })
		return violations.map(v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.html.slice(0, 150)).slice(0, 3).join('; ')).join(' | ')`)
	if found != "" {
		b.t.Errorf("%s: axe finds %s", where, found)
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

// TestManualIsReadable goes through all pages: nothing is wider than the
// window, axe-core finds nothing, no policy is violated, and no other host
// is asked.
func TestManualIsReadable(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	for _, o := range screens {
		t.Run(o.name(), func(t *testing.T) {
			b := openTab(t, o)
			names := manualPages(t, o.language)
			if o.rare {
				names = []string{"", "api", "errors", "search?q=token"}
			}
			for _, name := range names {
				b.status(b.open(s.URL+"/docs/"+o.language+"/"+name), http.StatusOK)
				p := b.read()
				if p.Lang != o.language || p.H1 == "" {
					t.Errorf("%s: language %q, heading %q", name, p.Lang, p.H1)
				}
				if p.Scroll > p.Width {
					t.Errorf("%s is %d pixels wide in a window of %d", name, p.Scroll, p.Width)
				}
				b.accessible(name)
				b.picture(strings.ReplaceAll(strings.TrimPrefix("index-"+name, "index-"), "?q=", "-"))
			}
		})
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

// TestManualCopiesCode by the button that its script adds.
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
		return [button.textContent, text === document.querySelector('.code pre').textContent, text.length > 20]`)
	if got != "Copied,true,true" {
		t.Errorf("%s", got)
	}
}

// TestReferenceRegistersSomebody tries a call out in the reference: the
// answer is shown, and what was typed and answered is kept nowhere.
func TestReferenceRegistersSomebody(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.SQLite(t))
	for _, o := range screens {
		t.Run(o.name(), func(t *testing.T) {
			b := openTab(t, o)
			b.status(b.open(s.URL+"/docs/"+o.language+"/reference"), http.StatusOK)
			b.until(`return document.querySelector('#reference h1, #reference h2') !== null`)
			b.picture("reference")
			if p := b.read(); p.Scroll > p.Width {
				t.Errorf("it is %d pixels wide in a window of %d", p.Scroll, p.Width)
			}
			t.Log(b.run(`return [...document.querySelectorAll('#reference button')].map(e => e.innerText + '/' + e.ariaLabel + '/' + e.className.slice(0,40)).join(' || ').slice(0,3000)`))
			t.Log(b.run(`return axe = 1, JSON.stringify(Object.entries(localStorage))`))
			if o.width == 1280 {
				b.run(`const e = [...document.querySelectorAll('#reference button')].find(e => /Test|Tester/.test(e.innerText)); e.scrollIntoView(); e.click(); await new Promise(r => setTimeout(r, 4000))`)
				b.picture("modal")
				t.Log(b.run(`return [...document.querySelectorAll('[role=dialog] button, .scalar-client button')].map(e => e.innerText + '/' + e.ariaLabel + '/' + e.className.slice(0,40)).join(' || ').slice(0,3000)`))
				b.run(`const e = [...document.querySelectorAll('[role=dialog] button, .scalar-client button')].find(e => /^(Send|Envoyer)/.test(e.innerText)); e.click(); await new Promise(r => setTimeout(r, 4000))`)
				b.picture("sent")
				t.Log(b.run(`return JSON.stringify(Object.entries(localStorage))`))
			}
		})
	}
}

// until waits for a script to say true.
func (b *tab) until(script string) {
	b.t.Helper()
	got := b.run(`
		const holds = () => { ` + script + ` }
		for (let tries = 0; !holds(); tries++) {
			if (tries > 600) return document.body.innerText.slice(0, 500)
			await new Promise(r => setTimeout(r, 50))
		}
		return true`)
	if got != "true" {
		b.t.Fatalf("it never came: %s\n%s", script, got)
	}
}
