package attack

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

var update = flag.Bool("update", false, "write docs/attacks.md instead of comparing it")

// row is one attack.
type row struct {
	name  string // of the attack; unique in its group
	tries string // what is sent
	holds string // what must hold; beside what always must
	play  func(t *testing.T, s *server)
	on    []string // the servers it is played on, for those that need one; nil: those of the group

	token     func(f *forger) string // of a forged token
	bySession bool                   // its signature and claims are good: only its session refuses it
}

// group is a list of attacks of one kind, in the order of the document.
type group struct {
	title, about string
	on           []string // names of servers
	rows         func() []row
	together     bool // its rows are played side by side: each has people of its own, and most wait for mails
}

var groups = []group{tokens, tokenStates, requests, paths, hosts, bodies, massAssignment, fieldTexts, staffTexts, headerTexts, names, accounts, webPages, slow}

var tried, worked atomic.Int64

// TestMain says how many attacks there were. More of them run at once than
// there are cores, unless somebody says how many: a link to a new password is
// mailed a second after it was asked for.
func TestMain(m *testing.M) {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == fmt.Sprint(runtime.GOMAXPROCS(0)) {
		_ = parallel.Value.Set("16")
	}
	code := m.Run()
	fmt.Printf("%d attacks tried, %d worked\n", tried.Load(), worked.Load())
	os.Exit(code)
}

// play plays the rows of a group that are for a server; after each the
// normal user must be served.
func (g group) play(t *testing.T, s *server, on string) {
	t.Helper()
	t.Run("each", func(t *testing.T) { // returns when all have been played
		for _, r := range g.rows() {
			if !slices.Contains(r.servers(g), on) {
				continue
			}
			t.Run(r.name, func(t *testing.T) {
				if g.together {
					t.Parallel()
				}
				tried.Add(1)
				defer func() {
					if t.Failed() {
						worked.Add(1)
					}
				}()
				r.play(t, s)
				s.normal(t)
			})
		}
	})
	s.keepsUsers(t)
}

func (r row) servers(g group) []string {
	if r.on != nil {
		return r.on
	}
	return g.on
}

// byName sorts rows, for those that were made from a map.
func byName(rows []row) {
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.name, b.name) })
}

const documentPath = "../../docs/attacks.md"

// TestDocumentListsTheAttacks compares docs/attacks.md with the rows.
func TestDocumentListsTheAttacks(t *testing.T) {
	got := document()
	if *update {
		if err := os.WriteFile(documentPath, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(documentPath)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("docs/attacks.md is not what the rows say: go test ./attack -run Document -update")
	}
}

// TestDocumentNamesABeginningOnce, in whatever row.
func TestDocumentNamesABeginningOnce(t *testing.T) {
	for want, names := range map[string][]string{
		"NUL, POST a: b": {"NUL, POST a: b"},
		"NUL: POST a (b, c); GET d (e in the path)":               {"NUL, POST a: b", "NUL, POST a: c", "NUL, GET d: e in the path"},
		"NUL: GET a (in the query: b, c); GET d (e in the query)": {"NUL, GET a: b in the query", "NUL, GET a: c in the query", "NUL, GET d: e in the query"},
		"a key with an id and without one: PEM, DER":              {"a key with an id: PEM", "a key with an id: DER", "a key without one: PEM", "a key without one: DER"},
		"JSON: no JSON: `+1`, `: `, a comma":                      {"JSON: no JSON: `+1`", "JSON: no JSON: `: `", "JSON: no JSON: a comma"},
		"(r, s): `(0, 0)`, `(n, 1)`":                              {"(r, s): (0, 0)", "(r, s): (n, 1)"},
		"a token: two, a comma; 10,000 dots":                      {"a token: two, a comma", "a token: 10,000 dots"},
		"one, two: 3, 4; five":                                    {"one, two: 3", "one, two: 4", "five"},
	} {
		rows := make([]row, len(names))
		for i, name := range names {
			rows[i].name = name
		}
		if got := joined(rows); got != want {
			t.Errorf("%q: %q, want %q", names, got, want)
		}
	}
	if got := number(999) + " " + number(5690) + " " + number(1002003); got != "999 5,690 1,002,003" {
		t.Error(got)
	}
}

func document() string {
	var b strings.Builder
	total := 0
	var parts strings.Builder
	for _, g := range groups {
		rows := g.rows()
		count, seen := 0, map[string]bool{}
		for _, r := range rows {
			if seen[r.name] {
				panic("two attacks are called " + r.name)
			}
			seen[r.name] = true
			count += len(r.servers(g))
		}
		total += count
		fmt.Fprintf(&parts, "\n## %s (%s)\n\n%s\n\n| attack | what is tried | what happens |\n| --- | --- | --- |\n", g.title, number(count), g.about)
		for i := 0; i < len(rows); {
			end := i + 1
			for end < len(rows) && rows[end].tries == rows[i].tries && rows[end].holds == rows[i].holds {
				end++
			}
			fmt.Fprintf(&parts, "| %s | %s | %s |\n", cell(joined(rows[i:end])), cell(rows[i].tries), cell(rows[i].holds))
			i = end
		}
	}
	fmt.Fprintf(&b, `# Attacks

<!-- Written in `+"`test` by `go test ./attack -run Document -update`"+`; do not edit. -->

%s attacks are tried by `+"`test/attack`"+`, each where it would do its harm: against the running binary, or, of forged tokens,
mostly against what verifies them. None may work. After each that the binary sees, besides what its line says:

- no answer was a 5xx (but for those that a line names) or a redirect, none had a trace of the program in it, a cookie or
  a header that the attack brought, and none took longer than %v;
- the next request of a normal user, with a token from before, works, and that user's row is unchanged;
- there are as many users in the database as were registered.

The servers run without rate limits and with quick hashes, so that no attack is refused only because others came before it.
What the limits hold back is in [limits.md](limits.md).

When a server is stopped, each line of its log (level debug) must be a line of ours, none an error, and none may hold one of
the passwords and tokens that were used.
`, number(total), patience)
	b.WriteString(parts.String())
	return b.String()
}

// family are attacks whose names have the same beginning.
type family struct {
	name  string
	items []string
}

// joined puts the names of a row into one cell, each beginning once: what stands
// before a colon, and of several of those what they have in common. Names with
// commas are parted by semicolons.
func joined(rows []row) string {
	var names []string
	for all := families(rows); len(all) > 0; {
		first, end := all[0], 1
		switch prefix, _, isPart := strings.Cut(first.name, ", "); {
		case isPart && len(first.items) > 0: // of a text in all fields
			for end < len(all) && strings.HasPrefix(all[end].name, prefix+", ") && len(all[end].items) > 0 {
				end++
			}
			if end == 1 {
				names = append(names, first.String())
				break
			}
			for i, f := range all[:end] {
				part := strings.TrimPrefix(f.name, prefix+", ") + " (" + list(inPlace(f.items)) + ")"
				if i == 0 {
					part = prefix + ": " + part
				}
				names = append(names, part)
			}
		default: // those with the same items, if there are any
			for end < len(all) && len(first.items) > 1 && slices.Equal(all[end].items, first.items) {
				end++
			}
			first.name = oneName(all[:end])
			names = append(names, first.String())
		}
		all = all[end:]
	}
	return list(names)
}

func families(rows []row) []family {
	var all []family
	for _, r := range rows {
		text, _, _ := strings.Cut(r.name, "`") // in code a colon parts nothing
		at := strings.LastIndex(text, ": ")
		if at < 0 {
			all = append(all, family{name: r.name})
			continue
		}
		item := r.name[at+2:]
		if strings.HasPrefix(item, "(") && strings.Contains(item, ",") { // a pair of values
			item = "`" + item + "`"
		}
		if last := len(all) - 1; last >= 0 && all[last].name == r.name[:at] && len(all[last].items) > 0 {
			all[last].items = append(all[last].items, item)
		} else {
			all = append(all, family{r.name[:at], []string{item}})
		}
	}
	return all
}

func (f family) String() string {
	if len(f.items) == 0 {
		return f.name
	}
	return f.name + ": " + list(inPlace(f.items))
}

// oneName is that of families which differ in the end of their names.
func oneName(all []family) string {
	if len(all) == 1 {
		return all[0].name
	}
	words := make([][]string, len(all))
	for i, f := range all {
		words[i] = strings.Fields(f.name)
	}
	same := 0
	for !slices.ContainsFunc(words, func(w []string) bool { return same >= len(w)-1 || w[same] != words[0][same] }) {
		same++
	}
	ends := make([]string, len(all))
	for i, w := range words {
		ends[i] = strings.Join(w[same:], " ")
	}
	last := len(ends) - 1
	return strings.Join(words[0][:same], " ") + " " + strings.Join(ends[:last], ", ") + " and " + ends[last]
}

// inPlace names once where all items are: "in the query: search, cursor".
func inPlace(items []string) []string {
	_, place, ok := strings.Cut(items[0], " in the ")
	if len(items) == 1 || !ok || slices.ContainsFunc(items, func(item string) bool { return !strings.HasSuffix(item, " in the "+place) }) {
		return items
	}
	items = slices.Clone(items)
	for i := range items {
		items[i] = strings.TrimSuffix(items[i], " in the "+place)
	}
	items[0] = "in the " + place + ": " + items[0]
	return items
}

// list parts names by semicolons if a comma in one of them, which is not in
// code, could be taken for the end of it.
func list(names []string) string {
	if slices.ContainsFunc(names, func(name string) bool { return strings.Contains(code.ReplaceAllString(name, ""), ", ") }) {
		return strings.Join(names, "; ")
	}
	return strings.Join(names, ", ")
}

var code = regexp.MustCompile("`[^`]*`")

// number writes thousands apart.
func number(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", number(n/1000), n%1000)
}

// cell escapes what would end a cell of a Markdown table, or be read as
// something else than text.
func cell(s string) string {
	s = strings.NewReplacer("``", "(empty)", "|", `\|`, "\n", " ").Replace(s)
	parts := strings.Split(s, "`")
	for i := range parts {
		if i%2 == 0 { // in code nothing is escaped
			parts[i] = strings.ReplaceAll(parts[i], "<", "&lt;")
		}
	}
	return strings.Join(parts, "`")
}
