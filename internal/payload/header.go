package payload

import (
	"errors"
	"strings"
	"unicode/utf8"
)

var (
	errHeader  = errors.New("malformed header")
	errCharset = errors.New("unknown encoding in a header")
)

// param is a parameter of a header. Its value is bytes, or a text already
// when it was written as RFC 2231 has it (name*=utf-8”text).
type param struct {
	value string
	text  bool
}

// parseHeader splits "main; name=value" as Django's multipart parser does:
// the last of several parameters counts, an unclosed quote reaches to the
// end. It returns errHeader for what Django cannot read, and errCharset for
// a value in an encoding that is unknown.
func parseHeader(line string) (string, map[string]param, error) {
	fields := splitHeader(line, false)
	main := lower(fields[0])
	if !isASCII(main) {
		return "", nil, errHeader
	}
	params := map[string]param{}
	for _, field := range fields[1:] {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			continue
		}
		name = lower(trim(name))
		if !isASCII(name) {
			return "", nil, errHeader
		}
		p := param{value: unquoteHeader(trim(value))}
		if encoded, ok := strings.CutSuffix(name, "*"); ok {
			name = encoded
			if strings.Count(field, "'") == 2 {
				var err error
				if p, err = extended(p.value); err != nil {
					return "", nil, err
				}
			}
		}
		params[name] = p
	}
	return main, params, nil
}

// extended decodes RFC 2231's encoding'language'value.
func extended(value string) (param, error) {
	parts := strings.Split(value, "'")
	if len(parts) != 3 || !utf8.ValidString(value) {
		return param{}, errHeader
	}
	value = parts[2]
	if !strings.Contains(value, "%") {
		return param{value: value, text: true}, nil
	}
	cs, ok := lookupCharset(parts[0])
	if !ok {
		return param{}, errCharset
	}
	value, err := unquote(cs, value)
	if err != nil {
		return param{}, errCharset
	}
	return param{value: value, text: true}, nil
}

// charsetOf is the charset parameter of a content type, or UTF-8 if there is
// none that Python knows.
func charsetOf(contentType string) charset {
	cs := utf8Charset
	if !strings.Contains(contentType, ";") {
		return cs
	}
	label := ""
	for _, field := range splitHeader(contentType, true)[1:] {
		name, value, ok := strings.Cut(field, "=")
		if ok && strings.EqualFold(trim(name), "charset") {
			label = unquoteHeader(trim(value))
		}
	}
	if found, ok := lookupCharset(label); ok {
		cs = found
	}
	return cs
}

// splitHeader splits at semicolons that stand outside quotes. One of Python's
// two parsers takes \" for a quote, the other does not.
func splitHeader(s string, escapes bool) []string {
	var fields []string
	start, quoted := 0, false
	for i := range len(s) {
		switch {
		case s[i] == '"' && (!escapes || i == start || s[i-1] != '\\'):
			quoted = !quoted
		case s[i] == ';' && !quoted:
			fields = append(fields, trim(s[start:i]))
			start = i + 1
		}
	}
	return append(fields, trim(s[start:]))
}

func unquoteHeader(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = strings.ReplaceAll(s[1:len(s)-1], `\\`, `\`)
	return strings.ReplaceAll(s, `\"`, `"`)
}

// trim strips what Python's bytes.strip does.
func trim(s string) string { return strings.Trim(s, " \t\n\r\v\f") }

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
