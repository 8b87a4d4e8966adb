package payload

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// maxFields is Django's DATA_UPLOAD_MAX_NUMBER_FIELDS.
const maxFields = 1000

func tooManyFields() error {
	return &ParseError{Format: formatForm, Detail: fmt.Sprintf("more than %d fields", maxFields)}
}

// decodeForm reads name=value&name=value as Django's QueryDict does: only
// "&" separates, a name without "=" has an empty value, the last of several
// wins. A body that is not UTF-8 is taken for Latin-1.
func decodeForm(body []byte) (any, error) {
	if !utf8.Valid(body) {
		body, _ = charmap.ISO8859_1.NewDecoder().Bytes(body) // which has every byte
	}
	if strings.Count(string(body), "&") >= maxFields {
		return nil, tooManyFields()
	}
	o := Object{}
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair != "" {
			name, value, _ := strings.Cut(pair, "=")
			o[unescape(name)] = unescape(value)
		}
	}
	return o, nil
}

// unescape decodes "+" and %XX. A "%" that starts no byte stands for itself,
// as in Python's urllib; net/url refuses it.
func unescape(s string) string {
	b := []byte(strings.ReplaceAll(s, "+", " "))
	plain := b[:0]
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) {
			if decoded, err := hex.AppendDecode(plain, b[i+1:i+3]); err == nil {
				plain = decoded
				i += 2
				continue
			}
		}
		plain = append(plain, b[i])
	}
	return text(plain)
}
