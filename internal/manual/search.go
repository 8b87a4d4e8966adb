package manual

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/text/unicode/norm"

	"github.com/yoozak/clients/internal/web"
)

// searchName is the page that searches. It needs no script.
const searchName = "search"

// What anybody may have us look for: a search reads all pages of a language.
const (
	maxQuery   = 100 // characters
	maxResults = 20
	maxSnippet = 160 // characters
)

// section is a part of a page that can be found: a heading and what stands
// below it, as plain text.
type section struct {
	Lang, Name        string // of the page
	ID, Heading, Text string
	Level             int
	heading, text     string // as fold has them
}

// results are what was found.
type results struct {
	Query string
	Hits  []hit // maxResults at most
	Total int
}

type hit struct {
	Heading, Link, Lang, Snippet string
	Of                           string // where it is from: the page, unless that is called as the heading; its language, if it is another
	in                           section
	score                        int
}

func (m *Manual) search(w *web.ResponseWriter, r *http.Request, lang string) {
	if !m.admit(w, r, lang) {
		return
	}
	query := r.URL.Query().Get("q")
	if text := []rune(query); len(text) > maxQuery {
		query = string(text[:maxQuery])
	}
	query = strings.TrimSpace(strings.ToValidUTF8(query, ""))
	v := m.newView(lang, "")
	v.Title = words[lang].Search
	hits, total := m.find(lang, query)
	v.Search = &results{Query: query, Hits: hits, Total: total}
	m.show(w, http.StatusOK, lang, v)
}

// find looks for the sections that have all words of a query, those first
// that have them in the heading. total is how many there are of them.
func (m *Manual) find(lang, query string) (hits []hit, total int) {
	wanted := strings.Fields(fold(query))
	if len(wanted) == 0 {
		return nil, 0
	}
	for _, s := range m.sections(lang) {
		score, all := 0, true
		for _, word := range wanted {
			inHeading := strings.Contains(s.heading, word)
			if inHeading {
				score++
			}
			all = all && (inHeading || strings.Contains(s.text, word))
		}
		if !all {
			continue
		}
		h := hit{Heading: s.Heading, Link: s.Lang + "/" + s.Name, in: s, score: score}
		var of []string
		if page := titleOf(s.Name, lang); fold(page) != s.heading {
			of = append(of, page)
		}
		if s.Level > 1 {
			h.Link += "#" + s.ID
		}
		if s.Lang != lang {
			h.Lang = s.Lang
			of = append(of, words[lang].InEnglish)
		}
		h.Of = strings.Join(of, between)
		hits = append(hits, h)
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.score - a.score })
	total = len(hits)
	hits = hits[:min(total, maxResults)]
	for i := range hits {
		hits[i].Snippet = hits[i].in.snippet(wanted[0])
	}
	return hits, total
}

// sections are those of all pages that the navigation leads to, in its order.
func (m *Manual) sections(lang string) []section {
	m.indexOnce.Do(func() {
		m.index = map[string][]section{}
		for _, lang := range []string{french, english} {
			for _, e := range entries() {
				in := lang
				if !m.has(lang, e.name) {
					in = english
				}
				m.index[lang] = append(m.index[lang], m.pages[in+"/"+e.name]().sections...)
			}
		}
	})
	return m.index[lang]
}

// sectionsOf cuts a document at its headings.
func sectionsOf(root ast.Node, source []byte, lang, name string) []section {
	var all []section
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		if h, is := n.(*ast.Heading); is {
			id, _ := h.AttributeString("id")
			named, _ := id.([]byte)
			heading := spaced(lang, strings.TrimSpace(textOf(n, source)))
			all = append(all, section{Lang: lang, Name: name, ID: string(named), Heading: heading, Level: h.Level})
		} else if len(all) > 0 {
			last := &all[len(all)-1]
			for _, piece := range piecesOf(n, source, lang) {
				switch {
				case last.Text == "":
				case strings.HasSuffix(last.Text, ":"):
					last.Text += " "
				default:
					last.Text += between
				}
				last.Text += piece
			}
		}
	}
	for i := range all {
		all[i].heading, all[i].text = fold(all[i].Heading), fold(all[i].Text)
	}
	return all
}

// between stands where a page goes on in another paragraph, cell or code.
const (
	between = " · "
	dots    = "· " // its signs
)

// piecesOf are the texts of the blocks in a node, none of them empty.
func piecesOf(n ast.Node, source []byte, lang string) []string {
	var pieces []string
	var b strings.Builder
	end := func() {
		words := strings.FieldsFunc(b.String(), func(r rune) bool { return unicode.IsSpace(r) && r <= unicode.MaxASCII }) // others are no-break
		if len(words) > 0 {
			pieces = append(pieces, strings.Join(words, " "))
		}
		b.Reset()
	}
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it only fails if we do
		if n.Type() == ast.TypeBlock {
			end()
		}
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text, *ast.String:
			b.WriteString(spaced(lang, textOf(n, source)))
		case *ast.CodeSpan, *ast.FencedCodeBlock:
			b.WriteString(textOf(n, source))
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	end()
	return pieces
}

// textOf is what a node says, without marks.
func textOf(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it only fails if we do
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Segment.Value(source))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering && !n.IsCode() {
				b.Write(n.Value)
			}
		case *ast.FencedCodeBlock:
			if entering {
				b.Write(n.Lines().Value(source))
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// fold makes texts alike that people take for the same: without accents, in
// lower case. Each character stays one.
func fold(text string) string { return strings.Map(foldRune, text) }

func foldRune(r rune) rune {
	if r > unicode.MaxASCII {
		for _, base := range norm.NFD.String(string(r)) {
			r = base
			break
		}
	}
	return unicode.ToLower(r)
}

// snippet is what stands around a folded word in the text, or the text's
// beginning. It begins and ends with whole words, and the signs for what is left
// out stay on their lines.
func (s section) snippet(word string) string {
	text := []rune(s.Text)
	at := utf8.RuneCountInString(s.text[:max(0, strings.Index(s.text, word))]) // folded, it has as many characters, and fewer bytes
	from := max(0, at-maxSnippet/3)
	to := min(len(text), from+maxSnippet)
	if blank := slices.Index(text[from:at], ' '); from > 0 && blank >= 0 {
		from += blank
	} else { // the word is far within a longer one
		for from > 0 && text[from-1] != ' ' {
			from--
		}
	}
	end := min(len(text), at+utf8.RuneCountInString(word))
	for to < len(text) && to > end && text[to] != ' ' {
		to--
	}
	for to < len(text) && text[to] != ' ' { // there was none
		to++
	}
	cut := string(text[from:to])
	if to < len(text) {
		cut = strings.TrimRight(cut, dots) + noBreak + "…"
	}
	if from > 0 {
		cut = "…" + noBreak + strings.TrimLeft(cut, dots+noBreak+":;,")
	}
	return cut
}
