package manual

import (
	"bytes"
	"html/template"

	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"github.com/yoozak/clients/docs"
)

var layouts = template.Must(template.ParseFS(embedded, "layout.html", "reference.html"))

// page is a document as it is shown.
type page struct {
	body     body
	policy   string
	sections []section
}

// view is what the layout shows.
type view struct {
	Lang, Name, Title   string
	Words               wording
	Root                string // relative, from this page to [Path]
	Style, Script, Icon string // below Root
	Menu                []menu
	Languages           []choice
	Content             template.HTML
	Contents            []section // of this page, those of the second level
	Missing             bool      // there is no such page
	Search              *results
	Reference           *reference
}

// menu is a group of the navigation.
type menu struct {
	Title string
	Items []item
}

// item is a page in the navigation. Lang is the language of the page that it
// leads to, if it is another than this one's.
type item struct {
	Title, Link, Lang string
	Current           bool
}

// choice is a language to read the page in.
type choice struct {
	Code, Name, Link string
	Current          bool
}

func (m *Manual) newView(lang, name string) *view {
	v := &view{
		Lang: lang, Name: name, Words: words[lang], Root: "../",
		Style: m.link(styleName), Script: m.link(scriptName), Icon: m.link(iconName),
	}
	for _, g := range groups {
		one := menu{Title: g.title.in(lang)}
		for _, e := range g.entries {
			it := item{Title: e.title.in(lang), Link: lang + "/" + e.name, Current: e.name == name}
			if !m.has(lang, e.name) {
				it.Link, it.Lang = english+"/"+e.name, english
			}
			one.Items = append(one.Items, it)
		}
		v.Menu = append(v.Menu, one)
	}
	for _, code := range []string{french, english} {
		to := code + "/"
		if m.has(code, name) {
			to += name
		}
		v.Languages = append(v.Languages, choice{code, words[code].Language, to, code == lang})
	}
	return v
}

// has reports whether a page is there in a language.
func (m *Manual) has(lang, name string) bool { return m.pages[lang+"/"+name] != nil }

// render makes a page of a document.
func (m *Manual) render(lang, name string) *page {
	source, err := docs.Pages.ReadFile(documentOf(lang, name))
	if err != nil {
		panic("manual: " + err.Error()) // New found it
	}
	root := markdowns[lang].Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(&headingIDs{}))))
	m.adapt(root, source, lang)
	v := m.newView(lang, name)
	p := &page{policy: policy, sections: sectionsOf(root, source, lang, name)}
	for _, s := range p.sections {
		switch s.Level {
		case 1:
			v.Title = s.Heading
		case 2:
			v.Contents = append(v.Contents, s)
		}
	}
	var b bytes.Buffer
	if err := markdowns[lang].Renderer().Render(&b, source, root); err != nil {
		panic("manual: " + err.Error()) // a buffer takes everything
	}
	v.Content = template.HTML(accessible.Replace(b.String())) //nolint:gosec // made of our own documents
	p.body = newBody(layoutPage(v), nil)
	return p
}

func layoutPage(v *view) []byte {
	var b bytes.Buffer
	if err := layouts.ExecuteTemplate(&b, "layout.html", v); err != nil {
		panic("manual: " + err.Error()) // the template is ours
	}
	return b.Bytes()
}
