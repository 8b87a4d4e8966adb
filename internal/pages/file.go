package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yoozak/clients/internal/shop"
)

//go:embed page.html style.css
var files embed.FS

// The files that pages load, and nothing else.
const (
	styleName = "style.css"
	iconName  = "favicon.svg"
	logoName  = "logo"
)

// file is what a page loads. Its version changes with it.
type file struct {
	route, contentType string
	data               []byte
	version            string
}

func newFile(route, contentType string, data []byte) file {
	sum := sha256.Sum256(data)
	return file{route, contentType, data, hex.EncodeToString(sum[:6])}
}

// filesOf makes a shop's files.
func filesOf(o Options) map[string]file {
	style, err := files.ReadFile(styleName)
	if err != nil {
		panic("pages: " + err.Error()) // it is in the program
	}
	colours := o.Shop.Colours
	if colours == (shop.Colours{}) {
		colours = shop.DefaultColours
	}
	all := map[string]file{
		styleName: newFile("Style", "text/css; charset=utf-8", append(style, brandStyle(colours)...)),
		iconName:  newFile("Icon", "image/svg+xml", icon(o.Brand, colours.Light)),
	}
	if logo := o.Shop.Logo; logo != nil {
		all[logoName] = newFile("Logo", logo.Type, logo.Data)
	}
	return all
}

// brandStyle gives the style sheet the shop's colours.
func brandStyle(c shop.Colours) string {
	return fmt.Sprintf(":root { --brand: %s; --on-brand: %s; }\n@media (prefers-color-scheme: dark) { :root { --brand: %s; --on-brand: %s; } }\n",
		c.Light.Brand, c.Light.OnBrand, c.Dark.Brand, c.Dark.OnBrand)
}

// icon is the first letter of the shop's name in its colour.
func icon(brand string, c shop.Shades) []byte {
	letter, _ := utf8.DecodeRuneInString(strings.TrimSpace(brand))
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(string(unicode.ToUpper(letter)))) // a builder takes everything
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="%s"/>`+
		`<text x="16" y="16" dy=".36em" text-anchor="middle" font-family="system-ui,sans-serif" font-size="20" font-weight="700" fill="%s">%s</text></svg>`,
		c.Brand, c.OnBrand, text.String())
}

// send answers with a file. It may be kept for as long as it is what the page
// asked for: while servers of two releases run, one may be asked for the
// other's.
func (p *page) send(f file) {
	h := p.w.Header()
	h.Set("Content-Type", f.contentType)
	h.Del("Content-Language")
	if p.r.URL.RawQuery == f.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = p.w.Write(f.data) // the client may be gone: there is nobody to tell
}
