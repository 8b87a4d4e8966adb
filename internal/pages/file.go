package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"

	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/web"
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
	all := map[string]file{
		scriptName: newFile("Script", "text/javascript; charset=utf-8", web.PasskeyScript),
		styleName:  newFile("Style", "text/css; charset=utf-8", shop.StyleSheet(style, o.Shop.Colours)),
		iconName:   newFile("Icon", "image/svg+xml", shop.Icon(o.Brand, o.Shop.Colours)),
	}
	if logo := o.Shop.Logo; logo != nil {
		all[logoName] = newFile("Logo", logo.Type, logo.Data)
	}
	return all
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
