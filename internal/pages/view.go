package pages

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"

	"github.com/yoozak/clients/internal/account"
	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/shop"
)

var layout = template.Must(template.New("page.html").Funcs(template.FuncMap{"breakable": breakable, "unbroken": unbroken}).ParseFS(files, "page.html"))

// view is what a page shows, in this order.
type view struct {
	Language, Direction, Brand string
	Root                       string // relative, from this page to [Path]: a proxy may put a path before it
	Style, Icon                string
	Logo                       *logo
	Problem                    string // said first in the window's title, where screen readers begin
	Title, Intro, Done, Alert  string
	Facts                      []fact
	Hint                       string
	Links                      []link
	Inputs                     []input
	Submit                     string // no form without it
	Other                      *other
	Again, ShowAgain           bool
	AgainLink, AgainText       string

	ShopURL, ShopText string
	ShopButton        bool // there is nothing else to press
	Support           shop.Support
	SupportURL        template.URL // of a scheme that the package shop chose
	HelpText          string
	Languages         []choice
}

type fact struct{ Name, Value string }

type link struct{ Text, URL string }

// other is a second thing that a page's link allows, with a form of its own.
type other struct{ Name, Text string }

type logo struct {
	URL           string
	Width, Height int
}

type input struct {
	Name, Type, Mode, Autocomplete, Label, Hint, Value string
	Hidden, Focus                                      bool
	Errors                                             []string
}

// choice is a language to read the page in.
type choice struct {
	Code, Name, Direction string
	Current               bool
}

func (s *Pages) newView(r *http.Request, language string) *view {
	look := s.o.Shop
	v := &view{
		Language: language, Direction: locale.Direction(language), Brand: s.o.Brand, Root: rootOf(r),
		ShopURL: look.URL, Support: look.Support, SupportURL: template.URL(look.Support.URL), //nolint:gosec // mailto:, tel: or https:
	}
	v.ShopText, v.HelpText = v.say("page.shop"), v.say("mail.help")
	v.Style, v.Icon = v.Root+styleName+"?"+s.files[styleName].version, v.Root+iconName+"?"+s.files[iconName].version
	if look.Logo != nil {
		v.Logo = &logo{v.Root + logoName + "?" + s.files[logoName].version, look.Logo.Width, look.Logo.Height}
	}
	v.AgainLink, v.AgainText = v.Root+forgotName+"/?lang="+language, v.say("page.again")
	for _, code := range locale.Languages() {
		v.Languages = append(v.Languages, choice{code, locale.Text(code, "language.name", nil), locale.Direction(code), code == language})
	}
	return v
}

// rootOf is the way from a page to [Path], by the path as the browser sees
// it: %2F is no slash there.
func rootOf(r *http.Request) string {
	below, isBelow := strings.CutPrefix(r.URL.EscapedPath(), Path)
	if !isBelow {
		return "." + Path
	}
	if depth := strings.Count(below, "/"); depth > 0 {
		return strings.Repeat("../", depth)
	}
	return "./"
}

// breakable lets a long name or address go on in the next line behind an at
// sign or a dot, and not in the middle of a word.
func breakable(text string) template.HTML {
	text = template.HTMLEscapeString(text)
	return template.HTML(strings.NewReplacer("@", "@<wbr>", ".", ".<wbr>").Replace(text)) //nolint:gosec // escaped above
}

// unbroken keeps a heading from going on in the next line within "e-mail".
func unbroken(heading string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(heading), "e-mail", `<span class="unbroken">e-mail</span>`)) //nolint:gosec // escaped above
}

func (v *view) say(key string) string { return locale.Text(v.Language, key, nil) }

// finish replaces the form by what was done.
func (v *view) finish(done string) {
	v.Done, v.ShopButton = done, true
	v.Intro, v.Facts, v.Submit, v.Inputs, v.Other = "", nil, "", nil, nil
}

// close replaces the form by why there is none.
func (v *view) close(title, why string) {
	v.Title, v.Intro, v.ShopButton = title, why, true
	v.Facts, v.Submit, v.Inputs, v.Other = nil, "", nil, nil
}

// mark puts a message beside each field that has one, and the cursor into the
// first. One at a time: who mends the first rule that a password breaks
// mostly mends the others. The introduction makes room, so that the button
// stays in sight on a small telephone.
func (v *view) mark(errs account.Fields) {
	v.Problem, v.Intro = v.say("page.problem"), ""
	focused := false
	for i := range v.Inputs {
		in := &v.Inputs[i]
		if messages := errs[in.Name]; len(messages) > 0 {
			in.Errors = []string{locale.Text(v.Language, messages[0].Key, messages[0].Args)}
		}
		in.Focus = len(in.Errors) > 0 && !focused
		focused = focused || in.Focus
	}
}

// policy lets a page have its style sheet and images and send its form,
// nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (p *page) show(status int) {
	h := p.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.view.Language)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer") // the address of a page has a token in it
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	var b bytes.Buffer
	if err := layout.Execute(&b, p.view); err != nil {
		panic("pages: " + err.Error()) // the template is ours
	}
	p.w.WriteHeader(status)
	_, _ = p.w.Write(b.Bytes()) // the client may be gone: there is nobody to tell
}
