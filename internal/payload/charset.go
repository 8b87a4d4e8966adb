package payload

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

type charsetKind uint8

const (
	unicode8  charsetKind = iota // UTF-8
	signed8                      // UTF-8 behind an optional byte order mark
	ascii                        // 7 bits
	table                        // one byte each, the upper half by a table
	unicode16                    // UTF-16, for JSON alone
	foreign                      // known to Python; what is ASCII in it can be read if superset
)

// charset is an encoding that Python knows.
type charset struct {
	kind     charsetKind
	name     string // as Python names it in errors
	upper    string // table: the characters of 0x80 to 0xFF, U+FFFD where there is none; "" is Latin-1
	order    binary.ByteOrder
	superset bool // foreign: bytes below 0x80 are ASCII
}

var utf8Charset = charset{kind: unicode8, name: "utf-8"}

var charsets = map[string]charset{
	"utf-8":      utf8Charset,
	"utf-8-sig":  {kind: signed8, name: "utf-8"},
	"ascii":      {kind: ascii, name: "ascii"},
	"iso8859-1":  {kind: table, name: "latin-1"},
	"cp1252":     {kind: table, name: "charmap", upper: cp1252},
	"cp1256":     {kind: table, name: "charmap", upper: cp1256},
	"iso8859-6":  {kind: table, name: "charmap", upper: iso8859x6},
	"iso8859-15": {kind: table, name: "charmap", upper: iso8859x15},
	"utf-16":     {kind: unicode16, name: "utf-16"}, // its byte order mark decides
	"utf-16-le":  {kind: unicode16, name: "utf-16-le", order: binary.LittleEndian},
	"utf-16-be":  {kind: unicode16, name: "utf-16-be", order: binary.BigEndian},
}

var charsetLabels = func() map[string]charset {
	labels := map[string]charset{}
	for name, names := range knownLabels {
		for label := range strings.FieldsSeq(names) {
			labels[label] = charsets[name]
		}
	}
	for label := range strings.FieldsSeq(supersetLabels) {
		labels[label] = charset{kind: foreign, name: label, superset: true}
	}
	for label := range strings.FieldsSeq(foreignLabels) {
		labels[label] = charset{kind: foreign, name: label}
	}
	return labels
}()

// lookupCharset finds what a label means to Python.
func lookupCharset(label string) (charset, bool) {
	if label == "utf-8" || label == "UTF-8" {
		return utf8Charset, true
	}
	cs, ok := charsetLabels[normalLabel(label)]
	return cs, ok
}

// normalLabel makes one "_" of all that stands between words.
func normalLabel(label string) string {
	var b strings.Builder
	gap := false
	for _, r := range latin1([]byte(label)) {
		switch {
		case r != '.' && !unicode.IsLetter(r) && !unicode.IsNumber(r):
			gap = true
			continue
		case gap && b.Len() > 0:
			b.WriteByte('_')
		}
		if r < utf8.RuneSelf {
			b.WriteRune(unicode.ToLower(r))
		}
		gap = false
	}
	return b.String()
}

func (c charset) unsupported(format string) error {
	return &ParseError{Format: format, Detail: "unsupported encoding: " + c.name}
}

// decodeStream decodes a JSON body as Python's stream readers do, which do
// not mind a last character that is incomplete.
func (c charset) decodeStream(b []byte) (string, error) {
	switch c.kind {
	case unicode8:
		return decodeUTF8(b)
	case signed8:
		if rest, ok := bytes.CutPrefix(b, []byte(bom)); ok {
			return decodeUTF8(rest)
		}
		return decodeUTF8(b)
	case unicode16:
		return c.decodeUTF16(b)
	}
	if s, ok := c.decode(b); ok {
		return s, nil
	}
	if c.kind == foreign {
		return "", c.unsupported(formatJSON)
	}
	at := bytes.IndexFunc(b, func(r rune) bool { return r >= utf8.RuneSelf })
	reason := "ordinal not in range(128)"
	if c.kind == table {
		reason = "character maps to <undefined>"
		for at = range b {
			if c.rune(b[at]) == utf8.RuneError {
				break
			}
		}
	}
	return "", c.malformed(b, at, 1, reason)
}

// malformed words an error as Python's UnicodeDecodeError does.
func (c charset) malformed(b []byte, at, n int, reason string) error {
	where := fmt.Sprintf("bytes in position %d-%d", at, at+n-1)
	if n == 1 {
		where = fmt.Sprintf("byte 0x%02x in position %d", b[at], at)
	}
	return &ParseError{Format: formatJSON, Detail: fmt.Sprintf("'%s' codec can't decode %s: %s", c.name, where, reason)}
}

const bom = "\uFEFF"

func decodeUTF8(b []byte) (string, error) {
	if utf8.Valid(b) {
		return string(b), nil
	}
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r != utf8.RuneError || size != 1 {
			i += size
			continue
		}
		// Python waits for the third byte of a surrogate before it refuses it.
		surrogate := len(b) == i+2 && b[i] == 0xED && b[i+1]&0xE0 == 0xA0
		if surrogate || !utf8.FullRune(b[i:]) {
			return string(b[:i]), nil
		}
		reason := "invalid continuation byte"
		if c := b[i]; c < 0xC2 || c > 0xF4 {
			reason = "invalid start byte"
		}
		return "", utf8Charset.malformed(b, i, badPrefix(b[i:]), reason)
	}
	return string(b), nil
}

func (c charset) decodeUTF16(b []byte) (string, error) {
	start := 0
	if c.order == nil {
		switch {
		case len(b) < 2:
			return "", nil
		case b[0] == 0xFF && b[1] == 0xFE:
			start = 2
			c = charsets["utf-16-le"]
		case b[0] == 0xFE && b[1] == 0xFF:
			start = 2
			c = charsets["utf-16-be"]
		default:
			// Python reads on in the machine's order before it says so.
			native := charsets["utf-16-le"]
			if s, err := native.decodeUTF16(b); err != nil || s == "" {
				return "", err
			}
			return "", &ParseError{Format: formatJSON, Detail: "UTF-16 stream does not start with BOM"}
		}
	}
	var out strings.Builder
	for i := start; i+2 <= len(b); i += 2 {
		r := rune(c.order.Uint16(b[i:]))
		switch {
		case r >= 0xDC00 && r <= 0xDFFF:
			return "", c.malformed(b, i, 2, "illegal encoding")
		case r >= 0xD800 && r <= 0xDBFF:
			if i+4 > len(b) {
				return out.String(), nil
			}
			low := rune(c.order.Uint16(b[i+2:]))
			if low < 0xDC00 || low > 0xDFFF {
				return "", c.malformed(b, i, 2, "illegal UTF-16 surrogate")
			}
			r = utf16.DecodeRune(r, low)
			i += 2
		}
		out.WriteRune(r)
	}
	return out.String(), nil
}

// decode decodes all bytes, or reports that they are not in this encoding.
func (c charset) decode(b []byte) (string, bool) {
	switch c.kind {
	case unicode8:
		return string(b), utf8.Valid(b)
	case signed8:
		return strings.TrimPrefix(string(b), bom), utf8.Valid(b)
	case ascii:
		return string(b), isASCII(string(b))
	case table:
		s, _ := c.replace(b)
		return s, c.upper == "" || !strings.Contains(s, "\uFFFD")
	case foreign:
		return string(b), c.superset && isASCII(string(b))
	}
	return "", false
}

// replace decodes bytes with U+FFFD where they are no text, as Python's
// errors="replace" does. It reports whether it can.
func (c charset) replace(b []byte) (string, bool) {
	if s := string(b); c.kind != unicode16 && (c.kind != foreign || c.superset) && isASCII(s) {
		return s, true
	}
	var out strings.Builder
	switch c.kind {
	case unicode8, signed8:
		s, _ := charset{kind: c.kind}.decode(b)
		for b = []byte(s); len(b) > 0; {
			r, size := utf8.DecodeRune(b)
			if r == utf8.RuneError && size == 1 {
				size = badPrefix(b)
			}
			out.WriteRune(r)
			b = b[size:]
		}
	case ascii, table:
		for _, x := range b {
			out.WriteRune(c.rune(x))
		}
	default:
		return "", false
	}
	return out.String(), true
}

func (c charset) rune(x byte) rune {
	switch {
	case x < utf8.RuneSelf || c.kind == table && c.upper == "":
		return rune(x)
	case c.kind == ascii:
		return utf8.RuneError
	}
	n := x - utf8.RuneSelf
	for _, r := range c.upper {
		if n == 0 {
			return r
		}
		n--
	}
	return utf8.RuneError
}

// isSpace is what Python's str.strip strips.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1C && r <= 0x1F }

func latin1(b []byte) string {
	s, _ := charset{kind: table}.replace(b)
	return s
}

// badPrefix is how many bytes one U+FFFD stands for: the longest beginning
// of a character (Unicode, section 3.9, "maximal subpart"), at least one.
func badPrefix(b []byte) int {
	n := 1
	for n < len(b) && n < 4 && !utf8.FullRune(b[:n]) {
		n++
	}
	if utf8.FullRune(b[:n]) && n > 1 {
		n--
	}
	return n
}
