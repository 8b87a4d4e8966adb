// Package asvs holds docs/asvs.md against the list of requirements and the
// repository: each requirement has its row, each claim names what shows it,
// and what it names exists. It proves no requirement by itself.
package asvs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const (
	root         = "../../"
	documentPath = root + "docs/asvs.md"
)

// The status words of the document.
const (
	met           = "met"
	metInPart     = "met in part"
	notApplicable = "not applicable"
	open          = "open"
)

var statuses = []string{met, metInPart, notApplicable, open}

// document is docs/asvs.md as it was read.
type document struct {
	text    string
	rows    []row
	leftOut []string // ids, or the beginnings of ids: V4.3 is all of that section
	opened  []string // ids in the list of what is open, in its order
}

// row is a requirement in one of the tables.
type row struct {
	id, level, status, how string
	shownBy                []string
	line                   int
}

var (
	inBackticks = regexp.MustCompile("`([^`]+)`")
	anID        = regexp.MustCompile(`\bV\d+(?:\.\d+){0,2}\b`)
	startsRow   = regexp.MustCompile(`^\| V\d+\.\d+\.\d+ `)
	startsOpen  = regexp.MustCompile(`^- (V\d+\.\d+\.\d+) .+: .+`)
)

// read parses the document; what is not in its form ends the test.
func read(t *testing.T) document {
	t.Helper()
	data, err := os.ReadFile(documentPath)
	if err != nil {
		t.Fatal(err)
	}
	d := document{text: string(data)}
	section, inLeftOut := "", false
	for i, line := range strings.Split(d.text, "\n") {
		if heading, is := strings.CutPrefix(line, "## "); is {
			section = heading
		}
		inLeftOut = strings.HasPrefix(line, "Left out:") || inLeftOut && line != ""
		switch {
		case startsRow.MatchString(line):
			cells := strings.Split(strings.Trim(line, "|"), "|")
			if len(cells) != 5 {
				t.Fatalf("line %d has %d cells, want 5", i+1, len(cells))
			}
			for c := range cells {
				cells[c] = strings.TrimSpace(cells[c])
			}
			id, _, _ := strings.Cut(cells[0], " ")
			r := row{id: id, level: cells[1], status: cells[2], how: cells[3], line: i + 1}
			for _, m := range inBackticks.FindAllStringSubmatch(cells[4], -1) {
				r.shownBy = append(r.shownBy, m[1])
			}
			if rest := strings.Trim(inBackticks.ReplaceAllString(cells[4], ""), " ,"); rest != "" {
				t.Errorf("line %d: %q stands in the last column without backticks", i+1, rest)
			}
			d.rows = append(d.rows, r)
		case inLeftOut:
			d.leftOut = append(d.leftOut, anID.FindAllString(line, -1)...)
		case section == "Open" && strings.HasPrefix(line, "- "):
			m := startsOpen.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("line %d is not \"- Vx.y.z what: how\"", i+1)
				continue
			}
			d.opened = append(d.opened, m[1])
		}
	}
	if len(d.rows) < 100 {
		t.Fatalf("only %d rows were read: the test is worth nothing", len(d.rows))
	}
	return d
}

// isLeftOut reports whether a line names the requirement, or all of its
// section or chapter, as left out.
func (d document) isLeftOut(id string) bool {
	for _, prefix := range d.leftOut {
		if id == prefix || strings.HasPrefix(id, prefix+".") {
			return true
		}
	}
	return false
}

// requirement is a line of testdata/requirements.txt.
type requirement struct{ id, level string }

func requirements(t *testing.T) []requirement {
	t.Helper()
	data, err := os.ReadFile("testdata/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []requirement
	for line := range strings.Lines(string(data)) {
		id, level, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			t.Fatalf("%q is not a requirement and its level", line)
		}
		all = append(all, requirement{id, level})
	}
	return all
}
