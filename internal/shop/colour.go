package shop

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Colour is one of sRGB.
type Colour struct{ R, G, B uint8 }

// ParseColour reads #rrggbb or #rgb.
func ParseColour(text string) (Colour, error) {
	digits, ok := strings.CutPrefix(strings.TrimSpace(text), "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != 3 {
		return Colour{}, errors.New("must be a colour such as #0b5d4e")
	}
	return Colour{b[0], b[1], b[2]}, nil
}

func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// luminance is WCAG's relative luminance.
func (c Colour) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// Contrast is WCAG's ratio of two colours, from 1 to 21.
func Contrast(a, b Colour) float64 {
	x, y := a.luminance()+0.05, b.luminance()+0.05
	return max(x, y) / min(x, y)
}

// Readable is the least contrast of text (WCAG 2.2, 1.4.3, level AA).
const Readable = 4.5

// The surfaces on which mails and pages write, in the light and in the dark:
// tokens.css has the same. LightPage and Card are those on which
// less can be read.
var (
	White     = Colour{0xff, 0xff, 0xff}
	LightPage = Colour{0xf3, 0xf1, 0xec}
	Card      = Colour{0x20, 0x21, 0x1f}
	DarkPage  = Colour{0x14, 0x15, 0x13}
)

// Shades are the brand's colour, for text and buttons, and what is written
// on a button.
type Shades struct{ Brand, OnBrand Colour }

// Colours are the brand's in the light and in the dark.
type Colours struct{ Light, Dark Shades }

// DefaultColours are those of a shop that names none.
var DefaultColours = Colours{
	Light: Shades{Brand: Colour{0x0b, 0x5d, 0x4e}, OnBrand: White},
	Dark:  Shades{Brand: Colour{0x63, 0xc7, 0xb2}, OnBrand: Colour{0x10, 0x21, 0x1d}},
}

// ColoursOf makes a brand's colours of one. No colour can be read on white
// and on the dark card alike: so in the light it is darkened, and in the dark
// lightened, as far as is needed and no further. Its hue stays.
func ColoursOf(brand Colour) Colours {
	return Colours{
		Light: Shades{Brand: readable(brand, Colour{}, White, LightPage), OnBrand: White},
		Dark:  Shades{Brand: readable(brand, White, Card, DarkPage), OnBrand: Colour{0x11, 0x12, 0x10}},
	}
}

// readable mixes c with an end, black or white, until it can be read on each
// of the papers.
func readable(c, end Colour, papers ...Colour) Colour {
	const steps = 256
	for i := range steps {
		mixed := Colour{mix(c.R, end.R, i, steps), mix(c.G, end.G, i, steps), mix(c.B, end.B, i, steps)}
		ok := true
		for _, paper := range papers {
			ok = ok && Contrast(mixed, paper) >= Readable
		}
		if ok {
			return mixed
		}
	}
	return end
}

func mix(from, to uint8, part, of int) uint8 {
	return uint8((int(from)*(of-part) + int(to)*part) / of) //nolint:gosec // between two bytes
}
