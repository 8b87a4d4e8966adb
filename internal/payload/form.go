package payload

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxFields is Django's DATA_UPLOAD_MAX_NUMBER_FIELDS.
const maxFields = 1000

func tooManyFields() error {
	return &ParseError{Format: formatForm, Detail: fmt.Sprintf("more than %d fields", maxFields)}
}

// decodeForm reads name=value&name=value as Django's QueryDict does: only
// "&" separates, a name without "=" has an empty value, the last of several
// wins. A body that is not in its encoding is taken for Latin-1.
func decodeForm(cs charset, body []byte) (any, error) {
	text, ok := cs.decode(body)
	if !ok {
		if cs.kind == foreign {
			return nil, cs.unsupported(formatForm)
		}
		text = latin1(body)
	}
	if strings.Count(text, "&") >= maxFields {
		return nil, tooManyFields()
	}
	o := Object{}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(strings.ReplaceAll(pair, "+", " "), "=")
		name, err := unquote(cs, name)
		if err != nil {
			return nil, err
		}
		if o[name], err = unquote(cs, value); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// unquote decodes %XX as Python's urllib does: a "%" that starts no byte
// stands for itself, and bytes belong together only within a run of ASCII,
// so that "%C3" before a character beyond ASCII is one that is broken.
func unquote(cs charset, s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var out strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
		if end < 0 {
			end = len(s)
		}
		text, ok := cs.replace(unquoteBytes(s[:end]))
		if !ok {
			return "", cs.unsupported(formatForm)
		}
		out.WriteString(text)
		s = s[end:]
		end = strings.IndexFunc(s, func(r rune) bool { return r < utf8.RuneSelf })
		if end < 0 {
			end = len(s)
		}
		out.WriteString(s[:end])
		s = s[end:]
	}
	return out.String(), nil
}

func unquoteBytes(s string) []byte {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			high, low := unhex(s[i+1]), unhex(s[i+2])
			if high >= 0 && low >= 0 {
				b = append(b, byte(high<<4|low)) //nolint:gosec // two hexadecimal digits
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return b
}

// unhex is the value of a hexadecimal digit, or negative.
func unhex(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c - 'a' + 10)
	case c >= 'A' && c <= 'F':
		return rune(c - 'A' + 10)
	}
	return -1
}
