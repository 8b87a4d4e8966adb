package openapi

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

func (o *object) set(name string, value any) { *o = append(*o, member{name, value}) }

// MarshalJSON is [json.Marshaler]'s.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// indented is a value as JSON for people. One that cannot be JSON is a
// mistake in the program.
func indented(v any) []byte {
	var flat, b bytes.Buffer
	e := json.NewEncoder(&flat)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("openapi: " + err.Error())
	}
	if err := json.Indent(&b, flat.Bytes(), "", "  "); err != nil {
		panic("openapi: " + err.Error())
	}
	return b.Bytes()
}

// yaml writes a JSON text in YAML's block style. Scalars stay as they are,
// because those of JSON are YAML's, too (YAML 1.2, section 1.2).
func yaml(text []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var b bytes.Buffer
	writeYAML(&b, d, "")
	return bytes.TrimLeft(b.Bytes(), "\n")
}

func writeYAML(b *bytes.Buffer, d *json.Decoder, indent string) {
	token, err := d.Token()
	if err != nil {
		panic("openapi: " + err.Error()) // the text is ours
	}
	delim, nested := token.(json.Delim)
	switch {
	case !nested:
		b.WriteString(" " + scalar(token) + "\n")
		return
	case !d.More():
		b.WriteString(map[json.Delim]string{'{': " {}\n", '[': " []\n"}[delim])
	default:
		b.WriteByte('\n')
		for d.More() {
			b.WriteString(indent + yamlKey(d, delim))
			writeYAML(b, d, indent+"  ")
		}
	}
	_, _ = d.Token() // the end of the object or list
}

// plainKey are the keys that mean the same without quotation marks, also in
// YAML 1.1, which takes "on" and "no" for truth values.
var plainKey = regexp.MustCompile(`^([a-z$][A-Za-z_-]{4,}|get|post|patch|tags|name|info|schema|type|items)$`)

func yamlKey(d *json.Decoder, delim json.Delim) string {
	if delim == '[' {
		return "-"
	}
	key, _ := d.Token()
	if name, isText := key.(string); isText && plainKey.MatchString(name) && name != "false" {
		return name + ":"
	}
	return scalar(key) + ":"
}

func scalar(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("openapi: " + err.Error())
	}
	return string(bytes.TrimSpace(b.Bytes()))
}
