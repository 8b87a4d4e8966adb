package locale

import "strings"

// maxHeader is how much of Accept-Language is read, in bytes, as in Django.
const maxHeader = 500

// Match returns the language to answer in: the best of an Accept-Language
// header, else fallback, else French.
//
// It chooses as Django 3.2 does, which differs from RFC 9110: one malformed
// part makes it ignore the whole header, q=0 is the least wanted rather than
// refused, and "*" means fallback. A variant such as ar-MA counts as its
// language. The header is cheap to read, whatever is in it.
func Match(acceptLanguage, fallback string) string {
	if lang := best(acceptLanguage); lang != "" {
		return lang
	}
	if lang := supported(fallback); lang != "" {
		return lang
	}
	return languages[0]
}

// best is "" when the header is malformed or when what it likes best is "*"
// or nothing that we have.
func best(header string) string {
	if len(header) > maxHeader {
		comma := strings.LastIndexByte(header[:maxHeader], ',')
		if comma <= 0 {
			return ""
		}
		header = header[:comma]
	}
	found, weight := "", -1
	for rest := header; rest != ""; {
		var r languageRange
		var ok bool
		if r, rest, ok = cutRange(rest); !ok {
			return ""
		}
		// Of equals, the first.
		if lang := supported(r.tag); r.weight > weight && (lang != "" || r.tag == "*") {
			found, weight = lang, r.weight
		}
	}
	return found
}

// languageRange is one part of the header.
type languageRange struct {
	tag    string
	weight int // in thousandths
}

// cutRange takes the first part off a header, with the comma after it: a tag
// or "*", then perhaps ;q=, then the end or a comma. White space may stand
// around the semicolon and the comma, but not before the end.
func cutRange(s string) (r languageRange, rest string, ok bool) {
	size := tagSize(s)
	if size == 0 {
		return r, "", false
	}
	r = languageRange{tag: s[:size], weight: 1000}
	s = s[size:]
	if after := skipSpace(s); after != "" && after[0] == ';' {
		if r.weight, s, ok = cutWeight(skipSpace(after[1:])); !ok {
			return r, "", false
		}
	}
	if s == "" {
		return r, "", true
	}
	if s = skipSpace(s); s == "" || s[0] != ',' {
		return r, "", false
	}
	return r, skipSpace(s[1:]), true
}

// tagSize is the length of the tag that s begins with: subtags of 1 to 8
// letters, after the first also digits, joined by hyphens; or "*". It is 0
// when there is none. What follows the tag is for the caller to judge.
func tagSize(s string) int {
	if s != "" && s[0] == '*' {
		return 1
	}
	for start := 0; ; {
		end := start
		for end < len(s) && (isLetter(s[end]) || start > 0 && isDigit(s[end])) {
			end++
		}
		if end == start || end-start > 8 {
			return 0
		}
		if end == len(s) || s[end] != '-' {
			return end
		}
		start = end + 1
	}
}

// cutWeight takes "q=" and a number from 0 to 1 of up to three decimals off s.
func cutWeight(s string) (weight int, rest string, ok bool) {
	if len(s) < 3 || s[0]|0x20 != 'q' || s[1] != '=' || s[2] != '0' && s[2] != '1' {
		return 0, "", false
	}
	weight = int(s[2]-'0') * 1000
	s = s[3:]
	if s == "" || s[0] != '.' {
		return weight, s, true
	}
	s = s[1:]
	for place := 100; place > 0 && s != "" && isDigit(s[0]); place /= 10 {
		weight += int(s[0]-'0') * place
		s = s[1:]
	}
	return weight, s, weight <= 1000
}

// skipSpace skips what Python's \s matches in ISO 8859-1, as which WSGI reads
// headers.
func skipSpace(s string) string {
	for s != "" {
		switch c := s[0]; {
		case c == ' ', c >= '\t' && c <= '\r', c >= 0x1C && c <= 0x1F, c == 0x85, c == 0xA0:
			s = s[1:]
		default:
			return s
		}
	}
	return s
}

// supported is the language of a tag, or "". All of ours have two letters.
func supported(tag string) string {
	if len(tag) < 2 || len(tag) > 2 && tag[2] != '-' {
		return ""
	}
	for _, lang := range languages {
		if tag[0]|0x20 == lang[0] && tag[1]|0x20 == lang[1] {
			return lang
		}
	}
	return ""
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
