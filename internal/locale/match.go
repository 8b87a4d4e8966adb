package locale

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxHeader is how much of an Accept-Language header is looked at.
const maxHeader = 500

// acceptLanguage is one element of the header, as Django reads it.
var acceptLanguage = regexp.MustCompile(`^([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:\s*;\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?(?:\s*,\s*|$)`)

// Match chooses the language of an answer as Django's LocaleMiddleware does:
// by quality, then order; "fr-MA" is "fr"; a header that is not well-formed
// from end to end is ignored; nothing that fits gives the fallback.
func Match(header, fallback string) string {
	switch header {
	case "":
		return fallback
	case "fr", "en", "ar":
		return header
	}
	if len(header) > maxHeader {
		comma := strings.LastIndexByte(header[:maxHeader], ',')
		if comma < 0 {
			return fallback
		}
		header = header[:comma]
	}
	type wish struct {
		tag     string
		quality float64
	}
	var wishes []wish
	for rest := strings.ToLower(header); rest != ""; {
		m := acceptLanguage.FindStringSubmatch(rest)
		if m == nil {
			return fallback
		}
		w := wish{tag: m[1], quality: 1}
		if m[2] != "" {
			w.quality, _ = strconv.ParseFloat(m[2], 64) // the expression admits numbers only
		}
		wishes = append(wishes, w)
		rest = rest[len(m[0]):]
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.quality, a.quality) })
	for _, w := range wishes {
		if w.tag == "*" {
			break
		}
		language, _, _ := strings.Cut(w.tag, "-")
		if slices.Contains(languages, language) {
			return language
		}
	}
	return fallback
}
