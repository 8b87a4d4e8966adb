package pages

import (
	"bytes"
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
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
	Hiddens                    []hidden
	Inputs                     []input
	Submit                     string // no form without it
	Other                      *other
	OtherText                  string // above it
	QR                         template.HTML
	QRText, SecretText, Secret string // of QR, and of what is in it
	Passkey                    *passkeyForm
	Script                     string // empty: the page has none
	Signal                     string // JSON of what the script tells the browser of passkeys; empty: nothing
	Next                       *link  // to go on with, as a button
	Codes                      []string
	CodesText                  string
	After                      []link // below the form
	Sections                   []section
	Back                       *link // to the page above this one
	Account, Wide              bool
	Colon                      string // between a name and its value in one line
	Again, ShowAgain           bool
	AgainLink, AgainText       string

	ShopURL, ShopText string
	ShopButton        bool // there is nothing else to press
	Support           shop.Support
	SupportURL        template.URL // of a scheme that the package shop chose
	HelpText          string
	Languages         []choice
}

type fact struct{ Name, Value string } // the value in whatever direction it begins

type link struct{ Text, URL string }

// hidden is what a form carries along.
type hidden struct{ Name, Value string }

// section is a part of a page, with a heading of its own.
type section struct {
	Title, Text string
	Facts       []fact
	Rows        []row
	Empty       string // in place of rows
	Links       []link
	Acts        []button
}

// row is one of several things of a kind, and what can be done with it.
type row struct {
	Title   text
	Badge   string
	Details []detail
	Act     *button
	Link    *link
	Label   string // of the link, which others are called alike
}

// text may be ours, and is then written as the page is, or somebody's, and is
// then written as it begins. One that is whole goes into the next line, with
// its name, before it goes on there.
type text struct {
	Text, Direction string
	Whole           bool
}

// detail is a part of a line; the name of what it is may be left out.
type detail struct {
	Name string
	text
}

// somebodys is a text that people chose: it may be in any language.
func somebodys(words string) text { return text{words, "auto", false} }

// ours is a text in the page's language, with names of another in it.
func (v *view) ours(words string) text { return text{words, v.Direction, false} }

// device is what a program calls itself, in the page's words.
func (v *view) device(userAgent string) text {
	return text{locale.Device(v.Language, userAgent), v.Direction, true}
}

// number is what is written from the left in every language, as addresses of
// the network are.
func number(words string) text { return text{words, "ltr", true} }

// button is a form of its own. Label tells it from others to who does not see
// what it stands beside.
type button struct {
	Name, Value, Text, Label string
	First                    bool // it is what the page is for just now
}

// other is a second thing that a page's link allows, with a form of its own.
type other struct{ Name, Text string }

type logo struct {
	URL           string
	Width, Height int
}

type input struct {
	Name, Type, Mode, Autocomplete, Label, Hint, Value string
	Class                                              string
	Hidden, Focus, Optional, Check                     bool
	Words                                              bool // a telephone's keyboard begins each with a capital
	Errors                                             []string
}

// choice is a language to read the page in.
type choice struct {
	Code, Name, Direction string
	URL                   template.URL // the same page
	Current               bool
}

func (s *Pages) newView(r *http.Request, language string) *view {
	look := s.o.Shop
	v := &view{
		Language: language, Direction: locale.Direction(language), Brand: s.o.Brand, Root: rootOf(r),
		ShopURL: look.URL, Support: look.Support, SupportURL: template.URL(look.Support.URL), //nolint:gosec // mailto:, tel: or https:
	}
	v.ShopText, v.HelpText, v.Colon = v.say("page.shop"), v.say("mail.help"), v.say("mail.colon")
	v.Style, v.Icon = v.Root+styleName+"?"+s.files[styleName].version, v.Root+iconName+"?"+s.files[iconName].version
	if look.Logo != nil {
		v.Logo = &logo{v.Root + logoName + "?" + s.files[logoName].version, look.Logo.Width, look.Logo.Height}
	}
	v.AgainLink, v.AgainText = v.Root+forgotName+"/?lang="+language, v.say("page.again")
	for _, code := range locale.Languages() {
		query := url.Values{"lang": {code}}
		for _, name := range []string{"to", "with", "id", allOfQuery} {
			if value := r.URL.Query().Get(name); value != "" {
				query.Set(name, value)
			}
		}
		v.Languages = append(v.Languages, choice{
			code, locale.Text(code, "language.name", nil), locale.Direction(code), template.URL("?" + query.Encode()), code == language, //nolint:gosec // encoded
		})
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

// hyphenated is what a browser may break after its hyphen: "e-mail",
// "copiez-les". What is longer keeps some places to break, for a telephone.
var hyphenated = regexp.MustCompile(`\p{L}{1,12}-\p{L}{1,6}`)

// unbroken keeps a text from going on in the next line within such a word.
func unbroken(text string) template.HTML {
	return template.HTML(hyphenated.ReplaceAllString(template.HTMLEscapeString(text), `<span class="unbroken">$0</span>`)) //nolint:gosec // escaped
}

func (v *view) say(key string) string { return locale.Text(v.Language, key, nil) }

// sayWhom is say of a text that sends people to the support: to the shop by its
// name, where no address is set that the footer could name.
func (v *view) sayWhom(key string) string {
	whom := v.Brand
	if v.Support.Text != "" {
		whom = v.say("mail.team")
	}
	return locale.Text(v.Language, key, locale.Args{"team": whom})
}

// finish replaces the form by what was done.
func (v *view) finish(done string) {
	v.Done, v.ShopButton = done, true
	v.Intro, v.Facts, v.Submit, v.Inputs, v.Other, v.OtherText, v.After, v.Sections, v.Passkey, v.Script, v.Signal = "", nil, "", nil, nil, "", nil, nil, nil, "", ""
}

// close replaces the form by why there is none.
func (v *view) close(title, why string) {
	v.Title, v.Intro, v.ShopButton = title, why, true
	v.Facts, v.Submit, v.Inputs, v.Other, v.OtherText, v.After, v.Sections, v.Done, v.Passkey, v.Script, v.Signal = nil, "", nil, nil, "", nil, nil, "", nil, "", ""
}

// mark puts a message beside each field that has one, and the cursor into the
// first. One at a time: who mends the first rule that a password breaks
// mostly mends the others. The introduction to several fields makes room, so that
// the button stays in sight on a small telephone.
func (v *view) mark(errs account.Fields) {
	v.Problem, v.Done = v.say("page.problem"), ""
	focused := false
	inputs, asked := make([]*input, 0, len(v.Inputs)), 0
	for i := range v.Inputs {
		inputs = append(inputs, &v.Inputs[i])
		if !v.Inputs[i].Hidden && !v.Inputs[i].Check {
			asked++
		}
	}
	if asked > 1 {
		v.Intro = ""
	}
	if v.Passkey != nil {
		for i := range v.Passkey.Inputs {
			inputs = append(inputs, &v.Passkey.Inputs[i])
		}
	}
	for _, in := range inputs {
		if messages := errs[in.Name]; len(messages) > 0 {
			in.Errors = []string{v.message(messages[0])}
		}
		in.Focus = len(in.Errors) > 0 && !focused
		focused = focused || in.Focus
	}
	if focused {
		return
	}
	for _, name := range errs.Names() { // of no field that is on the page
		v.Alert = v.message(errs[name][0])
		return
	}
}

// better are the pages' words for mistakes of which the API says what Django
// says, because programs compare it, also where that is no good Arabic, or, in
// French, where « courant » may be read as the present one.
var better = map[string]string{ //nolint:gosec // keys of texts
	"field.blank": "page.field.blank", "email.invalid": "page.field.email", "password_too_short": "page.field.short", "password_too_common": "page.field.common",
}

// message is what a page says of a mistake.
func (v *view) message(m account.Message) string {
	return locale.Text(v.Language, cmp.Or(better[m.Key], m.Key), m.Args)
}

// policy lets a page have its style sheet and images and send its form,
// nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// scriptPolicy is for pages with a passkey's form, whose script asks the page
// itself.
const scriptPolicy = policy + "; script-src 'self'; connect-src 'self'"

func (p *page) show(status int) {
	h := p.w.Header()
	policy := policy
	if p.view.Script != "" {
		policy = scriptPolicy
		// Of frames, too, nobody asks an authenticator here (Web Authentication
		// Level 3, section 5.9).
		h.Set("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)")
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.view.Language)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", p.referrer)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	var b bytes.Buffer
	if err := layout.Execute(&b, p.view); err != nil {
		panic("pages: " + err.Error()) // the template is ours
	}
	p.w.WriteHeader(status)
	_, _ = p.w.Write(b.Bytes()) // the client may be gone: there is nobody to tell
}
