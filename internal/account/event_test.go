package account_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yoozak/clients/internal/account"
)

// TestEveryEventKindIsDocumented compares the constants, the list of them
// and the tables of docs/events.md.
func TestEveryEventKindIsDocumented(t *testing.T) {
	t.Parallel()
	var inCode, listed, documented []string
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "EventKind" {
				kind, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				inCode = append(inCode, kind)
			}
		}
		return true
	})
	for _, kind := range account.EventKinds() {
		listed = append(listed, string(kind))
	}
	doc, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllSubmatch(doc, -1) {
		documented = append(documented, string(m[1]))
	}
	for _, kinds := range [][]string{inCode, listed, documented} {
		slices.Sort(kinds)
	}
	if len(inCode) < 20 {
		t.Fatalf("only %d kinds in the code: the test is worth nothing", len(inCode))
	}
	if diff := cmp.Diff(inCode, listed); diff != "" {
		t.Errorf("EventKinds (-constants +listed):\n%s", diff)
	}
	if diff := cmp.Diff(inCode, documented); diff != "" {
		t.Errorf("docs/events.md (-constants +documented):\n%s", diff)
	}
}

// TestFrenchPageOfEventsHasEveryKind holds the tables of docs/events.fr.md
// against those of docs/events.md: the same kinds in the same order, each by
// the same actors, and said what it is where the English page says it.
func TestFrenchPageOfEventsHasEveryKind(t *testing.T) {
	t.Parallel()
	type row struct {
		Kind   string
		Said   bool
		Actors []string
	}
	rows := func(path string) (all []row) {
		t.Helper()
		doc, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (.*) ?\\| (.+) \\|$").FindAllStringSubmatch(string(doc), -1) {
			all = append(all, row{m[1], m[2] != "", regexp.MustCompile("user|anonymous|staff|system|service").FindAllString(m[3], -1)})
		}
		return all
	}
	en, fr := rows("../../docs/events.md"), rows("../../docs/events.fr.md")
	if len(en) != len(account.EventKinds()) {
		t.Fatalf("docs/events.md has %d rows that can be read, of %d", len(en), len(account.EventKinds()))
	}
	if diff := cmp.Diff(en, fr); diff != "" {
		t.Errorf("docs/events.fr.md (-English +French):\n%s", diff)
	}
}

func TestEventDetailsComeBack(t *testing.T) {
	t.Parallel()
	if got := (account.EventDetails{}).JSON(); got != "" {
		t.Errorf("nothing is %q", got)
	}
	d := account.EventDetails{Count: 3, Fields: []string{"username"}, Staff: "root for amina"}
	if got := (account.Event{Details: d.JSON()}).ReadDetails(); !cmp.Equal(got, d) {
		t.Errorf("got %+v", got)
	}
	if got := (account.Event{Details: "{"}).ReadDetails(); !cmp.Equal(got, account.EventDetails{}) {
		t.Errorf("of what is no JSON: %+v", got)
	}
}
