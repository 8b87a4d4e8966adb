package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
)

//go:embed page.html style.css
var files embed.FS

var (
	layout       = template.Must(template.ParseFS(files, "page.html"))
	style, _     = files.ReadFile("style.css")
	styleSum     = sha256.Sum256(style)
	styleVersion = hex.EncodeToString(styleSum[:6])
)

const styleName = "style.css"

// view is what a page shows, in this order.
type view struct {
	Language, Direction, Brand string
	Root                       string // relative, from this page to [base]: a proxy may put a path before it
	Style                      string
	Problem                    string // said first in the window's title, where screen readers begin
	Title, Intro, Done, Alert  string
	Facts                      []fact
	Inputs                     []input
	Submit                     string // no form without it
	Again, ShowAgain           bool
	AgainLink, AgainText       string
	Languages                  []choice
}

type fact struct{ Name, Value string }

type input struct {
	Name, Type, Mode, Autocomplete, Label, Hint, Value string
	ReadOnly, Focus                                    bool
	Errors                                             []string
}

// choice is a language to read the page in.
type choice struct {
	Code, Name, Direction string
	Current               bool
}

func newView(r *http.Request, language, brand string) *view {
	v := &view{Language: language, Direction: locale.Direction(language), Brand: brand}
	// By the path as the browser sees it: %2F is no slash there.
	v.Root = "./"
	if depth := strings.Count(strings.TrimPrefix(r.URL.EscapedPath(), base), "/"); depth > 0 {
		v.Root = strings.Repeat("../", depth)
	}
	v.Style = v.Root + styleName + "?" + styleVersion
	v.AgainLink, v.AgainText = v.Root+forgotName+"/?lang="+language, v.say("page.again")
	for _, code := range locale.Languages() {
		v.Languages = append(v.Languages, choice{code, locale.Text(code, "language.name", nil), locale.Direction(code), code == language})
	}
	return v
}

func (v *view) say(key string) string { return locale.Text(v.Language, key, nil) }

// finish replaces the form by what was done.
func (v *view) finish(done string) {
	v.Done = done
	v.Intro, v.Facts, v.Submit, v.Inputs = "", nil, "", nil
}

// close replaces the form by why there is none.
func (v *view) close(title, why string) {
	v.Title, v.Intro = title, why
	v.Facts, v.Submit, v.Inputs = nil, "", nil
}

// mark puts messages beside their fields, and the cursor into the first.
func (v *view) mark(errs account.Fields) {
	v.Problem = v.say("page.problem")
	focused := false
	for i := range v.Inputs {
		in := &v.Inputs[i]
		for _, m := range errs[in.Name] {
			in.Errors = append(in.Errors, locale.Text(v.Language, m.Key, m.Args))
		}
		in.Focus = len(in.Errors) > 0 && !focused
		focused = focused || in.Focus
	}
}

// policy lets a page have its style sheet and send its form, nothing else.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (x *exchange) show(status int) {
	h := x.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", x.view.Language)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer") // the address of a page has a token in it
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	var b bytes.Buffer
	if err := layout.Execute(&b, x.view); err != nil {
		panic("pages: " + err.Error()) // the template is ours
	}
	x.w.WriteHeader(status)
	_, _ = x.w.Write(b.Bytes()) // the client may be gone: there is nobody to tell
}

// style may be kept for as long as it is what the page asked for: while
// servers of two releases run, one may be asked for the other's.
func (x *exchange) style() {
	h := x.w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Del("Content-Language")
	if x.r.URL.RawQuery == styleVersion {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = x.w.Write(style)
}
