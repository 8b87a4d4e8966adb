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
	"slices"
)

// redacted is what a secret looks like to everybody.
const redacted = "[redacted]"

// Text is a secret text, and Bytes are secret bytes. The zero values are
// empty.
type (
	Text  = Value[string]
	Bytes = Value[[]byte]
)

// Value is a secret of either type.
//
// It is behind two pointers because fmt does not ask a value in an unexported
// field how it wants to be printed: of a pointer there it prints the address,
// but with some verbs it follows a pointer to a slice.
type Value[T string | []byte] struct{ p **T }

func newValue[T string | []byte](v T) Value[T] {
	if len(v) == 0 {
		return Value[T]{}
	}
	p := &v
	return Value[T]{&p}
}

// NewText hides a text.
func NewText(s string) Text { return newValue(s) }

// NewBytes hides bytes, which are not copied: the caller gives them away.
func NewBytes(b []byte) Bytes { return newValue(b) }

// Reveal returns the secret. Bytes must not be changed.
func (v Value[T]) Reveal() T {
	if v.p == nil {
		var none T
		return none
	}
	return **v.p
}

// Empty reports whether there is nothing to hide.
func (v Value[T]) Empty() bool { return v.p == nil }

// Equal compares in a time that depends on the lengths alone.
func (v Value[T]) Equal(other Value[T]) bool {
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(other.Reveal())) == 1
}

// Format answers every verb of package fmt.
func (Value[T]) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String is for those who ask without fmt.
func (Value[T]) String() string { return redacted }

// MarshalText is for log/slog, encoding/json and the other encodings.
func (Value[T]) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText hides a copy of a text.
func (v *Value[T]) UnmarshalText(text []byte) error {
	*v = newValue(T(slices.Clone(text)))
	return nil
}
