package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/account"
)

// shown is a text that somebody typed, as one field of a line or a table: as
// it is if all of it can be seen, else quoted. A tab or a line break would
// look like another column or row, an escape would steer the terminal.
func shown(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

// jsonLines writes one object a line.
func jsonLines(w io.Writer) *json.Encoder {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out
}

// printJSON writes one value over several lines, for people.
func printJSON(w io.Writer, v any) error {
	out := jsonLines(w)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// visible writes what acts on a terminal (see [account.HasControls]) as
// escapes that JSON reads, too. It stands before the standard output of every
// command, and before errors, so that no text of anybody's is forgotten. Line
// breaks and tabs pass: they are ours, once [shown] has looked at the fields.
type visible struct {
	out  io.Writer
	rest []byte // the beginning of a character
}

func (v *visible) Write(p []byte) (int, error) {
	data := append(v.rest, p...)
	v.rest = nil
	var b strings.Builder
	for len(data) > 0 {
		c, size := utf8.DecodeRune(data)
		switch {
		case c == utf8.RuneError && size == 1 && !utf8.FullRune(data):
			v.rest = append([]byte(nil), data...)
			size = len(data)
		case c == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, data[0])
		case c != '\n' && c != '\t' && account.HasControls(string(c)):
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.Write(data[:size])
		}
		data = data[size:]
	}
	if _, err := io.WriteString(v.out, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}
