// Package secret holds what must not be seen: passwords in URLs, signing
// secrets, private keys. A [Text] or [Bytes] prints, logs and marshals as
// "[redacted]", also from inside other values, so that a careless %+v of a
// configuration gives nothing away; only Reveal shows it. A [Box] encrypts
// what is stored.
//
// It does not wipe memory: Go copies and moves what it likes. It keeps
// secrets out of logs, not out of core dumps.
package secret

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
	"slices"
)

// redacted is what a secret looks like to everybody.
const redacted = "[redacted]"

// Text is a secret text. The zero value is the empty one.
//
// The text is behind a pointer because fmt does not ask a value in an
// unexported field how it wants to be printed: of a pointer there it prints
// the address.
type Text struct{ p *string }

// NewText hides a text.
func NewText(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{&s}
}

// Reveal returns the text.
func (t Text) Reveal() string {
	if t.p == nil {
		return ""
	}
	return *t.p
}

// Empty reports whether there is nothing to hide.
func (t Text) Empty() bool { return t.p == nil }

// Equal compares in a time that depends on the lengths alone.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// Format answers every verb of package fmt.
func (Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String is for those who ask without fmt.
func (Text) String() string { return redacted }

// GoString is for %#v.
func (Text) GoString() string { return redacted }

// LogValue is for log/slog.
func (Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON is for encoding/json.
func (Text) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText is for the other encodings, and for keys of maps.
func (Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText hides a text.
func (t *Text) UnmarshalText(text []byte) error {
	*t = NewText(string(text))
	return nil
}

// Bytes are secret bytes. The zero value has none. With a verb that does not
// fit, fmt follows a pointer to a slice, but not a pointer to a pointer.
type Bytes struct{ p **[]byte }

// NewBytes hides bytes, which are not copied: the caller gives them away.
func NewBytes(b []byte) Bytes {
	if len(b) == 0 {
		return Bytes{}
	}
	p := &b
	return Bytes{&p}
}

// Reveal returns the bytes, which must not be changed.
func (b Bytes) Reveal() []byte {
	if b.p == nil {
		return nil
	}
	return **b.p
}

// Empty reports whether there is nothing to hide.
func (b Bytes) Empty() bool { return b.p == nil }

// Equal compares in a time that depends on the lengths alone.
func (b Bytes) Equal(other Bytes) bool {
	return subtle.ConstantTimeCompare(b.Reveal(), other.Reveal()) == 1
}

// Format answers every verb of package fmt.
func (Bytes) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String is for those who ask without fmt.
func (Bytes) String() string { return redacted }

// GoString is for %#v.
func (Bytes) GoString() string { return redacted }

// LogValue is for log/slog.
func (Bytes) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON is for encoding/json.
func (Bytes) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText is for the other encodings, and for keys of maps.
func (Bytes) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText hides a copy of a text.
func (b *Bytes) UnmarshalText(text []byte) error {
	*b = NewBytes(slices.Clone(text))
	return nil
}
