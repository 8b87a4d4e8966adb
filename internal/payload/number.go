package payload

import (
	"math"
	"strconv"
	"strings"
)

// Number is a JSON number as Python's str writes it after parsing.
type Number struct {
	text  string
	float bool
}

// String is Python's str(number).
func (n Number) String() string { return n.text }

// MarshalJSON writes what JSON can: Python's inf is none of it.
func (n Number) MarshalJSON() ([]byte, error) { return []byte(n.text), nil }

// newInt keeps all digits, as Python's integers do.
func newInt(literal string) Number {
	if literal == "-0" {
		literal = "0"
	}
	return Number{text: literal}
}

// newFloat writes a float as Python's repr does: the shortest digits that
// read back the same, with an exponent below 1e-4 and from 1e16.
func newFloat(literal string) Number {
	f, _ := strconv.ParseFloat(literal, 64) // out of range is ±Inf, as in Python
	switch abs := math.Abs(f); {
	case math.IsInf(f, 1):
		return Number{"inf", true}
	case math.IsInf(f, -1):
		return Number{"-inf", true}
	case abs != 0 && (abs < 1e-4 || abs >= 1e16):
		return Number{strconv.FormatFloat(f, 'e', -1, 64), true} // 1e+16, 1.5e-05: the same form
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return Number{s, true}
}
