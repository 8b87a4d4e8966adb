package manual

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/yoozak/clients/internal/web"
)

//go:embed layout.html reference.html style.css manual.js reference.js scalar.js.gz scalar.LICENSE favicon.svg
var embedded embed.FS

// filesName is the folder of what pages load.
const filesName = "files"

// The files that pages load, and nothing else.
const (
	styleName     = "style.css"
	scriptName    = "manual.js"
	iconName      = "favicon.svg"
	startName     = "reference.js"
	scalarName    = "scalar.js"
	scalarLicence = "scalar.LICENSE"
)

// file is what a page loads. Its address has its hash, so that it may be kept
// for ever.
type file struct {
	contentType string
	hash        string
	body        body
}

func newFiles() map[string]file {
	files := map[string]file{}
	for _, name := range []string{styleName, scriptName, iconName, startName, scalarName, scalarLicence} {
		data, err := embedded.ReadFile(name)
		zipped := []byte(nil)
		if err != nil { // it is there compressed
			zipped, err = embedded.ReadFile(name + ".gz")
		}
		if err != nil {
			panic("manual: " + err.Error()) // it is in the program
		}
		b := newBody(data, zipped)
		contentType := mime.TypeByExtension(path.Ext(name))
		if contentType == "" {
			contentType = "text/plain; charset=utf-8"
		}
		files[name] = file{contentType, b.hash, b}
	}
	return files
}

// link is a file's address below [Path]: files/style.0123456789ab.css.
func (m *Manual) link(name string) string {
	ext := path.Ext(name)
	return filesName + "/" + strings.TrimSuffix(name, ext) + "." + m.files()[name].hash + ext
}

// sendFile answers with a file. While servers of two releases run, one may be
// asked for the other's: it sends its own, which nobody then keeps.
func (m *Manual) sendFile(w *web.ResponseWriter, r *http.Request, name string) {
	ext := path.Ext(name)
	base, hash, _ := strings.Cut(strings.TrimSuffix(name, ext), ".")
	f, is := m.files()[base+ext]
	if !is {
		m.say(w, r, languageOf(w), http.StatusNotFound)
		return
	}
	w.Route = "Docs file"
	if hash == f.hash {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Del("Content-Language")
	f.body.send(w, r, f.contentType)
}

// body is a text that was compressed once.
type body struct {
	zipped []byte
	plain  func() []byte // for the few who do not take gzip
	hash   string
}

// newBody takes a text plain or compressed; the other is nil. A compressed one
// is unpacked when somebody first asks for it plain, and then kept: it takes
// memory once, and no longer a processor's time for each who asks.
func newBody(plain, zipped []byte) body {
	unpacked := func() []byte { return plain }
	if zipped == nil {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			panic("manual: " + err.Error()) // the level is there
		}
		_, _ = z.Write(plain) // a buffer takes everything
		_ = z.Close()
		zipped = b.Bytes()
	} else {
		unpacked = sync.OnceValue(func() []byte { return unpack(zipped) })
	}
	sum := sha256.Sum256(zipped)
	return body{zipped, unpacked, hex.EncodeToString(sum[:6])}
}

// unpack is of what is in the program, which a test reads.
func unpack(zipped []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		panic("manual: " + err.Error())
	}
	plain := bytes.NewBuffer(make([]byte, 0, unpackedSize(zipped)+bytes.MinRead))
	if _, err := plain.ReadFrom(z); err != nil {
		panic("manual: " + err.Error())
	}
	return plain.Bytes()
}

// unpackedSize is what gzip wrote at the end (RFC 1952, section 2.3.1).
func unpackedSize(zipped []byte) int {
	return int(binary.LittleEndian.Uint32(zipped[len(zipped)-4:]))
}

// send answers with a text, or with 304 if the client has it.
func (b body) send(w *web.ResponseWriter, r *http.Request, contentType string) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	tag, length := `"`+b.hash+`"`, unpackedSize(b.zipped)
	zipped := takesGzip(r)
	if zipped {
		tag, length = `"`+b.hash+`-gzip"`, len(b.zipped)
	}
	h.Set("Etag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", contentType)
	if zipped {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(length))
	switch { // the client may be gone: there is nobody to tell
	case r.Method == http.MethodHead: // nothing is unpacked for what is thrown away
	case zipped:
		_, _ = w.Write(b.zipped)
	default:
		_, _ = w.Write(b.plain())
	}
}

// takesGzip reads the few forms that browsers and curl send (RFC 9110,
// section 12.5.3). Who writes another one gets it plain.
func takesGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(strings.Join(r.Header["Accept-Encoding"], ","), ",") {
		name, weight, _ := strings.Cut(one, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.Trim(weight, " q=0.") != "" || weight == ""
		}
	}
	return false
}
