package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
)

// The texts of the staff's console have files of their own: they are half of
// all, and other people read them.
//
//go:embed fr.json en.json ar.json console.fr.json console.en.json console.ar.json
var files embed.FS

var (
	languages = [...]string{"fr", "en", "ar"}
	catalogs  = load()
	keys      = slices.Sorted(maps.Keys(catalogs[languages[0]]))
)

// message is a text, or its plural forms. A form that a language does not
// tell apart, or that reads like other, is empty.
type message [len(categories)]template

// template is a text cut at its placeholders.
type template []piece

type piece struct {
	text        string // as it is, or the placeholder's name
	placeholder bool
}

// load reads the embedded files, which only a mistake of ours can spoil.
func load() map[string]map[string]message {
	all := make(map[string]map[string]message, len(languages))
	for _, lang := range languages {
		all[lang] = map[string]message{}
		for _, name := range []string{lang + ".json", "console." + lang + ".json"} {
			data, err := files.ReadFile(name)
			if err != nil {
				panic(err)
			}
			catalog, err := parseCatalog(data)
			if err != nil {
				panic(fmt.Sprintf("locale: %s: %v", name, err))
			}
			maps.Copy(all[lang], catalog)
		}
	}
	return all
}

// parseCatalog reads an object whose values are texts, or objects of texts by
// plural category.
func parseCatalog(data []byte) (map[string]message, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		return nil, err
	}
	catalog := make(map[string]message, len(values))
	for key, value := range values {
		m, err := parseMessage(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		catalog[key] = m
	}
	return catalog, nil
}

func parseMessage(value json.RawMessage) (message, error) {
	var m message
	if value[0] != '{' {
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return m, err
		}
		m[plural.Other] = cut(text)
		return m, nil
	}
	var forms map[string]string
	if err := json.Unmarshal(value, &forms); err != nil {
		return m, err
	}
	for name, text := range forms {
		c := slices.Index(categories[:], name)
		if c < 0 {
			return m, fmt.Errorf("%q is no plural category", name)
		}
		m[c] = cut(text)
	}
	if m[plural.Other] == nil {
		return m, fmt.Errorf("the category %q is missing", categories[plural.Other])
	}
	return m, nil
}

// cut splits a text at its placeholders. A brace without a partner is text.
func cut(text string) template {
	var t template
	for {
		before, rest, opened := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !opened || !closed {
			if text != "" || t == nil {
				t = append(t, piece{text: text})
			}
			return t
		}
		if before != "" {
			t = append(t, piece{text: before})
		}
		t = append(t, piece{text: name, placeholder: true})
		text = after
	}
}
