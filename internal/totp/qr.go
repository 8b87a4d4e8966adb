package totp

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quietZone is the white edge of a picture, in modules: without it cameras do
// not find the picture on a dark page (ISO/IEC 18004, section 6.3.8).
const quietZone = 4

// correction is the lowest. A screen is neither dirty nor torn, and fewer
// modules are larger ones: of 400 codes of a long name, each shown in three
// sizes, the tests' reader misses a size of 22 at level M, of 2 at level L.
const correction = qr.L

// QR draws a text as a QR code: an SVG element without a size of its own, black
// on white in any theme. It is made here because the text is a secret.
func QR(text string) (string, error) {
	code, err := qr.Encode(text, correction)
	if err != nil {
		return "", err
	}
	side := code.Size + 2*quietZone
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="`, side, side, side, side)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quietZone, y+quietZone, x-from, x-from)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String(), nil
}
