// Package locale has the server's texts in French, English and Arabic and
// chooses the language of an answer.
//
// The texts that the reference has too are worded as Django 3.2, REST
// framework 3.14 and simplejwt 5.2 word them, because clients have seen them
// for years; where those have no translation they answer in English, and so
// do these.
package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed fr.json en.json ar.json
var files embed.FS

// Args are the values that a text names: {max} is Args["max"]. A value with
// a method TextKey() string is itself a text to look up.
type Args = map[string]any

// languages in the order of preference.
var languages = []string{"fr", "en", "ar"}

// texts[language][key][category]; a text without plural forms has only
// "other".
var texts = func() map[string]map[string]map[string]string {
	all := map[string]map[string]map[string]string{}
	for _, l := range languages {
		data, err := files.ReadFile(l + ".json")
		if err != nil {
			panic("locale: " + err.Error())
		}
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(data, &raw); err != nil {
			panic("locale: " + l + ".json: " + err.Error())
		}
		all[l] = make(map[string]map[string]string, len(raw))
		for key, v := range raw {
			forms := map[string]string{}
			if v[0] == '"' {
				var s string
				err = json.Unmarshal(v, &s)
				forms["other"] = s
			} else {
				err = json.Unmarshal(v, &forms)
			}
			if err != nil {
				panic("locale: " + l + ".json: " + key + ": " + err.Error())
			}
			all[l][key] = forms
		}
	}
	return all
}()

// Languages returns the languages there are.
func Languages() []string { return slices.Clone(languages) }

// Keys returns the key of every text, sorted.
func Keys() []string { return slices.Sorted(maps.Keys(texts["fr"])) }

// Text returns a text with its arguments filled in. A text with plural forms
// takes the one for the number Args["n"]. A key that does not exist is
// returned as it is; a test holds that none is used.
func Text(language, key string, args Args) string {
	in, ok := texts[language]
	if !ok {
		language, in = "fr", texts["fr"]
	}
	forms, ok := in[key]
	if !ok {
		return key
	}
	s := forms["other"]
	if n, ok := args["n"].(int); ok {
		if form, ok := forms[category(language, n)]; ok {
			s = form
		}
	}
	if len(args) == 0 || !strings.Contains(s, "{") {
		return s
	}
	pairs := make([]string, 0, 2*len(args))
	for name, v := range args {
		if inner, ok := v.(interface{ TextKey() string }); ok {
			v = Text(language, inner.TextKey(), nil)
		}
		pairs = append(pairs, "{"+name+"}", fmt.Sprint(v))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// category is the CLDR plural category of a whole number.
func category(language string, n int) string {
	switch language {
	case "ar":
		switch r := n % 100; {
		case n == 0:
			return "zero"
		case n == 1:
			return "one"
		case n == 2:
			return "two"
		case r >= 3 && r <= 10:
			return "few"
		case r >= 11:
			return "many"
		}
	case "fr":
		if n == 0 || n == 1 {
			return "one"
		}
	default:
		if n == 1 {
			return "one"
		}
	}
	return "other"
}
