package shop

import (
	_ "embed"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokens are the colours that pages of all kinds write in, in the light and in
// the dark. A test of the pages holds their contrast.
//
//go:embed tokens.css
var tokens string

// StyleSheet is a style sheet with the colours that every page has before it
// and the shop's own behind it.
func StyleSheet(sheet []byte, c Colours) []byte {
	if c == (Colours{}) {
		c = DefaultColours
	}
	own := fmt.Sprintf(":root { --brand: %s; --on-brand: %s; }\n@media (prefers-color-scheme: dark) { :root { --brand: %s; --on-brand: %s; } }\n",
		c.Light.Brand, c.Light.OnBrand, c.Dark.Brand, c.Dark.OnBrand)
	return append(append([]byte(tokens), sheet...), own...)
}

// Icon is the first letter of the shop's name in its colour: SVG.
func Icon(brand string, c Colours) []byte {
	if c == (Colours{}) {
		c = DefaultColours
	}
	letter, _ := utf8.DecodeRuneInString(strings.TrimSpace(brand))
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(string(unicode.ToUpper(letter)))) // a builder takes everything
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="%s"/>`+
		`<text x="16" y="16" dy=".36em" text-anchor="middle" font-family="system-ui,sans-serif" font-size="20" font-weight="700" fill="%s">%s</text></svg>`,
		c.Light.Brand, c.Light.OnBrand, text.String())
}
