package payload

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// charsets are those, beside UTF-8, in which a JSON body may come. A name
// that is none of them is ignored, as the reference does with names that it
// does not know.
var charsets = map[string]encoding.Encoding{
	"latin-1": charmap.ISO8859_1, "latin1": charmap.ISO8859_1, "iso-8859-1": charmap.ISO8859_1,
	"iso-8859-6": charmap.ISO8859_6, "iso-8859-15": charmap.ISO8859_15,
	"windows-1252": charmap.Windows1252, "cp1252": charmap.Windows1252,
	"windows-1256": charmap.Windows1256, "cp1256": charmap.Windows1256,
	"utf-16":    unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM),
	"utf-16-le": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf-16-be": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
}

// jsonText decodes the bytes of a JSON body.
func jsonText(charset string, body []byte) (string, error) {
	charset = strings.ToLower(charset)
	if e, ok := charsets[charset]; ok {
		text, err := e.NewDecoder().Bytes(body)
		if err != nil {
			return "", &ParseError{"JSON", strings.ToUpper(charset) + " stream does not start with BOM"}
		}
		return string(text), nil
	}
	switch charset {
	case "utf-8-sig":
		body = []byte(strings.TrimPrefix(string(body), "\uFEFF"))
	case "us-ascii", "ascii":
		for i, c := range body {
			if c >= utf8.RuneSelf {
				return "", &ParseError{"JSON", fmt.Sprintf("'ascii' codec can't decode byte 0x%02x in position %d: ordinal not in range(128)", c, i)}
			}
		}
	}
	if !utf8.Valid(body) {
		return "", &ParseError{"JSON", "the body is not in UTF-8"}
	}
	return string(body), nil
}

func latin1(body []byte) string {
	var b strings.Builder
	for _, c := range body {
		b.WriteRune(rune(c))
	}
	return b.String()
}
