package payload

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a JSON body. Python's own depth is about 1,000; nobody means it.
const (
	maxDepth  = 500
	maxValues = 10_000
	maxDigits = 4300 // Python's limit for an integer
)

// decoder reads JSON by Python's grammar and words its errors as Python does.
type decoder struct {
	s      string
	i      int
	depth  int
	values int
}

const bom = "\uFEFF"

func decodeJSON(body []byte) (any, error) {
	if err := checkUTF8(body); err != nil {
		return nil, err
	}
	s := string(body)
	if strings.HasPrefix(s, bom) {
		return nil, &ParseError{Format: formatJSON, Detail: "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)"}
	}
	d := &decoder{s: s}
	d.space()
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	d.space()
	if d.i < len(s) {
		return nil, d.fail("Extra data", d.i)
	}
	return v, nil
}

// checkUTF8 tells of the first byte that is none.
func checkUTF8(b []byte) error {
	if utf8.Valid(b) {
		return nil
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	reason := "invalid continuation byte"
	if c := b[at]; c < 0xC2 || c > 0xF4 {
		reason = "invalid start byte"
	}
	return &ParseError{Format: formatJSON, Detail: fmt.Sprintf("'utf-8' codec can't decode byte 0x%02x in position %d: %s", b[at], at, reason)}
}

// fail gives the position as Python does, in characters.
func (d *decoder) fail(what string, at int) error {
	at = min(at, len(d.s))
	before := d.s[:at]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return &ParseError{
		Format: formatJSON, Line: line, Column: column,
		Detail: fmt.Sprintf("%s: line %d column %d (char %d)", what, line, column, utf8.RuneCountInString(before)),
	}
}

func (d *decoder) space() {
	for d.i < len(d.s) {
		switch d.s[d.i] {
		case ' ', '\t', '\n', '\r':
			d.i++
		default:
			return
		}
	}
}

func (d *decoder) value() (any, error) {
	if d.values++; d.values > maxValues {
		return nil, &ParseError{Format: formatJSON, Detail: fmt.Sprintf("more than %d values", maxValues)}
	}
	if d.i >= len(d.s) {
		return nil, d.fail("Expecting value", d.i)
	}
	switch c := d.s[d.i]; {
	case c == '"':
		return d.text()
	case c == '{':
		return d.nested((*decoder).object)
	case c == '[':
		return d.nested((*decoder).list)
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	}
	for _, word := range words {
		if strings.HasPrefix(d.s[d.i:], word.text) {
			d.i += len(word.text)
			return word.value, nil
		}
	}
	return nil, d.notJSON()
}

var words = []struct {
	text  string
	value any
}{{"null", nil}, {"true", true}, {"false", false}}

// notJSON tells of the words that Python's json knows and JSON does not.
func (d *decoder) notJSON() error {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if strings.HasPrefix(d.s[d.i:], word) {
			return &ParseError{Format: formatJSON, Detail: "Out of range float values are not JSON compliant: '" + word + "'"}
		}
	}
	return d.fail("Expecting value", d.i)
}

func (d *decoder) nested(read func(*decoder) (any, error)) (any, error) {
	if d.depth++; d.depth > maxDepth {
		return nil, &ParseError{Format: formatJSON, Detail: fmt.Sprintf("nested more than %d deep", maxDepth)}
	}
	d.i++
	d.space()
	v, err := read(d)
	d.depth--
	return v, err
}

func (d *decoder) object() (any, error) {
	o := Object{}
	if d.i < len(d.s) && d.s[d.i] == '}' {
		d.i++
		return o, nil
	}
	for {
		if d.i >= len(d.s) || d.s[d.i] != '"' {
			return nil, d.fail("Expecting property name enclosed in double quotes", d.i)
		}
		name, err := d.text()
		if err != nil {
			return nil, err
		}
		d.space()
		if d.i >= len(d.s) || d.s[d.i] != ':' {
			return nil, d.fail("Expecting ':' delimiter", d.i)
		}
		d.i++
		d.space()
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		o[name] = v // the last of several wins
		more, err := d.more('}')
		if err != nil || !more {
			return o, err
		}
	}
}

func (d *decoder) list() (any, error) {
	l := []any{}
	if d.i < len(d.s) && d.s[d.i] == ']' {
		d.i++
		return l, nil
	}
	for {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		l = append(l, v)
		more, err := d.more(']')
		if err != nil || !more {
			return l, err
		}
	}
}

// more reads what stands behind an element: a comma or the end.
func (d *decoder) more(end byte) (bool, error) {
	d.space()
	if d.i >= len(d.s) || d.s[d.i] != end && d.s[d.i] != ',' {
		return false, d.fail("Expecting ',' delimiter", d.i)
	}
	d.i++
	if d.s[d.i-1] == end {
		return false, nil
	}
	d.space()
	return true, nil
}

func (d *decoder) number() (any, error) {
	digits := func(i int) int {
		for i < len(d.s) && d.s[i] >= '0' && d.s[i] <= '9' {
			i++
		}
		return i
	}
	start, i := d.i, d.i
	if d.s[i] == '-' {
		i++
	}
	switch {
	case i < len(d.s) && d.s[i] == '0': // a number ends behind a leading zero
		i++
	case digits(i) > i:
		i = digits(i)
	default:
		return nil, d.notJSON()
	}
	float := false
	if i < len(d.s) && d.s[i] == '.' && digits(i+1) > i+1 {
		i, float = digits(i+1), true
	}
	if i < len(d.s) && (d.s[i] == 'e' || d.s[i] == 'E') {
		j := i + 1
		if j < len(d.s) && (d.s[j] == '+' || d.s[j] == '-') {
			j++
		}
		if digits(j) > j {
			i, float = digits(j), true
		}
	}
	d.i = i
	if float {
		return newFloat(d.s[start:i]), nil
	}
	literal := d.s[start:i]
	if n := len(strings.TrimPrefix(literal, "-")); n > maxDigits {
		return nil, &ParseError{Format: formatJSON, Detail: fmt.Sprintf("Exceeds the limit (%d digits) for integer string conversion: "+
			"value has %d digits; use sys.set_int_max_str_digits() to increase the limit", maxDigits, n)}
	}
	return newInt(literal), nil
}

func (d *decoder) text() (string, error) {
	begin := d.i
	d.i++
	start := d.i
	var b []byte // nil until an escape makes a copy necessary
	for {
		if d.i >= len(d.s) {
			return "", d.fail("Unterminated string starting at", begin)
		}
		switch c := d.s[d.i]; {
		case c == '"':
			plain := d.s[start:d.i]
			d.i++
			if b == nil {
				return plain, nil
			}
			return string(append(b, plain...)), nil
		case c < 0x20:
			return "", d.fail("Invalid control character at", d.i)
		case c == '\\':
			b = append(b, d.s[start:d.i]...)
			var err error
			if b, err = d.escape(b, begin); err != nil {
				return "", err
			}
			start = d.i
		default:
			d.i++
		}
	}
}

const escapes = `"\/bfnrt`

var escaped = "\"\\/\b\f\n\r\t"

func (d *decoder) escape(b []byte, begin int) ([]byte, error) {
	if d.i+1 >= len(d.s) {
		return nil, d.fail("Unterminated string starting at", begin)
	}
	c := d.s[d.i+1]
	if c != 'u' {
		n := strings.IndexByte(escapes, c)
		if n < 0 {
			return nil, d.fail(`Invalid \escape`, d.i)
		}
		d.i += 2
		return append(b, escaped[n]), nil
	}
	point, ok := d.hex4(d.i + 2)
	if !ok {
		return nil, d.fail(`Invalid \uXXXX escape`, d.i+1)
	}
	d.i += 6
	if point >= 0xD800 && point <= 0xDBFF && strings.HasPrefix(d.s[d.i:], `\u`) {
		low, ok := d.hex4(d.i + 2)
		if !ok {
			return nil, d.fail(`Invalid \uXXXX escape`, d.i+1)
		}
		if low >= 0xDC00 && low <= 0xDFFF {
			d.i += 6
			point = 0x10000 + (point-0xD800)<<10 + (low - 0xDC00)
		}
	}
	if point >= 0xD800 && point <= 0xDFFF { // alone: no character, but Python keeps it
		return append(b, 0xE0|byte(point>>12), 0x80|byte(point>>6)&0xBF, 0x80|byte(point)&0xBF), nil //nolint:gosec // the low bits are meant
	}
	return utf8.AppendRune(b, point), nil
}

// hex4 reads four digits. Python wants something behind them, too.
func (d *decoder) hex4(at int) (rune, bool) {
	if at+4 >= len(d.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(d.s[at:at+4], 16, 32) // which takes no sign and no "_"
	return rune(n), err == nil                        //nolint:gosec // four digits
}
