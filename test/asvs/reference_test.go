package asvs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// repository is what rows may name.
type repository struct {
	tests   map[string]bool            // Test and Fuzz functions
	symbols map[string]map[string]bool // of each Go file: names, and Type.Method
}

var isTest = regexp.MustCompile(`^(Test|Fuzz)[A-Z0-9_]`)

// survey reads every Go file of the repository.
func survey(t *testing.T) *repository {
	t.Helper()
	r := &repository{tests: map[string]bool{}, symbols: map[string]map[string]bool{}}
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".." || entry.Name() == "node_modules"):
			if path != root {
				return fs.SkipDir
			}
			return nil
		case filepath.Ext(path) != ".go":
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		r.symbols[filepath.ToSlash(name)] = symbolsOf(file)
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		for _, d := range file.Decls {
			if f, is := d.(*ast.FuncDecl); is && f.Recv == nil && isTest.MatchString(f.Name.Name) && f.Name.Name != "TestMain" {
				r.tests[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.tests) < 100 {
		t.Fatalf("only %d tests were found: the test is worth nothing", len(r.tests))
	}
	return r
}

// symbolsOf lists what a file declares at its top.
func symbolsOf(file *ast.File) map[string]bool {
	symbols := map[string]bool{}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			symbols[receiver(d)+d.Name.Name] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					symbols[s.Name.Name] = true
				case *ast.ValueSpec:
					for _, n := range s.Names {
						symbols[n.Name] = true
					}
				}
			}
		}
	}
	return symbols
}

// receiver is "Type." for a method.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return ""
	}
	typ := f.Recv.List[0].Type
	if star, is := typ.(*ast.StarExpr); is {
		typ = star.X
	}
	if name, is := typ.(*ast.Ident); is {
		return name.Name + "."
	}
	return ""
}

// check returns why a reference is none, or nil. A reference is the name of a
// test; a file; file.go:Symbol or file.go:Type.Method; file.md#heading; or
// file:text for any other file that has the text.
func (r *repository) check(reference string) error {
	if isTest.MatchString(reference) {
		if !r.tests[reference] {
			return fmt.Errorf("there is no test %s", reference)
		}
		return nil
	}
	path, symbol, hasSymbol := strings.Cut(reference, ":")
	path, anchor, hasAnchor := strings.Cut(path, "#")
	data, err := os.ReadFile(root + path)
	if err != nil {
		return fmt.Errorf("there is no file %s", path)
	}
	switch {
	case filepath.Ext(path) == ".go" && !hasSymbol:
		return fmt.Errorf("%s: say which symbol", path)
	case filepath.Ext(path) == ".go" && !r.symbols[path][symbol]:
		return fmt.Errorf("%s declares no %s", path, symbol)
	case filepath.Ext(path) != ".go" && hasSymbol && !strings.Contains(string(data), symbol):
		return fmt.Errorf("%s has no %q", path, symbol)
	case hasAnchor && !hasHeading(string(data), anchor):
		return fmt.Errorf("%s has no heading #%s", path, anchor)
	}
	return nil
}

// hasHeading looks for a heading by the name that links give it.
func hasHeading(text, anchor string) bool {
	for line := range strings.Lines(text) {
		if heading := strings.TrimLeft(line, "#"); heading != line && slug(heading) == anchor {
			return true
		}
	}
	return false
}

func slug(heading string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == ' ' || c == '-':
			return '-'
		case unicode.IsLetter(c), unicode.IsNumber(c), c == '_':
			return unicode.ToLower(c)
		}
		return -1
	}, strings.TrimSpace(heading))
}
