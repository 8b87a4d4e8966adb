package account

import (
	"strings"
	"unicode"
)

// HasControls reports whether a text has characters that are not seen but
// act on what shows it: control characters, which steer terminals (C0, DEL
// and C1), separators of lines, and marks that turn the direction of what
// stands beside them.
func HasControls(text string) bool { return strings.ContainsFunc(text, isControl) }

func isControl(c rune) bool {
	switch {
	case unicode.IsControl(c), c == '\u2028', c == '\u2029':
		return true
	case c == '\u061c', c == '\u200e', c == '\u200f': // marks
		return true
	case c >= '\u202a' && c <= '\u202e', c >= '\u2066' && c <= '\u2069': // embeddings, overrides, isolates
		return true
	}
	return false
}
