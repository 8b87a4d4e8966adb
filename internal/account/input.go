package account

// Input is one field of a request as it came in. A transport fills it in;
// the rules that say which states are errors stand with the flow.
type Input struct {
	Text  string // trimmed; in WTF-8 where the client sent lone surrogates
	State InputState
}

// InputState says what the client sent for a field.
type InputState uint8

// The states of an Input. Missing is the zero value.
const (
	Missing InputState = iota
	Null
	NotText // a boolean, a list, an object, a file
	Given   // Text is what was sent
)

// TextInput is an Input that was given, for callers without a wire.
func TextInput(text string) Input { return Input{Text: text, State: Given} }
