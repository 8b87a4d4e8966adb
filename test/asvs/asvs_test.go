package asvs

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the counts into docs/asvs.md instead of comparing them")

// always are the chapters of which every requirement has a row. Of the others
// one may be left out, by a line that names it.
var always = []string{"V6.", "V7.", "V9."}

// TestEveryRequirementHasItsRow, once and with the right level, or is left
// out by name.
func TestEveryRequirementHasItsRow(t *testing.T) {
	t.Parallel()
	d := read(t)
	levels := map[string]string{}
	for _, q := range requirements(t) {
		levels[q.id] = q.level
	}
	seen := map[string]bool{}
	for _, r := range d.rows {
		want, known := levels[r.id]
		switch {
		case !known:
			t.Errorf("line %d: there is no requirement %s", r.line, r.id)
		case r.level != want:
			t.Errorf("line %d: %s is of level %s, not %s", r.line, r.id, want, r.level)
		case seen[r.id]:
			t.Errorf("line %d: %s has a row already", r.line, r.id)
		case d.isLeftOut(r.id):
			t.Errorf("line %d: %s has a row and is left out", r.line, r.id)
		}
		seen[r.id] = true
	}
	for _, q := range requirements(t) {
		must := slices.ContainsFunc(always, func(chapter string) bool { return strings.HasPrefix(q.id, chapter) })
		switch {
		case must && d.isLeftOut(q.id):
			t.Errorf("%s may not be left out", q.id)
		case !seen[q.id] && !d.isLeftOut(q.id):
			t.Errorf("%s has no row and is not left out", q.id)
		}
	}
	for _, id := range d.leftOut {
		if !slices.ContainsFunc(requirements(t), func(q requirement) bool { return q.id == id || strings.HasPrefix(q.id, id+".") }) {
			t.Errorf("%s is left out, but there is none", id)
		}
	}
}

// TestEveryClaimIsShown: what is met names a test or a place in the code, and
// what is not says why.
func TestEveryClaimIsShown(t *testing.T) {
	t.Parallel()
	d, repo := read(t), survey(t)
	for _, r := range d.rows {
		claims := r.status == met || r.status == metInPart
		switch {
		case !slices.Contains(statuses, r.status):
			t.Errorf("line %d: %s has the status %q", r.line, r.id, r.status)
		case r.how == "":
			t.Errorf("line %d: %s does not say how, or why not", r.line, r.id)
		case claims && len(r.shownBy) == 0:
			t.Errorf("line %d: %s is %s, but nothing shows it", r.line, r.id, r.status)
		case !claims && len(r.shownBy) > 0:
			t.Errorf("line %d: %s is %s: nothing can show it", r.line, r.id, r.status)
		case (r.status == metInPart) != strings.Contains(r.how, "Missing:"):
			t.Errorf("line %d: %s says what is missing if and only if it is met in part", r.line, r.id)
		}
		for _, reference := range r.shownBy {
			if err := repo.check(reference); err != nil {
				t.Errorf("line %d: %s: %v", r.line, r.id, err)
			}
		}
	}
}

// TestOpenListIsComplete: the list at the end has what is open in the tables,
// in their order.
func TestOpenListIsComplete(t *testing.T) {
	t.Parallel()
	d := read(t)
	var want []string
	for _, q := range requirements(t) {
		if slices.ContainsFunc(d.rows, func(r row) bool { return r.id == q.id && r.status == open }) {
			want = append(want, q.id)
		}
	}
	if !slices.Equal(d.opened, want) {
		t.Errorf("the list has\n%v\nwant\n%v", d.opened, want)
	}
}

var countsTable = regexp.MustCompile(`(?s)(<!-- counts: [^\n]*-->\n\n).*?(\n\n<!-- end of counts -->)`)

// TestCountsAreRight compares the table of levels and statuses.
func TestCountsAreRight(t *testing.T) { // not in parallel: it may write what the others read
	d := read(t)
	m := countsTable.FindStringSubmatchIndex(d.text)
	if m == nil {
		t.Fatal("there is no table of counts")
	}
	got, want := d.text[m[3]:m[4]], counts(d, requirements(t))
	if *update {
		if err := os.WriteFile(documentPath, []byte(d.text[:m[3]]+want+d.text[m[4]:]), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("the counts are\n%s\nwant\n%s\n(go test ./asvs -update)", got, want)
	}
}

func counts(d document, all []requirement) string {
	columns := append(slices.Clone(statuses), "left out")
	n := map[[2]string]int{} // by level and column; "" is all
	add := func(level, column string) {
		for _, l := range []string{level, ""} {
			n[[2]string{l, column}]++
			n[[2]string{l, ""}]++
		}
	}
	for _, r := range d.rows {
		add(r.level, r.status)
	}
	for _, q := range all {
		if d.isLeftOut(q.id) {
			add(q.level, "left out")
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s | all |\n|%s", strings.Join(columns, " | "), strings.Repeat(" --- |", len(columns)+2))
	for _, level := range []string{"1", "2", "3", ""} {
		name := "level " + level
		if level == "" {
			name = "all levels"
		}
		fmt.Fprintf(&b, "\n| %s |", name)
		for _, column := range append(columns, "") {
			fmt.Fprintf(&b, " %d |", n[[2]string{level, column}])
		}
	}
	return b.String()
}
