// Package manual shows developers the documents of this server below /docs/:
// the guides and tables of the folder docs, in French and English, and the
// reference of the API, in which calls can be tried. All of it is in the
// program: nothing is loaded from elsewhere, and no page but the reference
// needs JavaScript. A page is made when it is first asked for, and kept.
package manual

import (
	"context"
	"io"
	"io/fs"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/yoozak/clients/docs"
	"github.com/yoozak/clients/internal/web"
)

// Path is where the manual is.
const Path = "/docs/"

// Languages of the manual. Who reads Arabic here reads French better than
// English.
const (
	french  = "fr"
	english = "en"
)

// Manual answers the requests below [Path].
type Manual struct {
	wait  func(ctx context.Context, ip string) time.Duration
	files func() map[string]file  // by name, without the hash
	pages map[string]func() *page // by language and name: fr/start

	index     map[string][]section // by language, of what is searched
	indexOnce sync.Once
}

// New makes the manual. It renders and compresses nothing yet: a server that
// starts does not wait for what few ask for.
//
// wait counts a page that is made for one request alone (a search, an address
// that there is not), which costs a hundred times what a kept one does. It
// says how long the client at an address has to wait for it; 0: not at all.
func New(wait func(ctx context.Context, ip string) time.Duration) *Manual {
	m := &Manual{wait: wait, files: sync.OnceValue(newFiles), pages: map[string]func() *page{}}
	names, err := fs.Glob(docs.Pages, "*.md")
	if err != nil {
		panic("manual: " + err.Error()) // the pattern is ours
	}
	for _, name := range names {
		lang, name := split(name)
		m.pages[lang+"/"+name] = sync.OnceValue(func() *page { return m.render(lang, name) })
	}
	for _, lang := range []string{french, english} {
		for name := range references {
			m.pages[lang+"/"+name] = sync.OnceValue(func() *page { return m.reference(lang, name) })
		}
	}
	return m
}

// ServeHTTP answers a request behind [web.New].
func (m *Manual) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := web.Writer(rw)
	w.Route = "Docs"
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		m.say(w, r, languageOf(w), http.StatusMethodNotAllowed)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, Path)
	if path == "" {
		w.Header().Set("Location", languageOf(w)+"/") // relative: a proxy may put a path before ours
		w.WriteHeader(http.StatusFound)
		return
	}
	lang, name, _ := strings.Cut(path, "/")
	switch {
	case lang == filesName:
		m.sendFile(w, r, name)
	case lang != french && lang != english:
		m.say(w, r, languageOf(w), http.StatusNotFound)
	case name == searchName:
		m.search(w, r, lang)
	default:
		m.sendPage(w, r, lang, name)
	}
}

// Redirect leads from the manual's path without its slash to the manual.
func Redirect(rw http.ResponseWriter, _ *http.Request) {
	w := web.Writer(rw)
	w.Route = "Docs"
	w.Header().Set("Location", strings.TrimPrefix(Path, "/"))
	w.WriteHeader(http.StatusFound)
}

// languageOf is the manual's language nearest to the one that was asked for.
func languageOf(w *web.ResponseWriter) string {
	if w.Language == english {
		return english
	}
	return french
}

func (m *Manual) sendPage(w *web.ResponseWriter, r *http.Request, lang, name string) {
	render, is := m.pages[lang+"/"+name]
	if !is {
		m.say(w, r, lang, http.StatusNotFound)
		return
	}
	p := render()
	h := w.Header()
	setPolicy(h, p.policy)
	h.Set("Content-Language", lang)
	h.Set("Cache-Control", "no-cache") // ask again each time: 304 while it is the same
	p.body.send(w, r, htmlType)
}

// maxDepth is of the paths for which a page with links is made: each link has
// the whole way back in it. No page of ours lies as deep.
const maxDepth = 8

// say answers with a page that only says what is amiss.
func (m *Manual) say(w *web.ResponseWriter, r *http.Request, lang string, status int) {
	if strings.Count(r.URL.EscapedPath(), "/") > maxDepth {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, words[lang].NotFound+"\n") // the client may be gone: there is nobody to tell
		return
	}
	if !m.admit(w, r, lang) {
		return
	}
	v := m.newView(lang, "")
	v.Missing = true
	v.Title = words[lang].NotFound
	v.Root = rootOf(r)
	if status == http.StatusMethodNotAllowed {
		v.Title = words[lang].NotAllowed
	}
	m.show(w, status, lang, v)
}

// admit reports whether a page may be made for this request alone. If not, it
// has answered.
func (m *Manual) admit(w *web.ResponseWriter, r *http.Request, lang string) bool {
	wait := m.wait(r.Context(), w.Client.IP)
	if wait <= 0 {
		return true
	}
	h := w.Header()
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	h.Set(web.ErrorHeader, "throttled")
	h.Set("Content-Language", lang)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = io.WriteString(w, words[lang].TooMany+"\n") // the client may be gone: there is nobody to tell
	return false
}

// show sends a page that is made for this request alone.
func (m *Manual) show(w *web.ResponseWriter, status int, lang string, v *view) {
	h := w.Header()
	setPolicy(h, policy)
	h.Set("Content-Language", lang)
	h.Set("Content-Type", htmlType)
	w.WriteHeader(status)
	_, _ = w.Write(layoutPage(v)) // the client may be gone: there is nobody to tell
}

const htmlType = "text/html; charset=utf-8"

// policy lets a page have its style sheet, its script, which it can do
// without, and its icon, and send the form that searches.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func setPolicy(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// rootOf is the way from a page to [Path], by the path as the browser sees it.
func rootOf(r *http.Request) string {
	below := strings.TrimPrefix(r.URL.EscapedPath(), Path)
	if depth := strings.Count(below, "/"); depth > 0 {
		return strings.Repeat("../", depth)
	}
	return "./"
}
