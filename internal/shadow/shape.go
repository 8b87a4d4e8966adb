package shadow

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strings"
)

// shape is a body without its values.
type shape struct {
	kind   string // object, list, text, number, boolean, null, token, empty, not JSON
	fields map[string]*shape
	items  []*shape // of a list, those that differ
	claims []string // of a token
}

// maxDepth is more than any answer of an API has.
const maxDepth = 32

func shapeOf(body []byte) *shape {
	if len(body) == 0 {
		return &shape{kind: "empty"}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return &shape{kind: "not JSON"}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &shape{kind: "not JSON"}
	}
	return newShape(v, 0)
}

func newShape(v any, depth int) *shape {
	if depth > maxDepth {
		return &shape{kind: "too deep"}
	}
	switch v := v.(type) {
	case map[string]any:
		s := &shape{kind: "object", fields: map[string]*shape{}}
		for name, field := range v {
			s.fields[name] = newShape(field, depth+1)
		}
		return s
	case []any:
		s := &shape{kind: "list"}
		seen := map[string]bool{}
		for _, item := range v {
			i := newShape(item, depth+1)
			if !seen[i.String()] {
				seen[i.String()] = true
				s.items = append(s.items, i)
			}
		}
		return s
	case string:
		if claims := claimsOf(v); claims != nil {
			return &shape{kind: "token", claims: claims}
		}
		return &shape{kind: "text"}
	case json.Number:
		return &shape{kind: "number"}
	case bool:
		return &shape{kind: "boolean"}
	}
	return &shape{kind: "null"}
}

// claimsOf returns the names of a JWT's claims, or nil for another text.
func claimsOf(text string) []string {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil
	}
	var objects [2]map[string]json.RawMessage
	for i := range objects {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(data, &objects[i]) != nil {
			return nil
		}
	}
	if objects[0]["alg"] == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(objects[1]))
}

// aName is what fields are called. Anything else may be a value: an object
// by e-mail address, say.
var aName = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{0,31}$`)

func safeName(name string) string {
	if aName.MatchString(name) {
		return name
	}
	return "<key>"
}

// MarshalJSON writes a shape as a body with kinds in the place of values.
func (s *shape) MarshalJSON() ([]byte, error) {
	switch s.kind {
	case "object":
		fields := map[string]*shape{}
		for name, field := range s.fields {
			fields[safeName(name)] = field
		}
		return json.Marshal(fields)
	case "list":
		return json.Marshal(append([]*shape{}, s.items...))
	case "token":
		names := make([]string, 0, len(s.claims))
		for _, name := range s.claims {
			names = append(names, safeName(name))
		}
		return json.Marshal("token of " + strings.Join(names, ", "))
	}
	return json.Marshal(s.kind)
}

func (s *shape) String() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic("shadow: " + err.Error()) // texts always marshal
	}
	return string(text)
}

// maxDifferences bounds what is told of one pair of answers.
const maxDifferences = 20

// differences says in words where two answers differ; nil: nowhere.
func differences(want, got answer) []string {
	var d []string
	if want.status != got.status {
		d = append(d, fmt.Sprintf("status: %d, copy: %d", want.status, got.status))
	}
	if a, b := mediaType(want.contentType), mediaType(got.contentType); a != b {
		d = append(d, fmt.Sprintf("content-type: %s, copy: %s", typeName(a), typeName(b)))
	}
	if want.challenge != got.challenge {
		d = append(d, fmt.Sprintf("www-authenticate: %s, copy: %s", there(want.challenge), another(want.challenge, got.challenge)))
	}
	compareShapes("body", shapeOf(want.body), shapeOf(got.body), &d)
	if len(d) > maxDifferences {
		d = append(d[:maxDifferences], "and more")
	}
	return d
}

func compareShapes(path string, want, got *shape, d *[]string) {
	if want.kind != got.kind {
		*d = append(*d, fmt.Sprintf("%s: %s, copy: %s", path, want.kind, got.kind))
		return
	}
	switch want.kind {
	case "object":
		names := slices.Sorted(maps.Keys(want.fields))
		for _, name := range slices.Sorted(maps.Keys(got.fields)) {
			if want.fields[name] == nil {
				names = append(names, name)
			}
		}
		for _, name := range names {
			a, b, at := want.fields[name], got.fields[name], path+"."+safeName(name)
			switch {
			case a == nil:
				*d = append(*d, fmt.Sprintf("%s: missing, copy: %s", at, b.kind))
			case b == nil:
				*d = append(*d, fmt.Sprintf("%s: %s, copy: missing", at, a.kind))
			default:
				compareShapes(at, a, b, d)
			}
		}
	case "list":
		compareItems(path+"[]", want.items, got.items, d)
	case "token":
		// The copy's tokens may say more: a session, an issuer.
		for _, name := range want.claims {
			if !slices.Contains(got.claims, name) {
				*d = append(*d, fmt.Sprintf("%s: token with %s, copy: without", path, safeName(name)))
			}
		}
	}
}

// compareItems takes an empty list for one of anything.
func compareItems(path string, want, got []*shape, d *[]string) {
	if len(want) == 0 || len(got) == 0 {
		return
	}
	if len(want) == 1 && len(got) == 1 {
		compareShapes(path, want[0], got[0], d)
		return
	}
	if !coversAll(want, got) || !coversAll(got, want) {
		*d = append(*d, path+": other kinds of items")
	}
}

func coversAll(a, b []*shape) bool {
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y *shape) bool { return x.String() == y.String() }) {
			return false
		}
	}
	return true
}

func mediaType(header string) string {
	media, _, err := mime.ParseMediaType(header)
	if err != nil && header != "" {
		return "?"
	}
	return media
}

// typeName names the types that servers send; a header may hold anything.
func typeName(media string) string {
	switch media {
	case "":
		return "missing"
	case "application/json", "text/html", "text/plain":
		return media
	}
	return "other"
}

func there(header string) string {
	if header == "" {
		return "missing"
	}
	return "there"
}

func another(want, got string) string {
	if want != "" && got != "" {
		return "another"
	}
	return there(got)
}
