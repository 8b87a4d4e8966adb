package account

import (
	"strings"
	"unicode"
)

// Input is one field of a request as it came in. A transport fills it in;
// the rules that say which states are errors stand with the flow.
type Input struct {
	Text  string // trimmed; in WTF-8 where the client sent lone surrogates
	State InputState
	JSON  string // of NotText: what was sent, if it was an object or a list
	Blank bool   // blanks alone were sent, which are no empty text
}

// InputState says what the client sent for a field.
type InputState uint8

// The states of an Input. Missing is the zero value.
const (
	Missing InputState = iota
	Null
	NotText // a boolean, whose Text is true or false; a list, an object, a file
	Given   // Text is what was sent
)

// TextInput is an Input that was given, for callers without a wire.
func TextInput(text string) Input { return Input{Text: text, State: Given} }

// TypedInput is what a person typed, without the space around it: what
// Django REST Framework's CharField makes of a text. A password that is set
// on a page and one that the API is given must be trimmed alike.
func TypedInput(text string) Input {
	in := TextInput(strings.TrimFunc(text, isSpace))
	in.Blank = in.Text == "" && text != ""
	return in
}

// isSpace is Python's str.isspace, which knows four separators more than Go.
func isSpace(c rune) bool {
	return unicode.IsSpace(c) || c >= 0x1c && c <= 0x1f
}
