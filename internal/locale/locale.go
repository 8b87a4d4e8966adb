// Package locale holds every text that a client of the API may read, in
// French, English and Arabic, and chooses the language of an answer.
//
// What Django, Django REST Framework and simplejwt say is said here in their
// words, for clients compare texts. Where those have no French or Arabic text
// they answer in English; we have one of our own. It keeps nothing and knows nothing of HTTP but the
// grammar of Accept-Language.
package locale

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Args are the values of a text's placeholders. The one named "n" also
// chooses among plural forms. A value with a method TextKey() string stands
// for the text of that key, in the same language, filled with what its method
// TextArgs() returns, if it has one.
type Args map[string]any

// Languages lists the codes that Text knows. The first stands in for a
// language that is not among them.
func Languages() []string { return slices.Clone(languages[:]) }

// Text returns the text of a key. The placeholders {name} take their values
// from args, and what is in a value is never read as a placeholder; one
// without a value stays as it is. An unknown key is its own text.
func Text(lang, key string, args Args) string {
	catalog, ok := catalogs[lang]
	if !ok {
		lang = languages[0]
		catalog = catalogs[lang]
	}
	m, ok := catalog[key]
	if !ok {
		return key
	}
	return m.form(lang, args).fill(lang, args)
}

// termed is an argument that is itself a text to choose.
type termed interface{ TextKey() string }

// filled is such an argument with values of its own.
type filled interface{ TextArgs() map[string]any }

func (t template) fill(lang string, args Args) string {
	if len(t) == 1 && !t[0].placeholder {
		return t[0].text
	}
	var b strings.Builder
	for _, p := range t {
		value, ok := args[p.text]
		switch {
		case !p.placeholder:
			b.WriteString(p.text)
		case !ok:
			b.WriteString("{" + p.text + "}")
		default:
			b.WriteString(written(lang, value))
		}
	}
	return b.String()
}

func written(lang string, value any) string {
	switch v := value.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case termed:
		var args Args
		if f, ok := v.(filled); ok {
			args = f.TextArgs()
		}
		return Text(lang, v.TextKey(), args)
	default:
		return fmt.Sprint(v)
	}
}

// Direction is how a language is written: "ltr" or "rtl".
func Direction(lang string) string {
	if lang == "ar" {
		return "rtl"
	}
	return "ltr"
}
