package password

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// MaxLength is the longest password in characters. NIST SP 800-63B asks for
// 64 at least; what is longer than this is no password but a way to keep the
// server busy.
const MaxLength = 1024

// MinLength is the least length in characters that may be asked for: Django's,
// and NIST SP 800-63B-4's for passwords beside a second factor (section
// 3.1.1.2; 15 for those that stand alone).
const MinLength = 8

// Policy is what is asked of a new password beside what Django asks. The zero
// one asks for nothing more.
type Policy struct {
	Min   int      // characters; less than [MinLength] is that
	House []string // words by which everybody knows the shop, in lower case
}

// Attribute is something that a person is known by.
type Attribute struct{ Name, Value string }

// Problem is why a password is refused. Code is the key of its message;
// Attribute is what it is too similar to; Min is the length it should have.
type Problem struct {
	Code      string
	Attribute string
	Min       int
}

// Check is [Policy.Check] of the zero policy.
func Check(plain string, about []Attribute) []Problem { return Policy{}.Check(plain, about) }

// Check returns everything that Django's four default validators have
// against a password, in their order: too similar to the first attribute
// that it is too similar to, too short, too common, entirely numeric. One
// against which they have nothing is judged once more in the form in which it
// is hashed (NFKC), for somebody may guess it in that form.
//
// The last to judge is the shop's own: words of the house count for nothing, and
// what is left without them has to be long enough by itself (ASVS 6.2.11).
func (p Policy) Check(plain string, about []Attribute) []Problem {
	least := max(p.Min, MinLength)
	problems := check(plain, about, least)
	if len(problems) > 0 {
		return problems
	}
	normal := make([]Attribute, len(about))
	for i, a := range about {
		normal[i] = Attribute{a.Name, norm.NFKC.String(a.Value)}
	}
	plain = norm.NFKC.String(plain)
	if problems = check(plain, normal, least); len(problems) == 0 && p.ofHouse(plain, least) {
		problems = append(problems, Problem{Code: "password_of_house", Min: least})
	}
	return problems
}

// disguises are what people write for a letter.
var disguises = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// ofHouse reports whether a password is too short without the words of the
// house, each of which it may have in disguise.
func (p Policy) ofHouse(plain string, least int) bool {
	rest, had := []rune(lower(plain)), false
	seen := []rune(disguises.Replace(string(rest)))
	if len(seen) != len(rest) {
		return false
	}
	for _, word := range p.House {
		for _, form := range []string{word, disguises.Replace(word)} {
			w := []rune(form)
			for i := 0; i+len(w) <= len(rest); {
				if len(w) > 0 && (slices.Equal(rest[i:i+len(w)], w) || slices.Equal(seen[i:i+len(w)], w)) {
					rest, seen, had = slices.Delete(rest, i, i+len(w)), slices.Delete(seen, i, i+len(w)), true
					continue
				}
				i++
			}
		}
	}
	return had && len(rest) < least
}

func check(plain string, about []Attribute, least int) []Problem {
	var problems []Problem
	if name, similar := similarTo(plain, about); similar {
		problems = append(problems, Problem{Code: "password_too_similar", Attribute: name})
	}
	if utf8.RuneCountInString(plain) < least {
		problems = append(problems, Problem{Code: "password_too_short", Min: least})
	}
	if common(strings.TrimFunc(lower(plain), isSpace)) {
		problems = append(problems, Problem{Code: "password_too_common"})
	}
	if numeric(plain) {
		problems = append(problems, Problem{Code: "password_entirely_numeric"})
	}
	return problems
}

// maxSimilarity is the ratio from which two texts are too similar.
const maxSimilarity = 0.7

func similarTo(plain string, about []Attribute) (string, bool) {
	pass := []rune(lower(plain))
	counts := make(map[rune]int, len(pass))
	for _, c := range pass {
		counts[c]++
	}
	for _, a := range about {
		value := lower(a.Value)
		if value == "" {
			continue
		}
		for _, part := range append(words(value), value) {
			if tooSimilar(counts, len(pass), []rune(part)) {
				return a.Name, true
			}
		}
	}
	return "", false
}

// words splits where Python's re.split(r"\W+") does, empty ends included.
func words(s string) []string {
	var parts []string
	start, inWord := 0, true
	for i, c := range s {
		is := c == '_' || unicode.IsLetter(c) || unicode.IsNumber(c)
		switch {
		case inWord && !is:
			parts = append(parts, s[start:i])
		case !inWord && is:
			start = i
		}
		inWord = is
	}
	if !inWord {
		return append(parts, "")
	}
	return append(parts, s[start:])
}

// tooSimilar is Python's difflib.SequenceMatcher.quick_ratio: twice the
// characters in common, whatever their order, over the length of both.
func tooSimilar(counts map[rune]int, length int, part []rune) bool {
	if length >= 10*len(part) && float64(len(part)) < maxSimilarity/2*float64(length) {
		return false // Django's short cut: they cannot be
	}
	if length+len(part) == 0 {
		return true
	}
	used := make(map[rune]int, len(part))
	matches := 0
	for _, c := range part {
		if used[c] < counts[c] {
			used[c]++
			matches++
		}
	}
	return 2*float64(matches)/float64(length+len(part)) >= maxSimilarity
}

// numeric reports whether a text is all decimal digits, of any script and
// whether or not they are raised or circled: nearly Python's str.isdigit.
func numeric(s string) bool {
	return s != "" && strings.TrimFunc(norm.NFKC.String(s), unicode.IsDigit) == ""
}

// lower is full Unicode lower-casing, as Python's str.lower.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return cases.Lower(language.Und).String(s)
		}
	}
	return strings.ToLower(s)
}

func isSpace(c rune) bool { return unicode.IsSpace(c) || c >= 0x1c && c <= 0x1f }

// commonGzip is Django's list of 20,000 common passwords (BSD-3-Clause),
// made by Royce Williams from breaches.
//
//go:embed common-passwords.txt.gz
var commonGzip []byte

// commonList is the list as one text, sorted, with the place where each line
// begins: a third of the memory of a map.
var commonList = sync.OnceValue(func() (list struct {
	text  string
	lines []uint32
},
) {
	z, err := gzip.NewReader(bytes.NewReader(commonGzip))
	if err != nil {
		panic("password: " + err.Error())
	}
	data, err := io.ReadAll(z)
	if err != nil {
		panic("password: " + err.Error())
	}
	lines := strings.Fields(string(data))
	sort.Strings(lines)
	var b strings.Builder
	for _, line := range lines {
		list.lines = append(list.lines, uint32(b.Len()))
		fmt.Fprintln(&b, line)
	}
	list.text = b.String()
	return list
})

func common(s string) bool {
	if s == "" || strings.ContainsRune(s, '\n') {
		return false
	}
	list := commonList()
	line := func(i int) string {
		rest := list.text[list.lines[i]:]
		return rest[:strings.IndexByte(rest, '\n')]
	}
	i := sort.Search(len(list.lines), func(i int) bool { return line(i) >= s })
	return i < len(list.lines) && line(i) == s
}
