package manual

import (
	"bufio"
	"bytes"
	"cmp"
	"html/template"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// markdowns read what code hosts read, in each language; raw HTML of a document
// is left out.
var markdowns = map[string]goldmark.Markdown{french: newMarkdown(frenchWriter{html.DefaultWriter}), english: newMarkdown(wholeWriter{html.DefaultWriter})}

func newMarkdown(w html.Writer) goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.Table),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(html.WithWriter(w), renderer.WithNodeRenderers(util.Prioritized(codeRenderer{}, 100))))
}

// wholeWriter keeps a mark on the line of what it marks. Code goes through
// RawWrite, and stays as it is.
type wholeWriter struct{ html.Writer }

var marks = strings.NewReplacer(" ◆", noBreak+"◆", " †", noBreak+"†")

// Write is [html.Writer]'s.
func (w wholeWriter) Write(out util.BufWriter, text []byte) {
	writeWhole(w.Writer, out, spaced(english, string(text)))
}

// writeWhole writes a text in which "e-mail" and a name such as UTF-8 do not go on
// in the next line, and an address does, behind one of its signs.
func writeWhole(w html.Writer, out util.BufWriter, text string) {
	var b bytes.Buffer
	escaped := bufio.NewWriter(&b)
	w.Write(escaped, []byte(text))
	_ = escaped.Flush() // into memory
	text = longWord.ReplaceAllStringFunc(b.String(), func(word string) string { return inName.ReplaceAllString(word, "$0<wbr>") })
	_, _ = out.WriteString(hyphened.ReplaceAllString(text, `<span class="whole">$0</span>`)) // errors stay until Flush
}

// hyphened is what a browser would break behind a hyphen: e-mail, and the names
// of standards, keys and headers.
var hyphened = regexp.MustCompile(`e-mail|\b[\p{Lu}\d][\pL\d]*(?:-[\p{Lu}\d][\pL\d]*)+`)

// longWord is longer than shortCode.
var longWord = regexp.MustCompile(`\S{23,}`)

// codeRenderer keeps a short piece of code on one line: a command, a name. What
// is longer goes on behind a space or a sign within a name, and not where a
// browser breaks words, as behind the first hyphen of "--yes".
type codeRenderer struct{}

const (
	shortCode  = 22 // letters for which a telephone has room beside others
	lineOfCode = 34 // letters for which it has room on a line of their own
)

// RegisterFuncs is [renderer.NodeRenderer]'s.
func (codeRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindCodeSpan, renderCode)
	reg.Register(kindBox, renderBox)
}

func renderCode(out util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	text := strings.ReplaceAll(textOf(n, source), "\n", " ")
	if utf8.RuneCountInString(text) <= shortCode {
		_, _ = out.WriteString(`<code class="whole">` + template.HTMLEscapeString(text) + `</code>`) // errors stay until Flush
		return ast.WalkSkipChildren, nil
	}
	_, _ = out.WriteString("<code>")
	for i, word := range strings.Split(text, " ") {
		if i > 0 {
			_ = out.WriteByte(' ')
		}
		if !isLong(word) {
			_, _ = out.WriteString(`<span class="whole">` + template.HTMLEscapeString(word) + `</span>`)
			continue
		}
		parts := inCamel.ReplaceAllString(inName.ReplaceAllString(template.HTMLEscapeString(word), "$0<wbr>"), "$1<wbr>$2")
		if utf8.RuneCountInString(text) > lineOfCode && utf8.RuneCountInString(word) <= lineOfCode { // else the whole has a box, or none
			parts = `<span class="long">` + parts + `</span>`
		}
		_, _ = out.WriteString(parts)
	}
	_, _ = out.WriteString("</code>")
	return ast.WalkSkipChildren, nil
}

func isLong(word string) bool { return utf8.RuneCountInString(word) > shortCode }

// box holds code with a long name and the signs around it. It begins a line if
// it does not fit on the one before, and goes on in the next where a column is
// narrow. What is longer than a line has none: the text behind it would begin one.
type box struct{ ast.BaseInline }

var kindBox = ast.NewNodeKind("Box")

// Kind is [ast.Node]'s.
func (*box) Kind() ast.NodeKind { return kindBox }

// Dump is [ast.Node]'s.
func (n *box) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

func renderBox(out util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = out.WriteString(`<span class="long">`) // errors stay until Flush
	} else {
		_, _ = out.WriteString(`</span>`)
	}
	return ast.WalkContinue, nil
}

// putIntoBox takes with the code what may not be parted from it: a browser would
// begin a line with the comma behind a box. The signs of French have a space
// before them that does not break, and so have the marks.
func putIntoBox(code ast.Node, source []byte) {
	for code.PreviousSibling() == nil && code.NextSibling() == nil && code.Parent().Type() == ast.TypeInline { // a link
		code = code.Parent()
	}
	b := &box{}
	before, behind := code.PreviousSibling(), code.NextSibling()
	code.Parent().ReplaceChild(code.Parent(), code, b)
	if t, is := before.(*ast.Text); is && !t.SoftLineBreak() && !t.HardLineBreak() {
		if at := stuckBefore.FindIndex(t.Segment.Value(source)); at != nil {
			b.AppendChild(b, ast.NewTextSegment(t.Segment.WithStart(t.Segment.Start+at[0])))
			t.Segment = t.Segment.WithStop(t.Segment.Start + at[0])
		}
	}
	b.AppendChild(b, code)
	if t, is := behind.(*ast.Text); is {
		if at := stuckBehind.FindIndex(t.Segment.Value(source)); at != nil {
			b.AppendChild(b, ast.NewTextSegment(t.Segment.WithStop(t.Segment.Start+at[1])))
			t.Segment = t.Segment.WithStart(t.Segment.Start + at[1])
		}
	}
}

var (
	stuckBefore = regexp.MustCompile(`(?:« |[^\s/–—-]+)$`)
	stuckBehind = regexp.MustCompile(`^(?: [:;?!»◆†]|[^\s/–—-])[^\s/–—-]*`)
)

// inName is behind what a long name may go on in the next line. (An entity ends
// with a semicolon.)
var (
	inName  = regexp.MustCompile(`[\pL\pN][_/=,]+|\pL\.`)
	inCamel = regexp.MustCompile(`(\p{Ll})(\p{Lu})`)
)

// frenchWriter keeps a colon and its like on the line of the word before, and a
// number on one line with what it counts, as French asks for.
type frenchWriter struct{ html.Writer }

const noBreak = "\u00a0"

var noBreaks = strings.NewReplacer(" :", noBreak+":", " ;", noBreak+";", " ?", noBreak+"?", " !", noBreak+"!", " »", noBreak+"»", "« ", "«"+noBreak)

// Write is [html.Writer]'s.
func (w frenchWriter) Write(out util.BufWriter, text []byte) {
	writeWhole(w.Writer, out, spaced(french, string(text)))
}

// spaced is a text with the spaces of its language.
func spaced(lang, text string) string {
	if lang == french {
		text = thousands.ReplaceAllString(thousands.ReplaceAllString(text, "$1\u202f$2"), "$1\u202f$2") // 1 000 000
		text = noBreaks.Replace(units.ReplaceAllString(text, "$1"+noBreak+"$2"))
	}
	return marks.Replace(text)
}

var (
	thousands = regexp.MustCompile(`(\d) (\d{3})\b`)
	units     = regexp.MustCompile(`(\d) ((?:\p{Ll}+|[KMG]io|[KMG]o|%)(?:\PL|$))`)
)

// accessible lets a keyboard scroll what is wider than the window.
var accessible = strings.NewReplacer(
	"<pre>", `<pre tabindex="0">`,
	"<th></th>", "<td></td>", // which heads nothing
	"<table>", `<div class="table" tabindex="0"><table>`, "</table>", "</table></div>",
)

// repository is where the files are that are not in the program.
const repository = "https://github.com/yoozak/clients/blob/main/"

// split tells a document's language and the name of its page. The name of the
// index is empty.
func split(document string) (lang, name string) {
	lang, name = english, strings.TrimSuffix(document, ".md")
	if short, isFrench := strings.CutSuffix(name, ".fr"); isFrench {
		lang, name = french, short
	}
	if name == indexName {
		name = ""
	}
	return lang, name
}

// documentOf is what split takes apart.
func documentOf(lang, name string) string {
	if name == "" {
		name = indexName
	}
	if lang == french {
		name += ".fr"
	}
	return name + ".md"
}

// indexName is the document that code hosts show for the folder.
const indexName = "README"

// adapt makes of a document for a code host one for the manual: links lead to
// its pages and bear their names, pictures are links, other cells know what their
// column is called, and what only a reader of the file needs (comments, the way
// to the other language) is gone.
func (m *Manual) adapt(root ast.Node, source []byte, lang string) {
	var gone, pictures, long []ast.Node
	var toLabel []*tables.Table
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it only fails if we do
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			file, _, _ := strings.Cut(string(n.Destination), "#")
			if in, page := split(file); textOf(n, source) == file && m.has(in, page) {
				n.RemoveChildren(n)
				n.AppendChild(n, ast.NewString([]byte(titleOf(page, lang))))
			}
			n.Destination = []byte(m.target(string(n.Destination), lang))
		case *ast.Image:
			pictures = append(pictures, n)
		case *ast.CodeSpan:
			if text := textOf(n, source); utf8.RuneCountInString(text) <= lineOfCode && slices.ContainsFunc(strings.Fields(text), isLong) {
				long = append(long, n)
			}
		case *tables.Table:
			toLabel = append(toLabel, n)
		case *ast.HTMLBlock:
			gone = append(gone, n)
		case *ast.Paragraph:
			if _, isNote := n.FirstChild().(*ast.Emphasis); isNote && n.ChildCount() == 1 && isHeading(n.PreviousSibling(), 1) {
				gone = append(gone, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, n := range gone {
		n.Parent().RemoveChild(n.Parent(), n)
	}
	for _, n := range long {
		putIntoBox(n, source)
	}
	for _, n := range toLabel { // a picture says itself what it shows
		label(n, source, lang)
	}
	for _, n := range pictures {
		link, name := ast.NewLink(), string(n.(*ast.Image).Destination)
		link.Destination = []byte(m.target(name, lang))
		link.AppendChild(link, ast.NewString([]byte(cmp.Or(textOf(n, source), words[lang].Picture))))
		n.Parent().ReplaceChild(n.Parent(), n, link)
	}
}

// label tells each cell the name of its column, which a telephone shows before
// it: a row there is a block. One whose first cell is empty, as the one above,
// has what stands there, with its links and code.
func label(table *tables.Table, source []byte, lang string) {
	var names []string
	var above ast.Node
	for row := table.FirstChild(); row != nil; row = row.NextSibling() {
		_, isHeader := row.(*tables.TableHeader)
		i := 0
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			text := strings.TrimSpace(textOf(cell, source))
			if isHeader {
				names = append(names, spaced(lang, text))
			} else if i < len(names) && names[i] != "" && !isPicture(cell) {
				cell.SetAttributeString("data-label", []byte(names[i]))
			}
			if i == 0 && text != "" {
				above = cell
			} else if i == 0 && !isHeader && above != nil {
				cell.AppendChild(cell, repeated(above, source, lang))
			}
			i++
		}
	}
}

// isPicture tells whether a cell has a picture and nothing else.
func isPicture(cell ast.Node) bool {
	return cell.ChildCount() == 1 && cell.FirstChild().Kind() == ast.KindImage
}

// repeated is what a telephone shows once more, as HTML. A search does not find
// it twice.
func repeated(cell ast.Node, source []byte, lang string) ast.Node {
	var b bytes.Buffer
	b.WriteString(`<span class="above">`)
	for n := cell.FirstChild(); n != nil; n = n.NextSibling() {
		if err := markdowns[lang].Renderer().Render(&b, source, n); err != nil {
			panic("manual: " + err.Error()) // a buffer takes everything
		}
	}
	b.WriteString(`</span>`)
	again := ast.NewString(b.Bytes())
	again.SetCode(true) // written as it is
	return again
}

func isHeading(n ast.Node, level int) bool {
	h, is := n.(*ast.Heading)
	return is && h.Level == level
}

// target is where a document's link leads to from a page of the manual.
func (m *Manual) target(to, lang string) string {
	if strings.Contains(to, ":") || strings.HasPrefix(to, "#") {
		return to
	}
	if address, is := openAPIs[to]; is {
		return address
	}
	file, anchor, found := strings.Cut(to, "#")
	if found {
		anchor = "#" + anchor
	}
	if path.Ext(file) != ".md" || path.Dir(file) != "." {
		return repository + path.Join("docs", file) + anchor
	}
	in, name := split(file)
	switch {
	case !m.has(in, name):
		return repository + path.Join("docs", file) + anchor
	case in != lang:
		return "../" + in + "/" + name + anchor
	case name == "":
		return "./" + anchor
	}
	return name + anchor
}

// headingIDs names headings as code hosts do, so that a link to one is good
// in both places.
type headingIDs struct{ seen map[string]int }

// Generate is [parser.IDs]'s.
func (ids *headingIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	id := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, string(value))
	if ids.seen == nil {
		ids.seen = map[string]int{}
	}
	n := ids.seen[id]
	ids.seen[id]++
	if n > 0 {
		id += "-" + strconv.Itoa(n)
	}
	return []byte(id)
}

// Put is [parser.IDs]'s.
func (ids *headingIDs) Put([]byte) {}
