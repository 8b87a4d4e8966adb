// Package fold makes the form in which the names, addresses and numbers of
// people are searched. What is stored and what is asked for go through the same
// [String], so that "AMÉLIE", "amelie" and "Amélie" are one word, and the ways
// in which Morocco writes its names and numbers meet.
//
// It guesses nothing: Mohamed and Mohammed stay two, and so do the scripts.
package fold

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Version is that of the rule. It changes with whatever [Row] or [Grams]
// returns, and then rows are folded again by a job.
const Version = 1

// letters are those that no decomposition takes to what people type for them.
// A letter without a value is dropped.
var letters = map[rune]string{
	'œ': "oe", 'æ': "ae", 'ß': "ss", 'ı': "i", 'ł': "l", 'ø': "o", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ŋ': "n", 'ŧ': "t", 'ſ': "s", 'ς': "σ",

	'ء': "", 'ـ': "", // a hamza on its own, tatweel
	'ٱ': "ا", 'ى': "ي", 'ة': "ه", 'ی': "ي", 'ې': "ي", 'ے': "ي", 'ک': "ك", 'ہ': "ه", 'ە': "ه", 'ھ': "ه", 'ۃ': "ه",
	'گ': "ك", 'ڭ': "ك", // the Moroccan g, which is written with three letters
}

// apostrophes are dropped before anything is decomposed: some would leave a
// blank. So would the marks of Arabic that have a form of their own.
func apostrophe(r rune) bool {
	return strings.ContainsRune("'’‘‛ʼʻʾʿˈ`´′＇ʹ", r) || r >= 0xFE70 && r <= 0xFE7F
}

// String folds a text into words with a blank between them; "" is a text of
// signs only. Of signs it keeps those that are inside words of addresses and
// usernames: _ . @ +
func String(s string) string { return strings.Join(words(s), " ") }

func words(s string) []string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	plain := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		for i := range len(s) {
			if c := ascii[s[i]]; c != 0 {
				b.WriteByte(c)
			}
		}
	} else {
		s = strings.Map(func(r rune) rune {
			if apostrophe(r) {
				return -1
			}
			return r
		}, s)
		for _, r := range norm.NFKD.String(s) {
			write(&b, r)
		}
	}
	return joinNames(joinNumbers(strings.Fields(b.String())))
}

// ascii is what becomes of each letter of ASCII; zero: it is dropped.
var ascii = func() (table [utf8.RuneSelf]byte) {
	for c := range table {
		if r := rune(c); !apostrophe(r) {
			table[c] = ' '
			if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune(inWords, r) {
				table[c] = byte(c)
			} else if 'A' <= r && r <= 'Z' {
				table[c] = byte(c) + 'a' - 'A'
			}
		}
	}
	return table
}()

// inWords are the signs that stay.
const inWords = "_.@+"

// write writes what becomes of a letter that is decomposed.
func write(b *strings.Builder, r rune) {
	if r < utf8.RuneSelf {
		if c := ascii[r]; c != 0 {
			b.WriteByte(c)
		}
		return
	}
	r = unicode.ToLower(r)
	folded, is := letters[r]
	switch {
	case is:
		b.WriteString(folded)
	case r >= '٠' && r <= '٩':
		b.WriteRune(r - '٠' + '0')
	case r >= '۰' && r <= '۹':
		b.WriteRune(r - '۰' + '0')
	case unicode.IsLetter(r), unicode.IsNumber(r), unicode.Is(unicode.Mc, r):
		b.WriteRune(r)
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
	default:
		b.WriteByte(' ')
	}
}

// joinNames writes the names that begin with "servant of" as one word: of these
// both ways are usual.
func joinNames(all []string) []string {
	out := all[:0]
	for _, word := range all {
		word = strings.Trim(word, ".")
		if n := len(out); n > 0 && out[n-1] == servant && strings.HasPrefix(word, article) && word != article {
			out[n-1] += word
		} else if strings.ContainsFunc(word, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N) }) {
			out = append(out, word)
		}
	}
	return out
}

const servant, article = "عبد", "ال"

// joinNumbers brings each telephone number into the form 0612345678, or
// 33612345678 if it is of abroad: groups of digits become one, dots and what
// stands for Morocco go. A username or an identity number that is only digits is
// treated alike.
func joinNumbers(all []string) []string {
	const long, longest = 9, 15 // digits that are a number by themselves; that a number has at most
	var out []string
	for i := 0; i < len(all); {
		if !isNumber(all[i]) {
			out = append(out, all[i])
			i++
			continue
		}
		number, plus := strings.CutPrefix(all[i], "+")
		number = strings.ReplaceAll(number, ".", "")
		whole := len(number) >= long
		for i++; i < len(all) && !whole && isNumber(all[i]) && all[i][0] != '+'; i++ {
			more := strings.ReplaceAll(all[i], ".", "")
			if len(more) >= long || len(number)+len(more) > longest {
				break
			}
			number += more
		}
		if number = national(number, plus); number != "" {
			out = append(out, number)
		}
	}
	return out
}

func isNumber(word string) bool {
	word = strings.TrimPrefix(word, "+")
	return word != "" && strings.Trim(word, "0123456789.") == "" && strings.Trim(word, ".") != ""
}

// national is a number without what is dialled before it. Of Morocco's alone
// nothing is left: it says nothing.
func national(number string, plus bool) string {
	if abroad, is := strings.CutPrefix(number, "00"); is {
		number, plus = abroad, true
	}
	if rest, is := strings.CutPrefix(number, "212"); is && (plus || len(number) == len("212612345678")) {
		if rest = strings.TrimPrefix(rest, "0"); rest == "" {
			return ""
		}
		return "0" + rest
	}
	return number
}

// Row is what is searched of a person: a line for each field, in which each
// word has a blank before it and the last one after it, and a line that does not end,
// of words that are parts of names and are searched for alone.
func Row(fields ...string) string {
	var row, parts strings.Builder
	for _, field := range fields {
		all := words(field)
		if len(all) == 0 {
			continue
		}
		row.WriteString("\n " + strings.Join(all, " ") + " ")
		for _, word := range all { // some leave "servant of" out
			if name, is := strings.CutPrefix(word, servant); is && strings.HasPrefix(name, article) && name != article {
				parts.WriteString(" " + name)
			}
		}
	}
	if row.Len() == 0 {
		return ""
	}
	return row.String() + "\n" + parts.String()
}

// Query is a search, folded.
type Query struct {
	Parts []string // each is in every row that is meant, as it stands here
	Whole string   // is in the rows of which it is a whole field
	words []string
}

// short is how many letters a word has that must begin a word; a longer one
// may stand anywhere in one.
const short = 2

// Parse folds what somebody searches. A query without parts finds nothing.
func Parse(search string) Query {
	all := words(search)
	q := Query{words: all}
	if len(all) == 0 {
		return q
	}
	q.Whole = "\n " + strings.Join(all, " ") + " \n"
	for _, word := range all {
		part := word
		if utf8.RuneCountInString(word) <= short {
			part = " " + word
		}
		if !slices.Contains(q.Parts, part) {
			q.Parts = append(q.Parts, part)
		}
	}
	return q
}

// Grams are small numbers that stand for the pieces of a row: three letters
// in a row, the one and two that begin a word, a whole field. A row that a query
// means has all grams of the query; what has them need not be meant, so the
// row is looked at, too.
func Grams(row string) []int16 {
	grams := make([]int16, 0, len(row))
	var letters []rune
	for line := range strings.SplitSeq(row, "\n") {
		if strings.HasSuffix(line, " ") {
			grams = append(grams, wholeGram(line))
		}
		for word := range strings.FieldsSeq(line) {
			letters = append(letters[:0], []rune(word)...)
			for n := range min(short, len(letters)) {
				grams = append(grams, gram(' ', letters[:n+1]))
			}
			grams = appendTriples(grams, letters)
		}
	}
	slices.Sort(grams)
	return slices.Compact(grams)
}

// Grams are those that every row has which the query means.
func (q Query) Grams() []int16 { return q.grams(nil) }

// WholeGrams are those that every row has of which the query is a whole field.
func (q Query) WholeGrams() []int16 {
	return q.grams([]int16{wholeGram(strings.Join(q.words, " "))})
}

func (q Query) grams(grams []int16) []int16 {
	for _, word := range q.words {
		letters := []rune(word)
		if len(letters) <= short {
			grams = append(grams, gram(' ', letters))
		}
		grams = appendTriples(grams, letters)
	}
	slices.Sort(grams)
	return slices.Compact(grams)
}

func wholeGram(field string) int16 { return gram('\n', []rune(strings.TrimSpace(field))) }

func appendTriples(grams []int16, letters []rune) []int16 {
	for ; len(letters) >= 3; letters = letters[1:] {
		grams = append(grams, gram(0, letters[:3]))
	}
	return grams
}

// gram is FNV-1a by letters, folded into 16 bits: that two pieces may be one
// number makes the index smaller, and no answer wrong.
func gram(where rune, letters []rune) int16 {
	const prime = 16777619
	hash := (2166136261 ^ uint32(where)) * prime //nolint:gosec // a letter is no negative number
	for _, letter := range letters {
		hash = (hash ^ uint32(letter)) * prime //nolint:gosec // the same
	}
	return int16(hash>>16 ^ hash) //nolint:gosec // it is meant to wrap
}
