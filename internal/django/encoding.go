package django

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// utf8Reader reads what is UTF-8 and ends with an error at the first byte
// that is not. The JSON decoder would put U+FFFD in its place without a word.
type utf8Reader struct {
	in   io.Reader
	at   int64  // of the first byte of rest
	rest []byte // the beginning of a character whose end was not read yet
	err  error  // once it was found
}

func (r *utf8Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.in.Read(p)
	data := append(r.rest, p[:n]...)
	if utf8.Valid(data) {
		r.at, r.rest = r.at+int64(len(data)), nil
		return n, err
	}
	for len(data) > 0 {
		c, size := utf8.DecodeRune(data)
		if c == utf8.RuneError && size == 1 {
			if err == nil && !utf8.FullRune(data) {
				break // the rest comes with the next bytes
			}
			r.err = fmt.Errorf("byte %d is not UTF-8: the file is in another encoding (on Windows: python -Xutf8 manage.py dumpdata --output users.json)", r.at)
			return 0, r.err
		}
		data, r.at = data[size:], r.at+int64(size)
	}
	r.rest = bytes.Clone(data)
	return n, err
}

// jsonText is a JSON string as text. Half of a pair of surrogates, which JSON
// can write and no database can hold, makes it a text that is not UTF-8.
func jsonText(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s) // the decoder has seen that it is one
	if loneSurrogate(string(raw)) {
		s += "\xed\xa0\x80"
	}
	return s
}

// loneSurrogate looks through the escapes of a JSON string.
func loneSurrogate(raw string) bool {
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 || i+1 >= len(raw) {
			return false
		}
		raw = raw[i:]
		unit, is := escapedUnit(raw)
		switch {
		case !is:
			raw = raw[2:]
		case unit>>10 == 0xD800>>10:
			if low, is := escapedUnit(raw[6:]); !is || low>>10 != 0xDC00>>10 {
				return true
			}
			raw = raw[12:]
		case unit>>10 == 0xDC00>>10:
			return true
		default:
			raw = raw[6:]
		}
	}
}

// escapedUnit is the number of an escape such as \u00e9 at the beginning.
func escapedUnit(raw string) (uint64, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(raw[2:6], 16, 16)
	return n, err == nil
}

// otherFiles are beginnings of files that people give by mistake, and what to
// do instead.
var otherFiles = []struct{ begins, remedy string }{
	{"\xff\xfe", "it is UTF-16, as PowerShell's > writes it: make it again with manage.py dumpdata --output users.json"},
	{"\xfe\xff", "it is UTF-16: make it again with manage.py dumpdata --output users.json"},
	{"[\x00", "it is UTF-16: make it again with manage.py dumpdata --output users.json"},
	{"\x00[", "it is UTF-16: make it again with manage.py dumpdata --output users.json"},
	{"{\x00", "it is UTF-16: make it again with manage.py dumpdata --output users.json"},
	{"\x00{", "it is UTF-16: make it again with manage.py dumpdata --output users.json"},
	{"\x1f\x8b", "it is compressed: gunzip it first"},
	{"PK\x03\x04", "it is compressed: unzip it first"},
	{"BZh", "it is compressed: bunzip2 it first"},
	{"\xfd7zXZ\x00", "it is compressed: unxz it first"},
	{"]\x00\x00", "it is compressed: unlzma it first"},
	{"\x28\xb5\x2f\xfd", "it is compressed: unzstd it first"},
	{"<?xml", "it is XML: make it again with manage.py dumpdata --format json"},
	{"- model:", "it is YAML: make it again with manage.py dumpdata --format json"},
	{"- fields:", "it is YAML: make it again with manage.py dumpdata --format json"},
	{"PGDMP", "it is a dump of PostgreSQL: restore it, and give the URL of that database"},
	{"--\n-- PostgreSQL", "it is a dump of PostgreSQL: restore it, and give the URL of that database"},
}

// otherFile says what to do about a file that begins like that, or nothing.
func otherFile(first []byte) string {
	for _, f := range otherFiles {
		if bytes.HasPrefix(first, []byte(f.begins)) {
			return f.remedy
		}
	}
	return ""
}

// lineBeforeJSON says that something else was printed into a dump.
func lineBeforeJSON(first []byte) bool {
	_, rest, found := bytes.Cut(first, []byte("\n"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return found && (bytes.HasPrefix(rest, []byte("[")) || bytes.HasPrefix(rest, []byte("{")))
}
