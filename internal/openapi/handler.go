package openapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/yoozak/clients/internal/locale"
	"github.com/yoozak/clients/internal/web"
)

// The paths at which the documents are served.
const (
	JSONPath      = "/api/openapi.json"
	YAMLPath      = "/api/openapi.yaml"
	StaffJSONPath = "/api/openapi.staff.json"
	StaffYAMLPath = "/api/openapi.staff.yaml"
)

// documents are what is served, by path, with their media types.
var documents = map[string]struct {
	mediaType string
	write     func(lang string) []byte
}{
	JSONPath:      {"application/json", Document},
	YAMLPath:      {"application/yaml", YAML}, // RFC 9512
	StaffJSONPath: {"application/json", StaffDocument},
	StaffYAMLPath: {"application/yaml", StaffYAML},
}

// file is the document in one language and form, with its ETag.
type file struct {
	data []byte
	etag string
}

func newFile(data []byte) file {
	sum := sha256.Sum256(data)
	return file{data, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// Handlers serve the documents, which pages of any origin may read. "lang" in
// the query chooses its language, else Accept-Language; French stands in for
// one that there is not. They stand behind [web.New].
func Handlers() map[string]http.Handler {
	all := map[string]http.Handler{}
	for path, document := range documents {
		files := map[string]func() file{} // made when somebody asks first: most servers are never asked
		for _, lang := range Languages {
			files[lang] = sync.OnceValue(func() file { return newFile(document.write(lang)) })
		}
		all["GET "+path] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w := web.Writer(rw)
			w.Route = "OpenAPI"
			web.AllowAnyOrigin(w.Header())
			lang := language(r)
			f := files[lang]()
			h := w.Header()
			h.Set("Content-Type", document.mediaType)
			h.Set("Content-Language", lang)
			h.Set("Cache-Control", "public, no-cache") // the ETag says whether there is another
			h.Set("ETag", f.etag)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
		})
		all["OPTIONS "+path] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w := web.Writer(rw)
			w.Route = "OpenAPI"
			const methods = "GET, HEAD, OPTIONS"
			web.AllowAnyOrigin(w.Header())
			w.Header().Set("Allow", methods)
			if !w.Preflight(r, methods) {
				w.WriteHeader(http.StatusNoContent)
			}
		})
	}
	return all
}

func language(r *http.Request) string {
	lang := r.URL.Query().Get("lang")
	if !r.URL.Query().Has("lang") {
		lang = locale.Match(r.Header.Get("Accept-Language"), Languages[0])
	}
	if !slices.Contains(Languages, lang) {
		return Languages[0]
	}
	return lang
}
