package payload

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxFields is Django's DATA_UPLOAD_MAX_NUMBER_FIELDS.
const maxFields = 1000

// decodeForm reads name=value&name=value as Django's QueryDict does: only
// "&" separates, "+" is a space, a "%" that starts no byte stands for
// itself, the last of several wins. A body that is not UTF-8 is taken for
// Latin-1; an escaped byte that is no text becomes U+FFFD.
func decodeForm(body []byte) (any, error) {
	if !utf8.Valid(body) {
		body = []byte(latin1(body))
	}
	if n := strings.Count(string(body), "&"); n >= maxFields {
		return nil, &ParseError{"Form", fmt.Sprintf("more than %d fields", maxFields)}
	}
	o := Object{}
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		o[unquote(name)] = unquote(value)
	}
	return o, nil
}

func unquote(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(s):
			high, ok := unhex(s[i+1])
			low, ok2 := unhex(s[i+2])
			if !ok || !ok2 {
				b = append(b, c)
				continue
			}
			b = append(b, high<<4|low)
			i += 2
		default:
			b = append(b, c)
		}
	}
	return textOf(b)
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// textOf decodes UTF-8; what is no text becomes U+FFFD, one for each part
// that cannot be the beginning of a character.
func textOf(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			size = badPrefix(b)
		}
		out.WriteRune(r)
		b = b[size:]
	}
	return out.String()
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
