package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/yoozak/clients/internal/shop"
	"github.com/yoozak/clients/internal/web"
)

//go:embed style.css console.js htmx.js.gz htmx.LICENSE
var embedded embed.FS

// The files that pages load, and nothing else.
const (
	styleName  = "style.css"
	scriptName = "console.js"
	htmxName   = "htmx.js"
	passkeyJS  = "passkey.js"
	iconName   = "favicon.svg"
)

// file is what a page loads. Its version changes with it.
type file struct {
	contentType   string
	plain, zipped []byte
	version       string
}

func newFile(contentType string, plain []byte) file {
	sum := sha256.Sum256(plain)
	return file{contentType, plain, zip(plain), hex.EncodeToString(sum[:6])}
}

func filesOf(o Options) map[string]file {
	return map[string]file{
		styleName:      newFile("text/css; charset=utf-8", shop.StyleSheet(read(styleName), o.Shop.Colours)),
		scriptName:     newFile("text/javascript; charset=utf-8", read(scriptName)),
		htmxName:       newFile("text/javascript; charset=utf-8", unzip(read(htmxName+".gz"))),
		passkeyJS:      newFile("text/javascript; charset=utf-8", web.PasskeyScript),
		"htmx.LICENSE": newFile("text/plain; charset=utf-8", read("htmx.LICENSE")),
		iconName:       newFile("image/svg+xml", shop.Icon(o.Brand, o.Shop.Colours)),
	}
}

// read is of what is in the program.
func read(name string) []byte {
	data, err := embedded.ReadFile(name)
	if err != nil {
		panic("console: " + err.Error())
	}
	return data
}

func unzip(zipped []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		panic("console: " + err.Error())
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		panic("console: " + err.Error())
	}
	return plain
}

var zippers = sync.Pool{New: func() any { return gzip.NewWriter(io.Discard) }}

func zip(plain []byte) []byte {
	var b bytes.Buffer
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(&b)
	_, _ = z.Write(plain) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// send answers with a file. It may be kept for as long as it is what the page
// asked for: while servers of two releases run, one may be asked for the
// other's.
func (f file) send(w *web.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Del("Content-Language")
	if r.URL.RawQuery == f.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	write(w, r, http.StatusOK, f.plain, f.zipped)
}

// write answers with a text, compressed if there is such a form and the
// browser takes it.
func write(w *web.ResponseWriter, r *http.Request, status int, plain, zipped []byte) {
	w.Header().Add("Vary", "Accept-Encoding")
	if zipped != nil && takesGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		plain = zipped
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(plain) // the client may be gone: there is nobody to tell
	}
}

// takesGzip reads the few forms that browsers send (RFC 9110, section
// 12.5.3). Who writes another one gets it plain.
func takesGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(strings.Join(r.Header["Accept-Encoding"], ","), ",") {
		name, weight, _ := strings.Cut(one, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.Trim(weight, " q=0.") != "" || weight == ""
		}
	}
	return false
}
