package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/yoozak/clients/internal/config"
)

// TestEveryListHasJSONAndALimit: a script reads the first, and whoever looks at
// a large shop sets the second.
func TestEveryListHasJSONAndALimit(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&cli{}, config.NewSource(func(string) string { return "" }))
	if err != nil {
		t.Fatal(err)
	}
	lists := 0
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, c := range n.Children {
			walk(c)
		}
		if path := n.Path(); slices.Contains([]string{"list", "log", "search", "status"}, n.Name) || strings.HasSuffix(path, "user role") {
			lists++
			has := map[string]bool{}
			for _, f := range n.Flags {
				has[f.Name] = true
			}
			if !has["json"] || !has["limit"] {
				t.Errorf("%s has --json: %v, --limit: %v", path, has["json"], has["limit"])
			}
		}
	}
	walk(parser.Model.Node)
	if lists < 10 {
		t.Errorf("%d lists were looked at", lists)
	}
}

// TestPagesEndAtTheLimit, or with what there is, and no more than a page is
// asked for.
func TestPagesEndAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ there, limit, want int }{
		{0, 0, 0}, {3, 0, 3}, {3, 2, 2}, {3, 3, 3}, {3, 9, 3}, {1200, 0, 1200}, {1200, 500, 500}, {1200, 501, 501}, {500, 0, 500},
	} {
		given, printed := 0, 0
		err := eachPage(test.limit, func(most int) ([]int, error) {
			if most > pageSize || most < 1 {
				t.Errorf("%+v: asked for %d", test, most)
			}
			page := make([]int, min(most, test.there-given))
			given += len(page)
			return page, nil
		}, func(int) error { printed++; return nil })
		if err != nil || printed != test.want {
			t.Errorf("%+v: printed %d, %v", test, printed, err)
		}
	}
}

// TestTableHoldsAPage: what comes later is printed as it comes, in columns that
// the first rows made.
func TestTableHoldsAPage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	table := newTable(&out, "ID", "NAME", "STATE")
	if err := table.row("1", "élodie", "active"); err != nil {
		t.Fatal(err)
	}
	for n := range 2 * pageSize {
		if err := table.row(fmt.Sprint(n), "x", "closed"); err != nil {
			t.Fatal(err)
		}
		if len(table.rows) > pageSize {
			t.Fatalf("%d rows are held", len(table.rows))
		}
	}
	if out.Len() == 0 {
		t.Error("nothing is printed before the end")
	}
	if err := table.row("1000000", "a very long name", "active"); err != nil {
		t.Fatal(err)
	}
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range map[int]string{0: "ID   NAME    STATE", 1: "1    élodie  active", 2: "0    x       closed", 2*pageSize + 2: "1000000  a very long name  active"} {
		if lines[i] != want {
			t.Errorf("line %d is %q, want %q", i, lines[i], want)
		}
	}
}
