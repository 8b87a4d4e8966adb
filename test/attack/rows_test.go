package attack

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
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
		fmt.Fprintf(&parts, "\n## %s (%d)\n\n%s\n\n| attack | what is tried | what happens |\n| --- | --- | --- |\n", g.title, count, g.about)
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

Written in `+"`test` by `go test ./attack -run Document -update`"+`; do not edit.

%d,%03d attacks are tried by `+"`test/attack`"+`, each where it would do its harm: against the running binary, or, of forged tokens,
mostly against what verifies them. None may work. After each that the binary sees, besides what its line says:

- no answer was a 5xx (but for those that a line names) or a redirect, none had a trace of the program in it, a cookie or
  a header that the attack brought, and none took longer than %.0f s;
- the next request of a normal user, with a token from before, works, and that user's row is unchanged;
- there are as many users in the database as were registered.

The servers run without rate limits and with quick hashes, so that no attack is refused only because others came before it.
What the limits hold back is in [limits.md](limits.md).

When a server is stopped, each line of its log (level debug) must be a line of ours, none an error, and none may hold one of
the passwords and tokens that were used.
`, total/1000, total%1000, patience.Seconds())
	b.WriteString(parts.String())
	return b.String()
}

// joined puts the names of a family into one cell: what they have in common
// before the colon once.
func joined(rows []row) string {
	var out []string
	last := ""
	for _, r := range rows {
		head, tail, ok := strings.Cut(r.name, ": ")
		ok = ok && !strings.Contains(head, "`") // else it is a header, in code
		if ok && head == last {
			out = append(out, tail)
			continue
		}
		last = head
		out = append(out, r.name)
	}
	return strings.Join(out, ", ")
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
