package locale

import (
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// categories are the names of x/text's plural forms.
var categories = [...]string{plural.Other: "other", plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}

var tags = map[string]language.Tag{"fr": language.French, "en": language.English, "ar": language.Arabic}

// form is the plural form for the argument n, by CLDR's rules. A text that
// counts nothing has only other.
func (m *message) form(lang string, args Args) template {
	if n, ok := args["n"].(int); ok {
		n = max(n, -n) // MatchPlural panics on less than zero
		if t := m[plural.Cardinal.MatchPlural(tags[lang], n, 0, 0, 0, 0)]; t != nil {
			return t
		}
	}
	return m[plural.Other]
}
