package locale

import (
	"strconv"
	"strings"
)

// maxHeader is how much of Accept-Language is read, in bytes, as in Django.
const maxHeader = 500

// Match returns the language to answer in: the best of an Accept-Language
// header, else fallback, else French.
//
// It chooses as Django 3.2 does, which differs from RFC 9110 and so from
// x/text: one malformed part makes it ignore the whole header, q=0 is the
// least wanted rather than refused, and "*" means fallback. A variant such as
// ar-MA counts as its language.
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
		header = header[:max(0, strings.LastIndexByte(header[:maxHeader], ','))]
	}
	found, weight := "", -1.0
	for header != "" {
		var part string
		part, header, _ = strings.Cut(header, ",")
		tag, q, ok := parseRange(part)
		if !ok {
			return ""
		}
		// Of equals, the first.
		if lang := supported(tag); q > weight && (lang != "" || tag == "*") {
			found, weight = lang, q
		}
	}
	return found
}

// parseRange reads a tag or "*", perhaps with ";q=" and a weight from 0 to 1
// of up to three decimals.
func parseRange(s string) (tag string, q float64, ok bool) {
	tag, weight, weighted := strings.Cut(s, ";")
	tag = strings.TrimSpace(tag)
	if tag != "*" && !isTag(tag) {
		return "", 0, false
	}
	if !weighted {
		return tag, 1, true
	}
	name, value, _ := strings.Cut(strings.TrimSpace(weight), "=")
	if !strings.EqualFold(name, "q") || len(value) > 5 || len(value) > 1 && value[1] != '.' || strings.Trim(value, "0123456789.") != "" {
		return "", 0, false
	}
	q, err := strconv.ParseFloat(value, 64)
	return tag, q, err == nil && q <= 1
}

// isTag reports whether s is subtags of 1 to 8 letters, after the first also
// digits, joined by hyphens.
func isTag(s string) bool {
	primary := true
	for subtag := range strings.SplitSeq(s, "-") {
		if subtag == "" || len(subtag) > 8 {
			return false
		}
		for _, c := range []byte(subtag) {
			if letter := c|0x20 >= 'a' && c|0x20 <= 'z'; !letter && (primary || c < '0' || c > '9') {
				return false
			}
		}
		primary = false
	}
	return true
}

// supported is the language of a tag, or "".
func supported(tag string) string {
	primary, _, _ := strings.Cut(tag, "-")
	for _, lang := range languages {
		if strings.EqualFold(primary, lang) {
			return lang
		}
	}
	return ""
}
